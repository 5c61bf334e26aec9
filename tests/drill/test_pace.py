"""A clock that runs faster: what is counted on it passes sooner, and nothing spins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.drill.pace import SHORTEST_S, PacedClock

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


class Machine:
    """The machine's clock, set by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("pace", "asked_s", "real_s"), [(10, 300, 30), (1, 7, 7), (10, 2, SHORTEST_S), (10, 0.1, 0.1), (10, 0, 0)]
)
async def test_it_passes_so_much_faster_but_never_spins(pace: float, asked_s: float, real_s: float) -> None:
    machine = Machine()
    clock = PacedClock(pace, machine)
    await clock.sleep(asked_s)
    assert machine.at - NOON == timedelta(seconds=real_s)
    assert clock.now() - NOON == timedelta(seconds=real_s * pace)
