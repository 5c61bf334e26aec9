"""Statistics over a time: what the book's "average over 5 minutes" and "95th percentile" make of single readings."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound
from watchkeeper.watch import rules
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.window import Past, statistic_of

CPU = Threshold(line=1, role="alert", subject="CPU", statistic="avg", op=">", value=80.0, unit="percent", for_s=60.0)
SLOW = Threshold(line=2, role="alert", subject="Latency", statistic="p95", op=">", value=2.0, unit="seconds")


def judged(values: list[float], now: datetime, threshold: Threshold, every_s: float = 15.0) -> list[Standing]:
    bound = Bound("key", threshold, "host", "value", None, "", window_s=threshold.for_s or 300.0)
    past, found = Past(), list[Standing]()
    before: Standing | None = None
    for turn, value in enumerate(values):
        at = now + timedelta(seconds=turn * every_s)
        before = rules.judge(bound, before, Sample("host", at, 0.1, {"value": value}), at, past)
        found.append(before)
    return found


def test_an_average_fires_when_the_whole_window_is_over_it(now: datetime) -> None:
    found = judged([90.0] * 6, now, CPU)
    assert [standing.state for standing in found] == ["pending"] * 4 + ["firing"] * 2
    assert found[4].sentence.startswith("CPU (avg) is 90 % (> 80 %), over 4 readings of the last 1 min")


def test_one_reading_below_does_not_end_an_average_and_one_above_does_not_begin_it(now: datetime) -> None:
    assert [standing.state for standing in judged([95.0] * 5 + [60.0], now, CPU)][-1] == "firing"
    assert {standing.state for standing in judged([20.0] * 5 + [100.0], now, CPU)} == {"ok"}


def test_a_percentile_without_a_duration_needs_a_few_readings_before_it_fires(now: datetime) -> None:
    found = judged([3.0] * 5, now, SLOW)
    assert [standing.state for standing in found] == ["pending"] * 4 + ["firing"]
    assert "too few to judge by: pending" in found[0].sentence


def test_one_slow_answer_in_forty_is_within_a_95th_percentile(now: datetime) -> None:
    assert judged([0.2] * 39 + [30.0], now, SLOW, every_s=5.0)[-1].state == "ok"
    assert judged([0.2] * 36 + [30.0] * 4, now, SLOW, every_s=5.0)[-1].state == "firing"


def test_a_clock_that_was_set_back_forgets_the_readings_of_the_future(now: datetime) -> None:
    past = Past()
    past.add(now, 100.0, 60.0)
    past.add(now - timedelta(hours=1), 1.0, 60.0)
    over = past.over("max", 60.0, now - timedelta(hours=1))
    assert over is not None
    assert (over.value, over.count) == (1.0, 1)


def test_a_window_without_a_reading_gives_none(now: datetime) -> None:
    past = Past()
    past.add(now, 1.0, 60.0)
    assert past.over("avg", 60.0, now + timedelta(minutes=2)) is None


@given(
    values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=50),
    statistic=st.sampled_from(["p50", "p90", "p95", "p99", "max"]),
)
def test_a_percentile_is_one_of_the_values_and_no_less_than_the_median(values: list[float], statistic: str) -> None:
    found = statistic_of(values, statistic)
    assert found in values
    assert found >= statistic_of(values, "p50")


def test_an_average_with_an_infinity_in_it_has_no_bound() -> None:
    assert statistic_of([1.0, math.inf], "avg") == math.inf


@pytest.mark.parametrize(("value", "state"), [(79.0, "firing"), (76.5, "firing"), (75.9, "ok")])
def test_a_margin_keeps_a_fired_threshold_firing_until_it_is_well_by_it(value: float, state: str, now: datetime) -> None:
    threshold = Threshold(line=1, role="alert", subject="disk", op=">", value=80.0, unit="percent")
    bound = Bound("key", threshold, "host", "value", None, "", margin=0.05)
    before = rules.judge(bound, None, Sample("host", now, 0.1, {"value": 85.0}), now)
    assert rules.judge(bound, before, Sample("host", now, 0.1, {"value": value}), now).state == state
    assert rules.judge(bound, None, Sample("host", now, 0.1, {"value": value}), now).state == "ok"


def test_a_window_begins_anew_after_a_gap(now: datetime) -> None:
    past = Past()
    past.add(now, 90.0, 300.0, 45.0)
    past.add(now + timedelta(seconds=15), 90.0, 300.0, 45.0)
    past.add(now + timedelta(hours=1), 90.0, 300.0, 45.0)
    over = past.over("avg", 300.0, now + timedelta(hours=1))
    assert over is not None
    assert (over.count, over.reach_s) == (1, 0.0)


def test_the_time_that_a_look_takes_is_no_gap_in_a_window(now: datetime) -> None:
    slow = Bound("key", SLOW, "shop", "value", None, "", window_s=300.0, every_s=3.0)
    past, before = Past(), None
    for turn in range(8):
        at = now + timedelta(seconds=turn * 33)
        before = rules.judge(slow, before, Sample("shop", at, 30.0, {"value": 30.0}), at, past)
    assert before is not None
    assert before.state == "firing"


def test_one_slow_answer_of_ten_is_no_95th_percentile_and_two_are(now: datetime) -> None:
    found = judged([0.2] * 9 + [30.0, 30.0], now, SLOW, every_s=30.0)
    assert [standing.state for standing in found[-2:]] == ["ok", "firing"]
    assert found[-2].sentence.endswith("but by one of them alone: ok")
