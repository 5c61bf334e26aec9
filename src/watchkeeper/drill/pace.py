"""A clock that runs faster than the machine's, so that the book's own durations pass sooner in a drill.

Everything that is counted on the injected clock passes `pace` times faster: what a threshold must hold, waits, clocks of the
ladder, holding times, approvals. What a probe or a step takes, and how long it may, is the machine's own time and stays so.
"""

from __future__ import annotations

from datetime import datetime

from watchkeeper.base.clock import Clock, SystemClock

#: no sleep is made shorter than this, so that however fast the clock runs the looks do not become the load
SHORTEST_S = 0.5


class PacedClock:
    """The machine's clock, `pace` times faster from the moment of its making on."""

    def __init__(self, pace: float, inner: Clock | None = None) -> None:
        self.pace = pace
        self._inner = inner or SystemClock()
        self._began = self._inner.now()

    def now(self) -> datetime:
        """Give the present instant of this clock, aware, in UTC."""
        return self._began + (self._inner.now() - self._began) * self.pace

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock's time."""
        await self._inner.sleep(max(seconds / self.pace, min(seconds, SHORTEST_S)))
