"""The time of day, from one place. Rules never ask: they are given `now`."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the effects ask for the time."""

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock's time."""
        ...


def pace_of(clock: Clock) -> float:
    """Give how many seconds of a clock pass in one of the machine's: 1, but for a drill's.

    What limits the machine's own work (how long a step may take, a check may fail, a signal may be late) is the machine's time;
    where that is held against the clock's instants, it is multiplied by this.
    """
    return float(getattr(clock, "pace", 1.0))


class SystemClock:
    """The machine's clock, never going backwards within one process.

    Wall time is read once and carried forward by the monotonic clock while the two agree; a step of the wall clock forwards is
    taken over, a step backwards is not, so that no duration comes out negative.
    """

    def __init__(self) -> None:
        self._wall = time.time()
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""
        monotonic, wall = time.monotonic(), time.time()
        self._wall = max(wall, self._wall + monotonic - self._monotonic)
        self._monotonic = monotonic
        return datetime.fromtimestamp(self._wall, UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(max(0.0, seconds))
