"""A threshold that goes on and off counts as firing until it is calm; a first all-clear is believed at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.watch.damping import CALM, Memory, calm_for, damp
from watchkeeper.watch.model import Standing, State


def told(states: list[State], now: datetime, every_s: float = 60.0) -> list[Standing]:
    """Damp one state each `every_s` seconds."""
    found = list[Standing]()
    before, memory = None, Memory()
    for turn, state in enumerate(states):
        at = now + timedelta(seconds=turn * every_s)
        plain = Standing("key", state, at, at if state == "firing" else None, 1.0, at, f"It is so: {state}")
        before, memory = damp(plain, before, memory, at)
        found.append(before)
    return found


def test_the_third_all_clear_within_half_an_hour_waits_for_calm(now: datetime) -> None:
    found = told(["firing", "ok", "firing", "ok", "firing", "ok", "ok"], now)
    assert [standing.state for standing in found] == ["firing", "ok", "firing", "ok", "firing", "firing", "firing"]
    assert found[-1].sentence == (
        "It is so, but it fired 3 times within 6 min and counts as firing until it has been well for 5 min: firing"
    )


def test_it_counts_as_well_after_five_calm_minutes(now: datetime) -> None:
    found = told(["firing", "ok"] * 2 + ["firing"] + ["ok"] * 6, now)
    assert [standing.state for standing in found[-3:]] == ["firing", "firing", "ok"]


def test_a_relapse_begins_the_calm_anew(now: datetime) -> None:
    found = told(["firing", "ok"] * 2 + ["firing"] + ["ok"] * 4 + ["firing"] + ["ok"] * 5, now)
    assert found[-1].state == "firing"


def test_how_long_calm_takes_follows_the_time_that_the_book_gives() -> None:
    given = {None: 300, 0: 300, 15: 30, 60: 120, 600: 300}
    assert {for_s: calm_for(for_s).total_seconds() for for_s in given} == given


def test_a_threshold_that_fires_in_seconds_is_calm_in_seconds(now: datetime) -> None:
    standing = Standing("key", "ok", now, None, 1.0, now, "It is so: ok")
    before = Standing("key", "firing", now, now, 1.0, now, "It is so: firing")
    memory = Memory((now, now, now), well_since=now - timedelta(seconds=30))
    assert damp(standing, before, memory, now, calm_for(15))[0].state == "ok"
    assert damp(standing, before, memory, now, calm_for(16))[0].state == "firing"


def test_starts_far_apart_are_no_flapping(now: datetime) -> None:
    assert [s.state for s in told(["firing", "ok"] * 4, now, every_s=16 * 60)] == ["firing", "ok"] * 4


@given(states=st.lists(st.sampled_from(["ok", "pending", "firing", "blind"]), max_size=60))
def test_an_alarm_is_never_later_and_an_all_clear_comes_after_calm(states: list[State]) -> None:
    now = datetime.fromisoformat("2026-03-14T12:00:00+00:00")
    found = told([*states, *["ok"] * (int(CALM.total_seconds() // 60) + 1)], now)  # type: ignore[list-item]
    for state, standing in zip(states, found, strict=False):
        assert standing.state == state or (state == "ok" and standing.state == "firing")
    assert found[-1].state == "ok"
