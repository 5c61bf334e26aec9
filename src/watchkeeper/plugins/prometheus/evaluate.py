"""Evaluates an expression over the last scrapes.

Scrapes with their times and an expression enter; a number with words about it leaves, or the sentence why there is none. A
counter that starts anew is a reset; a series that appears between two scrapes began at 0; a metric that the target does not
expose is missing, never 0.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.base.durations import format_duration
from watchkeeper.plugins.prometheus.exposition import Labels, Scrape
from watchkeeper.plugins.prometheus.expression import Call, Expression, Number, Operation, Selector, buckets_of

#: beyond this many kept values every second scrape is dropped: a longer step between looks, the same window
MOST_VALUES = 2_000_000


class Missing(Exception):
    """There is nothing to say yet; the message says why."""


@dataclass
class History:
    """The last scrapes, oldest first."""

    window_s: float
    scrapes: deque[tuple[float, Scrape]] = field(default_factory=deque)

    def add(self, at_s: float, scrape: Scrape) -> None:
        """Put a scrape to the others and drop what no window reaches; one before the window is kept to count from."""
        self.scrapes.append((at_s, scrape))
        while len(self.scrapes) > 2 and self.scrapes[1][0] < at_s - self.window_s:
            self.scrapes.popleft()
        size = sum(len(values) for values in scrape.series.values()) + 1
        if len(self.scrapes) > 2 and len(self.scrapes) * size > MOST_VALUES:
            self.scrapes = deque([*list(self.scrapes)[:-1:2], self.scrapes[-1]])


class Evaluation:
    """One evaluation of several expressions over the same scrapes; `notes` are words for people."""

    def __init__(self, history: History) -> None:
        self._scrapes = history.scrapes
        self.notes: list[str] = []

    def number(self, expression: Expression) -> float:
        """Give the value of an expression; raises Missing where there is none."""
        match expression:
            case Number(value=value):
                return value
            case Operation(sign=sign, left=left, right=right):
                return self._operate(sign, self.number(left), self.number(right))
            case Call(function="percent", arguments=(part, whole)):
                return 100.0 * self._divide(self.number(part), self.number(whole))
            case Call(function="ratio", arguments=(part, whole)):
                return self._divide(self.number(part), self.number(whole))
            case Call(function="quantile", arguments=(Number(value=fraction), histogram)):
                return self._quantile(fraction, buckets_of(histogram))
            case Call(function=function, arguments=(argument,)):
                return self._over_series(function, argument)
            case Selector():
                return self._alone(expression)
        raise Missing("the expression cannot be evaluated")

    def _operate(self, sign: str, left: float, right: float) -> float:
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case _:
                return self._divide(left, right)

    def _divide(self, part: float, whole: float) -> float:
        if whole:
            return part / whole
        if part:
            raise Missing("the divisor is 0")
        self.notes.append("nothing was counted, so its share is taken as 0")
        return 0.0

    def _alone(self, selector: Selector) -> float:
        values = self._instant(selector)
        if len(values) > 1:
            raise Missing(f"{selector.metric} has {len(values)} series; put sum, max, min or avg around it or filter by labels")
        if not values:
            raise Missing(f"{selector.metric} has no such series")
        return values[0]

    def _over_series(self, function: str, argument: Expression) -> float:
        if function in ("rate", "increase"):
            assert isinstance(argument, Selector)
            return sum(self._increases(argument, per_second=function == "rate").values())
        if isinstance(argument, Call) and argument.function in ("rate", "increase"):
            inner = argument.arguments[0]
            assert isinstance(inner, Selector)
            values = list(self._increases(inner, per_second=argument.function == "rate").values())
        elif isinstance(argument, Selector):
            values = self._instant(argument)
        else:
            values = [self.number(argument)]
        match function:
            case "sum":
                return math.fsum(values)
            case "count":
                return float(len(values))
        if not values:
            raise Missing("there is no such series")
        return max(values) if function == "max" else min(values) if function == "min" else math.fsum(values) / len(values)

    def _instant(self, selector: Selector) -> list[float]:
        _, last = self._scrapes[-1]
        if not last.knows(selector.metric):
            raise Missing(f"the target does not expose {selector.metric}")
        return [value for labels, value in last.series.get(selector.metric, {}).items() if _fits(selector, labels)]

    def _increases(self, selector: Selector, per_second: bool) -> dict[Labels, float]:
        """Give by how much each series grew within the window."""
        last_s, last = self._scrapes[-1]
        if not last.knows(selector.metric):
            raise Missing(f"the target does not expose {selector.metric}")
        window_s = selector.window_s or 0.0
        # half a second of slack, since looks come when they come
        inside = [(at, scrape) for at, scrape in self._scrapes if at >= last_s - window_s - 0.5]
        if len(inside) < 2:
            raise Missing(f"{selector.metric} needs two looks within {format_duration(window_s)}")
        grown: dict[Labels, float] = {}
        before = inside[0][1].series.get(selector.metric, {})
        for _, scrape in inside[1:]:
            now = scrape.series.get(selector.metric, {})
            for labels, value in now.items():
                if _fits(selector, labels) and math.isfinite(value):
                    was = before.get(labels, 0.0)
                    grown[labels] = grown.get(labels, 0.0) + (value - was if value >= was else value)
            before = now
        elapsed_s = last_s - inside[0][0]
        return {labels: value / elapsed_s for labels, value in grown.items()} if per_second else grown

    def _quantile(self, fraction: float, buckets: Selector) -> float:
        """Interpolate within the bucket in which the quantile falls."""
        summed: dict[float, float] = {}
        for labels, grown in self._increases(buckets, per_second=False).items():
            bound = _bound(labels)
            summed[bound] = summed.get(bound, 0.0) + grown
        ordered = sorted(summed.items())
        total = ordered[-1][1] if ordered else 0.0
        if not total:
            self.notes.append("nothing was measured, so its duration is taken as 0")
            return 0.0
        rank = fraction * total
        low, below = 0.0, 0.0
        for high, count in ordered:
            if count >= rank and count > below:
                return low if math.isinf(high) else low + (high - low) * (rank - below) / (count - below)
            low, below = high if math.isfinite(high) else low, count
        return low


def _fits(selector: Selector, labels: Labels) -> bool:
    if not selector.matchers:
        return True
    found = dict(labels)
    return all(matcher.fits(found.get(matcher.label, "")) for matcher in selector.matchers)


def _bound(labels: Iterable[tuple[str, str]]) -> float:
    text = dict(labels).get("le", "")
    try:
        return float(text)
    except ValueError:
        raise Missing(f"a bucket has the bound {text!r}, which is not a number") from None
