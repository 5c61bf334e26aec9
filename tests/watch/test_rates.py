"""Counters become rates."""

from __future__ import annotations

import doctest

import pytest

from watchkeeper.estate.units import factor, unit_of
from watchkeeper.watch import rates


def test_the_examples_hold() -> None:
    assert doctest.testmod(rates).failed == 0


def test_a_clock_that_did_not_move_gives_no_rate() -> None:
    counters = rates.Rates()
    assert counters.per_second("a", 10.0, 1) is None
    assert counters.per_second("a", 10.0, 5) is None
    assert counters.per_second("a", 12.0, 9) == 2.0


@pytest.mark.parametrize(
    ("reading", "unit", "by"),
    [("evictions_per_s", "per_minute", 60.0), ("failures_per_minute", "per_hour", 60.0), ("orders_per_hour", "per_hour", 1.0)],
)
def test_a_reading_says_by_its_name_per_what_it_is(reading: str, unit: str, by: float) -> None:
    assert unit_of(reading) is not None
    assert factor(reading, unit) == pytest.approx(by)
