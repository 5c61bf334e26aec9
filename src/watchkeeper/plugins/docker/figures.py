"""What an engine says of containers, and the readings that follow. Pure: its answers enter, numbers and words leave."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

_SERVICE = "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must run: containers by name, or services of a project; nothing named: all that is found."""

    containers: Sequence[str] = ()
    services: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """One container at one look."""

    id: str
    name: str
    service: str | None = None
    #: "running", "exited", "restarting", "paused", "created", "dead", "removing"
    state: str = ""
    exit_status: int = 0
    health: str = ""
    restarts: float = 0.0
    #: it is to be kept running by the engine
    is_kept: bool = False
    #: processor time in seconds, and when that was read
    spent: tuple[float, float] | None = None
    cpu_percent: float | None = None
    #: processors that it may use at most; None: all
    cpu_limit: float | None = None
    memory_bytes: float | None = None
    memory_limit: float | None = None

    @property
    def slug(self) -> str:
        """Give the name that its readings begin with."""
        return slug(self.name)

    @property
    def is_well(self) -> bool:
        """Say whether it runs and its health check, if it has one, does not fail."""
        return self.state == "running" and self.health != "unhealthy"

    @classmethod
    def of(cls, about: Mapping[str, Any], stats: Mapping[str, Any] | None) -> Container:
        """Read what `GET /containers/{id}/json` and its stats say."""
        state, config = about.get("State") or {}, about.get("Config") or {}
        labels = config.get("Labels") or {}
        host = about.get("HostConfig") or {}
        policy = (host.get("RestartPolicy") or {}).get("Name")
        made = cls(
            id=str(about.get("Id", "")),
            name=str(about.get("Name", "")).lstrip("/"),
            service=None if labels.get(_ONE_OFF) == "True" else labels.get(_SERVICE),
            state=str(state.get("Status", "")),
            exit_status=int(_number(state.get("ExitCode")) or 0),
            health=str((state.get("Health") or {}).get("Status", "")),
            restarts=_number(about.get("RestartCount")) or 0.0,
            is_kept=policy in ("always", "unless-stopped"),
            cpu_limit=_processors(host),
        )
        if not stats:
            return made
        memory = stats.get("memory_stats") or {}
        used, limit = _number(memory.get("usage")), _number(memory.get("limit"))
        details = memory.get("stats") or {}
        # what the kernel would give back at once does not count, as in docker stats: cgroup 2, then cgroup 1
        spare = _number(details.get("inactive_file", details.get("total_inactive_file"))) or 0.0
        processor = _number(((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage"))
        return replace(
            made,
            spent=None if processor is None else (processor / 1e9, _seconds(stats.get("read"))),
            memory_bytes=None if used is None else max(0.0, used - spare),
            memory_limit=limit or None,
        )


def spent(container: Container, before: tuple[float, float] | None) -> Container:
    """Give a container with its processor time since the look before, in percent of one processor."""
    if container.spent is None or before is None:
        return container
    passed, used = container.spent[1] - before[1], container.spent[0] - before[0]
    return replace(container, cpu_percent=100.0 * used / passed) if passed > 0 and used >= 0 else container


def readings_of(found: Sequence[Container], wanted: Wanted) -> tuple[dict[str, float], list[str]]:
    """Give the readings of containers, and what is to be said of them."""
    running = [each for each in found if each.state == "running"]
    unhealthy = [each for each in found if each.health == "unhealthy" and each.state == "running"]
    values = {
        "containers": float(len(found)),
        "containers_running": float(len(running)),
        "containers_unhealthy": float(len(unhealthy)),
    }
    for each in found:
        values[f"{each.slug}_up"] = float(each.is_well)
    parts = parts_of(found, wanted)
    for name, members in parts.items():
        values[f"{slug(name)}_up"] = float(any(each.is_well for each in members))
    values["services_wanted"] = float(len(parts))
    values["services_running"] = float(sum(any(each.state == "running" for each in members) for members in parts.values()))
    notes = [f"{name} has no container" for name, members in parts.items() if not members]
    of_parts = {each.id: each for members in parts.values() for each in members}
    notes += [f"{each.name} is {_state(each)}" for each in of_parts.values() if not each.is_well]
    is_well = all(any(each.is_well for each in members) for members in parts.values())
    if parts:
        values["up"] = float(is_well and not any(each.id in of_parts for each in unhealthy))
    else:
        notes.append("there is no container that is to run")
    return values | _use(running, notes), notes


def parts_of(found: Sequence[Container], wanted: Wanted) -> dict[str, list[Container]]:
    """Give what is wanted with its containers: by name, by service, or everything that was found.

    Of what nobody named, a container that ended well and is not kept running did its work.
    """
    if wanted.containers:
        return {name: [each for each in found if each.name == name] for name in wanted.containers}
    if wanted.services:
        return {name: [each for each in found if each.service == name] for name in wanted.services}
    parts: dict[str, list[Container]] = {}
    for each in found:
        is_done = each.state in ("exited", "created") and not each.exit_status and not each.is_kept
        if not is_done:
            parts.setdefault(each.service or each.name, []).append(each)
    return parts


def slug(name: str) -> str:
    """Give the name that a container's or a service's readings begin with.

    >>> slug("shop-web-1")
    'shop_web_1'
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "container"


def _use(running: Sequence[Container], notes: list[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for each in running:
        if each.cpu_percent is not None:
            values[f"{each.slug}_cpu_percent"] = each.cpu_percent
            values["cpu_percent"] = max(values.get("cpu_percent", 0.0), each.cpu_percent)
            if each.cpu_limit:
                of_limit = values[f"{each.slug}_cpu_limit_percent"] = each.cpu_percent / each.cpu_limit
                values["cpu_limit_percent"] = max(values.get("cpu_limit_percent", 0.0), of_limit)
        if each.memory_bytes is not None:
            values[f"{each.slug}_memory_bytes"] = each.memory_bytes
            values["memory_bytes"] = values.get("memory_bytes", 0.0) + each.memory_bytes
            if each.memory_limit:
                values[f"{each.slug}_memory_percent"] = 100.0 * each.memory_bytes / each.memory_limit
    shares = {each.name: values[f"{each.slug}_memory_percent"] for each in running if f"{each.slug}_memory_percent" in values}
    if shares:
        most = max(shares, key=lambda name: shares[name])
        values["memory_percent"] = shares[most]
        notes.append(f"{most} uses {shares[most]:.0f} % of its memory")
    return values


def _processors(host: Mapping[str, Any]) -> float | None:
    """Give how many processors a container may use: `--cpus`, or a quota of each period, in microseconds."""
    whole, quota = _number(host.get("NanoCpus")) or 0.0, _number(host.get("CpuQuota")) or 0.0
    return whole / 1e9 or (quota / (_number(host.get("CpuPeriod")) or 100_000.0) if quota > 0 else 0.0) or None


def _state(container: Container) -> str:
    if container.state == "running":
        return "unhealthy"
    return f"exited with status {container.exit_status}" if container.state == "exited" else container.state or "unknown"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _seconds(stamp: Any) -> float:
    """Read the time of a stat, which has nanoseconds; 0 where it is none."""
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", str(stamp)).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
