"""The machine's clock jumps by an hour: durations stay right, and a run in the middle of it ends without doing anything twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from run_cast import Desk, mark, step

from watchkeeper.base.clock import SystemClock
from watchkeeper.store.ledger import verify

HOUR = timedelta(hours=1)


class Jumping(SystemClock):
    """The system's clock as it would be where somebody sets the machine's at the n-th look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, by: timedelta) -> None:
        self._looks, self._at, self._by = 0, at, by
        self._real, self._offset = time.time, 0.0
        monkeypatch.setattr("watchkeeper.base.clock.time.time", lambda: self._real() + self._offset)
        super().__init__()

    def now(self) -> datetime:
        self._looks += 1
        if self._looks == self._at:
            self._offset = self._by.total_seconds()
        return super().now()


def test_a_step_backwards_is_not_taken_over_and_one_forwards_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Jumping(monkeypatch, 2, -HOUR)
    first, second = clock.now(), clock.now()
    assert timedelta() <= second - first < timedelta(minutes=1)
    clock = Jumping(monkeypatch, 2, HOUR)
    first, second = clock.now(), clock.now()
    assert HOUR <= second - first < HOUR + timedelta(minutes=1)


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forwards", "backwards"])
@pytest.mark.parametrize("at", [2, 5, 9, 14, 20])
async def test_a_run_over_a_jump_does_everything_once(
    desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, at: int, by: timedelta
) -> None:
    anna = desk(verify_s=5.0)
    clock = Jumping(monkeypatch, at, by)
    anna.clock = anna.interpreter._clock = anna.interpreter._performer._clock = clock
    run_id = anna.start(step(1, mark("stop")), step(2, mark("clean")), step(3, mark("start")), actor="anna")
    for _ in range(10):
        run = await anna.drive(run_id)
        asking = [key for key, standing in run.acts.items() if standing.state == "asking"]
        if run.ended_at is not None:
            break
        assert [run.acts[key].question for key in asking] == ["approve"]
        anna.answer(run_id, asking[0], "approve")
    assert run.state == "succeeded"
    assert anna.marks() == ["stop", "clean", "start"]
    assert clock._looks >= at
    instants = [event.at for event in anna.log(run_id)]
    assert instants == sorted(instants)
    assert anna.database.read_now(lambda c: verify(c, {}))[1] == []
