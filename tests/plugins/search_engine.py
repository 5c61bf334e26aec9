"""A stand-in for Elasticsearch: its search API over documents in memory, with the kinds of queries that are asked of it."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from aiohttp import web

Document = dict[str, Any]


class SearchEngine:
    """Some documents, and what was asked."""

    def __init__(self, *documents: Document) -> None:
        self.documents = list(documents)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        #: laid over an answer
        self.more: dict[str, Any] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        self.paths.append(request.path)
        if "none" in request.path:
            error = {"type": "index_not_found_exception", "reason": "no such index [none]"}
            return web.json_response({"error": {"root_cause": [error], **error}, "status": 404}, status=404)
        count = sum(matches(document, body["query"]) for document in self.documents)
        found: dict[str, Any] = {
            "took": 1,
            "timed_out": False,
            "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
            "hits": {"total": {"value": count, "relation": "eq"}, "max_score": None, "hits": []},
        }
        return web.json_response(found | self.more)


def matches(document: Document, query: dict[str, Any]) -> bool:
    """Judge a document by a query, for analysed text fields."""
    ((kind, about),) = query.items()
    match kind:
        case "match_all":
            return True
        case "bool":
            assert set(about) <= {"filter", "must", "should", "must_not", "minimum_should_match"}
            wanted = [*_list(about.get("filter", [])), *_list(about.get("must", []))]
            some = _list(about.get("should", []))
            return (
                all(matches(document, each) for each in wanted)
                and (not some or any(matches(document, each) for each in some))
                and not any(matches(document, each) for each in _list(about.get("must_not", [])))
            )
        case "match" | "match_phrase":
            ((name, value),) = about.items()
            return _says(_values(document, name), str(value), phrase=kind == "match_phrase")
        case "multi_match":
            return _says(_every(document), about["query"], phrase=about.get("type") == "phrase")
        case "exists":
            return bool(_values(document, about["field"]))
        case "range":
            ((name, limits),) = about.items()
            return any(_within(value, limits) for value in _values(document, name))
        case "query_string":
            pattern = re.sub(r"\\(.)", r"\1", about["query"]).lower()
            values = [value for name in about.get("fields", []) for value in _values(document, name)] or _every(document)
            return any(fnmatch.fnmatch(word, pattern) for value in values for word in _words(value))
    raise AssertionError(f"not a kind of query that is asked: {kind}")


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _values(document: Document, name: str) -> list[Any]:
    found: Any = document
    if name in document:
        return [document[name]]
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return [] if found is None else [found]


def _every(document: Document) -> list[Any]:
    return [value for value in document.values() if not isinstance(value, dict)]


def _words(value: Any) -> list[str]:
    return re.findall(r"[\w.-]+", str(value).lower())


def _says(values: list[Any], text: str, phrase: bool) -> bool:
    wanted = _words(text)
    for value in values:
        words = _words(value)
        if phrase and any(words[at : at + len(wanted)] == wanted for at in range(len(words))):
            return True
        if not phrase and set(words) & set(wanted):
            return True
    return False


def _within(value: Any, limits: dict[str, Any]) -> bool:
    for sign, limit in limits.items():
        if str(limit).startswith("now"):
            continue
        number = float(limit)
        if not {"gt": value > number, "gte": value >= number, "lt": value < number, "lte": value <= number}[sign]:
            return False
    return True
