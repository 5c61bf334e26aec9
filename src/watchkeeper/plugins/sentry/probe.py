"""Reads Sentry: events an hour, new issues, crash-free sessions by release, and which device or system crashes most."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from watchkeeper.base.quantities import as_number
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.hosted.asking import Api, Unanswered, address_of
from watchkeeper.watch.probe import Look

PARTS = ("errors", "crashes", "issues", "sessions")
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
_CRASHES = "event.type:error error.unhandled:true"
#: field of Sentry -> the word of our readings
_WHERE = {"release": "release", "device.family": "device", "os": "system"}


class SentryProbe:
    """One organisation of Sentry, or some of its projects. The token needs org:read, project:read and event:read."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where Sentry answered",
        "errors_per_hour": "errors: events, an hour",
        "crashes_per_hour": "crashes: errors that nothing caught, an hour",
        "top_release_percent": "crashes: share of them in the release that has most, in percent",
        "top_device_percent": "crashes: share of them on the device that has most, in percent",
        "top_system_percent": "crashes: share of them on the version of an operating system that has most, in percent",
        "new_issues": "issues: unresolved ones that were first seen within the window, 100 at most",
        "sessions": "sessions: how many began within the window",
        "crash_free_percent": "sessions: share that did not crash, in percent",
        "crash_percent": "sessions: share that crashed, in percent",
        "worst_release_crash_percent": "sessions: the same of the release with the highest, of those with enough sessions",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "error_rate": ("errors_per_hour",),
        "crash_rate": ("crash_percent", "crashes_per_hour"),
        "crash_free_rate": ("crash_free_percent",),
    }
    needs: ClassVar[Mapping[str, str]] = {"organization": '"example"', "token": "$"}
    options: ClassVar[Mapping[str, str]] = {
        "token": "token of an internal integration or a user",
        "organization": "slug of the organisation",
        "projects": "numbers of projects (default: all that the token sees)",
        "environment": "such as production",
        "read": f"what is asked for, some of {', '.join(PARTS)} (default errors and sessions); each is a question of its own",
        "window": "time over which is counted, in whole hours (default 1 hour)",
        "least_sessions": "sessions that a release needs to be judged by itself (default 50)",
        "url": "address of Sentry (default https://sentry.io)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        check_readings(signal, estate, list(self.readings))
        organization = options.text("organization")
        if not _SLUG.fullmatch(organization):
            raise options.error("organization", f"{organization!r} is not a slug.", "It stands in the address of Sentry's pages.")
        self._base = f"/api/0/organizations/{quote(organization)}"
        self._read = options.texts("read") or ("errors", "sessions")
        for part in self._read:
            if part not in PARTS:
                raise options.error("read", f"{options.name('read')} names {part!r}.", f"Use some of: {', '.join(PARTS)}.")
        self._hours = max(1, math.ceil(options.duration("window", 3_600.0, 60.0) / 3_600))
        projects = options.take("projects") or []
        if not isinstance(projects, list) or not all(re.fullmatch(r"\d{1,20}", str(project)) for project in projects):
            raise options.error("projects", f"{options.name('projects')} is not a list of numbers.", "Write [4501, 4502].")
        self._where = [("project", str(project)) for project in projects] or [("project", "-1")]
        environment = options.maybe_text("environment")
        self._where += [("environment", environment)] if environment else []
        self._where += [("statsPeriod", f"{self._hours}h")]
        self._least = options.number("least_sessions", 50, 1)
        headers = {"Authorization": f"Bearer {options.text('token')}"}
        self._api = Api("Sentry", address_of(options, "url", "https://sentry.io"), headers, signal.timeout_s)

    async def look(self) -> Look:
        """Ask each part once."""
        values = {"up": 1.0}
        notes: list[str] = []
        try:
            if "errors" in self._read:
                values["errors_per_hour"] = await self._count("event.type:error") / self._hours
            if "crashes" in self._read:
                values |= await self._crashes(notes)
            if "issues" in self._read:
                values["new_issues"] = await self._issues(notes)
            if "sessions" in self._read:
                values |= await self._sessions(notes)
        except Unanswered as problem:
            return Look(problem=str(problem))
        return Look(values, detail="; ".join(notes))

    async def close(self) -> None:
        """Let go of the session."""
        await self._api.close()

    async def _rows(self, fields: list[str], query: str) -> list[dict[str, Any]]:
        asked = [("field", field) for field in fields] + [("query", query), ("dataset", "errors"), ("per_page", "50")]
        asked += [("sort", "-count()")] if len(fields) > 1 else []
        answer = await self._api.get(f"{self._base}/events/", [*asked, *self._where])
        rows = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise Unanswered("Sentry's answer about events has no data")
        return [row for row in rows if isinstance(row, dict)]

    async def _count(self, query: str) -> float:
        rows = await self._rows(["count()"], query)
        found = as_number(rows[0].get("count()")) if rows else 0.0
        if found is None:
            raise Unanswered("Sentry's answer about events has no count")
        return found

    async def _crashes(self, notes: list[str]) -> dict[str, float]:
        total = await self._count(_CRASHES)
        values = {"crashes_per_hour": total / self._hours}
        for field, word in _WHERE.items() if total else ():
            rows = await self._rows([field, "count()"], _CRASHES)
            counts = {str(row[field])[:80]: as_number(row.get("count()")) or 0.0 for row in rows if row.get(field)}
            if counts:
                top = max(counts, key=lambda name: counts[name])
                values[f"top_{word}_percent"] = min(100.0, 100.0 * counts[top] / total)
                notes.append(f"most crashes by {word}: {top} ({counts[top]:,.0f} of {total:,.0f})")
        return values

    async def _issues(self, notes: list[str]) -> float:
        query = f"is:unresolved firstSeen:-{self._hours}h"
        found = await self._api.get(f"{self._base}/issues/", [("query", query), ("limit", "100"), *self._where])
        if not isinstance(found, list):
            raise Unanswered("Sentry's answer about issues is not a list")
        if found and isinstance(found[0], dict):
            notes.append(f"new: {str(found[0].get('title'))[:100]}")
        return float(len(found))

    async def _sessions(self, notes: list[str]) -> dict[str, float]:
        fields = [("field", "sum(session)"), ("field", "crash_free_rate(session)"), ("groupBy", "release"), ("interval", "1h")]
        answer = await self._api.get(f"{self._base}/sessions/", [*fields, *self._where])
        groups = answer.get("groups") if isinstance(answer, dict) else None
        if not isinstance(groups, list):
            raise Unanswered("Sentry's answer about sessions has no groups")
        total = crashed = 0.0
        by_release: dict[str, float] = {}
        for group in groups:
            totals = group.get("totals") if isinstance(group, dict) else None
            count = as_number(totals.get("sum(session)")) if isinstance(totals, dict) else None
            free = as_number(totals.get("crash_free_rate(session)")) if isinstance(totals, dict) else None
            if not count or free is None:
                continue
            total += count
            crashed += count * (1.0 - free)
            if count >= self._least:
                by_release[str((group.get("by") or {}).get("release"))[:80]] = 100.0 * (1.0 - free)
        values = {"sessions": total}
        if not total:
            notes.append(f"no session within {self._hours} h")
            return values
        values |= {"crash_percent": 100.0 * crashed / total, "crash_free_percent": 100.0 * (1.0 - crashed / total)}
        if by_release:
            worst = max(by_release, key=lambda name: by_release[name])
            values["worst_release_crash_percent"] = by_release[worst]
            notes.append(f"the release that crashes most is {worst}, {by_release[worst]:.3g} % of its sessions")
        return values
