"""Reads what a vendor's own status page says: is it up, how bad is it, and which of its parts that we use are touched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from watchkeeper.base.words import words
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import Fetcher, Request
from watchkeeper.plugins.http.probe import headers_of, web_address
from watchkeeper.plugins.vendor.model import LEVELS, PageError, Status
from watchkeeper.plugins.vendor.pages import read_page
from watchkeeper.watch.probe import Look

_MOST_BYTES = 4_000_000


class VendorProbe:
    """A push, chat, payment, SMS, mail or AI service, by its page of status."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 while what it says of itself is better than the option `down_from`, else 0",
        "level": "0 well, 1 minor, 2 major, 3 critical",
        "incidents": "incidents that are not over",
        "maintenance": "maintenance under way",
        "*": "part_<name>: the level of a part of the option `parts`",
    }
    options: ClassVar[Mapping[str, str]] = {
        "url": "Statuspage's https://HOST/api/v2/summary.json or components.json, Google's or Firebase's incidents.json, or a "
        "feed (RSS, Atom)",
        "parts": "names of the vendor's components or products that matter (default: all)",
        "down_from": "minor, major (default) or critical: from there it counts as down",
        "headers": "table of request headers",
        "verify_tls": "false: accept any certificate (default true)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._parts = options.texts("parts")
        self._down_from = LEVELS.index(options.choice("down_from", LEVELS[1:], "major"))
        known = [name for name in self.readings if name != "*"]
        check_readings(signal, estate, [*known, *(f"part_{name}" for name in self._parts)])
        request = Request(
            url=web_address(options),
            headers=headers_of(options),
            follow_redirects=True,
            verify_tls=options.flag("verify_tls", True),
            most_bytes=_MOST_BYTES,
            timeout_s=signal.timeout_s,
        )
        self._fetcher = Fetcher(request)

    async def look(self) -> Look:
        """Read the page once. That the page is away says nothing of the vendor."""
        answer = await self._fetcher.fetch()
        if answer.status != 200 or answer.cut:
            said = answer.problem or f"{answer.status} {answer.reason}".strip()
            return Look(
                problem=f"the status page is longer than {_MOST_BYTES:,} bytes" if answer.cut else f"the status page: {said}"
            )
        try:
            return self._judge(await asyncio.to_thread(read_page, answer.body, datetime.now(UTC)))
        except PageError as problem:
            return Look(problem=str(problem))

    async def close(self) -> None:
        """Let go of the session."""
        await self._fetcher.close()

    def _judge(self, status: Status) -> Look:
        wanted = {name: words(name) for name in self._parts}
        levels: dict[str, int] = {}
        for name, mine in wanted.items():
            found = [level for part, level in (status.parts or {}).items() if words(part) == mine]
            if status.parts is not None and not found:
                return Look(problem=f"the page has no part {name!r}; it has {', '.join(sorted(status.parts)[:12])}")
            touching = [each.level for each in status.troubles if any(words(part) == mine for part in each.touches)]
            levels[name] = max(found or touching or [0])
        ours = [each for each in status.troubles if not wanted or not each.touches or self._touches_ours(each.touches)]
        level = status.level or 0
        if wanted:
            # where the page says how each part is, that is newer than how bad its incident was
            of_incidents = [] if status.parts is not None else [each.level for each in ours]
            level = max([*levels.values(), *of_incidents])
        values = {
            "up": float(level < self._down_from),
            "level": float(level),
            "incidents": float(len(ours)),
            "maintenance": float(status.maintenance),
        }
        values |= {f"part_{name}": float(found) for name, found in levels.items()}
        bad = [f"{name}: {LEVELS[found]}" for name, found in levels.items() if found]
        return Look(values, detail="; ".join([LEVELS[level], *bad, *(each.title for each in ours[:3])]))

    def _touches_ours(self, touched: frozenset[str]) -> bool:
        mine = [words(name) for name in self._parts]
        return any(words(part) in mine for part in touched)
