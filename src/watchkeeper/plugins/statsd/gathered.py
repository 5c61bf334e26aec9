"""Gathers what lines of StatsD say between two looks, within bounds: names, members of a set, values of a timer.

Lines with their instant enter; readings leave. What is over a bound is counted, not kept.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from watchkeeper.plugins.statsd.lines import Line

MOST_MEMBERS = 10_000
MOST_VALUES = 2_000
#: members of sets and values of timers, under all names together
MOST_KEPT = 200_000
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


@dataclass
class _Series:
    kind: str
    seen_s: float
    value: float = 0.0
    members: set[int] = field(default_factory=set)
    values: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MOST_VALUES))


class Gathered:
    """What came for one signal."""

    def __init__(self, by: Collection[str], most_names: int, window_s: float, zeros: Iterable[str] = ()) -> None:
        self._by = frozenset(by)
        self._most_names = most_names
        self._window_s = window_s
        self._zeros = tuple(zeros)
        self._series: dict[str, _Series] = {}
        #: lines for which there was no room, since the last look
        self.turned_away = 0
        self._kept = 0

    def __len__(self) -> int:
        return len(self._series)

    def take(self, line: Line, now_s: float) -> None:
        """Take in what a line says, under its name and, where it has wanted tags, under its name with these."""
        self._put(line.name, line, now_s)
        wanted = [(key, value) for key, value in line.tags if key in self._by]
        if wanted:
            self._put(line.name + "{" + ",".join(f'{key}="{value}"' for key, value in wanted) + "}", line, now_s)

    def readings(self, now_s: float, took_s: float) -> dict[str, float]:
        """Give the readings of the time since the last call, and begin anew."""
        found = dict.fromkeys(self._zeros, 0.0)
        for name, series in self._series.items():
            found |= self._of(name, series, now_s, took_s)
        self._series = {name: s for name, s in self._series.items() if now_s - s.seen_s < 10 * self._window_s}
        self._kept = sum(len(series.members) + len(series.values) for series in self._series.values())
        self.turned_away = 0
        return found

    def _put(self, name: str, line: Line, now_s: float) -> None:
        series = self._series.get(name)
        if series is None or series.kind != line.kind:
            if series is None and len(self._series) >= self._most_names:
                self.turned_away += 1
                return
            series = self._series[name] = _Series(line.kind, now_s)
        series.seen_s = now_s
        match line.kind:
            case "counter":
                series.value += math.fsum(line.numbers) / line.rate
            case "gauge":
                series.value = series.value + line.numbers[-1] if line.moved else line.numbers[-1]
            case "check":
                series.value = line.numbers[-1]
            case "set":
                if len(series.members) < MOST_MEMBERS and self._has_room():
                    before = len(series.members)
                    series.members.update(hash(member) for member in line.members)
                    self._kept += len(series.members) - before
            case _:
                # where a timer has all that it may keep, new values take the place of its oldest
                if len(series.values) == MOST_VALUES or self._has_room():
                    before = len(series.values)
                    series.values.extend((now_s, value) for value in line.numbers)
                    self._kept += len(series.values) - before
                series.value += len(line.numbers) / line.rate

    def _has_room(self) -> bool:
        """Say whether more members and values are kept until the next look; what is turned away is counted."""
        self.turned_away += self._kept >= MOST_KEPT
        return self._kept < MOST_KEPT

    def _of(self, name: str, series: _Series, now_s: float, took_s: float) -> dict[str, float]:
        count, series.value = series.value, series.value if series.kind in ("gauge", "check") else 0.0
        match series.kind:
            case "counter":
                return {name: count, _ending(name, "_per_s"): count / took_s}
            case "gauge":
                return {name: count}
            case "check":
                return {} if count == 3 else {_ending(name, "_up"): float(count == 0)}
            case "set":
                members, series.members = len(series.members), set()
                return {name: float(members)}
        while series.values and series.values[0][0] < now_s - self._window_s:
            series.values.popleft()
        # StatsD's timers are in milliseconds
        scale, unit = (0.001, "_seconds") if series.kind == "timer" else (1.0, "")
        ordered = sorted(value * scale for _, value in series.values)
        found = {_ending(name, "_count"): count, _ending(name, "_per_s"): count / took_s}
        if ordered:
            for word, share in _QUANTILES:
                found[_ending(name, f"_{word}{unit}")] = ordered[max(0, math.ceil(share * len(ordered)) - 1)]
            found[_ending(name, f"_max{unit}")] = ordered[-1]
            found[_ending(name, f"_avg{unit}")] = math.fsum(ordered) / len(ordered)
        return found


def _ending(name: str, ending: str) -> str:
    """Put an ending behind a name and before its tags.

    >>> _ending('orders{shop="a"}', "_per_s")
    'orders_per_s{shop="a"}'
    """
    bare, brace, tags = name.partition("{")
    return f"{bare}{ending}{brace}{tags}"
