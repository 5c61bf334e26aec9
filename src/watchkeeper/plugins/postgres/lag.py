"""How far a replica is behind, seen from the primary: how long ago the primary stood where the replica stands now.

The server's own measure stands still while a replica does not replay, so positions are remembered with the time at which they
were seen. Positions and seconds enter, seconds leave.
"""

from __future__ import annotations

from collections import deque

_KEPT = 4_096


class LagClock:
    """Remembers when the primary stood where."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_KEPT)

    def measure(self, now_s: float, position: int, replayed: int) -> float:
        """Give the seconds for which the replica has not caught up.

        >>> clock = LagClock()
        >>> clock.measure(0.0, 100, 100), clock.measure(5.0, 200, 100), clock.measure(9.0, 300, 100), clock.measure(9.5, 300, 300)
        (0.0, 5.0, 9.0, 0.0)
        """
        if len(self._seen) > 1 and self._seen[-1][1] == self._seen[-2][1] == position:
            self._seen.pop()
        self._seen.append((now_s, position))
        if replayed >= position:
            return 0.0
        reached = [at for at, seen in self._seen if seen <= replayed]
        return now_s - (reached[-1] if reached else self._seen[0][0])
