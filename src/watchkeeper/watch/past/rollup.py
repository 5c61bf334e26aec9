"""History in levels: raw samples for some days, then sums over a minute, five minutes and an hour, each kept for longer. Pure.

Samples or finer sums enter, coarser sums leave; a sum is always made of all that its bucket holds, so that making it again gives
the same. Which level shows a span of time, and what may be forgotten when, is decided here too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchkeeper.watch.model import Sample

#: the lengths of buckets, in seconds, finest first; each is made of the one before it
LEVELS = (60, 300, 3600)
#: readings of one bucket that are summed up; a signal with more has them as raw samples alone
MOST_READINGS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a bucket holds of one reading."""

    count: int
    least: float
    most: float
    total: float

    @property
    def mean(self) -> float:
        """Give the average."""
        return self.total / self.count if self.count else math.nan

    def and_(self, other: Sum) -> Sum:
        """Give this and another together.

        >>> Sum(1, 2.0, 2.0, 2.0).and_(Sum(3, 1.0, 9.0, 12.0))
        Sum(count=4, least=1.0, most=9.0, total=14.0)
        """
        return Sum(self.count + other.count, min(self.least, other.least), max(self.most, other.most), self.total + other.total)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of time of one signal: how often it was looked at, how often blindly, and the readings."""

    signal: str
    at: datetime
    looks: int
    #: looks that gave no readings
    blind: int
    readings: Mapping[str, Sum]


def start_of(at: datetime, level_s: int) -> datetime:
    """Give the start of the bucket that an instant is in."""
    return at - timedelta(microseconds=((at - _EPOCH) // timedelta(microseconds=1)) % (level_s * 1_000_000))


def of_samples(signal: str, at: datetime, samples: Iterable[Sample]) -> Bucket:
    """Make a bucket of all its samples; what is no number is not summed."""
    looks = blind = 0
    readings: dict[str, Sum] = {}
    for sample in samples:
        looks += 1
        blind += sample.problem is not None
        for name, value in sample.values.items():
            if not math.isfinite(value):
                continue
            one = Sum(1, value, value, value)
            before = readings.get(name)
            if before is not None:
                readings[name] = before.and_(one)
            elif len(readings) < MOST_READINGS:
                readings[name] = one
    return Bucket(signal, at, looks, blind, readings)


def of_buckets(signal: str, at: datetime, buckets: Iterable[Bucket]) -> Bucket:
    """Make a coarser bucket of all the finer ones in it."""
    looks = blind = 0
    readings: dict[str, Sum] = {}
    for bucket in buckets:
        looks, blind = looks + bucket.looks, blind + bucket.blind
        for name, found in bucket.readings.items():
            before = readings.get(name)
            if before is not None:
                readings[name] = before.and_(found)
            elif len(readings) < MOST_READINGS:
                readings[name] = found
    return Bucket(signal, at, looks, blind, readings)


@dataclass(frozen=True, slots=True)
class Kept:
    """How long each level is kept, in days; 0: for ever."""

    raw: float
    #: in the order of LEVELS
    sums: tuple[float, ...]


def kept(raw: float, *sums: float) -> Kept:
    """Give how long each level is kept: never shorter than the finer one that it is made of.

    >>> kept(7, 3, 60, 0).sums
    (7, 60, 0)
    """
    longest, found = raw, []
    for days in sums:
        longest = 0.0 if days <= 0 or longest <= 0 else max(days, longest)
        found.append(longest)
    return Kept(raw, tuple(found))


def forget_before(days: float, now: datetime) -> datetime | None:
    """Give the instant before which a level is dropped, at the start of an hour so that no bucket is cut; None: nothing is."""
    return start_of(now - timedelta(days=days), LEVELS[-1]) if days > 0 else None


def level_for(span_s: float, points: int, of: Kept, every_s: float = 0.0) -> int | None:
    """Give the level that shows a span of time up to now: the finest that is kept so long and has not too many points.

    None is raw samples. The coarsest level shows what none does.

    >>> month = kept(7, 14, 60, 400)
    >>> [level_for(days * 86_400, 400, month, 15) for days in (0.04, 1, 10, 40, 365)]
    [None, 300, 3600, 3600, 3600]
    """
    days = span_s / 86_400
    if (of.raw <= 0 or days <= of.raw) and span_s <= points * max(every_s, 1.0):
        return None
    for level_s, long in zip(LEVELS, of.sums, strict=True):
        if (long <= 0 or days <= long) and span_s / level_s <= points:
            return level_s
    return LEVELS[-1]
