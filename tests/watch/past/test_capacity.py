"""When a reading reaches its limit if it goes on as it did."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.watch.past.capacity import MOST_POINTS, outlook

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def past(days: float, start: float, per_day: float, noise: float = 0.0) -> list[tuple[datetime, float]]:
    hours, chance = int(days * 24), random.Random(7)
    return [
        (NOW - timedelta(hours=hours - hour), start + per_day * hour / 24 + chance.uniform(-noise, noise))
        for hour in range(hours)
    ]


def test_a_disk_that_fills_by_one_percent_a_day_is_full_when_it_is() -> None:
    found = outlook(past(20, 50, 1.0), 85, "up", NOW)
    assert found is not None
    assert found.per_day == pytest.approx(1.0)
    assert found.reaches_at is not None
    assert (found.reaches_at - NOW).days == pytest.approx(15, abs=1)
    assert found.state == "nears"


def test_an_outage_and_noise_do_not_bend_the_line() -> None:
    seen = past(20, 50, 1.0, noise=3)
    seen = [(at, 0.0) if 100 < place < 140 else (at, value) for place, (at, value) in enumerate(seen)]
    found = outlook(seen, 85, "up", NOW)
    assert found is not None
    assert found.per_day == pytest.approx(1.0, abs=0.1)


def test_what_shrinks_towards_a_lower_limit_nears_it_and_what_grows_does_not() -> None:
    shrinking, growing = outlook(past(10, 100, -2), 20, "down", NOW), outlook(past(10, 100, 2), 20, "down", NOW)
    assert shrinking is not None
    assert growing is not None
    assert (shrinking.state, growing.state, growing.reaches_at) == ("nears", "far", None)


def test_what_is_over_has_reached_and_what_is_young_is_not_told() -> None:
    over, young, steady = (
        outlook(past(10, 90, 0.1), 85, "up", NOW),
        outlook(past(2, 50, 5), 85, "up", NOW),
        outlook(past(10, 50, 0), 85, "up", NOW),
    )
    assert over is not None
    assert young is not None
    assert steady is not None
    assert (over.state, young.state, young.per_day, steady.state) == ("reached", "unknown", None, "far")
    assert outlook([], 85, "up", NOW) is None


def test_a_limit_in_ten_years_is_not_in_sight() -> None:
    found = outlook(past(30, 50, 0.01), 85, "up", NOW)
    assert found is not None
    assert (found.reaches_at, found.state) == (None, "far")


def test_two_months_of_hours_are_thinned_out_and_say_the_same() -> None:
    seen = past(60, 10, 0.5)
    assert len(seen) > MOST_POINTS
    found = outlook(seen, 100, "up", NOW)
    assert found is not None
    assert found.per_day == pytest.approx(0.5)
