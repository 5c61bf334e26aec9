"""Asks a server for the value of PromQL expressions: those of the configuration, and those of the book as they stand.

Each look asks the questions side by side, a few at a time, within the signal's time; the bytes of an answer are bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import Answer, Fetcher, Request
from watchkeeper.plugins.http.probe import credentials_of, headers_of, web_address
from watchkeeper.plugins.promql.answer import Result, read_answer, read_range
from watchkeeper.watch.probe import Look

#: questions under way at once
AT_ONCE = 4
#: more expressions than this are a mistake
MOST = 500
_MOST_BYTES = 2_000_000
_LONGEST_ADDRESS = 1_500


class PromqlProbe:
    """Expressions at a Prometheus, Thanos, Mimir, VictoriaMetrics or anything else that takes PromQL."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the server answers queries, else 0",
        "seconds": "time until all answers were read, in seconds",
        "*": "a PromQL expression that gives one number, such as sum(rate(http_requests_total[5m]))",
    }
    options: ClassVar[Mapping[str, str]] = {
        "url": "address of the server; /api/v1/query is put behind it",
        "token": "bearer token",
        "user": "name for basic authentication",
        "password": "its password",
        "tenant": "tenant (sent as X-Scope-OrgID and THANOS-TENANT)",
        "headers": "table of request headers",
        "verify_tls": "false: accept any certificate (default true)",
        "empty": "zero: a query without any series is 0; missing (default): it is no reading, so what it decides is blind",
        "partial": "true: an answer of which the server says that parts are missing counts all the same (default false)",
    }
    #: thresholds that the book states in this language are asked as they stand
    speaks: ClassVar[str] = "promql"

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        wanted = dict.fromkeys((*signal.metrics.values(), *signal.asked))
        self._queries = [reading for reading in wanted if reading not in ("up", "seconds")]
        if len(self._queries) > MOST:
            raise ConfigError(
                f"{options.name()} asks {len(self._queries):,} expressions.",
                hint=f"At most {MOST} in one signal; make several.",
                code="WK132",
                where=options.where(),
            )
        self._empty_is_zero = options.choice("empty", ("zero", "missing"), "missing") == "zero"
        self._partial = options.flag("partial", False)
        tenant = options.maybe_text("tenant")
        tenants = {"X-Scope-OrgID": tenant, "THANOS-TENANT": tenant} if tenant else {}
        self._address = f"{web_address(options).rstrip('/')}/api/v1/query"
        self._request = Request(
            url=self._address,
            headers={**tenants, **credentials_of(options), **headers_of(options)},
            verify_tls=options.flag("verify_tls", True),
            most_bytes=_MOST_BYTES,
            timeout_s=signal.timeout_s,
        )
        self._timeout_s = signal.timeout_s
        self._fetcher = Fetcher(self._request)
        #: step -> until when the past was asked, and what it gave
        self._past: dict[float, tuple[datetime, dict[str, list[tuple[datetime, float]]]]] = {}

    async def look(self) -> Look:
        """Ask every expression once."""
        started = time.monotonic()
        turns = asyncio.Semaphore(AT_ONCE)
        queries = self._queries or ["vector(1)"]
        answers = await asyncio.gather(*(self._ask(query, turns, started) for query in queries))
        dead = next((answer for answer in answers if answer.status is None), None)
        if dead is not None and all(answer.status is None for answer in answers):
            return Look({"up": 0.0, "seconds": dead.took_s} if dead.late else {"up": 0.0}, detail=dead.problem or "")
        results = [self._result(answer) for answer in answers]
        if all(result.refused for result in results):
            return Look(problem=f"the server does not take our queries: {results[0].said}")
        values, notes = {"up": 1.0, "seconds": time.monotonic() - started}, []
        if all(answer.status is None or answer.status >= 500 for answer in answers):
            return Look({"up": 0.0, "seconds": values["seconds"]}, detail=results[0].said)
        for query, result in zip(self._queries, results, strict=False):
            if result.value is not None:
                values[query] = result.value
            elif result.empty and self._empty_is_zero:
                values[query] = 0.0
            if result.said and not (result.empty and self._empty_is_zero):
                notes.append(f"{_shown(query)}: {result.said}")
        return Look(values, detail="; ".join(notes[:10]))

    async def past(self, since: datetime, until: datetime, step_s: float) -> dict[str, list[tuple[datetime, float]]]:
        """Give what the expressions gave between two instants, a point a step; what the server cannot say is left out.

        The same span is asked again only when a step has passed.
        """
        kept = self._past.get(step_s)
        if kept is not None and timedelta(0) <= until - kept[0] < timedelta(seconds=step_s):
            return kept[1]
        started, turns = time.monotonic(), asyncio.Semaphore(AT_ONCE)
        span = {"start": since.timestamp(), "end": until.timestamp(), "step": step_s}
        answers = await asyncio.gather(*(self._ask(query, turns, started, span) for query in self._queries))
        read = [read_range(answer.status or 0, b"" if answer.cut else answer.body) for answer in answers]
        found = {query: points for query, points in zip(self._queries, read, strict=True) if points}
        self._past[step_s] = (until, found)
        return found

    async def close(self) -> None:
        """Let go of the session."""
        await self._fetcher.close()

    async def _ask(self, query: str, turns: asyncio.Semaphore, started: float, span: Mapping[str, float] | None = None) -> Answer:
        address = f"{self._address}_range" if span else self._address
        async with turns:
            left_s = self._timeout_s - (time.monotonic() - started)
            if left_s <= 0:
                return Answer(self._timeout_s, problem=f"no complete answer within {self._timeout_s:g} s", late=True)
            sent = urlencode({"query": query, "timeout": f"{left_s:.3f}", **(span or {})})
            request = replace(self._request, timeout_s=left_s)
            if len(sent) <= _LONGEST_ADDRESS:
                return await self._fetcher.fetch(replace(request, url=f"{address}?{sent}"))
            form = {**request.headers, "Content-Type": "application/x-www-form-urlencoded"}
            return await self._fetcher.fetch(replace(request, url=address, method="POST", headers=form, body=sent.encode()))

    def _result(self, answer: Answer) -> Result:
        if answer.status is None:
            return Result(said=answer.problem or "")
        return read_answer(answer.status, answer.body, answer.cut, self._partial)


def _shown(query: str) -> str:
    return query if len(query) <= 80 else f"{query[:79]}…"
