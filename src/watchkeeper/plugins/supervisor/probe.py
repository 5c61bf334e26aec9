"""Asks a supervisord how its programs are, over its socket or its port; the one call that is made only reads."""

from __future__ import annotations

import asyncio
import base64
import re
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit
from xml.parsers.expat import ExpatError

import aiohttp

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.http.fetch import read_bounded, reason_of
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rises import Rises

_OF_ONE = re.compile(r"\w+_(?:up|uptime_seconds|restarts)")
_FAILED = ("BACKOFF", "FATAL", "UNKNOWN")
_MOST_BYTES, _MOST_PROGRAMS = 4_000_000, 500
_CALL = xmlrpc.client.dumps((), "supervisor.getAllProcessInfo").encode()


@dataclass(frozen=True, slots=True)
class _Address:
    url: str
    socket: str | None
    headers: Mapping[str, str]


class SupervisorProbe:
    """The programs of one supervisord."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where every program that is wanted runs, else 0; also 0 where supervisord does not answer",
        "programs": "programs that are wanted",
        "programs_running": "those of them that run",
        "programs_failed": "those that do not stay up, or that ended with an error",
        "restarts": "times within `window` that one of them was seen to have begun anew since the look before",
        "youngest_seconds": "how long the youngest of them has run, in seconds",
        "*": "of each program: shop_up, shop_uptime_seconds, shop_restarts (`workers:mail_0` is workers_mail_0)",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"restarts": ("restarts",)}
    called: ClassVar[tuple[str, ...]] = ("supervisor", "supervisord", "supervisorctl")
    options: ClassVar[Mapping[str, str]] = {
        "url": "unix:///run/supervisor.sock, or http://host:9001",
        "user": "user, where it asks for one",
        "password": "the user's password",
        "programs": 'the programs that must run, as supervisorctl names them: "shop", "workers:*" (default: all but those that '
        "were never started or ended with status 0)",
        "window": "time within which restarts are counted (default 1h)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._address = _address(options)
        self._wanted = options.texts("programs")
        self._timeout_s = signal.timeout_s
        self._rises = Rises(options.duration("window", 3_600.0, 1.0))
        #: program -> (when it was started last, how often it was seen to have been since we look)
        self._starts: dict[str, tuple[int, int]] = {}
        plain = [name for name in self.readings if name != "*"]
        check_readings(signal, estate, [*plain, *(name for name in signal.metrics.values() if _OF_ONE.fullmatch(name))])

    async def look(self) -> Look:
        """Ask once."""
        try:
            async with asyncio.timeout(self._timeout_s):
                status, body, cut = await self._ask()
        except TimeoutError:
            return Look({"up": 0.0}, detail=f"supervisord gave no answer within {self._timeout_s:g} s")
        except PermissionError:
            return Look(problem=f"we may not use {self._address.socket}")
        except (aiohttp.ClientError, OSError) as problem:
            inner = getattr(problem, "os_error", None)
            if isinstance(inner, PermissionError):
                return Look(problem=f"we may not use {self._address.socket}")
            return Look({"up": 0.0}, detail=f"supervisord does not answer: {reason_of(problem)}")
        if status == 401:
            return Look(problem="supervisord does not let us in: wrong user or password")
        if cut:
            return Look(problem=f"its answer is longer than {_MOST_BYTES:,} bytes")
        try:
            programs = read_answer(body) if status == 200 else None
        except xmlrpc.client.Fault as problem:
            return Look({"up": 0.0}, detail=f"supervisord says {problem.faultString[:200]}")
        if programs is None:
            return Look(problem=f"what answers is no supervisord (status {status})")
        return self._judge(programs, time.monotonic())

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _ask(self) -> tuple[int, bytes, bool]:
        socket = self._address.socket
        connector = aiohttp.UnixConnector(socket) if socket else aiohttp.TCPConnector(force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
            session.post(self._address.url, data=_CALL, headers=self._address.headers, allow_redirects=False) as answer,
        ):
            body, cut = await read_bounded(answer.content, _MOST_BYTES)
            return answer.status, body, cut

    def _judge(self, programs: Sequence[Mapping[str, Any]], now_s: float) -> Look:
        found = {name_of(each): each for each in programs[:_MOST_PROGRAMS]}
        chosen = {name: each for name, each in found.items() if self._is_wanted(name, each)}
        missing = [name for name in self._wanted if not any(is_called(other, name) for other in found)]
        running = {name: each for name, each in chosen.items() if each["statename"] == "RUNNING"}
        failed = [name for name, each in chosen.items() if has_failed(each)]
        ages = {name: max(0.0, float(each["now"]) - float(each["start"])) for name, each in running.items()}
        values = {
            "programs": float(len(chosen) + len(missing)),
            "programs_running": float(len(running)),
            "programs_failed": float(len(failed)),
            **{f"{slug(name)}_up": float(name in running) for name in chosen},
            **{f"{slug(name)}_uptime_seconds": age for name, age in ages.items()},
        }
        if chosen or missing:
            values["up"] = float(len(running) == len(chosen) and not missing)
        if ages:
            values["youngest_seconds"] = min(ages.values())
        notes = [f"{name} is {each['statename']}{_why(each)}" for name, each in chosen.items() if name not in running]
        notes += [f"there is no program {name}" for name in missing]
        if not chosen and not missing:
            notes.append("there is no program that is to run")
        risen = self._rises.add(self._counted(chosen), now_s)
        if risen is not None:
            values |= {f"{slug(name)}_restarts": count for name, count in risen.items()}
            values["restarts"] = sum(risen.values())
            notes += [f"{name} began anew {count:g} times" for name, count in risen.items() if count]
        if len(programs) > _MOST_PROGRAMS:
            notes.append(f"only {_MOST_PROGRAMS} of its {len(programs):,} programs were looked at")
        return Look(values, detail="; ".join(notes)[:1_000])

    def _is_wanted(self, name: str, program: Mapping[str, Any]) -> bool:
        if self._wanted:
            return any(is_called(name, wanted) for wanted in self._wanted)
        state = program["statename"]
        return not (state == "STOPPED" and not program["start"]) and not (state == "EXITED" and not program.get("exitstatus"))

    def _counted(self, programs: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
        for name, each in programs.items():
            start, count = int(each["start"]), 0
            if name in self._starts:
                before, count = self._starts[name]
                count += start != before and before > 0
            self._starts[name] = (start, count)
        return {name: float(self._starts[name][1]) for name in programs}


def read_answer(body: bytes) -> list[Mapping[str, Any]] | None:
    """Read the answer to the call; None where it is not one. Raises Fault where supervisord refuses."""
    try:
        (found,), _ = xmlrpc.client.loads(body.decode())
    except (ExpatError, ValueError, TypeError, KeyError, xmlrpc.client.ResponseError, UnicodeDecodeError):
        return None
    needed = {"name": str, "group": str, "statename": str, "start": int, "now": int}
    if not isinstance(found, list):
        return None
    fits = all(isinstance(each, dict) and all(isinstance(each.get(key), kind) for key, kind in needed.items()) for each in found)
    return found if fits else None


def name_of(program: Mapping[str, Any]) -> str:
    """Give a program's name as supervisorctl shows it."""
    name, group = program["name"], program["group"]
    return str(name) if name == group else f"{group}:{name}"


def is_called(name: str, wanted: str) -> bool:
    """Say whether a name is wanted.

    >>> is_called("workers:mail_0", "workers:*"), is_called("shop", "shop"), is_called("shop:web", "shop")
    (True, True, True)
    """
    group = wanted.removesuffix(":*")
    return name in (wanted, group) or name.startswith(f"{group}:")


def has_failed(program: Mapping[str, Any]) -> bool:
    """Say whether a program does not stay up, or ended with an error."""
    return program["statename"] in _FAILED or (program["statename"] == "EXITED" and bool(program.get("exitstatus")))


def slug(name: str) -> str:
    """Give the name that a program's readings begin with."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "program"


def _why(program: Mapping[str, Any]) -> str:
    said = str(program.get("spawnerr") or "")
    return f": {said[:100]}" if said else f" with status {program['exitstatus']}" if has_failed(program) else ""


def _address(options: Table) -> _Address:
    url = options.text("url")
    parts = urlsplit(url)
    user, password = options.maybe_text("user") or parts.username, options.maybe_text("password") or parts.password
    headers = {"Content-Type": "text/xml", "Accept-Encoding": "identity"}
    if user:
        login = f"{unquote(user)}:{unquote(password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
        return _Address("http://localhost/RPC2", parts.path, headers)
    try:
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            port = f":{parts.port}" if parts.port else ""
            path = parts.path.rstrip("/")
            return _Address(f"{parts.scheme}://{host}{port}{path if path.endswith('/RPC2') else f'{path}/RPC2'}", None, headers)
    except ValueError:
        pass
    hint = 'Write url = "unix:///run/supervisor.sock", or "http://127.0.0.1:9001".'
    raise options.error("url", f"{options.name('url')} is not the address of a supervisord.", hint)
