"""Durations and quantities in the ways people write them."""

from __future__ import annotations

import doctest

import pytest

from watchkeeper.base import durations, quantities
from watchkeeper.base.durations import find_durations, format_duration, parse_duration
from watchkeeper.base.quantities import read_quantity


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15 minutes", 900),
        ("5m", 300),
        ("1.5h", 5400),
        ("24-48 hours", 172800),
        ("1h30m", 5400),
        ("< 30 min", 1800),
        ("2 Stunden", 7200),
        ("10 minut", 600),
        ("5分", 300),
        ("1 día", 86400),
        ("2 Wochen", 1209600),
        ("30 seconds", 30),
        ("100ms", 0.1),
        ("soon", None),
        ("15", None),
        ("10M", None),
        ("", None),
    ],
)
def test_parse(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_ranges_keep_both_ends() -> None:
    assert [(d.low_s, d.high_s) for d in find_durations("wait 30 s, then 15-60 minutes")] == [(30, 30), (900, 3600)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (2.5, "2.5 s"),
        (72, "1 min 12 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (3601, "1 h"),
        (90000, "1 d 1 h"),
        (-60, "-1 min"),
    ],
)
def test_format(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("500ms", 0.5, "seconds"),
        ("2 GB", 2e9, "bytes"),
        ("1 GiB", 2**30, "bytes"),
        ("80 %", 80, "percent"),
        ("10/minute", 10, "per_minute"),
        ("5 errors per hour", 5, "per_hour"),
        ("100 req/s", 100, "per_second"),
        ("10,000", 10000, None),
        ("1k", 1000, None),
        ("30 days", 30, "days"),
        ("3 weeks", 21, "days"),
        ("0.7", 0.7, None),
    ],
)
def test_quantity(text: str, value: float, unit: str | None) -> None:
    quantity = read_quantity(text)
    assert quantity is not None
    assert (quantity.value, quantity.unit) == (value, unit)


def test_absurd_numbers_are_no_quantities() -> None:
    assert read_quantity("9" * 400) is None
    assert parse_duration("9" * 400 + " minutes") is None


@pytest.mark.parametrize("module", [durations, quantities])
def test_examples_in_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
