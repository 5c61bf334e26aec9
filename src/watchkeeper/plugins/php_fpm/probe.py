"""Looks at a pool of PHP-FPM by its status page: over HTTP, or by FastCGI on the pool's own socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import Fetcher, reason_of
from watchkeeper.plugins.http.probe import credentials_of, headers_of
from watchkeeper.plugins.http.socket_or_page import away, connect, page_of, socket_of
from watchkeeper.plugins.php_fpm.fastcgi import ProtocolError, ask
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rates import Rates

_MOST_BYTES = 1_000_000


class PhpFpmProbe:
    """One pool."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the pool answers, else 0",
        "seconds": "time until its page was read, in seconds",
        "active": "processes that work, this look's own too",
        "active_percent": "the same as a share of `max_children` (without that option: of the processes there are), in percent",
        "idle": "processes that wait",
        "processes": "processes there are",
        "queue": "connections that wait for a process",
        "queue_percent": "the same as a share of the longest queue that the system allows, in percent",
        "requests_per_s": "requests per second since the last look, without this look's own",
        "full": "how often all max_children were busy since the last look",
        "slow": "requests since the last look that took longer than request_slowlog_timeout",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "usage": ("active_percent",),
        "queue_length": ("queue",),
        "request_rate": ("requests_per_s",),
    }
    called: ClassVar[tuple[str, ...]] = ("php", "php-fpm", "fpm")
    options: ClassVar[Mapping[str, str]] = {
        "socket": "path of the pool's socket, or host:port",
        "path": "pm.status_path of the pool (default /status); only with socket",
        "url": "address of the status page behind a web server instead",
        "max_children": "pm.max_children of the pool",
        "user": "name for the page",
        "password": "its password",
        "headers": "table of request headers",
        "verify_tls": "false: accept any certificate (default true)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._timeout_s = signal.timeout_s
        self._socket = socket_of(options, "/run/php/php8.2-fpm.sock")
        self._path = options.text("path", "/status")
        self._most = options.number("max_children", 0, 0)
        check_readings(signal, estate, list(self.readings))
        self._fetcher: Fetcher | None = None
        if self._socket is None:
            headers = {**credentials_of(options), **headers_of(options)}
            self._fetcher = page_of(
                options, lambda url: f"{url}{'&' if '?' in url else '?'}json", headers, _MOST_BYTES, signal.timeout_s
            )
        self._rates = Rates()

    async def look(self) -> Look:
        """Read the status once."""
        started = time.monotonic()
        found = await (self._from_page(self._fetcher) if self._fetcher else self._from_socket(self._socket or ""))
        if isinstance(found, Look):
            return found
        status, body = found
        if status in (401, 403, 404):
            return Look(problem=f"the status page is not given to us ({status}); see pm.status_path of the pool")
        if status != 200:
            return Look({"up": 0.0}, detail=f"it answers {status}")
        try:
            page = json.loads(body)
        except (ValueError, RecursionError):
            page = None
        if not isinstance(page, dict) or "active processes" not in page:
            return Look(problem=f"this is not the status page of PHP-FPM: {body[:60]!r}")
        now = time.monotonic()
        return Look({"up": 1.0, "seconds": now - started, **self._figures(page, now)}, detail=f"pool {page.get('pool')}")

    async def close(self) -> None:
        """Let go of the session."""
        if self._fetcher is not None:
            await self._fetcher.close()

    def _figures(self, page: Mapping[str, Any], now: float) -> dict[str, float]:
        active, idle, total = (_number(page, f"{kind} processes") for kind in ("active", "idle", "total"))
        queue, longest = _number(page, "listen queue"), _number(page, "listen queue len")
        said = {"active": active, "idle": idle, "processes": total, "queue": queue}
        values = {name: value for name, value in said.items() if value is not None}
        if active is not None and (most := self._most or total):
            values["active_percent"] = 100.0 * active / most
        if queue is not None and longest:
            values["queue_percent"] = 100.0 * queue / longest
        names = ("accepted conn", "max children reached", "slow requests")
        counted = {name: value for name in names if (value := _number(page, name)) is not None}
        asked, full, slow = (self._rates.rise(name, now, counted[name]) if name in counted else None for name in names)
        if asked:
            values["requests_per_s"] = max(0.0, asked[0] - 1) / asked[1]
        if full:
            values["full"] = full[0]
        if slow:
            values["slow"] = slow[0]
        return values

    async def _from_page(self, fetcher: Fetcher) -> tuple[int, bytes] | Look:
        answer = await fetcher.fetch()
        if answer.status is None:
            return away(answer.took_s, answer.late, answer.problem)
        return answer.status, answer.body

    async def _from_socket(self, address: str) -> tuple[int, bytes] | Look:
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await connect(address)
                try:
                    return await ask(reader, writer, self._path, "json", _MOST_BYTES)
                finally:
                    writer.transport.abort()
        except TimeoutError:
            waited = self._timeout_s
            return Look({"up": 0.0, "seconds": waited}, detail=f"no process took our question within {waited:g} s")
        except PermissionError:
            return Look(problem=f"we may not open {address}; see listen.owner, listen.group and listen.mode of the pool")
        except FileNotFoundError:
            return Look({"up": 0.0}, detail=f"there is no socket {address}")
        except ProtocolError as problem:
            return Look(problem=str(problem))
        except OSError as problem:
            return Look({"up": 0.0}, detail=reason_of(problem))


def _number(page: Mapping[str, Any], name: str) -> float | None:
    """Give a figure of the page; None where it does not say it."""
    value = page.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
