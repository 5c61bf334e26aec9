"""After a fault is mended, a threshold is red by what was read since: what still holds the fault by its past is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from watchkeeper.book.model import Threshold
from watchkeeper.drill.calm import CALM_S, calm_within_s, is_red
from watchkeeper.estate.model import Bound, Budget
from watchkeeper.watch.model import Standing, State

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
THRESHOLD = Threshold(line=1, role="alert", subject="Latency", op=">", value=2, unit="seconds")
BOUND = Bound("slow", THRESHOLD, "site", "p95", None, "")


@pytest.mark.parametrize(
    ("state", "value", "red"),
    [("ok", 1.0, False), ("firing", 3.0, True), ("firing", 1.0, False), ("pending", 3.0, True), ("blind", None, True)],
)
def test_a_flapping_threshold_with_a_healthy_reading_is_not_red(state: State, value: float | None, red: bool) -> None:
    assert is_red(Standing("slow", state, NOW, None, value, NOW, ""), BOUND) is red


def test_a_figure_over_the_last_minutes_is_given_those_minutes_at_the_pace_of_the_fault() -> None:
    over_five_minutes = replace(BOUND, window_s=300.0)
    assert calm_within_s(BOUND, 1) == calm_within_s(None, 1) == CALM_S
    assert calm_within_s(over_five_minutes, 1) == CALM_S + 300
    assert calm_within_s(over_five_minutes, 10) == CALM_S + 30


@pytest.mark.parametrize(
    ("since_mended", "red"),
    [
        ((), True),
        ((0.1, 0.1), True),
        ((9.0, 0.1, 0.1, 0.1), False),
        ((0.1, 0.1, 0.1, 9.0), True),
        ((0.1, 0.1, float("nan")), True),
    ],
)
def test_an_average_that_still_holds_the_fault_is_judged_by_the_last_readings_since_it_was_mended(
    since_mended: tuple[float, ...], red: bool
) -> None:
    over_five_minutes = replace(BOUND, window_s=300.0)
    average = Standing("slow", "firing", NOW, NOW, 3.0, NOW, "")
    assert is_red(average, over_five_minutes, since_mended) is red


def test_a_figure_that_cannot_be_read_is_red_whatever_was_read_before() -> None:
    blind = Standing("slow", "blind", NOW, None, None, NOW, "")
    assert is_red(blind, replace(BOUND, window_s=300.0), (0.1, 0.1, 0.1))


@pytest.mark.parametrize(("since_mended", "red"), [((1.0, 1.0, 1.0), False), ((1.0, 0.0, 1.0), True), ((1.0, 1.0), True)])
def test_a_budget_that_the_fault_spent_is_judged_by_whether_it_is_spent_any_more(
    since_mended: tuple[float, ...], red: bool
) -> None:
    up = Threshold(line=1, role="objective", subject="Availability", op=">=", value=99.9, unit="percent")
    budget = Bound("budget", up, "site", "up", None, "", budget=Budget(0.001, "up", 86_400.0), objective=up)
    burning = Standing("budget", "firing", NOW, NOW, 20.0, NOW, "")
    assert is_red(burning, budget, since_mended) is red
