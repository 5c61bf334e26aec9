"""After a fault is mended, a threshold is red by its reading: one that is only kept firing because it flapped is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from watchkeeper.book.model import Threshold
from watchkeeper.drill.play import CALM_S, calm_within_s, is_red
from watchkeeper.estate.model import Bound
from watchkeeper.watch.model import Standing, State

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
THRESHOLD = Threshold(line=1, role="alert", subject="Latency", op=">", value=2, unit="seconds")
BOUND = Bound("slow", THRESHOLD, "site", "p95", None, "")


@pytest.mark.parametrize(
    ("state", "value", "red"),
    [("ok", 1.0, False), ("firing", 3.0, True), ("firing", 1.0, False), ("pending", 3.0, True), ("blind", None, True)],
)
def test_a_flapping_threshold_with_a_healthy_reading_is_not_red(state: State, value: float | None, red: bool) -> None:
    assert is_red(Standing("slow", state, NOW, None, value, NOW, ""), {"slow": BOUND}) is red


def test_a_figure_over_the_last_minutes_is_given_those_minutes_at_the_pace_of_the_fault() -> None:
    over_five_minutes = replace(BOUND, window_s=300.0)
    assert calm_within_s(BOUND, 1) == calm_within_s(None, 1) == CALM_S
    assert calm_within_s(over_five_minutes, 1) == CALM_S + 300
    assert calm_within_s(over_five_minutes, 10) == CALM_S + 30
