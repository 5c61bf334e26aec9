"""Looks at an nginx by the page that its module stub_status serves."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import Fetcher, Request
from watchkeeper.plugins.http.probe import credentials_of, headers_of, web_address
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rates import Rates

_PAGE = re.compile(
    rb"\s*Active connections:\s*(\d{1,18})\s+server accepts handled requests(?: request_time)?"
    rb"\s+(\d{1,18})\s+(\d{1,18})\s+(\d{1,18})"
    rb"(?:\s+\d{1,18})?\s+Reading:\s*(\d{1,18})\s+Writing:\s*(\d{1,18})\s+Waiting:\s*(\d{1,18})\s*"
)


class NginxProbe:
    """One nginx."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it answers, else 0",
        "seconds": "time until the page was read, in seconds",
        "connections": "connections of clients, those that wait for a next request too",
        "connections_percent": "the same as a share of the option `most_connections`, in percent; missing without it",
        "connections_reading": "of these, those whose request is being read",
        "connections_writing": "of these, those that are being answered",
        "connections_waiting": "of these, those that wait for a next request",
        "requests_per_s": "requests per second since the last look, without this look's own",
        "accepted_per_s": "connections accepted per second since the last look",
        "dropped_per_s": "connections dropped per second since the last look, because a limit was reached",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"request_rate": ("requests_per_s",)}
    called: ClassVar[tuple[str, ...]] = ("nginx",)
    options: ClassVar[Mapping[str, str]] = {
        "url": "address of the page of stub_status",
        "most_connections": "worker_processes × worker_connections of its configuration",
        "user": "name for the page",
        "password": "its password",
        "headers": "table of request headers",
        "verify_tls": "false: accept any certificate (default true)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        most = options.number("most_connections", 0, 0)
        self._most = most or None
        known = [name for name in self.readings if self._most or name != "connections_percent"]
        check_readings(signal, estate, known)
        self._fetcher = Fetcher(
            Request(
                url=web_address(options),
                headers={**credentials_of(options), **headers_of(options)},
                verify_tls=options.flag("verify_tls", True),
                most_bytes=4_096,
                timeout_s=signal.timeout_s,
            )
        )
        self._rates = Rates()

    async def look(self) -> Look:
        """Read the page once."""
        answer = await self._fetcher.fetch()
        if answer.status is None:
            return Look({"up": 0.0, "seconds": answer.took_s} if answer.late else {"up": 0.0}, detail=answer.problem or "")
        if answer.status in (401, 403, 404):
            return Look(problem=f"the page of stub_status is not given to us: {answer.status} {answer.reason}".strip())
        if answer.status != 200:
            return Look({"up": 0.0}, detail=f"{answer.status} {answer.reason}".strip())
        found = _PAGE.fullmatch(answer.body)
        if found is None:
            return Look(problem=f"this is not the page of stub_status: {answer.body[:60]!r}")
        active, accepts, handled, requests, *states = (float(each) for each in found.groups())
        values = {"up": 1.0, "seconds": answer.took_s, "connections": active}
        values |= dict(zip(("connections_reading", "connections_writing", "connections_waiting"), states, strict=True))
        if self._most is not None:
            values["connections_percent"] = 100.0 * active / self._most
        now = time.monotonic()
        taken, kept, asked = (
            self._rates.rise(name, now, value) for name, value in (("taken", accepts), ("kept", handled), ("asked", requests))
        )
        if taken and kept and asked:
            values["requests_per_s"] = max(0.0, asked[0] - 1) / asked[1]
            values["accepted_per_s"] = taken[0] / taken[1]
            values["dropped_per_s"] = max(0.0, taken[0] - kept[0]) / taken[1]
        return Look(values, detail=f"{active:g} connections")

    async def close(self) -> None:
        """Let go of the session."""
        await self._fetcher.close()
