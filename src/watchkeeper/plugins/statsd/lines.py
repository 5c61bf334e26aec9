"""Reads the lines of StatsD and DogStatsD.

Bytes enter, what they say leaves; a line that says nothing is None. Nothing here raises.

name:value[:value…]|type[|@rate][|#tag:value,…]     types: c, g, ms, h, d, s
_sc|name|status                                     a service check: 0 is well, 1 and 2 are not, 3 is unknown
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LONGEST_NAME = 200
MOST_VALUES = 1_000
#: a number further from 0 than this is none that a program means, and a sum of such would have no end; so small is no rate
FURTHEST, LEAST_RATE = 1e18, 1e-6
_KINDS = {b"c": "counter", b"g": "gauge", b"ms": "timer", b"h": "histogram", b"d": "histogram", b"s": "set"}


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says."""

    name: str
    #: counter, gauge, timer, histogram, set or check
    kind: str
    numbers: tuple[float, ...] = ()
    #: of a set
    members: tuple[bytes, ...] = ()
    rate: float = 1.0
    tags: tuple[tuple[str, str], ...] = ()
    #: a gauge that is moved instead of set
    moved: bool = False


def read_line(raw: bytes) -> Line | None:
    """Read one line.

    >>> read_line(b"shop.orders:3|c|@0.5|#shop:a").rate, read_line(b"queue:-2|g").moved, read_line(b"nonsense")
    (0.5, True, None)
    """
    if raw.startswith(b"_sc|"):
        return _check(raw.split(b"|"))
    head, bar, rest = raw.partition(b"|")
    name, colon, values = head.partition(b":")
    fields = rest.split(b"|")
    kind = _KINDS.get(fields[0])
    shown = _text(name)
    if not (bar and colon and values and shown and kind):
        return None
    rate, tags = _rate_and_tags(fields[1:])
    if rate is None:
        return None
    parts = values.split(b":")[:MOST_VALUES]
    if kind == "set":
        return Line(shown, kind, members=tuple(part[:200] for part in parts), tags=tags)
    numbers = tuple(number for number in map(_number, parts) if number is not None)
    if len(numbers) != len(parts):
        return None
    return Line(shown, kind, numbers, (), rate, tags, kind == "gauge" and values[:1] in (b"+", b"-"))


def _check(fields: list[bytes]) -> Line | None:
    name = _text(fields[1]) if len(fields) > 2 else None
    if name is None or fields[2] not in (b"0", b"1", b"2", b"3"):
        return None
    return Line(name, "check", (float(fields[2]),))


def _rate_and_tags(fields: list[bytes]) -> tuple[float | None, tuple[tuple[str, str], ...]]:
    """Read what stands behind the type; a rate that is none makes the line useless, and what is not known is passed over."""
    rate: float | None = 1.0
    tags: tuple[tuple[str, str], ...] = ()
    for each in fields:
        if each.startswith(b"@"):
            rate = _number(each[1:])
            if rate is None or not LEAST_RATE <= rate <= 1:
                return None, ()
        elif each.startswith(b"#"):
            pairs = (part.decode(errors="replace").partition(":") for part in each[1:2_000].split(b","))
            tags = tuple(sorted((key[:60], value[:60]) for key, _, value in pairs if key))
    return rate, tags


def _text(name: bytes) -> str | None:
    text = name.decode(errors="replace")
    return text if text and len(text) <= LONGEST_NAME and text.isprintable() else None


def _number(raw: bytes) -> float | None:
    try:
        value = float(raw) if len(raw) <= 40 and b"_" not in raw else math.nan
    except ValueError:
        return None
    return value if abs(value) <= FURTHEST else None
