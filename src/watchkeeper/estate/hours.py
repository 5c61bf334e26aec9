"""Hours of the week in a zone, as a policy's line states them: "Mon-Fri 09:00-17:00 Europe/Berlin". Pure.

Days and zone may be left out (every day, UTC); a span that ends before it begins goes over midnight and belongs to the day on
which it begins. The end itself is outside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(
    r"(?:(?P<days>[A-Za-z]{3}(?:\s*[-,]\s*[A-Za-z]{3})*)\s+)?(?P<from>\d{1,2}:\d\d)\s*[-–]\s*(?P<to>\d{1,2}:\d\d)(?:\s+(?P<zone>\S+))?"
)


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of the day on some days of the week (Monday is 0), on the clocks of a zone."""

    days: frozenset[int]
    begins: time
    ends: time
    zone: str

    def hold(self, now: datetime) -> bool:
        """Tell whether an instant lies in them, daylight saving and midnight counted."""
        there = now.astimezone(ZoneInfo(self.zone))
        clock = there.time().replace(tzinfo=None)
        if self.begins < self.ends:
            return there.weekday() in self.days and self.begins <= clock < self.ends
        since_yesterday = (there - timedelta(days=1)).weekday() in self.days and clock < self.ends
        return since_yesterday or (there.weekday() in self.days and clock >= self.begins)

    def ends_at(self, now: datetime) -> datetime | None:
        """Give the instant at which the span that an instant lies in ends; None where it lies in none."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        spans = (self.span_on(day) for day in (today - timedelta(days=1), today))
        return next((span[1] for span in spans if span is not None and span[0] <= now < span[1]), None)

    def span_on(self, day: date) -> tuple[datetime, datetime] | None:
        """Give the instants at which the span of a day begins and ends; None on a day that has none."""
        if day.weekday() not in self.days:
            return None
        last = day if self.begins < self.ends else day + timedelta(days=1)
        return instant_of(datetime.combine(day, self.begins), self.zone), instant_of(datetime.combine(last, self.ends), self.zone)


@dataclass(frozen=True, slots=True)
class Office:
    """When the people of a service are at work: its business hours, but for its holidays."""

    hours: Hours
    holidays: frozenset[date] = frozenset()
    #: (month, day) of holidays that come every year
    yearly: frozenset[tuple[int, int]] = frozenset()
    #: watchkeeper.toml says so; else it is only what is usual
    stated: bool = False

    def is_open(self, now: datetime) -> bool:
        """Tell whether an instant lies in business hours."""
        return any(begins <= now < ends for begins, ends in self._spans(now))

    def opens_at(self, now: datetime) -> datetime | None:
        """Give the instant itself where it lies in business hours, else that at which they begin next; None within two weeks."""
        if self.is_open(now):
            return now
        return min((begins for begins, _ in self._spans(now) if begins > now), default=None)

    def ends_after(self, now: datetime, days: int) -> datetime | None:
        """Give the end of the business day that comes so many business days after that of an instant; None within two weeks."""
        today = now.astimezone(ZoneInfo(self.hours.zone)).date()
        later = [ends for begins, ends in self._spans(now) if begins.astimezone(ZoneInfo(self.hours.zone)).date() > today]
        return later[days - 1] if 0 < days <= len(later) else None

    def _spans(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """Give the business hours from the day before an instant to two weeks after it."""
        today = now.astimezone(ZoneInfo(self.hours.zone)).date()
        days = [today + timedelta(days=n) for n in range(-1, 15)]
        worked = [day for day in days if day not in self.holidays and (day.month, day.day) not in self.yearly]
        return [span for span in map(self.hours.span_on, worked) if span is not None]


def instant_of(local: datetime, zone: str) -> datetime:
    """Give the instant of a time on the clocks of a zone, as RFC 5545 reads it.

    A time that the clocks show twice is the first of the two; one that they skip is read as if they had not been put forward yet.

    >>> instant_of(datetime(2026, 10, 25, 2, 30), "Europe/Berlin").isoformat()
    '2026-10-25T00:30:00+00:00'
    >>> instant_of(datetime(2026, 3, 29, 2, 30), "Europe/Berlin").isoformat()
    '2026-03-29T01:30:00+00:00'
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def parse_hours(text: str) -> Hours | None:
    """Read hours as people write them; None where they cannot be read. A day ends at 24:00.

    >>> parse_hours("Mon-Fri 09:00-17:00 Europe/Berlin").zone, parse_hours("office hours")
    ('Europe/Berlin', None)
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        return None
    try:
        until_midnight = match["to"] == "24:00"
        begins, ends = (time.fromisoformat(said.zfill(5)) for said in (match["from"], "00:00" if until_midnight else match["to"]))
        zone = ZoneInfo(match["zone"] or "UTC").key
        days = _days(match["days"])
    except (ValueError, OSError, KeyError):
        return None
    return Hours(days, begins, ends, zone) if begins != ends or until_midnight else None


def _days(text: str | None) -> frozenset[int]:
    found: set[int] = set()
    for span in re.split(r"\s*,\s*", text) if text else ("mon-sun",):
        first, _, last = (part.strip().casefold() for part in span.partition("-"))
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return frozenset(found)


#: where watchkeeper.toml says nothing
USUAL = Office(Hours(frozenset(range(5)), time(9), time(17), "UTC"))
