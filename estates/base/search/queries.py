"""Turns the query language of Elasticsearch into a condition of SQL over the table of documents.

Known are match_all, match_none, match, match_phrase, multi_match, term, terms, range, exists, prefix, wildcard, ids, bool,
constant_score, query_string and simple_query_string. Anything else is refused, as the engine itself does.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
_TOKEN = re.compile(r'\s*(?P<field>[\w.@*-]+:)?(?P<value>"[^"]*"|\[[^\]]*\]|\{[^}]*\}|[()]|[<>]=?[^\s()]+|[^\s()":]+)')


class Refused(Exception):
    """A query that is not understood."""


@dataclass
class Compiled:
    """A condition with its values, and the words by which what it finds is ranked."""

    sql: str
    values: list[Any] = field(default_factory=list)
    phrase: str = ""


def compiled(query: Mapping[str, Any] | None) -> Compiled:
    """Compile a query; without one everything is found.

    >>> compiled({"term": {"level": "error"}}).sql
    'has_value(source, ?, ?)'
    """
    if not query:
        return Compiled("1")
    if len(query) != 1:
        raise Refused(f"[query] has {len(query)} parts, one is expected")
    ((kind, about),) = query.items()
    match kind:
        case "match_all":
            return Compiled("1")
        case "match_none":
            return Compiled("0")
        case "bool":
            return _bool(about)
        case "constant_score":
            return compiled(about["filter"])
        case "ids":
            return Compiled(f"documents.id IN ({', '.join('?' * len(about['values']))})", list(about["values"]))
        case "exists":
            return Compiled("has_value(source, ?, ?)", [about["field"], "null"])
        case "query_string" | "simple_query_string":
            return _Lucene(about["query"], about.get("fields") or [about.get("default_field", "")], about).compiled()
        case "multi_match":
            fields = [re.sub(r"\^.*", "", name) for name in about.get("fields", [])] or [""]
            return _any([_words(name, about["query"], about) for name in fields])
    ((name, wanted),) = about.items()
    options = wanted if isinstance(wanted, Mapping) else {}
    match kind:
        case "match" | "match_phrase" | "match_phrase_prefix":
            return _words(name, options.get("query", wanted), {"type": "phrase" if "phrase" in kind else "", **options})
        case "term":
            return _values(name, [options.get("value", wanted)])
        case "terms":
            return _values(name, list(wanted))
        case "prefix":
            return Compiled("has_value(source, ?, ?)", [name, json.dumps({"like": f"{options.get('value', wanted)}*"})])
        case "wildcard":
            like = options.get("value", options.get("wildcard", wanted))
            return Compiled("has_value(source, ?, ?)", [name, json.dumps({"like": like})])
        case "range":
            now = dt.datetime.now(dt.UTC).timestamp()
            return Compiled("within(source, ?, ?, ?)", [name, json.dumps(wanted), now])
    raise Refused(f"unknown query [{kind}]")


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _bool(about: Mapping[str, Any]) -> Compiled:
    wanted = [compiled(each) for name in ("must", "filter") for each in _listed(about.get(name, []))]
    some = [compiled(each) for each in _listed(about.get("should", []))]
    if some and (int(about.get("minimum_should_match", 0 if wanted else 1)) > 0):
        wanted.append(_any(some))
    unwanted = [compiled(each) for each in _listed(about.get("must_not", []))]
    parts = [each.sql for each in wanted] + [f"NOT ({each.sql})" for each in unwanted]
    values = [value for each in [*wanted, *unwanted] for value in each.values]
    phrase = " ".join(each.phrase for each in [*wanted, *some] if each.phrase)
    return Compiled(" AND ".join(f"({part})" for part in parts) or "1", values, phrase)


def _any(found: list[Compiled]) -> Compiled:
    sql = " OR ".join(f"({each.sql})" for each in found)
    return Compiled(
        sql, [value for each in found for value in each.values], next((each.phrase for each in found if each.phrase), "")
    )


def _values(name: str, values: list[Any]) -> Compiled:
    return Compiled("has_value(source, ?, ?)", [name, json.dumps(values)])


def _words(name: str, text: Any, options: Mapping[str, Any]) -> Compiled:
    """Look for the words of a text in a field, or in every field where none is named."""
    words = re.findall(r"\w+", str(text))
    if not words:
        return Compiled("0")
    quoted = [f'"{word}"' for word in words]
    if options.get("type") in ("phrase", "phrase_prefix"):
        phrase = f'"{" ".join(words)}"'
    else:
        phrase = (
            " AND " if str(options.get("operator", options.get("default_operator", "or"))).lower() == "and" else " OR "
        ).join(quoted)
    named, values = ("", [phrase]) if name in ("", "*", "_all") else (" AND field = ?", [phrase, re.sub(r"\.keyword$", "", name)])
    return Compiled(f"documents.row IN (SELECT document FROM words WHERE words MATCH ?{named})", values, phrase)


class _Lucene:
    """The query string's own small language: words, phrases, field:value, AND, OR, NOT, brackets, ranges, *."""

    def __init__(self, text: str, fields: list[str], options: Mapping[str, Any]) -> None:
        plain = re.sub(r"\\([-+=&|><!(){}\[\]^~?:/@.])", r"\1", text)
        self._tokens = [(each["field"] or "", each["value"]) for each in _TOKEN.finditer(plain)]
        self._fields = fields
        self._options = options

    def compiled(self) -> Compiled:
        if not self._tokens:
            return Compiled("1")
        return self._either()

    def _peek(self) -> str:
        return self._tokens[0][1] if self._tokens else ""

    def _either(self) -> Compiled:
        found = [self._both()]
        while self._tokens and self._peek() != ")":
            if self._peek() in ("OR", "||"):
                self._tokens.pop(0)
            found.append(self._both())
        if len(found) > 1 and str(self._options.get("default_operator", "or")).lower() == "and":
            return _bool_of(found)
        return _any(found) if len(found) > 1 else found[0]

    def _both(self) -> Compiled:
        found = [self._one()]
        while self._peek() in ("AND", "&&", "NOT"):
            if self._peek() != "NOT":
                self._tokens.pop(0)
            found.append(self._one())
        return _bool_of(found)

    def _one(self) -> Compiled:
        if not self._tokens:
            raise Refused("the query string ends too early")
        named, value = self._tokens.pop(0)
        if value == "NOT" or (value.startswith("-") and len(value) > 1 and not named):
            if value != "NOT":
                self._tokens.insert(0, ("", value[1:]))
            inner = self._one()
            return Compiled(f"NOT ({inner.sql})", inner.values)
        if value == "(":
            kept, self._fields = self._fields, [named[:-1]] if named else self._fields
            inner = self._either()
            self._fields = kept
            if self._peek() == ")":
                self._tokens.pop(0)
            return inner
        fields = [named[:-1]] if named else self._fields
        return _any([self._about(name, value) for name in fields])

    def _about(self, name: str, value: str) -> Compiled:
        if value[0] in "[{" and " TO " in value:
            low, high = (each.strip() for each in value[1:-1].split(" TO ", 1))
            limits = {"gte" if value[0] == "[" else "gt": low, "lte" if value[-1] == "]" else "lt": high}
            return compiled({"range": {name: {sign: limit for sign, limit in limits.items() if limit != "*"}}})
        compared = re.match(r"([<>]=?)(.+)", value)
        if compared:
            sign = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[compared[1]]
            return compiled({"range": {name: {sign: compared[2]}}})
        if name == "_exists_":
            return compiled({"exists": {"field": value}})
        if value == "*":
            return compiled({"exists": {"field": name}}) if name else Compiled("1")
        if "*" in value or "?" in value:
            return Compiled("has_value(source, ?, ?)", [name or "*", json.dumps({"like": value.lower(), "words": True})])
        return _words(name, value.strip('"'), {"type": "phrase" if value[0] == '"' else "", "operator": "and"})


def _bool_of(found: list[Compiled]) -> Compiled:
    if len(found) == 1:
        return found[0]
    sql = " AND ".join(f"({each.sql})" for each in found)
    return Compiled(
        sql, [value for each in found for value in each.values], next((each.phrase for each in found if each.phrase), "")
    )


# what SQLite calls back


def at(source: Any, name: str) -> list[Any]:
    """Give the values of a field, whose name may have dots, through lists."""
    if isinstance(source, list):
        return [value for each in source for value in at(each, name)]
    if not isinstance(source, Mapping):
        return []
    if name in ("", "*"):
        return [value for each in source.values() for value in (at(each, "*") if isinstance(each, (Mapping, list)) else [each])]
    if name in source:
        return [value for value in _listed(source[name]) if value is not None]
    found = [value for key in source if name.startswith(f"{key}.") for value in at(source[key], name[len(key) + 1 :])]
    return found or (at(source, name.removesuffix(".keyword")) if name.endswith(".keyword") else [])


def has_value(source: str, name: str, wanted: str) -> bool:
    """Say whether a document has one of some values in a field; `null` asks for any value at all."""
    values, told = at(json.loads(source), name), json.loads(wanted)
    if told is None:
        return bool(values)
    if isinstance(told, dict):
        texts = [str(value) for value in values]
        texts = [word.lower() for text in texts for word in re.findall(r"[\w.@/-]+", text)] if told.get("words") else texts
        return any(fnmatch.fnmatchcase(text, told["like"]) for text in texts)
    plain = {_plain(each) for each in told}
    return any(_plain(value) in plain for value in values)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def within(source: str, name: str, limits: str, now: float) -> bool:
    """Say whether a field's value lies within limits, which may be numbers, instants, or said from now on (`now-15m`)."""
    signs = [(sign, limit) for sign, limit in json.loads(limits).items() if sign in ("gt", "gte", "lt", "lte")]
    for value in at(json.loads(source), name):
        figure = instant(value, now)
        if figure is not None and all(_holds(figure, sign, instant(limit, now)) for sign, limit in signs):
            return True
    return False


def _holds(value: float, sign: str, limit: float | None) -> bool:
    if limit is None:
        return False
    return {"gt": value > limit, "gte": value >= limit, "lt": value < limit, "lte": value <= limit}[sign]


def instant(value: Any, now: float) -> float | None:
    """Read a number, or an instant as seconds since 1970; None where it is neither.

    >>> instant("now-15m", 1000.0), instant("1970-01-01T00:01:00Z", 0.0), instant(12, 0.0), instant("soon", 0.0)
    (100.0, 60.0, 12.0, None)
    """
    if isinstance(value, (int, float)):
        return float(value)
    text = str(value)
    relative = re.match(r"now(?:([+-])(\d+)([smhdwMy]))?(?:/[smhdwMy])?$", text)
    if relative:
        return now + (int(f"{relative[1]}{relative[2]}") * _UNITS[relative[3]] if relative[2] else 0)
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
