"""Counts what a query finds in Elasticsearch or OpenSearch within a time, by `_search` without hits; nothing is written.

A count of a part of the shards, or one that ran out of time, is no count: it would be too small without showing it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from watchkeeper.base.quantities import as_number
from watchkeeper.plugins.hosted.asking import Api, Unanswered
from watchkeeper.plugins.log_query.kql import KqlError, Query, to_query

LANGUAGES = ("kql", "lucene", "json")
_SCRIPTED = ("script", "script_score", "script_fields", "runtime_mappings", "function_score")


def query_of(text: str, language: str) -> Query:
    """Make a query of what the owner or the book has: KQL, Lucene, or JSON as Kibana's console has it."""
    if language == "json" or (language == "kql" and text.lstrip().startswith("{")):
        return _of_json(text)
    if language == "lucene":
        return {"query_string": {"query": text, "analyze_wildcard": True, "lenient": True}}
    return to_query(text)


def _of_json(text: str) -> Query:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise KqlError("it begins like JSON and is none") from None
    query = found.get("query", found) if isinstance(found, dict) else None
    if not isinstance(query, dict) or len(query) != 1:
        raise KqlError('JSON must be { "query": { … } } with one kind of query in it')
    scripted = next((word for word in _SCRIPTED if f'"{word}"' in text), None)
    if scripted:
        raise KqlError(f"it has {scripted}, which is not asked of a server from here")
    return query


def limits_time(query: Any, time_field: str, depth: int = 0) -> bool:
    """Say whether a query says by itself of which time it asks."""
    if depth > 30:
        return False
    if isinstance(query, dict):
        within = query.get("range")
        if isinstance(within, dict) and time_field in within:
            return True
        return any(limits_time(value, time_field, depth + 1) for value in query.values())
    return isinstance(query, list) and any(limits_time(value, time_field, depth + 1) for value in query)


class Search:
    """One index, or a pattern of several."""

    def __init__(self, api: Api, index: str, time_field: str, timeout_s: float) -> None:
        self._api = api
        self._path = f"/{quote(index, safe='*,-_.<>+')}/_search"
        self._time_field = time_field
        self._timeout_ms = max(100, int(timeout_s * 800))

    async def count(self, query: Query, window_s: float) -> float:
        """Count what a query finds of the last so many seconds."""
        asked: Mapping[str, Any] = query
        if not limits_time(query, self._time_field):
            within = {"range": {self._time_field: {"gte": f"now-{int(window_s)}s", "lte": "now"}}}
            asked = {"bool": {"filter": [query, within]}}
        body = {"size": 0, "track_total_hits": True, "timeout": f"{self._timeout_ms}ms", "query": asked}
        answer = await self._api.post(self._path, body, {"allow_no_indices": "false", "ignore_unavailable": "false"})
        return _total(answer)


def _total(answer: Any) -> float:
    hits = answer.get("hits") if isinstance(answer, dict) else None
    total = hits.get("total") if isinstance(hits, dict) else None
    # before version 7 it was a bare number
    number = as_number(total.get("value")) if isinstance(total, dict) else as_number(total)
    if number is None:
        raise Unanswered("the answer of the search has no total")
    shards = answer.get("_shards")
    failed = as_number(shards.get("failed")) if isinstance(shards, dict) else None
    if answer.get("timed_out") is True or failed:
        why = "it ran out of time" if answer.get("timed_out") is True else f"{failed:,.0f} shards failed"
        raise Unanswered(f"the search counted a part alone ({why})")
    if isinstance(total, dict) and total.get("relation", "eq") != "eq":
        raise Unanswered("the search gave no exact total")
    return number
