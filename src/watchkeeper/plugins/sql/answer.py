"""What a query gave becomes readings: one column is the query's own, several are each named by their column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from watchkeeper.watch.found import Found

_MOST_COLUMNS = 50


class NotReached(Exception):
    """The server gave no answer; `blind` where it answers and does not let us look."""

    def __init__(self, said: str, *, blind: bool = False) -> None:
        super().__init__(said)
        self.blind = blind


def take(name: str, columns: Sequence[str], row: Sequence[Any] | None, found: Found) -> None:
    """Put a query's first row into the readings; no row, NULL and what is no number are each said."""
    if row is None:
        found.notes.append(f"{name}: no row")
        return
    for column, value in zip(columns[:_MOST_COLUMNS], row, strict=False):
        reading = name if len(columns) == 1 else f"{name}_{column}"
        number = number_of(value)
        if value is None:
            found.notes.append(f"{reading}: NULL")
        elif number is None:
            found.notes.append(f"{reading}: not a number")
        else:
            found.values[reading] = number
    if len(columns) > _MOST_COLUMNS:
        found.notes.append(f"{name}: only the first {_MOST_COLUMNS} columns are read")


def number_of(value: Any) -> float | None:
    """Give a value of a database as a number: a span of time in seconds, true as 1; None where it is none.

    >>> number_of(timedelta(minutes=2)), number_of(Decimal("1.5")), number_of(True), number_of("7"), number_of(float("nan"))
    (120.0, 1.5, 1.0, None, None)
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    if not isinstance(value, int | float | Decimal):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
