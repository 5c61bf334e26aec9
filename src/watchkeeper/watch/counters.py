"""What counters say over time: how fast they rise, and how much they have risen within a window.

Counters by name and the time of the look enter; a counter that went back was begun anew, and its rise since is its value.
The first look gives nothing, for there is nothing to compare it with. Nothing here asks for the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_MOST = 10_000


class Rates:
    """Rises per second since the look before."""

    def __init__(self) -> None:
        self._before: tuple[float, dict[str, float]] | None = None

    def add(self, counters: Mapping[str, float], now_s: float) -> dict[str, float]:
        """Take a look's counters; give the rate of each that the look before had too and that did not go back.

        >>> rates = Rates()
        >>> rates.add({"bytes": 100.0}, 10.0), rates.add({"bytes": 140.0, "new": 9.0}, 12.0), rates.add({"bytes": 5.0}, 13.0)
        ({}, {'bytes': 20.0}, {})
        """
        before, self._before = self._before, (now_s, dict(counters))
        if before is None or now_s <= before[0]:
            return {}
        passed, last = now_s - before[0], before[1]
        return {name: (value - last[name]) / passed for name, value in counters.items() if value >= last.get(name, value + 1)}


class Rises:
    """Rises within a window, one sum a counter; for what happens now and then, such as restarts."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        #: the counters as they were seen last, the longest unseen first; kept, since a look may miss some
        self._last: dict[str, float] = {}
        self._risen: deque[tuple[float, str, float]] = deque()
        self._begun = False

    def add(self, counters: Mapping[str, float], now_s: float) -> dict[str, float] | None:
        """Take a look's counters; give how much each has risen within the window, or None at the first look.

        A counter that was not there before began at 0: what it counts is new.

        >>> rises = Rises(60.0)
        >>> rises.add({"a": 3.0}, 0.0), rises.add({"a": 4.0, "b": 2.0}, 10.0), rises.add({"a": 1.0}, 65.0)
        (None, {'a': 1.0, 'b': 2.0}, {'a': 2.0})
        """
        begun, self._begun = self._begun, True
        for name, value in counters.items():
            before = self._last.pop(name, 0.0) if begun else value
            by = value - before if value >= before else value
            if by:
                self._risen.append((now_s, name, by))
            self._last[name] = value
        while self._risen and self._risen[0][0] <= now_s - self._window_s:
            self._risen.popleft()
        while len(self._last) > max(_MOST, len(counters)):
            del self._last[next(iter(self._last))]
        if not begun:
            return None
        sums = dict.fromkeys(counters, 0.0)
        for _, name, by in self._risen:
            if name in sums:
                sums[name] += by
        return sums
