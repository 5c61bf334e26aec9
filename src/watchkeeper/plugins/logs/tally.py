"""Counts of what was read, look by look, and their sum over the last window.

A look's tally and the time that it stands for enter; rates and shares leave. Pure: the time is given.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

#: durations kept of one look; of more, every so many-th is kept
MOST_TIMES = 5_000
MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class Tally:
    """What one look counted."""

    counts: Counter[str] = field(default_factory=Counter)
    addresses: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    #: kind -> a line of that kind
    examples: dict[str, str] = field(default_factory=dict)
    #: what the counts are multiplied by, because a part alone was read
    factor: float = 1.0
    _every: int = 1
    _passed: int = 0

    def add_time(self, seconds: float) -> None:
        """Keep a duration; of very many an even part is kept."""
        self._passed += 1
        if self._passed % self._every == 0:
            self.times.append(seconds)
            if len(self.times) >= MOST_TIMES:
                self.times = self.times[::2]
                self._every *= 2

    def add_address(self, address: str, count: int) -> None:
        """Count for an address."""
        if address in self.addresses or len(self.addresses) < MOST_ADDRESSES:
            self.addresses[address] += count

    def count(self, name: str) -> float:
        """Give a count, for all that was written."""
        return self.counts[name] * self.factor


def merged(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up; what each stands for is in the sum."""
    found = Tally()
    for tally in tallies:
        for name in tally.counts:
            # a count that was projected is no whole number
            found.counts[name] += tally.count(name)  # type: ignore[assignment]
        for address, count in tally.addresses.items():
            found.add_address(address, count)
        found.times += tally.times
        found.examples |= tally.examples
    return found


class Window:
    """The tallies of the last so many seconds."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._kept: deque[tuple[float, float, Tally]] = deque()

    def add(self, now_s: float, elapsed_s: float, tally: Tally) -> None:
        """Take a look's tally, which stands for the time since the look before."""
        self._kept.append((now_s, elapsed_s, tally))
        while len(self._kept) > 1 and self._kept[0][0] <= now_s - self._span_s:
            self._kept.popleft()

    def sum(self) -> tuple[Tally, float]:
        """Give all of them as one, and the seconds that it stands for."""
        return merged(tally for _, _, tally in self._kept), sum(elapsed for _, elapsed, _ in self._kept)


def percentile(times: list[float], share: float) -> float:
    """Give the value below which a share of them lies, by the nearest rank.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 0.5), percentile([1.0], 0.99)
    (2.0, 1.0)
    """
    ordered = sorted(times)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
