"""Looks at the workloads of a namespace through `kubectl get`, which only reads; and at the nodes where that is allowed."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from watchkeeper.base.errors import OutsideError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.kubernetes.figures import Object, readings_of, restarts_of, slug
from watchkeeper.plugins.remote.tool import ask, environment
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rises import Rises

#: what is asked for together, since it must be had
_NEEDED = "deployments,statefulsets,daemonsets,pods"
_AUTOSCALERS, _NODES = "horizontalpodautoscalers", "nodes"
_OF_ONE = ("up", "ready", "wanted", "ready_percent")
_WORKLOAD = re.compile(r"(?:(?:statefulset|daemonset)/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
#: from here on what is printed is read in a thread
_LARGE = 200_000
_DECODER = json.JSONDecoder()
_GAP = re.compile(r"[\s,:]*")
#: 5,000 pods and more; beyond it a namespace is to be cut by labels
_MOST_BYTES = 64_000_000


class _RefusedError(Exception):
    """The cluster answers that this may not be read, or is not there."""


class KubernetesProbe:
    """The workloads of one namespace, and the nodes of its cluster."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where each workload has at least one pod that is ready, or wants none, else 0",
        "workloads": "deployments, stateful sets and daemon sets that are looked at",
        "workloads_short": "those with fewer ready pods than they want, or that are not there",
        "ready_percent": "ready pods of the one that has the smallest share of those it wants, in percent",
        "rollouts_stuck": "deployments whose rollout passed its deadline",
        "pods": "pods that are to run",
        "pods_not_ready": "those of them that are not ready",
        "pods_pending": "pods that wait for a place, a volume or an image",
        "pods_crash_looping": "pods with a container that ends again and again (CrashLoopBackOff)",
        "pods_without_image": "pods whose image cannot be pulled",
        "pods_oom_killed": "pods with a container that ran out of memory within `window`",
        "restarts": "restarts of containers within `window`",
        "autoscalers": "horizontal pod autoscalers; missing where there are none",
        "autoscalers_at_limit": "those at their largest number of pods",
        "nodes": "nodes of the cluster; missing where they may not be read",
        "nodes_not_ready": "those that are not ready",
        "*": "of each workload: web_up, web_ready, web_wanted, web_ready_percent (`statefulset/db` is statefulset_db)",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"restarts": ("restarts",)}
    called: ClassVar[tuple[str, ...]] = ("kubernetes", "k8s", "cluster", "pod", "node", "deployment")
    options: ClassVar[Mapping[str, str]] = {
        "workloads": "the deployments that are looked at, or statefulset/NAME and daemonset/NAME (default: all)",
        "selector": "labels of what is looked at, such as app=web",
        "nodes": "false: leave the nodes aside (default true)",
        "context": "context of the kubeconfig",
        "namespace": "namespace (default: the context's)",
        "kubeconfig": "file of the configuration (default: as kubectl itself finds it)",
        "window": "time within which restarts and kills are counted (default 1h)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._wanted = options.texts("workloads")
        for name in self._wanted:
            if not _WORKLOAD.fullmatch(name):
                hint = 'Write "web" for a deployment, or "statefulset/db".'
                raise options.error("workloads", f"{options.name('workloads')} has {name!r}, which is no workload.", hint)
        kubeconfig = options.maybe_text("kubeconfig")
        pinned = {
            "--context": options.maybe_text("context"),
            "--namespace": options.maybe_text("namespace"),
            "--kubeconfig": str(estate.folder / kubeconfig) if kubeconfig else None,
        }
        self._kubectl = ["kubectl", *(f"{option}={value}" for option, value in pinned.items() if value)]
        selector = options.maybe_text("selector")
        self._selector = [f"--selector={selector}"] if selector else []
        self._nodes = options.flag("nodes", True)
        self._window_s = options.duration("window", 3_600.0, 1.0)
        self._rises = Rises(self._window_s)
        self._timeout_s = signal.timeout_s
        plain = [name for name in self.readings if name != "*"]
        own = [f"{slug(name)}_{reading}" for name in self._wanted for reading in _OF_ONE]
        free = (
            []
            if self._wanted
            else [name for name in signal.metrics.values() if name.endswith(tuple(f"_{one}" for one in _OF_ONE))]
        )
        check_readings(signal, estate, [*plain, *own, *free])

    async def look(self) -> Look:
        """Look once."""
        notes: list[str] = []
        kinds = [(_NEEDED, self._selector), (_AUTOSCALERS, self._selector), *([(_NODES, [])] if self._nodes else [])]
        try:
            listed = await asyncio.gather(*(self._list(kind, more, notes) for kind, more in kinds))
        except (OutsideError, _RefusedError) as problem:
            return Look(problem=str(problem)[:400])
        objects = [each for part in listed for each in part]
        values, told = readings_of(objects, self._wanted, datetime.now(UTC), self._window_s)
        risen = self._rises.add(restarts_of(objects), time.monotonic())
        if risen is not None:
            values["restarts"] = sum(risen.values())
        return Look(values, detail="; ".join([*told.sentences(), *notes])[:1_000])

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _list(self, kind: str, more: Sequence[str], notes: list[str]) -> list[Object]:
        """List one kind, or several; nodes and autoscalers that cannot be had are left out, and anything else is needed."""
        try:
            return await self._needed(kind, more)
        except (OutsideError, _RefusedError) as problem:
            if kind == _NEEDED:
                raise
            notes.append(f"{kind} are left out: {problem}"[:300])
            return []

    async def _needed(self, kind: str, more: Sequence[str]) -> list[Object]:
        words = [*self._kubectl, "get", kind, *more, "-o", "json", f"--request-timeout={max(1.0, self._timeout_s):g}s"]
        status, output, said = await ask(words, environment(()), self._timeout_s, _MOST_BYTES)
        if status:
            raise _RefusedError(f"kubectl says: {(said.splitlines() or [f'exit status {status}'])[-1][:300]}")
        return await asyncio.to_thread(read_list, output) if len(output) > _LARGE else read_list(output)


def read_list(output: str) -> list[Object]:
    """Read what `kubectl get -o json` prints, an object at a time, so that beside a thread that reads much others go on too.

    Raises _RefusedError where it is no list.
    """
    try:
        found = dict(_members(output))
        items, kind = found["items"], str(found.get("kind", "")).removesuffix("List")
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise _RefusedError("what kubectl prints is no list of objects") from None
    if not isinstance(items, list):
        raise _RefusedError("what kubectl prints is no list of objects")
    return [each if each.get("kind") else {"kind": kind, **each} for each in items if isinstance(each, dict)]


def _members(output: str) -> Iterator[tuple[str, Any]]:
    """Give the members of an outermost object; the members of a list in it are read one at a time."""
    at = len(output) - len(output.lstrip())
    if output[at] != "{":
        raise ValueError("no object")
    at = _after_gap(output, at + 1)
    while output[at] != "}":
        name, at = _DECODER.raw_decode(output, at)
        at = _after_gap(output, at)
        if output[at] != "[":
            value, at = _DECODER.raw_decode(output, at)
        else:
            value, at = [], _after_gap(output, at + 1)
            while output[at] != "]":
                each, at = _DECODER.raw_decode(output, at)
                value.append(each)
                at = _after_gap(output, at)
            at += 1
        yield str(name), value
        at = _after_gap(output, at)


def _after_gap(output: str, at: int) -> int:
    found = _GAP.match(output, at)
    return found.end() if found else at
