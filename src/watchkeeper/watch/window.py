"""A statistic over the readings of a time: what "average CPU over 5 minutes" asks, from samples that each say one number.

Earlier readings, an instant and a length enter; the number with how many readings it is made of and how long they reach back
leaves. Nothing here raises.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: readings that are kept of one threshold, whatever its window
MOST = 5_000


@dataclass(frozen=True, slots=True)
class Windowed:
    """A statistic, and what it rests on."""

    value: float
    count: int
    #: from the oldest reading in the window to the instant asked about, in seconds
    reach_s: float


class Past:
    """The last readings of one threshold, in order."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[tuple[datetime, float]] = deque(maxlen=MOST)

    def add(self, at: datetime, value: float, window_s: float, gap_s: float = math.inf) -> None:
        """Take one reading; what no window reaches any more is forgotten, and what a clock set back put into the future too.

        After a gap longer than `gap_s` the window begins anew: nobody knows what was in between.
        """
        while self._kept and self._kept[-1][0] > at:
            self._kept.pop()
        if self._kept and (at - self._kept[-1][0]).total_seconds() > gap_s:
            self._kept.clear()
        self._kept.append((at, value))
        # the newest reading from before the window is kept: it held until the first one inside
        while len(self._kept) > 1 and self._kept[1][0] <= at - timedelta(seconds=window_s):
            self._kept.popleft()

    def over(self, statistic: str, window_s: float, at: datetime) -> Windowed | None:
        """Give a statistic over the window that ends at an instant; None without a reading in it."""
        since = at - timedelta(seconds=window_s)
        inside = [(when, value) for when, value in self._kept if since < when <= at]
        if not inside:
            return None
        reach_s = min(window_s, (at - self._kept[0][0]).total_seconds())
        return Windowed(statistic_of([value for _, value in inside], statistic), len(inside), reach_s)

    def count(self, window_s: float, at: datetime, holds: Callable[[float], bool]) -> int:
        """Count the readings of the window that ends at an instant of which something holds."""
        since = at - timedelta(seconds=window_s)
        return sum(1 for when, value in self._kept if since < when <= at and holds(value))


def statistic_of(values: Sequence[float], statistic: str) -> float:
    """Give one statistic of some numbers; a percentile is the nearest rank, so it is always one of them.

    >>> statistic_of([1.0, 2.0, 9.0], "avg"), statistic_of([1.0, 2.0, 9.0], "p50"), statistic_of([1.0, 2.0, 9.0], "p95")
    (4.0, 2.0, 9.0)
    """
    if statistic == "avg":
        return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.inf
    if statistic in ("max", "min"):
        return max(values) if statistic == "max" else min(values)
    rank = math.ceil(int(statistic.removeprefix("p")) / 100 * len(values))
    return sorted(values)[max(0, rank - 1)]
