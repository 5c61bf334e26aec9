"""The inside of a pod, through `kubectl exec`: of a deployment, the newest pod that is ready.

Weaker than a host: a job ends with its pod's container, which Kubernetes may move at any time; that is then said. The pod is
chosen when a job begins and written down, so that a successor looks for the job where it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from watchkeeper.estate.config import target_options
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.remote.errors import away, unfit
from watchkeeper.plugins.remote.line import Channel, open_process
from watchkeeper.plugins.remote.target import RemoteTarget
from watchkeeper.plugins.remote.tool import ask, environment
from watchkeeper.run.values.clients import CLIENT_OPTIONS


class KubernetesTarget(RemoteTarget):
    """Runs jobs inside a pod."""

    options: ClassVar[Mapping[str, str]] = {
        "deployment": "deployment whose newest ready pod is taken",
        "selector": "or: labels of the pods, such as app=web",
        "pod": "or: the pod itself",
        "container": "container of the pod, where it has several",
        "context": "context of the kubeconfig",
        "namespace": "namespace (default: the context's)",
        "kubeconfig": "file of the configuration (default: as kubectl itself finds it)",
        "folder": "where jobs lie inside (default ~/.local/state/watchkeeper/jobs)",
        "flood_bytes": "output beyond which a command is stopped (default 10 GB; only head and tail are kept of a long one)",
        **CLIENT_OPTIONS,
    }

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        super().__init__(config, estate, KubernetesLine(config, estate))


class KubernetesLine:
    """A line into a pod."""

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        table = target_options(config, estate)
        given = {key: table.maybe_text(key) for key in ("deployment", "selector", "pod")}
        named = {key: value for key, value in given.items() if value}
        if len(named) != 1:
            raise table.error("pod", f"{table.name()} needs one of `deployment`, `selector` and `pod`.", "Name one of them.")
        (self._how, self._named), *_ = named.items()
        self._container = table.maybe_text("container")
        kubeconfig = table.maybe_text("kubeconfig")
        pinned = {
            "--context": table.maybe_text("context"),
            "--namespace": table.maybe_text("namespace"),
            "--kubeconfig": str(estate.folder / kubeconfig) if kubeconfig else None,
        }
        self._kubectl = ["kubectl", *(f"{option}={value}" for option, value in pinned.items() if value)]
        self._environment = environment(())
        self.name = f"{self._how} {self._named}"

    async def open(self, fixed: str | None) -> tuple[Channel, str]:
        """Start /bin/sh inside; `fixed` is the pod's name."""
        pod = fixed or await self._pod()
        container = ["-c", self._container] if self._container else []
        words = [*self._kubectl, "exec", "-i", pod, *container, "--", "/bin/sh"]
        return await open_process(words, self._environment), pod

    async def close(self) -> None:
        """Do nothing: each line is a process of its own."""

    async def _pod(self) -> str:
        if self._how == "pod":
            return self._named
        selector = self._named
        if self._how == "deployment":
            found = await self._get("deployment", self._named)
            labels = found.get("spec", {}).get("selector", {}).get("matchLabels", {})
            selector = ",".join(f"{key}={value}" for key, value in labels.items())
            if not selector:
                raise unfit(self.name, "it does not say by which labels its pods are found")
        pod = newest_ready((await self._get("pods", "-l", selector)).get("items", []))
        if pod is None:
            raise away(self.name, "it has no pod that is ready")
        return pod

    async def _get(self, *what: str) -> dict[str, Any]:
        status, output, said = await ask([*self._kubectl, "get", *what, "-o", "json"], self._environment)
        if status:
            why = said.splitlines()[-1] if said else "kubectl gave no reason"
            raise (unfit if "NotFound" in said else away)(self.name, why)
        answer: dict[str, Any] = json.loads(output)
        return answer


def newest_ready(pods: list[dict[str, Any]]) -> str | None:
    """Give the name of the newest pod that is ready and stays; None where there is none."""

    def ready(pod: Mapping[str, Any]) -> bool:
        conditions = pod.get("status", {}).get("conditions", [])
        stays = not pod["metadata"].get("deletionTimestamp")
        return stays and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    found = sorted((pod for pod in pods if ready(pod)), key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    return str(found[-1]["metadata"]["name"]) if found else None
