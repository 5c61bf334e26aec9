"""When a reading will reach its limit if it goes on as it did. Pure: its past, the limit and now enter; an outlook leaves.

The line through the past is Theil and Sen's: the median of the slopes between all pairs of points, which a night's outage or
one odd week does not bend. It is no promise: what grows by seasons or by leaps is not told by a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal, TypeAlias

#: a trend is told only over at least so long, and from so many points
LEAST = timedelta(days=3)
LEAST_POINTS = 24
#: beyond this nobody plans by a line
HORIZON = timedelta(days=365)
#: points that are compared pair by pair; more are thinned out evenly
MOST_POINTS = 150
_DAY_S = 86_400.0

Direction: TypeAlias = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a reading stands against its limit, and where it goes."""

    #: the middle of the last values, in the limit's unit
    value: float
    #: change a day, in the limit's unit; None where too little is known to tell
    per_day: float | None
    #: when the line reaches the limit; None: not within a year, or not at all
    reaches_at: datetime | None
    #: how long a time was looked at
    over: timedelta
    state: Literal["reached", "nears", "far", "unknown"]


def outlook(points: Sequence[tuple[datetime, float]], limit: float, bad: Direction, now: datetime) -> Outlook | None:
    """Tell where a reading goes; `points` oldest first, `bad` the side of the limit that is bad. None where there are none."""
    if not points:
        return None
    over = points[-1][0] - points[0][0]
    value = median(value for _, value in points[-LEAST_POINTS:])
    beyond = value >= limit if bad == "up" else value <= limit
    if over < LEAST or len(points) < LEAST_POINTS:
        return Outlook(value, None, None, over, "reached" if beyond else "unknown")
    per_day = _slope(_thinned(points))
    if beyond:
        return Outlook(value, per_day, None, over, "reached")
    reaches_at = None
    if (per_day > 0) == (bad == "up") and per_day != 0:
        days = (limit - value) / per_day
        reaches_at = now + timedelta(days=days) if days <= HORIZON.days else None
    return Outlook(value, per_day, reaches_at, over, "nears" if reaches_at else "far")


def _slope(points: Sequence[tuple[datetime, float]]) -> float:
    """Give the median slope of all pairs, a day."""
    slopes = [
        (later - earlier) / ((at - before).total_seconds() / _DAY_S)
        for place, (before, earlier) in enumerate(points)
        for at, later in points[place + 1 :]
        if at > before
    ]
    return median(slopes) if slopes else 0.0


def _thinned(points: Sequence[tuple[datetime, float]]) -> Sequence[tuple[datetime, float]]:
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(place * step)] for place in range(MOST_POINTS)]
