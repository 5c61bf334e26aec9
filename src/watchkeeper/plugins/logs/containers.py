"""Reads what containers print onward, through the Docker Engine's API (podman's speaks it too), from the time of the last line.

Where more came between two looks than is read, reading goes on at the end, and the counts are projected by the time that the
lines read span.
"""

from __future__ import annotations

import asyncio
import re
import struct
import time
from collections.abc import Iterator, Sequence
from datetime import datetime

import aiohttp

from watchkeeper.plugins.http.fetch import reason_of
from watchkeeper.plugins.logs.lines import LONGEST
from watchkeeper.plugins.logs.source import Count, Read, Unreadable
from watchkeeper.plugins.logs.tally import Tally

_NEVER = aiohttp.ClientTimeout(total=None)
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")


class ContainersSource:
    """Some containers of one engine, by name."""

    def __init__(self, names: Sequence[str], host: str) -> None:
        self._names = names
        self._socket = host.removeprefix("unix://") if host.startswith("unix://") else None
        self._url = "http://docker" if self._socket else host.replace("tcp://", "http://", 1).rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        #: name -> nanoseconds since 1970 of the last line that was read
        self._last: dict[str, int] = {}

    async def read(self, count: Count, most_bytes: int, until_s: float) -> Read:
        """Read on in each."""
        if self._session is None:
            connector = aiohttp.UnixConnector(self._socket) if self._socket else aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_NEVER)
        read = Read()
        try:
            async with asyncio.timeout(max(0.1, until_s - time.monotonic())):
                for name in self._names:
                    await self._read_one(self._session, name, read, count, most_bytes // len(self._names))
        except TimeoutError:
            raise Unreadable("the engine did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise Unreadable(f"the engine cannot be asked: {reason_of(problem)}") from None
        return read

    async def close(self) -> None:
        """Let go of the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _read_one(self, session: aiohttp.ClientSession, name: str, read: Read, count: Count, most: int) -> None:
        async with session.get(f"{self._url}/containers/{name}/json") as response:
            await _check(response, name)
            about = await response.json(content_type=None)
        has_terminal = bool(about.get("Config", {}).get("Tty")) if isinstance(about, dict) else False
        if name not in self._last:
            self._last[name] = await self._end(session, name, has_terminal)
            return
        since = self._last[name]
        body, cut = await self._ask(session, name, most, since=f"{since // 10**9}.{since % 10**9:09}")
        tally, first, last = await asyncio.to_thread(_take, body, has_terminal, since, count)
        read.tallies.append(tally)
        self._last[name] = last or since
        if cut:
            read.skipped += 1
            self._last[name] = await self._end(session, name, has_terminal)
            tally.factor = max(1.0, (self._last[name] - first) / max(last - first, 1_000_000)) if first else 1.0

    async def _end(self, session: aiohttp.ClientSession, name: str, has_terminal: bool) -> int:
        """Give the time of the last line there is."""
        body, _ = await self._ask(session, name, 65_536, tail="1")
        _, _, last = _take(body, has_terminal, 0, lambda *_: None)
        return last or time.time_ns()

    async def _ask(self, session: aiohttp.ClientSession, name: str, most: int, **more: str) -> tuple[bytes, bool]:
        asked = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": "0", **more}
        async with session.get(f"{self._url}/containers/{name}/logs", params=asked) as response:
            await _check(response, name)
            parts: list[bytes] = []
            size = 0
            while size <= most and (part := await response.content.readany()):
                parts.append(part)
                size += len(part)
            if size > most:
                response.close()
            return b"".join(parts), size > most


async def _check(response: aiohttp.ClientResponse, name: str) -> None:
    if response.status == 404:
        raise Unreadable(f"the engine has no container named {name}")
    if response.status != 200:
        said = " ".join((await response.content.read(300)).decode(errors="replace").split())
        raise Unreadable(f"the engine refuses the log of {name}: {response.status} {said}")


def _take(body: bytes, has_terminal: bool, since: int, count: Count) -> tuple[Tally, int, int]:
    """Count every line after an instant; give the instants of the first and the last that were counted, 0 for none."""
    tally = Tally()
    first = last = 0
    for raw in body.split(b"\n") if has_terminal else _unframed(body):
        line = raw[: LONGEST + 64].decode(errors="replace").rstrip("\r\n")
        found = _STAMP.match(line)
        if found is None:
            continue
        at = _nanoseconds(found)
        if at <= since:
            continue
        first, last = first or at, max(last, at)
        count(tally, line[found.end() :], None)
    return tally, first, last


def _unframed(body: bytes) -> Iterator[bytes]:
    """Take the stream of a container without a terminal apart: eight bytes tell the length of what follows."""
    at = 0
    while at + 8 <= len(body):
        size = struct.unpack(">I", body[at + 4 : at + 8])[0]
        yield from body[at + 8 : at + 8 + size].split(b"\n")
        at += 8 + size


def _nanoseconds(found: re.Match[str]) -> int:
    try:
        seconds = int(datetime.fromisoformat(f"{found[1]}{'+00:00' if found[3] == 'Z' else found[3]}").timestamp())
    except ValueError:
        return 0
    return seconds * 10**9 + int((found[2] or "0").ljust(9, "0"))
