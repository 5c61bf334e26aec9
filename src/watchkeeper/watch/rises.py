"""How much counters have risen within a window. Counters by name and the time of the look enter, sums leave.

A counter that went back was begun anew, and its rise since is its value. The first look gives nothing, for there is nothing to
compare it with. Nothing here asks for the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_MOST = 10_000


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
