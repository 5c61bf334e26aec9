"""Reads a target's metrics in the Prometheus text format; its readings are expressions over the last scrapes.

The bytes of a page and the number of series are bounded; only the series that an expression asks for are kept.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import Fetcher, Request
from watchkeeper.plugins.http.probe import headers_of, web_address
from watchkeeper.plugins.prometheus.evaluate import Evaluation, History, Missing
from watchkeeper.plugins.prometheus.exposition import FormatError, Scrape, read_exposition
from watchkeeper.plugins.prometheus.expression import Expression, ExpressionError, parse, selectors_of
from watchkeeper.watch.probe import Look

_ACCEPT = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5"
_LONGEST_S = 86_400.0


class PrometheusProbe:
    """One page of metrics."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the page could be read, else 0",
        "seconds": "time until it was read, in seconds; where it was not in time, the time that was waited",
        "*": "an expression over the page's series, such as percent(rate(a_total{code=~'5..'}[1m]), rate(a_total[1m]))",
    }
    examples: ClassVar[Mapping[str, tuple[str, str]]] = {
        "error_rate": ('percent(rate(http_requests_total{status=~"5.."}[1m]), rate(http_requests_total[1m]))', ""),
        "response_time": ("quantile(0.95, http_request_duration_seconds_bucket[1m])", ""),
        "request_rate": ("rate(http_requests_total[1m])", ""),
    }
    options: ClassVar[Mapping[str, str]] = {
        "url": "address of the page",
        "headers": "table of request headers",
        "verify_tls": "false: accept any certificate (default true)",
        "max_bytes": "most bytes that are read (default 10,000,000)",
        "max_series": "most series that are kept of one page (default 50,000)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._expressions = {
            reading: _parsed(reading, metric, signal, estate)
            for metric, reading in signal.metrics.items()
            if reading not in ("up", "seconds")
        }
        selectors = [selector for expression in self._expressions.values() for selector in selectors_of(expression)]
        self._wanted = {selector.metric for selector in selectors}
        self._most_series = int(options.number("max_series", 50_000, 1))
        self._most_bytes = int(options.number("max_bytes", 10_000_000, 1))
        self._history = History(max((selector.window_s or 0.0 for selector in selectors), default=0.0))
        self._fetcher = Fetcher(
            Request(
                url=web_address(options),
                headers={"Accept": _ACCEPT, **headers_of(options)},
                verify_tls=options.flag("verify_tls", True),
                most_bytes=self._most_bytes,
                timeout_s=signal.timeout_s,
            )
        )

    async def look(self) -> Look:
        """Read the page once and evaluate every expression."""
        answer = await self._fetcher.fetch()
        if answer.unseen:
            return Look(problem=f"its name cannot be looked up: {answer.problem}")
        if answer.status is None:
            return Look({"up": 0.0, "seconds": answer.took_s} if answer.late else {"up": 0.0}, detail=answer.problem or "")
        if answer.status != 200:
            return Look({"up": 0.0, "seconds": answer.took_s}, detail=f"{answer.status} {answer.reason}".strip())
        if answer.cut:
            return Look(problem=f"the page is larger than {self._most_bytes:,} bytes")
        try:
            scrape = read_exposition(answer.body.decode(errors="replace"), self._wanted, self._most_series)
        except FormatError as problem:
            return Look(problem=str(problem))
        values, detail = self._evaluate(scrape)
        return Look({"up": 1.0, "seconds": answer.took_s, **values}, detail=detail)

    async def close(self) -> None:
        """Let go of the session."""
        await self._fetcher.close()

    def _evaluate(self, scrape: Scrape) -> tuple[dict[str, float], str]:
        self._history.add(time.monotonic(), scrape)
        evaluation = Evaluation(self._history)
        values: dict[str, float] = {}
        for reading, expression in self._expressions.items():
            try:
                values[reading] = evaluation.number(expression)
            except Missing as problem:
                evaluation.notes.append(str(problem))
        return values, "; ".join(dict.fromkeys(evaluation.notes))


def _parsed(reading: str, metric: str, signal: SignalConfig, estate: Estate) -> Expression:
    table = options_of(signal, estate)
    try:
        found = parse(reading)
        longest = max((selector.window_s or 0.0 for selector in selectors_of(found)), default=0.0)
        if longest > _LONGEST_S:
            raise ExpressionError("a window is longer than one day")
        return found
    except ExpressionError as problem:
        raise ConfigError(
            f"{table.name('metrics', metric)} is not an expression: {problem}.",
            hint="For example rate(requests_total[30s]), or percent(rate(errors_total[1m]), rate(requests_total[1m])).",
            code="WK136",
            where=table.where("metrics", metric),
        ) from None
