"""Plain data as YAML that other programs read: always the same text for the same data, every text in quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: what YAML takes in no text, and JSON leaves as it is
_UNPRINTABLE = re.compile("[\x7f-\x84\x86-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
#: words that YAML would take for something else
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def dump(value: object) -> str:
    """Give mappings, lists, texts, numbers and truth values as YAML.

    >>> print(dump({"groups": [{"name": "shop", "rules": []}]}), end="")
    groups:
      - name: "shop"
        rules: []
    """
    return "\n".join(_lines(value)) + "\n"


def comment(text: str) -> str:
    """Give a text as comment lines; nothing in it can end the comment."""
    return "".join(f"# {_CONTROL.sub('?', _UNPRINTABLE.sub('?', line))}".rstrip() + "\n" for line in text.splitlines() or [""])


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _under(f"{_key(str(key))}:", inner)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for inner in value:
            first, *rest = _lines(inner)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _under(head: str, inner: object) -> Iterator[str]:
    if isinstance(inner, Mapping | list | tuple) and inner:
        yield head
        yield from (f"  {line}" for line in _lines(inner))
    else:
        yield f"{head} {_scalar(inner)}"


def _key(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.casefold() not in _RESERVED else _scalar(text)


def _scalar(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    written = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}" if ord(found[0]) < 0xD800 else "\\ufffd", written)
