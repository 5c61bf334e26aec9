"""When a job is due next: after a period, or by an expression of cron or of systemd's OnCalendar, on the clocks of a zone.

Text enters; a function from one instant to the next due one leaves. A text that cannot be read is a ScheduleError. Where clocks
go forward, what falls into the hour that is left out is due when it ends; where they go back, what has its own hour is due once.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.tz import resolve_imaginary

NextAfter: TypeAlias = Callable[[datetime], datetime]

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = {
    "minutely": "*-*-* *:*:00", "hourly": "*-*-* *:00:00", "daily": "*-*-* 00:00:00", "monthly": "*-*-01 00:00:00",
    "weekly": "Mon *-*-* 00:00:00", "yearly": "*-01-01 00:00:00", "annually": "*-01-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00", "semiannually": "*-01,07-01 00:00:00", "semi-annually": "*-01,07-01 00:00:00",
}  # fmt: skip
_PART = re.compile(r"(?P<first>\*|\d{1,4})(?:\.\.(?P<last>\d{1,4}))?(?:/(?P<step>\d{1,4}))?")
#: dates further away than this are never (a Sunday that is 29 February comes within forty years)
_DAYS_AHEAD = 366 * 41


class ScheduleError(ValueError):
    """The schedule cannot be read; the message says why."""


def read_zone(name: str) -> ZoneInfo:
    """Give a time zone by its name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"there is no time zone {name!r}") from None


def after_period(period: timedelta) -> NextAfter:
    """Give what is due a period after the last time."""
    return lambda last: last + period


def by_cron(expression: str, zone: ZoneInfo) -> NextAfter:
    """Read an expression of cron with five fields, or @daily and its like.

    >>> by_cron("30 3 * * 1-5", ZoneInfo("Europe/Berlin"))(datetime(2026, 3, 27, 12, tzinfo=UTC)).isoformat()
    '2026-03-30T01:30:00+00:00'
    """
    from croniter import croniter

    fields = expression.split()
    if len(fields) != 5 and not (len(fields) == 1 and expression.startswith("@")):
        raise ScheduleError("a cron expression has five fields")
    has_own_hour = len(fields) != 5 or not re.search(r"[*/-]", fields[1])

    def next_after(last: datetime) -> datetime:
        try:
            times = croniter(expression, last.astimezone(zone))
            found: datetime = times.get_next(datetime)
            if has_own_hour and found.fold:
                found = times.get_next(datetime)
        except (ValueError, KeyError, TypeError, OverflowError) as problem:
            raise ScheduleError(str(problem).splitlines()[0] if str(problem) else "it cannot be read") from None
        return found.astimezone(UTC)

    next_after(datetime(2026, 1, 1, tzinfo=UTC))
    return next_after


@dataclass(frozen=True, slots=True)
class OnCalendar:
    """An expression of systemd's OnCalendar."""

    weekdays: frozenset[int]
    years: frozenset[int] | None
    months: tuple[int, ...]
    #: negative: counted from the end of the month
    days: tuple[int, ...]
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    zone: ZoneInfo

    def next_after(self, last: datetime) -> datetime:
        """Give the first due instant after another."""
        local = last.astimezone(self.zone)
        today = local.date()
        for ahead in range(_DAYS_AHEAD):
            day = today + timedelta(days=ahead)
            if not self._falls_on(day):
                continue
            for hour in self.hours:
                if ahead == 0 and hour < local.hour:
                    continue
                found = self._within(day, hour, last)
                if found is not None:
                    return found
        raise ScheduleError("it never comes")

    def _within(self, day: date, hour: int, last: datetime) -> datetime | None:
        for minute in self.minutes:
            for second in self.seconds:
                wall = datetime.combine(day, time(hour, minute, second), self.zone)
                found = resolve_imaginary(wall).astimezone(UTC)
                if found > last:
                    return found
        return None

    def _falls_on(self, day: date) -> bool:
        if day.weekday() not in self.weekdays or day.month not in self.months:
            return False
        if self.years is not None and day.year not in self.years:
            return False
        return day.day in self.days or day.day - calendar.monthrange(day.year, day.month)[1] - 1 in self.days


def by_calendar(expression: str, zone: ZoneInfo) -> NextAfter:
    """Read an expression of OnCalendar; a zone behind it goes before the given one.

    >>> by_calendar("Mon..Fri 02:30 Europe/Berlin", ZoneInfo("UTC"))(datetime(2026, 3, 27, 12, tzinfo=UTC)).isoformat()
    '2026-03-30T00:30:00+00:00'
    """
    found = _read(expression, zone)
    found.next_after(datetime(2026, 1, 1, tzinfo=UTC))
    return found.next_after


def _read(expression: str, zone: ZoneInfo) -> OnCalendar:
    words = expression.split()
    if len(words) > 1 and re.fullmatch(r"UTC|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+", words[-1]):
        zone = read_zone(words.pop())
    if len(words) == 1 and words[0].lower() in _NAMES:
        words = _NAMES[words[0].lower()].split()
    weekdays = frozenset(range(7))
    if words and words[0][:1].isalpha():
        weekdays = _weekdays(words.pop(0))
    day = words.pop(0) if words and ":" not in words[0] else "*-*-*"
    at = words.pop(0) if words else "00:00:00"
    if words or not expression.strip():
        raise ScheduleError(f"{' '.join(words) or 'an empty text'!r} is not understood")
    from_end = "~" in day
    parts = day.replace("~", "-").split("-")
    parts = parts if len(parts) == 3 else ["*", *parts]
    times = at.split(":")
    times = times if len(times) == 3 else [*times, "00"]
    if len(parts) != 3 or len(times) != 3:
        raise ScheduleError("write it as DAYS YYYY-MM-DD HH:MM:SS, with * for any")
    days = _numbers(parts[2], 1, 31)
    return OnCalendar(
        weekdays,
        None if parts[0] == "*" else frozenset(_numbers(parts[0], 1970, 2200)),
        _numbers(parts[1], 1, 12),
        tuple(-each for each in days) if from_end else days,
        _numbers(times[0], 0, 23),
        _numbers(times[1], 0, 59),
        _numbers(times[2].split(".")[0], 0, 59),
        zone,
    )


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.rstrip(",").split(","):
        ends = [_WEEKDAYS.index(each[:3].lower()) if each[:3].lower() in _WEEKDAYS else -1 for each in re.split(r"\.\.|-", part)]
        if -1 in ends or len(ends) > 2:
            raise ScheduleError(f"{part!r} is no day of the week")
        first, last = ends[0], ends[-1]
        found |= {each % 7 for each in range(first, last + 1 if last >= first else last + 8)}
    return frozenset(found)


def _numbers(text: str, low: int, high: int) -> tuple[int, ...]:
    """Read one field: numbers, ranges and steps, with commas between."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ScheduleError(f"{part!r} is not understood")
        first = low if match["first"] == "*" else int(match["first"])
        step = int(match["step"] or 1)
        last = int(match["last"]) if match["last"] else high if match["first"] == "*" or match["step"] else first
        if not low <= first <= last <= high or step < 1:
            raise ScheduleError(f"{part!r} is not between {low} and {high}")
        found |= set(range(first, last + 1, step))
    return tuple(sorted(found))
