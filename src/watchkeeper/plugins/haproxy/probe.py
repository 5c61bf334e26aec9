"""Looks at a HAProxy by its stats socket, or by its page of statistics over HTTP; asks only for what it shows."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.haproxy.table import TableError, growth_of, read_table, readings_of
from watchkeeper.plugins.http.fetch import Fetcher, reason_of
from watchkeeper.plugins.http.probe import credentials_of
from watchkeeper.plugins.http.socket_or_page import away, connect, page_of, socket_of
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rates import Rates

_MOST_BYTES = 8_000_000


class HaproxyProbe:
    """One HAProxy."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it answers, else 0",
        "seconds": "time until its table was read, in seconds",
        "backends": "backends",
        "backends_down": "backends without a server that is up",
        "servers": "servers that are meant to serve (not in maintenance)",
        "servers_down": "of these, those that are down",
        "servers_up_percent": "of these, those that are up, in percent",
        "sessions_percent": "sessions of the fullest frontend, backend or server as a share of its limit, in percent",
        "queue": "requests that wait for a server",
        "requests_per_s": "answers of the frontends, per second",
        "errors_per_s": "answers with 5xx of the frontends, per second",
        "error_percent": "the same as a share of all their answers since the last look, in percent",
        "denied_per_s": "requests and answers that rules of the frontends denied, per second",
        "connection_errors_per_s": "connections to servers that failed, per second",
        "failed_checks_per_minute": "health checks of servers that failed, per minute",
        "*": "<backend>_up, <backend>_servers_up, <backend>_queue, <backend>/<server>_up",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "error_rate": ("error_percent", "errors_per_s"),
        "queue_length": ("queue",),
        "request_rate": ("requests_per_s",),
    }
    called: ClassVar[tuple[str, ...]] = ("haproxy", "load balancer", "loadbalancer")
    options: ClassVar[Mapping[str, str]] = {
        "socket": "path of the stats socket, or host:port where it listens on TCP",
        "url": "address of the page of statistics instead, such as http://127.0.0.1:8404/stats",
        "user": "name for the page",
        "password": "its password",
        "verify_tls": "false: accept any certificate (default true)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._timeout_s = signal.timeout_s
        self._socket = socket_of(options, "/run/haproxy/admin.sock")
        self._fetcher: Fetcher | None = None
        if self._socket is None:
            self._fetcher = page_of(
                options, lambda url: f"{url.removesuffix(';csv')};csv", credentials_of(options), _MOST_BYTES, signal.timeout_s
            )
        self._rates = Rates()

    async def look(self) -> Look:
        """Read the table once."""
        started = time.monotonic()
        text = await (self._from_page(self._fetcher) if self._fetcher else self._from_socket(self._socket or ""))
        if isinstance(text, Look):
            return text
        try:
            rows = read_table(text)
        except TableError as problem:
            return Look(problem=str(problem))
        now = time.monotonic()
        values, notes = readings_of(rows, growth_of(rows, self._rates, now))
        return Look({**values, "up": 1.0, "seconds": now - started}, detail="; ".join(notes))

    async def close(self) -> None:
        """Let go of the session."""
        if self._fetcher is not None:
            await self._fetcher.close()

    async def _from_page(self, fetcher: Fetcher) -> str | Look:
        answer = await fetcher.fetch()
        if answer.status is None:
            return away(answer.took_s, answer.late, answer.problem)
        if answer.status in (401, 403):
            return Look(problem=f"the page does not let us in: {answer.status} {answer.reason}")
        if answer.status != 200:
            return Look({"up": 0.0}, detail=f"{answer.status} {answer.reason}".strip())
        return Look(problem=_too_long()) if answer.cut else answer.body.decode(errors="replace")

    async def _from_socket(self, address: str) -> str | Look:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await _ask(address)
        except TimeoutError:
            return Look({"up": 0.0, "seconds": self._timeout_s}, detail=f"no complete answer within {self._timeout_s:g} s")
        except PermissionError:
            return Look(problem=f"we may not open {address}; put us into HAProxy's group, or give the socket a mode")
        except FileNotFoundError:
            return Look({"up": 0.0}, detail=f"there is no socket {address}")
        except OSError as problem:
            if problem.errno == errno.ENOTSOCK or isinstance(problem, IsADirectoryError):
                return Look(problem=f"{address} is not a socket")
            return Look({"up": 0.0}, detail=reason_of(problem))


def _too_long() -> str:
    return f"the table is longer than {_MOST_BYTES:,} bytes"


async def _ask(address: str) -> str | Look:
    reader, writer = await connect(address)
    try:
        writer.write(b"show stat\n")
        await writer.drain()
        found = bytearray()
        while part := await reader.read(65_536):
            found += part
            if len(found) > _MOST_BYTES:
                return Look(problem=_too_long())
        text = found.decode(errors="replace")
        if "Permission denied" in text[:200]:
            return Look(problem="the socket's level does not let us ask; `level user` is enough")
        return text
    finally:
        writer.transport.abort()
