"""Looks at containers through the Docker Engine's own API, with GET alone: those that are named, or a compose project's."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import aiohttp

from watchkeeper.base.errors import OutsideError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.docker.figures import Container, Wanted, readings_of, spent
from watchkeeper.plugins.docker.target import compose
from watchkeeper.plugins.http.fetch import read_bounded, reason_of
from watchkeeper.plugins.remote.tool import ask, environment
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rises import Rises

_OF_ONE = re.compile(r"\w+_(?:up|restarts|cpu_percent|cpu_limit_percent|memory_percent|memory_bytes)")
_MOST_CONTAINERS, _AT_ONCE, _MOST_BYTES = 200, 32, 8_000_000
_PROJECT = "com.docker.compose.project"


class _NotLookedAtError(Exception):
    """The engine answers, but not with what was asked for."""


class DockerProbe:
    """Containers of one engine."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where everything that is wanted runs and nothing of it is unhealthy, else 0; also 0 where the engine is away",
        "containers": "containers that were found",
        "containers_running": "those that run",
        "containers_unhealthy": "those whose health check fails",
        "services_wanted": "containers or services that are wanted by name, or all that were found",
        "services_running": "those of them of which at least one container runs",
        "restarts": "restarts by the engine within `window`",
        "oom_kills": "times within `window` that a container ran out of memory",
        "cpu_percent": "processor time of the busiest since the last look; 100 is one processor, as docker stats shows it",
        "cpu_limit_percent": "processor time of the one nearest to its limit, in percent of it; none where none has a limit",
        "memory_percent": "memory of the one nearest to its limit, in percent of it (or of the host, where it has none)",
        "memory_bytes": "memory of all, in bytes, without what can be given back",
        "*": "of each container: shop_web_1_up, _restarts, _cpu_percent, _cpu_limit_percent, _memory_percent, _memory_bytes; "
        "of each service: web_up",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "restarts": ("restarts",),
        "memory_usage": ("memory_percent", "memory_bytes"),
    }
    called: ClassVar[tuple[str, ...]] = ("docker", "compose", "docker-compose", "container")
    options: ClassVar[Mapping[str, str]] = {
        "containers": "names of the containers that must run",
        "project": "or: name of a compose project, as `docker compose ls` shows it",
        "services": "services of the project that must run (default: those of `compose_file`, else those that have a container)",
        "compose_file": "file of the project, whose services are wanted; docker compose reads it",
        "docker_host": "the engine's address: unix:///run/docker.sock or http://host:2375 (default: as docker finds it)",
        "window": "time within which restarts and kills are counted (default 1h)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._socket, self._url = _address(options)
        names, self._project = options.texts("containers"), options.maybe_text("project")
        file, services = options.maybe_text("compose_file"), options.texts("services")
        if (file or services) and not self._project:
            raise options.error("project", f"{options.name()} names services and no project.", 'Write project = "shop".')
        if names and self._project:
            raise options.error("project", f"{options.name()} needs one of `containers` and `project`.", "Name one of them.")
        self._wanted = Wanted(names, services)
        self._file = estate.folder / file if file else None
        self._of_file: tuple[float, tuple[str, ...]] | None = None
        self._window_s = options.duration("window", 3_600.0, 1.0)
        self._rises = Rises(self._window_s)
        self._timeout_s = signal.timeout_s
        #: container -> what it had spent at the look before
        self._spent: dict[str, tuple[float, float]] = {}
        plain = [name for name in self.readings if name != "*"]
        check_readings(signal, estate, [*plain, *(name for name in signal.metrics.values() if _OF_ONE.fullmatch(name))])

    async def look(self) -> Look:
        """Look once."""
        connector = aiohttp.UnixConnector(self._socket) if self._socket else aiohttp.TCPConnector()
        notes: list[str] = []
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
            ):
                wanted = await self._all_wanted()
                found = await self._containers(session, notes)
                kills = await self._kills(session, {each.name for each in found})
        except TimeoutError:
            return Look({"up": 0.0}, detail=f"the engine gave no answer within {self._timeout_s:g} s")
        except (_NotLookedAtError, OutsideError) as problem:
            return Look(problem=str(problem))
        except (aiohttp.ClientError, OSError) as problem:
            inner = getattr(problem, "os_error", problem)
            if isinstance(inner, PermissionError):
                return Look(problem=f"we may not use {self._socket}: {inner.strerror}")
            return Look({"up": 0.0}, detail=f"the engine does not answer: {reason_of(problem)}")
        values, said = readings_of(found, wanted)
        risen = self._rises.add({each.id: each.restarts for each in found}, time.monotonic())
        if risen is not None:
            values |= {f"{each.slug}_restarts": risen[each.id] for each in found}
            values["restarts"] = sum(risen.values())
            said += [f"{each.name} was restarted {risen[each.id]:g} times" for each in found if risen[each.id]]
        values["oom_kills"] = float(sum(kills.values()))
        said += [f"{name} ran out of memory {count} times" for name, count in kills.items()]
        return Look(values, detail="; ".join([*said, *notes])[:1_000])

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _all_wanted(self) -> Wanted:
        """Give what is wanted; the services of the file are asked for again when it has changed."""
        if self._file is None or self._wanted.services:
            return self._wanted
        try:
            changed = self._file.stat().st_mtime
        except OSError as problem:
            raise _NotLookedAtError(f"{self._file} cannot be read: {problem.strerror}") from None
        if self._of_file is None or self._of_file[0] != changed:
            given = environment(())
            words = [*await compose(given), "-f", str(self._file), "config", "--services"]
            status, output, said = await ask(words, given, self._timeout_s, 1_000_000)
            if status:
                raise _NotLookedAtError(f"docker compose does not read {self._file}: {(said.splitlines() or ['?'])[-1][:200]}")
            self._of_file = (changed, tuple(output.split()))
        return Wanted((), self._of_file[1])

    async def _containers(self, session: aiohttp.ClientSession, notes: list[str]) -> list[Container]:
        filters = {"label": [f"{_PROJECT}={self._project}"]} if self._project else {}
        listed = await self._get(session, f"/containers/json?all=1&filters={quote(json.dumps(filters))}")
        if not isinstance(listed, list):
            raise _NotLookedAtError("what answers is no Docker Engine")
        names = self._wanted.containers
        ids = [str(each.get("Id")) for each in listed if isinstance(each, dict) and (not names or _is_one_of(each, names))]
        if len(ids) > _MOST_CONTAINERS:
            notes.append(f"only {_MOST_CONTAINERS} of {len(ids):,} containers were looked at")
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(container: str) -> Container | None:
            async with gate:
                about = await self._get(session, f"/containers/{quote(container, safe='')}/json", missing=True)
                if about is None:
                    return None
                running = bool(about.get("State", {}).get("Running"))
                path = f"/containers/{quote(container, safe='')}/stats?stream=false&one-shot=true"
                return Container.of(about, await self._get(session, path, missing=True) if running else None)

        found = await asyncio.gather(*(one(container) for container in ids[:_MOST_CONTAINERS]))
        there = [container for container in found if container is not None]
        before, self._spent = self._spent, {each.id: each.spent for each in there if each.spent is not None}
        return [spent(each, before.get(each.id)) for each in there]

    async def _kills(self, session: aiohttp.ClientSession, names: set[str]) -> dict[str, int]:
        """Count the containers that ran out of memory; the engine remembers its last 256 events."""
        now = time.time()
        filters = quote(json.dumps({"type": ["container"], "event": ["oom"]}))
        path = f"/events?since={now - self._window_s:.3f}&until={now:.3f}&filters={filters}"
        counts: dict[str, int] = {}
        for line in (await self._body(session, path) or b"").splitlines():
            event = _parsed(line)
            name = event.get("Actor", {}).get("Attributes", {}).get("name") if isinstance(event, dict) else None
            if name in names:
                counts[name] = counts.get(name, 0) + 1
        return counts

    async def _get(self, session: aiohttp.ClientSession, path: str, *, missing: bool = False) -> Any:
        body = await self._body(session, path, missing=missing)
        return None if body is None else _parsed(body)

    async def _body(self, session: aiohttp.ClientSession, path: str, *, missing: bool = False) -> bytes | None:
        async with session.get(f"{self._url}{path}", allow_redirects=False) as answer:
            body, cut = await read_bounded(answer.content, _MOST_BYTES)
            if answer.status in (404, 409) and missing:
                return None
            if answer.status != 200:
                said = body[:200].decode(errors="replace").strip()
                raise _NotLookedAtError(f"the engine refuses: {answer.status} {said}")
            if cut:
                raise _NotLookedAtError(f"an answer of the engine is longer than {_MOST_BYTES:,} bytes")
            return body


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise _NotLookedAtError("what answers is no Docker Engine") from None


def _is_one_of(container: Mapping[str, Any], names: Sequence[str]) -> bool:
    return any(str(name).lstrip("/") in names for name in container.get("Names") or [])


def _address(options: Table) -> tuple[str | None, str]:
    host = options.maybe_text("docker_host") or os.environ.get("DOCKER_HOST") or _usual()
    parts = urlsplit(host)
    if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
        return parts.path, "http://localhost"
    if parts.scheme in ("http", "https", "tcp") and parts.hostname:
        return None, f"{'http' if parts.scheme == 'tcp' else parts.scheme}://{parts.netloc}"
    hint = 'Write docker_host = "unix:///run/docker.sock", or "http://host:2375".'
    raise options.error("docker_host", f"{options.name('docker_host')} is {host!r}, which is no address of an engine.", hint)


def _usual() -> str:
    own = Path(os.environ.get("XDG_RUNTIME_DIR", "/run")) / "docker.sock"
    return f"unix://{own}" if own.exists() else "unix:///var/run/docker.sock"
