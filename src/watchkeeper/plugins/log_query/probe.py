"""Counts what queries find in stored logs: Elasticsearch or OpenSearch (KQL, Lucene, JSON), or CloudWatch Logs."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.aws.clients import AWS_OPTIONS, Clients
from watchkeeper.plugins.hosted.asking import Api, Unanswered, address_of
from watchkeeper.plugins.hosted.choosing import named
from watchkeeper.plugins.log_query.kql import KqlError, Query
from watchkeeper.plugins.log_query.search import LANGUAGES, Search, query_of
from watchkeeper.watch.probe import Look

_INDEX = re.compile(r"[^\s/?#\"\\|]{1,255}")
_PER = {"_per_minute": 60.0, "_per_hour": 3_600.0}
_MOST_PAGES = 50


class LogQueryProbe:
    """One index of Elasticsearch or OpenSearch, or one log group of CloudWatch. Only reads."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the search answered",
        "*": "each of [signals.<name>.queries]: how much it finds within the window; NAME_per_minute, NAME_per_hour: so often",
    }
    needs: ClassVar[Mapping[str, str]] = {"index": '"app-*"', "queries": "{ errors = 'level: ERROR' }"}
    options: ClassVar[Mapping[str, str]] = {
        "url": "address of Elasticsearch or OpenSearch",
        "index": "index, alias or pattern, such as shop-logs-*",
        "api_key": "API key of Elasticsearch, encoded",
        "username": "user, where there is no API key",
        "password": "the user's password",
        "time_field": "field that has the time (default @timestamp)",
        "language": "kql (default; a query that begins with { is JSON), lucene or json",
        "verify_tls": "false: accept any certificate (default true)",
        "log_group": "or: log group of CloudWatch; its queries are filter patterns",
        **AWS_OPTIONS,
        "queries": "table of reading = query",
        "window": "time of which is counted (default 5 minutes); a query that limits the time itself is left as it is",
    }
    as_written: ClassVar[tuple[str, ...]] = ("queries",)

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        url, group = options.maybe_text("url"), options.maybe_text("log_group")
        if (url is None) == (group is None):
            raise ConfigError(
                f"{options.name()} needs one of `url` and `log_group`.",
                hint='For example url = "https://elasticsearch:9200".',
                code="WK132",
                where=options.where(),
            )
        queries = options.table("queries")
        names = named(queries, self.readings)
        if not names:
            raise options.error("queries", f"{options.name()} has no `queries`.", 'Write errors = "level: error" in it.')
        check_readings(signal, estate, ["up", *names])
        self._window_s = options.duration("window", 300.0, 1.0)
        self._api: Api | None = None
        if group is not None:
            self._clients = Clients(options, signal.timeout_s)
            self._group = group
            self._patterns = {name: queries.text(name) for name in names}
            return
        language = options.choice("language", LANGUAGES, "kql")
        self._queries = {name: _translated(queries, name, language) for name in names}
        verify = options.flag("verify_tls", True)
        self._api = Api("the search", address_of(options, "url"), _headers(options), signal.timeout_s, verify)
        index = options.text("index")
        if not _INDEX.fullmatch(index):
            raise options.error("index", f"{index!r} is not the name of an index.", "Write shop-logs or shop-logs-*.")
        self._search = Search(self._api, index, options.text("time_field", "@timestamp"), signal.timeout_s)

    async def look(self) -> Look:
        """Ask every query once."""
        notes: list[str] = []
        try:
            if self._api is None:
                counts = await self._clients.ask(lambda: self._in_cloudwatch(time.time(), notes))
            else:
                counts = {name: await self._search.count(query, self._window_s) for name, query in self._queries.items()}
        except Unanswered as problem:
            return Look(problem=str(problem))
        return Look({"up": 1.0, **{name: self._as_named(name, count) for name, count in counts.items()}}, detail="; ".join(notes))

    async def close(self) -> None:
        """Let go of the session."""
        if self._api is not None:
            await self._api.close()

    def _as_named(self, name: str, count: float) -> float:
        return next((count / (self._window_s / per_s) for end, per_s in _PER.items() if name.endswith(end)), count)

    def _in_cloudwatch(self, now_s: float, notes: list[str]) -> dict[str, float]:
        client = self._clients.of("logs")
        counts = {}
        for name, pattern in self._patterns.items():
            asked: dict[str, Any] = {
                "logGroupName": self._group,
                "filterPattern": pattern,
                "startTime": int((now_s - self._window_s) * 1_000),
                "endTime": int(now_s * 1_000),
            }
            count = 0
            for _ in range(_MOST_PAGES):
                answer = client.filter_log_events(**asked)
                count += len(answer.get("events", []))
                if not answer.get("nextToken"):
                    break
                asked["nextToken"] = answer["nextToken"]
            else:
                notes.append(f"{name}: there are more than the {count:,} that were counted")
            counts[name] = float(count)
        return counts


def _translated(queries: Table, name: str, language: str) -> Query:
    try:
        return query_of(queries.text(name), language)
    except KqlError as problem:
        raise queries.error(
            name,
            f"{queries.name(name)} cannot be asked: {problem}.",
            'Write it as level: error and message: "no answer", or as JSON.',
        ) from None


def _headers(options: Table) -> dict[str, str]:
    key, user = options.maybe_text("api_key"), options.maybe_text("username")
    if key is not None:
        return {"Authorization": f"ApiKey {key}"}
    if user is None:
        return {}
    told = base64.b64encode(f"{user}:{options.text('password')}".encode()).decode()
    return {"Authorization": f"Basic {told}"}
