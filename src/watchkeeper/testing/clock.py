"""A clock that a test moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until it is told to move; who sleeps wakes when its time has come."""

    def __init__(self, start: datetime = datetime(2026, 3, 14, 3, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        """Give the instant it stands at."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved past that many seconds from now."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._numbers), future))
        await future

    def move(self, seconds: float) -> None:
        """Move on (or back) and wake nobody: for tests that call rules and turns themselves."""
        self._now += timedelta(seconds=seconds)

    async def advance(self, seconds: float) -> None:
        """Move on step by step, waking each sleeper at its own instant and letting it act."""
        end = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, at)
            if not future.done():
                future.set_result(None)
            await _settle()
        self._now = end
        await _settle()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
