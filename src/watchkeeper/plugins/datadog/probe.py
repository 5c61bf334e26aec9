"""Reads Datadog: metrics by its own queries, and in which state its monitors are."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from watchkeeper.base.durations import parse_duration
from watchkeeper.base.errors import ConfigError
from watchkeeper.base.quantities import as_number
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.hosted.asking import Api, Unanswered, address_of
from watchkeeper.plugins.hosted.choosing import TAKE, TAKES, named, reading_of
from watchkeeper.watch.probe import Look

_MONITOR = re.compile(r"\s*(avg|max|min|sum)\(last_(\d+[smhdw])\)\s*:\s*(.+?)\s*(?:(>=?|<=?)\s*-?\d[\d.]*)?\s*", re.DOTALL)
_STATES = {"Alert": "monitors_alerting", "Warn": "monitors_warning", "No Data": "monitors_without_data"}
_PAGE, _MOST_PAGES = 1_000, 10
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Query:
    text: str
    window_s: float
    #: how the points of the window become one; None: the last of them is the reading
    over: str | None = None
    #: which of several series is the reading
    take: str = "highest"
    #: it is the book's own: where Datadog does not take it, the others are asked all the same
    asked: bool = False


class DatadogProbe:
    """One organisation of Datadog. Keys may be restricted to reading metrics and monitors."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where Datadog answered",
        "monitors": "with `monitor_tags`: monitors that have all the tags",
        "monitors_alerting": "with `monitor_tags`: those in the state Alert",
        "monitors_warning": "with `monitor_tags`: those in the state Warn",
        "monitors_without_data": "with `monitor_tags`: those in the state No Data",
        "*": "each of [signals.<name>.queries]; a monitor that the book states is asked as it stands",
    }
    needs: ClassVar[Mapping[str, str]] = {"api_key": "$", "app_key": "$", "monitor_tags": '["env:production"]'}
    options: ClassVar[Mapping[str, str]] = {
        "api_key": "API key",
        "app_key": "application key",
        "site": "such as datadoghq.eu (default datadoghq.com)",
        "url": "address of the API, where it is not https://api.<site>",
        "queries": "table of reading = query, as a graph or a monitor has it: avg:api.error_rate{env:production}",
        "take": TAKE,
        "window": "how far back a value may lie, where the query does not say it (default 5 minutes)",
        "monitor_tags": "tags of the monitors whose states are read",
    }
    as_written: ClassVar[tuple[str, ...]] = ("queries",)
    #: monitors that the book states are asked as they stand
    speaks: ClassVar[str] = "datadog"

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        window_s = options.duration("window", 300.0, 1.0)
        queries = options.table("queries")
        known = [name for name in self.readings if name != "*"]
        take = options.choice("take", TAKES, "highest")
        self._queries = {name: _query(queries.text(name), window_s, take) for name in named(queries, known)}
        check_readings(signal, estate, [*known, *self._queries])
        books = (reading for reading in signal.asked if reading not in self._queries and reading not in known)
        self._queries |= {reading: _of_the_book(reading, window_s) for reading in books}
        self._tags = options.texts("monitor_tags")
        if not self._queries and not self._tags:
            raise ConfigError(
                f"{options.name()} has neither `queries` nor `monitor_tags`, and the book states no query of Datadog.",
                hint='For example queries = { error_percent = "avg:api.error_rate{env:production}" }.',
                code="WK132",
                where=options.where(),
            )
        url = address_of(options, "url", f"https://api.{options.text('site', 'datadoghq.com')}")
        keys = {"DD-API-KEY": options.text("api_key"), "DD-APPLICATION-KEY": options.text("app_key")}
        self._api = Api("Datadog", url, keys, signal.timeout_s)

    async def look(self) -> Look:
        """Ask every query once, and for the monitors."""
        values = {"up": 1.0}
        notes: list[str] = []
        try:
            for name, query in self._queries.items():
                values |= await self._value(name, query, notes)
            if self._tags:
                values |= await self._monitors(notes)
        except Unanswered as problem:
            return Look(problem=str(problem))
        return Look(values, detail="; ".join(notes))

    async def close(self) -> None:
        """Let go of the session."""
        await self._api.close()

    async def _value(self, name: str, query: _Query, notes: list[str]) -> dict[str, float]:
        now = int(time.time())
        asked = {"from": str(now - int(query.window_s)), "to": str(now), "query": query.text}
        answer = await self._api.get("/api/v1/query", asked)
        if not isinstance(answer, dict) or answer.get("status") == "error" or answer.get("error"):
            error = answer.get("error") if isinstance(answer, dict) else None
            said = f"Datadog does not take the query {name}: {str(error or 'no reason given')[:200]}"
            if not query.asked:
                raise Unanswered(said)
            notes.append(said)
            return {}
        found = answer.get("series")
        series = {}
        for each in found if isinstance(found, list) else []:
            if isinstance(each, dict) and (points := _points(each)):
                series[str(each.get("scope") or each.get("metric") or "?")[:100]] = _one(points, query.over)
        if not series:
            notes.append(f"{name}: no value within {query.window_s:g} s")
            return {}
        return reading_of(name, series, query.take, notes)

    async def _monitors(self, notes: list[str]) -> dict[str, float]:
        counts = dict.fromkeys(_STATES.values(), 0.0)
        names: dict[str, list[str]] = {state: [] for state in _STATES}
        total = 0
        for page in range(_MOST_PAGES):
            asked = {"monitor_tags": ",".join(self._tags), "page": str(page), "page_size": str(_PAGE)}
            found = await self._api.get("/api/v1/monitor", asked)
            if not isinstance(found, list):
                raise Unanswered("Datadog's answer about monitors is not a list")
            for monitor in found:
                state = monitor.get("overall_state") if isinstance(monitor, dict) else None
                total += 1
                if state in _STATES:
                    counts[_STATES[state]] += 1
                    names[state].append(str(monitor.get("name"))[:80])
            if len(found) < _PAGE:
                break
        else:
            notes.append(f"more than {total:,} monitors")
        if not total:
            raise Unanswered(f"Datadog has no monitor with the tags {', '.join(self._tags)}")
        for state, which in names.items():
            if which:
                more = f" and {len(which) - _SHOWN:,} more" if len(which) > _SHOWN else ""
                notes.append(f"{state}: {', '.join(which[:_SHOWN])}{more}")
        return {"monitors": float(total), **counts}


def _query(text: str, window_s: float, take: str) -> _Query:
    """Take a query as a graph has it, or as a monitor has it, with its window and without its limit."""
    found = _MONITOR.fullmatch(text)
    if found is None:
        return _Query(text, window_s, take=take)
    return _Query(found[3], parse_duration(found[2]) or window_s, found[1], take)


def _of_the_book(text: str, window_s: float) -> _Query:
    """Take a monitor of the book: of several groups the worst by its comparison is the reading."""
    found = _MONITOR.fullmatch(text)
    return replace(_query(text, window_s, "lowest" if found and (found[4] or "")[:1] == "<" else "highest"), asked=True)


def _points(series: Mapping[str, Any]) -> list[float]:
    points = series.get("pointlist")
    values = (
        [as_number(each[1]) for each in points if isinstance(each, list) and len(each) == 2] if isinstance(points, list) else []
    )
    return [value for value in values if value is not None]


def _one(points: list[float], over: str | None) -> float:
    match over:
        case "avg":
            return sum(points) / len(points)
        case "sum":
            return sum(points)
        case "max" | "min":
            return max(points) if over == "max" else min(points)
        case _:
            return points[-1]
