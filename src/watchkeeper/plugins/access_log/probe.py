"""Reads access logs onward: how many requests there are, how many fail, how long they take, how many a cache answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.logs.choosing import SOURCE_OPTIONS, source_of
from watchkeeper.plugins.logs.lines import read_request
from watchkeeper.plugins.logs.probe import behind_words
from watchkeeper.plugins.logs.source import Unreadable
from watchkeeper.plugins.logs.tally import Tally, Window, percentile
from watchkeeper.watch.probe import Look

_PERCENTILES = {f"latency_p{share}_seconds": share / 100 for share in (50, 95, 99)}
_UNITS = {"seconds": 1.0, "milliseconds": 0.001, "microseconds": 0.000_001}


class AccessLogProbe:
    """Requests of an access log: the common or combined format of nginx and apache with whatever follows it, or JSON lines."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it could be read",
        "requests_per_minute": "requests",
        "requests_per_second": "requests",
        "status_4xx_percent": "share of requests that were answered with 400 to 499, in percent; missing where there are none",
        "status_5xx_percent": "share of requests that were answered with 500 to 599, in percent; missing where there are none",
        "status_4xx_per_minute": "requests that were answered with 400 to 499, a minute",
        "status_5xx_per_minute": "requests that were answered with 500 to 599, a minute",
        "latency_seconds": "mean time that they took, in seconds; missing where the log does not say it",
        "cache_hit_percent": "share of them that a cache answered, in percent, where the log says HIT, MISS and the like",
        "latency_p50_seconds": "time within which half of them were answered, in seconds",
        "latency_p95_seconds": "time within which 95 of 100 were answered, in seconds",
        "latency_p99_seconds": "time within which 99 of 100 were answered, in seconds",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "error_rate": ("status_5xx_percent", "status_5xx_per_minute"),
        "response_time": ("latency_p95_seconds",),
        "request_rate": ("requests_per_minute", "requests_per_second"),
        "cache_hit_rate": ("cache_hit_percent",),
    }
    needs: ClassVar[Mapping[str, str]] = {"files": '["/var/log/nginx/access.log"]'}
    options: ClassVar[Mapping[str, str]] = {
        **SOURCE_OPTIONS,
        "time_in": "what the time on a line counts in: seconds (nginx), milliseconds or microseconds (apache's %D)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        check_readings(signal, estate, list(self.readings))
        self._source = source_of(options, estate)
        self._unit_s = _UNITS[options.choice("time_in", tuple(_UNITS), "seconds")]
        window_s = options.duration("window", 60.0, 1.0)
        self._window, self._least_s = Window(window_s), min(window_s, signal.every_s)
        self._most_bytes = int(options.number("max_bytes", 8_000_000, 1_000, 100_000_000))
        self._timeout_s = signal.timeout_s
        self._before_s: float | None = None

    async def look(self) -> Look:
        """Read on from where the last look ended."""
        now_s = time.monotonic()
        try:
            read = await self._source.read(self._count, self._most_bytes, now_s + 0.8 * self._timeout_s)
        except Unreadable as problem:
            return Look(problem=str(problem))
        before_s, self._before_s = self._before_s, now_s
        if before_s is None:
            return Look({"up": 1.0}, detail="requests count from here on")
        for index, tally in enumerate(read.tallies or [Tally()]):
            self._window.add(now_s, now_s - before_s if index == 0 else 0.0, tally)
        tally, covered_s = self._window.sum()
        said = [*read.notes[:3], *behind_words(read, self._most_bytes)]
        if tally.counts["other"] and not tally.counts["requests"]:
            return Look(problem="none of its lines is one of an access log: " + "; ".join(said or ["see the option `files`"]))
        if tally.counts["other"]:
            said.append(f"{tally.count('other'):,.0f} lines tell of no request")
        if not tally.counts["requests"]:
            said.append("no request within the window")
        return Look(_values(tally, max(covered_s, self._least_s)), detail="; ".join(said))

    async def close(self) -> None:
        """Let go of the source."""
        await self._source.close()

    def _count(self, tally: Tally, raw: str, known: int | None) -> None:
        """Count one line; runs in the reading thread."""
        request = read_request(raw, self._unit_s)
        if request is None:
            tally.counts["other"] += 1
            return
        tally.counts["requests"] += 1
        tally.counts[f"{request.status // 100}xx"] += 1
        if request.seconds is not None:
            tally.add_time(request.seconds)
        if request.cached is not None:
            tally.counts["cached" if request.cached else "fetched"] += 1


def _values(tally: Tally, covered_s: float) -> dict[str, float]:
    minutes = covered_s / 60
    requests = tally.count("requests")
    values = {
        "up": 1.0,
        "requests_per_minute": requests / minutes,
        "requests_per_second": requests / minutes / 60,
        "status_4xx_per_minute": tally.count("4xx") / minutes,
        "status_5xx_per_minute": tally.count("5xx") / minutes,
    }
    if requests:
        values |= {f"status_{kind}_percent": 100.0 * tally.count(kind) / requests for kind in ("4xx", "5xx")}
    if tally.times:
        values["latency_seconds"] = sum(tally.times) / len(tally.times)
        values |= {name: percentile(tally.times, share) for name, share in _PERCENTILES.items()}
    told = tally.count("cached") + tally.count("fetched")
    if told:
        values["cache_hit_percent"] = 100.0 * tally.count("cached") / told
    return values
