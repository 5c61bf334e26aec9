"""Sums of samples: what a bucket holds, which level shows a span, and what goes when."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.watch.model import Sample
from watchkeeper.watch.past.rollup import (
    LEVELS,
    MOST_READINGS,
    Bucket,
    Sum,
    forget_before,
    kept,
    level_for,
    of_buckets,
    of_samples,
    start_of,
)

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(1999, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def sample(seconds: float, value: float, problem: str | None = None) -> Sample:
    return Sample("s", NOON + timedelta(seconds=seconds), 0.1, {} if problem else {"x": value}, problem)


@given(INSTANTS, st.sampled_from(LEVELS))
def test_a_bucket_begins_at_or_before_and_holds_its_instant(at: datetime, level_s: int) -> None:
    start = start_of(at, level_s)
    assert start <= at < start + timedelta(seconds=level_s)
    assert start_of(start, level_s) == start
    assert start.timestamp() % level_s == 0


def test_a_bucket_says_what_all_its_samples_said() -> None:
    made = of_samples(
        "s", NOON, [sample(1, 4.0), sample(2, 1.0), sample(3, 0.0, "away"), sample(4, math.nan), sample(5, math.inf)]
    )
    assert made == Bucket("s", NOON, 5, 1, {"x": Sum(2, 1.0, 4.0, 5.0)})
    assert made.readings["x"].mean == 2.5


@given(st.lists(st.tuples(st.integers(0, 3599), st.integers(-1000, 1000)), max_size=60))
def test_sums_of_sums_are_the_sums_of_all(values: list[tuple[int, int]]) -> None:
    samples = [sample(second, float(value)) for second, value in values]
    minutes = {start_of(each.at, 60) for each in samples}
    finest = [of_samples("s", start, [each for each in samples if start_of(each.at, 60) == start]) for start in sorted(minutes)]
    fives = [
        of_buckets("s", start, [each for each in finest if start_of(each.at, 300) == start])
        for start in sorted({start_of(each.at, 300) for each in finest})
    ]
    assert of_buckets("s", NOON, fives) == of_samples("s", NOON, samples)


def test_a_signal_of_endless_readings_is_bounded() -> None:
    many = Sample("s", NOON, 0.1, {f"r{number}": 1.0 for number in range(10_000)})
    assert len(of_samples("s", NOON, [many]).readings) == MOST_READINGS


def test_a_coarser_level_is_kept_at_least_as_long_as_what_it_is_made_of() -> None:
    assert kept(7, 1, 2, 400).sums == (7, 7, 400)
    assert kept(0, 1, 2, 3).sums == (0, 0, 0)
    assert forget_before(0, NOON) is None
    assert forget_before(7, NOON + timedelta(minutes=30)) == NOON - timedelta(days=7)


@pytest.mark.parametrize(
    ("hours", "every_s", "level"),
    [(1, 15, None), (1, 1, 60), (24, 15, 300), (24, 600, None), (7 * 24, 15, 3600), (9000, 15, 3600)],
)
def test_a_span_is_shown_by_the_finest_level_that_fits(hours: float, every_s: float, level: int | None) -> None:
    assert level_for(hours * 3600, 400, kept(7, 14, 60, 400), every_s) == level
