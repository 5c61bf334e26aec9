"""Figures and lists as a tired person reads them, and the one JSON value that a look prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
SHOWN = 5


def counted(number: float, singular: str, plural: str | None = None) -> str:
    """Say a number of things.

    >>> counted(1, "row"), counted(1204, "row"), counted(0, "entry", "entries")
    ('1 row', '1,204 rows', '0 entries')
    """
    return f"{int(number):,} {singular if number == 1 else plural or singular + 's'}"


def size(number: float) -> str:
    """Say a size in bytes.

    >>> size(900), size(1_250_000), size(3 * 1024**3)
    ('900 bytes', '1.2 MB', '3.2 GB')
    """
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {_UNITS[unit]}"


def listed(names: Iterable[str], shown: int = SHOWN) -> str:
    """List names, the first few of them.

    >>> listed(["a", "b"]), listed(["a", "b", "c"], shown=1)
    ('a, b', 'a and 2 more')
    """
    every = list(names)
    head = ", ".join(every[:shown])
    return f"{head} and {len(every) - shown} more" if len(every) > shown else head


def age(seconds: float) -> str:
    """Say how old something is.

    >>> age(40), age(7200), age(3 * 86400)
    ('40 seconds', '2 hours', '3 days')
    """
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return counted(seconds // length, name)
    return counted(max(0, seconds), "second")


def sentence(parts: Sequence[str]) -> str:
    """Join clauses into one sentence; a name at its beginning keeps its letters.

    >>> sentence(["deletes 3 keys", "", "of shop"]), sentence(["deployment/web: 3 → 5"])
    ('Deletes 3 keys; of shop.', 'deployment/web: 3 → 5.')
    """
    text = "; ".join(part.rstrip(".") for part in parts if part)
    first = text.split(" ", 1)[0]
    return f"{text[:1].upper()}{text[1:]}." if first.isalpha() else f"{text}." if text else ""


def json_in(output: str) -> Any:
    """Read the JSON value that a client printed, alone or within a table with a head; None where there is none.

    >>> json_in(' json\\n------\\n {"rows": 3}\\n(1 row)\\n')
    {'rows': 3}
    """
    try:
        return json.loads(output)
    except ValueError:
        pass
    for line in output.splitlines():
        text = line.strip()
        if text[:1] in ("{", "["):
            try:
                return json.loads(text)
            except ValueError:
                continue
    return None


def one_line(text: str, longest: int = 80) -> str:
    """Give a text on one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
