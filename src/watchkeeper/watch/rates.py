"""How fast the counters of a server rise between two looks. Counters with the time at which they were read enter, rates leave.

A counter that fell has begun again at zero (the server was restarted), so it has risen by what it shows now. The first look
has nothing before it and gives no rate.
"""

from __future__ import annotations


class Rates:
    """Remembers the counters of one signal, each by its name."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, float]] = {}

    def rise(self, name: str, now_s: float, value: float) -> tuple[float, float] | None:
        """Give by how much a counter rose since the last look, and in how many seconds; None at the first look.

        >>> rates = Rates()
        >>> rates.rise("a", 10.0, 100), rates.rise("a", 15.0, 130), rates.rise("a", 20.0, 4)
        (None, (30.0, 5.0), (4.0, 5.0))
        """
        before = self._before.get(name)
        self._before[name] = (now_s, value)
        if before is None or now_s <= before[0]:
            return None
        return float(value - before[1] if value >= before[1] else value), now_s - before[0]

    def per_second(self, name: str, now_s: float, value: float) -> float | None:
        """Give how much a counter rises in a second; None at the first look.

        >>> rates = Rates()
        >>> rates.per_second("a", 10.0, 100), rates.per_second("a", 15.0, 130)
        (None, 6.0)
        """
        found = self.rise(name, now_s, value)
        return found[0] / found[1] if found else None

    def share_percent(self, name: str, now_s: float, part: float, rest: float) -> float | None:
        """Give which share of two counters' rise is the first one's; None where neither rose since the last look.

        >>> rates = Rates()
        >>> rates.share_percent("hits", 1.0, 10, 0), rates.share_percent("hits", 2.0, 13, 1)
        (None, 75.0)
        """
        first, second = self.rise(f"{name}/part", now_s, part), self.rise(f"{name}/rest", now_s, rest)
        total = (first[0] if first else 0.0) + (second[0] if second else 0.0)
        return 100.0 * (first[0] if first else 0.0) / total if total > 0 else None
