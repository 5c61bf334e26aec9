"""Holds what the book expects against what a command gave: pure, each answer with its sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from watchkeeper.book.model import Command, Expectation
from watchkeeper.run.tables import Row, row_count, rows_of

_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:[.,]\d+)?")
_WITH_UNIT = re.compile(r"(?<![\w.-])(?P<value>-?\d+(?:\.\d+)?)\s?(?P<unit>%|[a-zA-Zµ]+)(?![\w])")
#: a number by itself, as redis-cli and psql print it too
_ALONE = re.compile(r"(?:\(integer\) )?[\d.,]+|\s*\w+\s*\n-+\s*\n\s*\d+\s*\n\(1 row\)")
#: unit as it is printed -> kind of unit, and how many of the kind's smallest it is
_UNITS: dict[str, tuple[str, float]] = {
    "%": ("percent", 1), "us": ("ms", 0.001), "µs": ("ms", 0.001), "ms": ("ms", 1), "s": ("ms", 1000), "sec": ("ms", 1000),
    "secs": ("ms", 1000), "second": ("ms", 1000), "seconds": ("ms", 1000), "min": ("ms", 60_000), "minutes": ("ms", 60_000),
    "b": ("bytes", 1), "bytes": ("bytes", 1), "k": ("bytes", 1024), "kb": ("bytes", 1024), "kib": ("bytes", 1024),
    "m": ("bytes", 1024**2), "mb": ("bytes", 1024**2), "mib": ("bytes", 1024**2), "g": ("bytes", 1024**3),
    "gb": ("bytes", 1024**3), "gib": ("bytes", 1024**3), "t": ("bytes", 1024**4), "tb": ("bytes", 1024**4),
}  # fmt: skip
#: states that a person takes for the one that was asked for
_AS_GOOD: dict[str, tuple[str, ...]] = {
    "running": ("running", "up", "completed", "succeeded"),
    "up": ("up", "running"),
    "ready": ("ready",),
}


def meets_amount(expected: Expectation, command: Command | None, output: str) -> tuple[bool, str]:
    """Hold an amount against what was printed: a number, a number with its unit, or how many rows there are."""
    numbers = _numbers(expected, command, output)
    if not numbers or expected.value is None:
        return False, f"There is no number in what it printed{last_line(output)}."
    worst = next((number for number in numbers if not _within(number, expected)), numbers[0])
    met = _within(worst, expected)
    what = ("row" if worst == 1 else "rows") if expected.counts and _is_list(output) else ""
    return met, f"It gives {_said(worst, expected.unit)}{' ' + what if what else ''}, {_side(worst, expected)}."


def meets_every(expected: Expectation, output: str) -> tuple[bool, str]:
    """Hold the state of every row of a table against the one that is expected."""
    wanted = str(expected.value)
    words = tuple(word for one in (expected.any_of or (wanted,)) for word in _AS_GOOD.get(one.lower(), (one,)))
    rows = [row for row in rows_of(output) if row.state is not None or row.ready is not None] or rows_of(output)
    if not rows:
        return False, f"There is no row in what it printed, so nothing shows that all are {wanted}."
    other = next((row for row in rows if not _is_well(row, words)), None)
    if other is None:
        return True, f"All {len(rows)} are {wanted}." if len(rows) > 1 else f"The only one is {wanted}."
    return False, f"{_how(other)}, not {wanted}."


def is_empty(output: str) -> bool:
    """Tell whether what was printed holds nothing: no output, or a table without rows."""
    return row_count(output) == 0


def first_number(text: str) -> float | None:
    """Read the first number of a text; None where there is none.

    >>> first_number("count\\n-------\\n  1204\\n"), first_number("web-2 has 3.5"), first_number("none")
    (1204.0, 3.5, None)
    """
    match = _NUMBER.search(_without_commas(text))
    return float(match[0].replace(",", ".")) if match else None


def lines_of(text: str) -> str:
    """Count the lines of a text in words."""
    count = len(text.strip().splitlines())
    return "one line" if count == 1 else f"{count or 'no'} lines"


def last_line(output: str) -> str:
    """Give the last line of what was printed as the end of a sentence."""
    lines = output.strip().splitlines()
    return f": {lines[-1].strip()[:200].rstrip('.')}" if lines else ""


def _is_well(row: Row, words: tuple[str, ...]) -> bool:
    whole = row.ready is None or row.ready[0] == row.ready[1]
    if row.state is None and row.ready is not None:
        return whole
    return row.is_in(words) and (whole or row.is_in(("completed", "succeeded")))


def _how(row: Row) -> str:
    if row.ready is not None and row.ready[0] != row.ready[1]:
        state = f"{row.state}, " if row.state else ""
        return f"{row.name} is {state}{row.ready[0]} of {row.ready[1]} ready"
    return f"{row.name} is {row.state}" if row.state else f"One is “{row.text.strip()[:120]}”"


def _numbers(expected: Expectation, command: Command | None, output: str) -> list[float]:
    """Give the numbers that the expectation speaks of; each of them has to hold."""
    text = output.strip()
    if expected.counts and _is_list(text):
        if expected.any_of:
            return [float(sum(_is_well(row, expected.any_of) for row in rows_of(text)))]
        return [float(row_count(text))]
    mine = _rows_of(expected.any_of, text)
    if expected.unit is not None:
        found = [
            float(match["value"]) * unit[1]
            for match in _WITH_UNIT.finditer(_without_commas(mine or text))
            if (unit := _UNITS.get(match["unit"].lower())) and unit[0] == expected.unit
        ]
        if found and mine and expected.kind == "above":
            return [max(found)]  # a row tells several, and one of them is enough
        if found:
            return found if expected.unit == "percent" else found[:1]
    number = first_number(text)
    if number is None:
        return []
    # curl tells its times in seconds
    in_seconds = expected.unit == "ms" and command is not None and "%{time_" in command.text
    return [number * 1000 if in_seconds else number]


def _rows_of(names: Sequence[str], output: str) -> str:
    """Give the rows of an output that are about something by its name; empty where none is, and then the whole is meant."""
    patterns = [re.compile(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", re.IGNORECASE) for name in names]
    return "\n".join(row for row in output.splitlines() if any(pattern.search(row) for pattern in patterns))


def _is_list(output: str) -> bool:
    """Tell rows from a number that was counted already."""
    text = output.strip()
    return not re.fullmatch(r"(?:\(integer\) )?[\d.,]+", text) and not re.fullmatch(
        r"\s*\w+\s*\n-+\s*\n\s*\d+\s*\n\(1 row\)", text
    )


def _within(number: float, expected: Expectation) -> bool:
    low = float(expected.value or 0)
    if expected.kind == "between":
        return low <= number <= (expected.upto if expected.upto is not None else low)
    return number > low if expected.kind == "above" else number < low


def _side(number: float, expected: Expectation) -> str:
    limit = float(expected.value or 0)
    if expected.kind == "between":
        upto = expected.upto if expected.upto is not None else limit
        span = _said(limit, expected.unit) if upto == limit else f"{_said(limit, expected.unit)} to {_said(upto, expected.unit)}"
        return f"as expected: {span}" if limit <= number <= upto else f"where {span} is expected"
    shown = float(f"{limit:g}")
    if shown != limit and abs(shown - limit) < 1e-9 * max(1.0, abs(shown)):
        # "at least 3" is kept as above the number right below 3
        met, least = _within(number, expected), expected.kind == "above"
        bound = "at least" if least else "at most"
        return f"{bound} {_said(shown, expected.unit)}" if met else f"where {bound} {_said(shown, expected.unit)} is expected"
    side = "above" if number > limit else "below" if number < limit else "exactly"
    return f"{side} {_said(limit, expected.unit)}"


def _said(number: float, unit: str | None) -> str:
    sign = {"percent": "%", "ms": " ms", "bytes": " bytes"}.get(unit or "", "")
    return f"{number:g}{sign}" if abs(number) < 1e6 or unit != "bytes" else f"{number / 1024**2:.0f} MiB"


def _without_commas(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
