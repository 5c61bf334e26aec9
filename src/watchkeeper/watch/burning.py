"""Burn rates: is the error budget of an objective spent so fast that somebody must act now?

What was seen of an objective so far, a sample and now enter; how the budget stands leaves. It fires while over a long window and
over a short one the bad share is a multiple of what the objective allows: the long one says that it matters, the short one that
it still goes on (14.4 times over 1 h and 5 min, 6 times over 6 h and 30 min, once over 3 days and 6 h, for an objective over 30
days; other periods have windows in proportion). A window that is not full yet counts as if the rest of it had been well, so that
what fires has really spent that part of the budget. The severity is the book's or none: none is made up.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from watchkeeper.base.durations import format_duration
from watchkeeper.estate.model import Bound, Budget
from watchkeeper.watch import rules
from watchkeeper.watch.model import Count, Sample, Standing, State

_DAY_S = 86_400.0
_PERIOD_S = 30 * _DAY_S
#: how many times too fast, over which long and which short window, of an objective over 30 days
PAIRS = ((14.4, 3600.0, 300.0), (6.0, 21_600.0, 1800.0), (1.0, 259_200.0, 21_600.0))
#: one bad look alone spends no budget so fast that somebody must act
FEWEST_FAILED = 2


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a window holds."""

    looks: int
    failed: int
    bad: float


class Spent:
    """What was seen of one objective, counted by stretches of time, for as long as its period."""

    __slots__ = ("_bad", "_failed", "_looks", "_starts", "budget", "step_s")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        #: a fifth of the shortest window
        self.step_s = max(1.0, PAIRS[0][2] * budget.period_s / _PERIOD_S / 5)
        self._starts: list[float] = []
        # each with a 0 in front: sums up to the stretch before
        self._looks, self._failed, self._bad = [0], [0], [0.0]

    def add(self, at: datetime, bad: float) -> Count:
        """Count one look, of which a share was bad; gives the count of its stretch."""
        start = math.floor(at.timestamp() / self.step_s) * self.step_s
        while self._starts and self._starts[-1] > start:  # a clock that was set back
            self._drop_last()
        if not self._starts or self._starts[-1] < start:
            self._append(start, 0, 0, 0.0)
        self._looks[-1] += 1
        self._failed[-1] += bad > self.budget.share
        self._bad[-1] += bad
        if len(self._starts) > 2 * self.budget.period_s / self.step_s:
            self._forget(start - self.budget.period_s)
        began = datetime.fromtimestamp(start, UTC)
        return Count(began, self._looks[-1] - self._looks[-2], self._failed[-1] - self._failed[-2], self._bad[-1] - self._bad[-2])

    def load(self, counted: Iterable[Count]) -> None:
        """Take up what was counted before, oldest first, in place of what is remembered."""
        self._starts, self._looks, self._failed, self._bad = [], [0], [0], [0.0]
        for each in counted:
            self._append(each.at.timestamp(), each.looks, each.failed, each.bad)

    def over(self, window_s: float, at: datetime) -> _Seen:
        """Give what a window that ends at an instant holds."""
        first = bisect_left(self._starts, at.timestamp() - window_s)
        return _Seen(
            self._looks[-1] - self._looks[first], self._failed[-1] - self._failed[first], self._bad[-1] - self._bad[first]
        )

    def _append(self, start: float, looks: int, failed: int, bad: float) -> None:
        self._starts.append(start)
        self._looks.append(self._looks[-1] + looks)
        self._failed.append(self._failed[-1] + failed)
        self._bad.append(self._bad[-1] + bad)

    def _drop_last(self) -> None:
        for kept in (self._starts, self._looks, self._failed, self._bad):
            kept.pop()

    def _forget(self, before: float) -> None:
        first = bisect_left(self._starts, before)
        del self._starts[:first]
        del self._looks[:first], self._failed[:first], self._bad[:first]


def judge(
    bound: Bound, before: Standing | None, sample: Sample, now: datetime, spent: Spent, *, between: bool = False
) -> tuple[Standing, Count | None]:
    """Say how a budget stands after a sample, and what was counted; a look without the reading counts for nothing.

    Nor does one `between` those of the schedule: it was taken because of a failure, and would make the failure weigh more.
    """
    at, before = rules.in_order(sample.at, before, now)
    raw = sample.values.get(bound.reading)
    if raw is None or math.isnan(raw):
        return rules.without_reading(bound, before, at, rules.why_missing(bound, sample, raw)), None
    counted = None if between else spent.add(at, bad_share(bound, raw))
    rates = [
        (factor, long_s, short_s, *_rates(bound, spent, at, long_s, short_s)) for factor, long_s, short_s in pairs(spent.budget)
    ]
    burning = [each for each in rates if min(each[3], each[4]) > each[0]]
    factor, long_s, short_s, rate, _ = burning[0] if burning else rates[0]
    state: State = "firing" if burning else "ok"
    over = f"over the last {format_duration(long_s)}"
    limit = f" and {format_duration(short_s)} (fires above {factor:g})" if burning else ""
    period = format_duration(spent.budget.period_s)
    said = (
        f"{bound.threshold.subject} is spent {rate:.3g} times as fast as {period} allow, {over}{limit}; {_left(bound, spent, at)}"
    )
    same = before is not None and before.state == state
    since = before.since if before is not None and same else at
    breached = (before.breached_since if before is not None and same else at) if burning else None
    return Standing(bound.key, state, since, breached, rate, at, f"{said}: {state}"), counted


def bad_share(bound: Bound, raw: float) -> float:
    """Say how much of a look was bad, from 0 to 1."""
    assert bound.budget is not None
    value = raw * bound.factor
    match bound.budget.counts:
        case "up":
            return float(raw == 0)
        case "within":
            assert bound.objective is not None
            return float(not rules.is_breached_by(bound.objective, value))
        case "share":
            return min(1.0, max(0.0, 1 - value / 100))
        case _:
            return min(1.0, max(0.0, value / 100))


def pairs(budget: Budget) -> list[tuple[float, float, float]]:
    """Give the factors with their windows, in proportion to the objective's period."""
    scale = budget.period_s / _PERIOD_S
    return [(factor, long_s * scale, short_s * scale) for factor, long_s, short_s in PAIRS]


def left(bound: Bound, spent: Spent, at: datetime) -> float:
    """Give the share of the budget that is left of the period which ends at an instant; below 0 it is overspent."""
    seen = spent.over(spent.budget.period_s, at)
    return 1 - seen.bad / (spent.budget.share * max(seen.looks, spent.budget.period_s / bound.every_s))


def _left(bound: Bound, spent: Spent, at: datetime) -> str:
    share = 100 * left(bound, spent, at)
    return f"{share:.3g} % of it is left" if share > 0 else "nothing of it is left"


def _rates(bound: Bound, spent: Spent, at: datetime, long_s: float, short_s: float) -> tuple[float, float]:
    """Give how many times too fast the budget is spent over two windows."""
    long, short = spent.over(long_s, at), spent.over(short_s, at)
    fast = _rate(bound, spent, short, short_s) if long.failed >= FEWEST_FAILED else 0.0
    return _rate(bound, spent, long, long_s), fast


def _rate(bound: Bound, spent: Spent, seen: _Seen, window_s: float) -> float:
    return (seen.bad / max(seen.looks, window_s / bound.every_s, 1.0)) / spent.budget.share
