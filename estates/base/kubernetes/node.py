"""The one node of the cluster: the compose project's containers, as the kubelet of a real node would handle them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import Engine, EngineError
from pods import HASH, NAMESPACE, OWNER, POD, container_for, pod_name, quantity

from store import Object, Store, stamp

_SERVICE, _NUMBER = "com.docker.compose.service", "com.docker.compose.container-number"
_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S, _CALM_S = 10.0, 300.0, 600.0


@dataclass(slots=True)
class Restarts:
    """How often a pod's container was started again, and when it may be next."""

    count: int = 0
    waits_s: float = 0.0
    next_at: float = 0.0
    last: Object = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """Give it as a pod shows it."""
        return {"count": self.count, "waits_s": self.waits_s, "last": self.last}


class Node:
    """Containers of the project, found, made, started again and ended."""

    name = "estate"

    def __init__(self, engine: Engine, store: Store, patterns: Path | None) -> None:
        self._engine, self._store, self._file = engine, store, patterns
        #: per service a container as the engine described it, and its image: what new ones are made after
        self._patterns: dict[str, tuple[Object, Object]] = {}
        if patterns and patterns.exists():
            self._patterns = {name: (each[0], each[1]) for name, each in json.loads(patterns.read_text()).items()}
        self.restarts: dict[str, Restarts] = {}
        self.leaving: dict[str, str] = {}
        self.found: list[Object] = []
        self.reached = False
        self._usage: dict[str, tuple[float, float]] = {}
        self.usage: dict[str, tuple[float, float]] = {}

    async def look(self) -> None:
        """Find the project's containers, whatever made them."""
        try:
            listed = await self._engine.containers()
            one_off = [
                each["Id"]
                for each in listed
                if each["Labels"].get("com.docker.compose.oneoff") == "True" and POD not in each["Labels"]
            ]
            wanted = [each["Id"] for each in listed if each["Id"] not in one_off]
            answers = await asyncio.gather(*(self._engine.inspect(each) for each in wanted), return_exceptions=True)
        except EngineError as problem:
            self.reached = False
            self._tell_node(str(problem))
            return
        self.reached = True
        self.found = [each for each in answers if isinstance(each, dict)]
        for each in self.found:
            labels = each["Config"]["Labels"]
            if POD not in labels and each["State"].get("Status") != "created" and labels[_SERVICE] not in self._patterns:
                await self._remember(labels[_SERVICE], each)
        self._tell_node("")

    def of_service(self, service: str) -> list[Object]:
        """Give the containers of a service that nobody is ending."""
        found = [
            each for each in self.found if each["Config"]["Labels"].get(_SERVICE) == service and each["Id"] not in self.leaving
        ]
        return sorted(found, key=lambda each: (str(each["Created"]), str(each["Id"])))

    def knows(self, service: str) -> bool:
        """Say whether containers of a service can be made."""
        return service in self._patterns

    async def create(self, service: str, owner: Object, template: Object, part: str, **more: str) -> str:
        """Make and start a container after a service's pattern; gives its id. Raises EngineError."""
        if service not in self._patterns:
            raise EngineError(f'no container of the compose service "{service}" was ever seen, so none can be made')
        pattern, image = self._patterns[service]
        used = {
            int(each["Config"]["Labels"].get(_NUMBER, 0))
            for each in self.found
            if each["Config"]["Labels"].get(_SERVICE) == service
        }
        number = next(each for each in range(1, 1_000) if each not in used)
        names = owner["metadata"]
        labels = {OWNER: names["name"], NAMESPACE: names["namespace"], HASH: part, **more}
        labels[POD] = pod_name(names["name"], part, f"{number}{time.time()}")
        name, body = container_for(pattern, image, template, self.environment(names["namespace"], template), number, labels)
        ends = body["NetworkingConfig"]["EndpointsConfig"]
        first, *others = ends
        body["NetworkingConfig"]["EndpointsConfig"] = {first: ends[first]}
        if more:
            name = labels[POD]
        made = await self._engine.ask("POST", "/containers/create", body, name=name)
        try:
            for network in others:
                await self._engine.ask(
                    "POST", f"/networks/{network}/connect", {"Container": made["Id"], "EndpointConfig": ends[network]}
                )
            await self._engine.ask("POST", f"/containers/{made['Id']}/start")
        except EngineError:
            await self._engine.ask("DELETE", f"/containers/{made['Id']}", force="1", v="1")
            raise
        return str(made["Id"])

    async def end(self, container: str, pod: str, grace_s: int) -> None:
        """Ask a container to end, wait, and take it away."""
        self.leaving[container] = pod
        try:
            await self._engine.ask("POST", f"/containers/{container}/stop", t=str(grace_s), timeout_s=grace_s + 30.0)
            await self._engine.ask("DELETE", f"/containers/{container}", force="1", v="1")
        except EngineError as problem:
            if problem.status != 404:
                self.leaving.pop(container, None)
                raise
        self.found = [each for each in self.found if each["Id"] != container]
        self.leaving.pop(container, None)
        self.restarts.pop(container, None)

    async def start_again(self, found: Object, pod: Object) -> None:
        """Start a container that ended, at first at once and then ever later, as a kubelet does."""
        state, now = found["State"], time.monotonic()
        kept = self.restarts.setdefault(found["Id"], Restarts())
        if kept.next_at == 0.0 or kept.last.get("terminated", {}).get("finishedAt") != f"{state['FinishedAt'][:19]}Z":
            reason = "OOMKilled" if state.get("OOMKilled") else "Completed" if not state.get("ExitCode") else "Error"
            times = {"startedAt": f"{state['StartedAt'][:19]}Z", "finishedAt": f"{state['FinishedAt'][:19]}Z"}
            calm = kept.next_at and now - kept.next_at > _CALM_S
            kept.last = {"terminated": {"exitCode": int(state.get("ExitCode") or 0), "reason": reason, **times}}
            kept.waits_s = 0.0 if not kept.next_at or calm else min(_LONGEST_BACK_OFF_S, max(_FIRST_BACK_OFF_S, kept.waits_s * 2))
            kept.next_at = now + kept.waits_s
        if now < kept.next_at:
            return
        kept.count += 1
        try:
            await self._engine.ask("POST", f"/containers/{found['Id']}/start")
            self._store.event(pod, "Started", f"Started container {pod['spec']['containers'][0]['name']}")
        except EngineError as problem:
            self._store.event(pod, "Failed", f"Error: {problem}", "Warning")
        if kept.waits_s:
            self._store.event(pod, "BackOff", "Back-off restarting failed container", "Warning")

    def environment(self, namespace: str, template: Object) -> dict[str, str]:
        """Give the environment that a template asks for, with what its config maps and secrets say now."""
        container = (template.get("spec", {}).get("containers") or [{}])[0]
        found: dict[str, str] = {}
        for source in container.get("envFrom") or []:
            for field_name, plural in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
                if field_name in source:
                    found |= self._values(plural, namespace, source[field_name]["name"])
        for each in container.get("env") or []:
            chosen = each.get("valueFrom") or {}
            for field_name, plural in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
                if field_name in chosen:
                    values = self._values(plural, namespace, chosen[field_name]["name"])
                    if chosen[field_name]["key"] in values:
                        found[each["name"]] = values[chosen[field_name]["key"]]
            if not chosen:
                found[each["name"]] = str(each.get("value", ""))
        return found

    async def measure(self) -> None:
        """Take what each container uses: processors since the look before, and memory."""

        async def one(container: str) -> None:
            said = await self._engine.ask("GET", f"/containers/{container}/stats", stream="false", **{"one-shot": "true"})
            used, now = said["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, time.monotonic()
            memory = said.get("memory_stats") or {}
            stats = memory.get("stats") or {}
            held = memory.get("usage", 0) - stats.get("inactive_file", stats.get("total_inactive_file", 0))
            before, at = self._usage.get(container, (used, now - 1.0))
            if now - at >= 0.5:
                self.usage[container] = (max(0.0, (used - before) / (now - at)), float(max(0, held)))
                self._usage[container] = (used, now)

        running = [each["Id"] for each in self.found if each["State"].get("Running")]
        for gone in set(self._usage) - set(running):
            self._usage.pop(gone, None), self.usage.pop(gone, None)
        await asyncio.gather(*(one(each) for each in running), return_exceptions=True)

    async def _remember(self, service: str, found: Object) -> None:
        try:
            image = await self._engine.image(found["Image"])
        except EngineError:
            return
        self._patterns[service] = (found, image)
        if self._file:
            self._file.write_text(json.dumps(self._patterns))

    def _values(self, plural: str, namespace: str, name: str) -> dict[str, str]:
        found = self._store.find(plural, namespace, name) or {}
        data = {key: str(value) for key, value in (found.get("data") or {}).items()}
        if plural == "secrets":
            return {key: b64decode(value).decode(errors="replace") for key, value in data.items()}
        return data

    def _tell_node(self, problem: str) -> None:
        held = self._store.find("nodes", "", self.name)
        ready = {
            "type": "Ready",
            "status": "Unknown" if problem else "True",
            "reason": "NodeStatusUnknown" if problem else "KubeletReady",
        }
        ready |= {"message": problem or "kubelet is posting ready status"}
        old = (held or {}).get("status", {}).get("conditions", [{}])[0]
        ready["lastTransitionTime"] = old["lastTransitionTime"] if old.get("status") == ready["status"] else stamp()
        cpus, memory = _machine()
        capacity = {"cpu": str(cpus), "memory": f"{memory // 1024}Ki", "pods": "110"}
        info = {
            "kubeletVersion": "v1.32.4",
            "containerRuntimeVersion": "docker://",
            "osImage": "Debian",
            "operatingSystem": "linux",
        }
        status = {
            "conditions": [ready],
            "capacity": capacity,
            "allocatable": capacity,
            "nodeInfo": {**info, "architecture": "amd64"},
        }
        status["addresses"] = [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": self.name}]
        labels = {"kubernetes.io/hostname": self.name, "node-role.kubernetes.io/control-plane": ""}
        spec = (held or {}).get("spec") or {}
        self._store.put(
            "nodes",
            {
                "metadata": {**(held or {}).get("metadata", {}), "name": self.name, "labels": labels},
                "spec": spec,
                "status": status,
            },
        )


def _machine() -> tuple[int, int]:
    """Give processors and memory of this machine."""
    with open("/proc/meminfo") as file:
        total = next(line for line in file if line.startswith("MemTotal"))
    return os.cpu_count() or 1, int(quantity(total.split()[1] + "Ki"))
