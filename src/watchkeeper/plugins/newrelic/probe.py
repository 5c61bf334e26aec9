"""Reads New Relic: the number that an NRQL query gives, through NerdGraph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from watchkeeper.base.quantities import as_number
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.hosted.asking import Api, Unanswered, address_of
from watchkeeper.plugins.hosted.choosing import TAKE, TAKES, named, reading_of
from watchkeeper.watch.probe import Look

_QUESTION = (
    "query($account: Int!, $nrql: Nrql!, $timeout: Seconds!) "
    "{ actor { account(id: $account) { nrql(query: $nrql, timeout: $timeout) { results } } } }"
)
_HOSTS = {"us": "https://api.newrelic.com", "eu": "https://api.eu.newrelic.com"}
#: keys of a row that are no result of the query
_NO_RESULTS = frozenset({"facet", "beginTimeSeconds", "endTimeSeconds", "timestamp", "inspect"})


class NewRelicProbe:
    """One account of New Relic. NRQL only reads."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where New Relic answered",
        "*": "each of [signals.<name>.queries]: the first number of a row",
    }
    needs: ClassVar[Mapping[str, str]] = {
        "api_key": "$",
        "account": "1",
        "queries": "{ answers = 'SELECT count(*) FROM Transaction SINCE 5 minutes ago' }",
    }
    options: ClassVar[Mapping[str, str]] = {
        "api_key": "a user's API key",
        "account": "number of the account",
        "region": "us or eu (default us)",
        "url": "address of NerdGraph's host, where it is another",
        "queries": "table of reading = NRQL, such as SELECT average(duration) FROM Transaction SINCE 5 minutes ago",
        "take": TAKE,
    }
    as_written: ClassVar[tuple[str, ...]] = ("queries",)

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        queries = options.table("queries")
        self._queries = {name: queries.text(name) for name in named(queries, self.readings)}
        if not self._queries:
            raise options.error("queries", f"{options.name()} has no `queries`.", "Write reading = 'SELECT … FROM …' in it.")
        check_readings(signal, estate, ["up", *self._queries])
        self._account = int(options.number("account", None, 1))
        self._take = options.choice("take", TAKES, "highest")
        self._timeout_s = signal.timeout_s
        url = address_of(options, "url", _HOSTS[options.choice("region", tuple(_HOSTS), "us")])
        self._api = Api("New Relic", url, {"API-Key": options.text("api_key")}, signal.timeout_s)

    async def look(self) -> Look:
        """Ask every query once."""
        values = {"up": 1.0}
        notes: list[str] = []
        try:
            for name, query in self._queries.items():
                values |= await self._value(name, query, notes)
        except Unanswered as problem:
            return Look(problem=str(problem))
        return Look(values, detail="; ".join(notes))

    async def close(self) -> None:
        """Let go of the session."""
        await self._api.close()

    async def _value(self, name: str, query: str, notes: list[str]) -> dict[str, float]:
        asked = {"account": self._account, "nrql": query, "timeout": max(5, math.floor(self._timeout_s))}
        answer = await self._api.post("/graphql", {"query": _QUESTION, "variables": asked})
        rows = _rows(answer)
        if rows is None:
            raise Unanswered(f"New Relic does not take the query {name}: {_reason(answer)}")
        found = {str(row.get("facet", "all"))[:100]: value for row in rows if (value := first_number(row)) is not None}
        if not found:
            notes.append(f"{name}: the query gave no number")
            return {}
        return reading_of(name, found, self._take, notes)


def _rows(answer: Any) -> list[dict[str, Any]] | None:
    found = answer
    for key in ("data", "actor", "account", "nrql", "results"):
        found = found.get(key) if isinstance(found, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else None


def _reason(answer: Any) -> str:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first.get("message", "no reason given"))[:200] if isinstance(first, dict) else "no reason given"


def first_number(row: Mapping[str, Any]) -> float | None:
    """Give the first result of a row; that of a percentile lies one deeper.

    >>> first_number({"facet": "a", "percentile.duration": {"95": 1.5}}), first_number({"count": 3})
    (1.5, 3.0)
    """
    for key, found in row.items():
        if key in _NO_RESULTS:
            continue
        values = list(found.values()) if isinstance(found, dict) else [found]
        number = as_number(values[0]) if values and not isinstance(values[0], str) else None
        if number is not None:
            return number
    return None
