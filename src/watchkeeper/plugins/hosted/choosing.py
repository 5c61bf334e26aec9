"""The names of readings that the owner gives, and which of several series a reading is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from watchkeeper.estate.table import Table

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,80}")
#: option that says which of several series is the reading
TAKE = "of several series or rows, the highest, the lowest or the sum is the reading (default highest)"
TAKES = ("highest", "lowest", "sum")


def named(table: Table, taken: Iterable[str]) -> list[str]:
    """Give the names of readings in a table of the owner's."""
    for name in table.values:
        if not _NAME.fullmatch(name) or name in taken:
            raise table.error(name, f"{name!r} cannot be the name of a reading.", "Use other letters, digits and _ for it.")
    return list(table.values)


def reading_of(name: str, series: Mapping[str, float], take: str, notes: list[str]) -> dict[str, float]:
    """Give the reading that several series make, and note which of them it is of."""
    value, label = taken_of(series, take)
    if len(series) > 1:
        notes.append(f"{name}: {take} of {len(series):,}, {label}")
    return {name: value}


def taken_of(series: Mapping[str, float], take: str) -> tuple[float, str]:
    """Give the value that is the reading, and which series it is of.

    >>> taken_of({"host:a": 1.0, "host:b": 3.0}, "highest"), taken_of({"a": 1.0, "b": 3.0}, "sum")
    ((3.0, 'host:b'), (4.0, 'all'))
    """
    if take == "sum":
        return sum(series.values()), "all"
    name = (max if take == "highest" else min)(series, key=lambda each: series[each])
    return series[name], name
