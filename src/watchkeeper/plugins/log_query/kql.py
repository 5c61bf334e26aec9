"""Translates the Kibana query language into the query language of Elasticsearch and OpenSearch, as Kibana does.

A query enters, its JSON leaves: field: value, quoted phrases, * in values, field: *, <, <=, >, >=, and, or, not, groups of
values, brackets, and words without a field. What else KQL has (nested fields in braces, * in names of fields) is refused with a
sentence.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

Query: TypeAlias = dict[str, Any]

_LONGEST, _DEEPEST = 4_000, 40
_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<range><=|>=|<|>)|(?P<sign>[(){}:])|(?P<word>(?:\\.|[^\s\\()\":<>{}])+))",
    re.DOTALL,
)
_WORDS = frozenset({"and", "or", "not"})
_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
#: what the query string syntax gives a meaning, but for the * that is meant
_SPECIAL = re.compile(r"([+\-=&|><!(){}\[\]^\"~?:\\/])")


class KqlError(Exception):
    """A query that cannot be translated, and why."""


class _Reader:
    """The words of a query, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self.depth = 0
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise KqlError(f"it cannot be read from {text[at : at + 20]!r} on")
            kind = str(found.lastgroup)
            word = found[kind]
            self._tokens.append(("keyword", word.lower()) if kind == "word" and word.lower() in _WORDS else (kind, word))
            at = found.end()

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        """Give a word without taking it."""
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        """Take the next word."""
        token = self.peek()
        self._at += 1
        return token

    def takes(self, kind: str, word: str) -> bool:
        """Take the next word where it is this one."""
        if self.peek() != (kind, word):
            return False
        self._at += 1
        return True


def to_query(text: str) -> Query:
    """Translate a query.

    >>> to_query("level: error and not service: search")["bool"]["filter"][0]
    {'match': {'level': 'error'}}
    """
    if len(text) > _LONGEST:
        raise KqlError(f"it has more than {_LONGEST:,} characters")
    if not text.strip():
        return {"match_all": {}}
    reader = _Reader(text)
    found = _any_of(reader)
    if reader.peek()[0] != "end":
        raise KqlError(f"there is no `and` or `or` before {reader.peek()[1]!r}")
    return found


def _any_of(reader: _Reader) -> Query:
    found = [_all_of(reader)]
    while reader.takes("keyword", "or"):
        found.append(_all_of(reader))
    return found[0] if len(found) == 1 else {"bool": {"should": found, "minimum_should_match": 1}}


def _all_of(reader: _Reader) -> Query:
    found = [_one(reader)]
    while reader.takes("keyword", "and"):
        found.append(_one(reader))
    return found[0] if len(found) == 1 else {"bool": {"filter": found}}


def _one(reader: _Reader) -> Query:
    reader.depth += 1
    if reader.depth > _DEEPEST:
        raise KqlError(f"it is nested more than {_DEEPEST} deep")
    try:
        if reader.takes("keyword", "not"):
            return {"bool": {"must_not": [_one(reader)]}}
        if reader.takes("sign", "("):
            found = _any_of(reader)
            _close(reader)
            return found
        return _clause(reader)
    finally:
        reader.depth -= 1


def _clause(reader: _Reader) -> Query:
    kind, word = reader.peek()
    if kind not in ("word", "quoted"):
        raise KqlError(f"there is nothing before {word!r}" if kind != "end" else "it ends where something must follow")
    if reader.peek(1) == ("sign", ":"):
        reader.take()
        reader.take()
        return _field(_name(kind, word), reader)
    if reader.peek(1)[0] == "range":
        reader.take()
        sign = reader.take()[1]
        value_kind, value = reader.take()
        if value_kind not in ("word", "quoted"):
            raise KqlError(f"there is no value after {word} {sign}")
        return {"range": {_name(kind, word): {_RANGES[sign]: _plain(value_kind, value)}}}
    return _value(None, reader)


def _field(name: str, reader: _Reader) -> Query:
    if reader.peek() == ("sign", "{"):
        raise KqlError("nested fields in braces are not translated; write the query as JSON")
    if reader.takes("sign", "("):
        found = _values(name, reader)
        _close(reader)
        return found
    return _value(name, reader)


def _values(name: str, reader: _Reader) -> Query:
    """Take a group of values of one field: (a or b), (a and not b)."""
    parts, kinds = [_value_or_not(name, reader)], set()
    while reader.peek() in (("keyword", "or"), ("keyword", "and")):
        kinds.add(reader.take()[1])
        parts.append(_value_or_not(name, reader))
    if len(kinds) > 1:
        raise KqlError("a group of values mixes `and` and `or`; write the field before each")
    if kinds == {"or"}:
        return {"bool": {"should": parts, "minimum_should_match": 1}}
    return {"bool": {"filter": parts}} if len(parts) > 1 else parts[0]


def _value_or_not(name: str, reader: _Reader) -> Query:
    if reader.takes("keyword", "not"):
        return {"bool": {"must_not": [_value(name, reader)]}}
    return _value(name, reader)


def _value(name: str | None, reader: _Reader) -> Query:
    kind, word = reader.take()
    if kind == "quoted":
        text = _plain(kind, word)
        return {"match_phrase": {name: text}} if name else {"multi_match": {"type": "phrase", "query": text, "lenient": True}}
    if kind != "word":
        raise KqlError(f"there is no value for {name}" if name else f"there is nothing before {word!r}")
    words = [word]
    # words that follow one another are one value, as long as the next is not the name of a field
    while reader.peek()[0] == "word" and reader.peek(1) != ("sign", ":") and reader.peek(1)[0] != "range":
        words.append(reader.take()[1])
    if any(_is_wild(each) for each in words):
        if words == ["*"]:
            return {"exists": {"field": name}} if name else {"match_all": {}}
        text = " ".join(_escaped(each) for each in words)
        return {"query_string": {"query": text, **({"fields": [name]} if name else {}), "lenient": True}}
    text = " ".join(_plain("word", each) for each in words)
    if name is None:
        return {"multi_match": {"type": "best_fields", "query": text, "lenient": True}}
    return {"match": {name: text}}


def _name(kind: str, word: str) -> str:
    if kind == "word" and _is_wild(word):
        raise KqlError(f"the field {word} has a * in its name, which is not translated; name the field whole")
    return _plain(kind, word)


def _close(reader: _Reader) -> None:
    if not reader.takes("sign", ")"):
        raise KqlError("a bracket is not closed")


def _is_wild(word: str) -> bool:
    return "*" in re.sub(r"\\.", "", word)


def _plain(kind: str, word: str) -> str:
    """Give a word as it is meant, without its quotes and escapes."""
    return re.sub(r"\\(.)", r"\1", word[1:-1] if kind == "quoted" else word, flags=re.DOTALL)


def _escaped(word: str) -> str:
    """Give a word with * for the query string syntax, in which more has a meaning."""
    pieces = re.split(r"(?<!\\)\*", word)
    return "*".join(_SPECIAL.sub(r"\\\1", _plain("word", piece)).replace("*", r"\*") for piece in pieces)
