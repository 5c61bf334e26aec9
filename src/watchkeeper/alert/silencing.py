"""Which alerts open no incident for now: a person's silence holds, or a maintenance window of the book is on. Pure.

An alert, the silences, the windows and now enter; what holds it back, with the sentence until when, leaves. An alert that is held
back is not forgotten: it waits, and opens its incident once nothing holds it any more and it still fires.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from watchkeeper.alert.model import Alert, Silence, Window
from watchkeeper.alert.rules import BLIND
from watchkeeper.base.durations import format_duration
from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Schedule
from watchkeeper.book.vocabulary import MAINTENANCE_WORDS

WINDOW = "window:"
#: no window is longer than this: what reads so was read wrongly
LONGEST_WINDOW = timedelta(hours=24)
_EPOCH = datetime(2020, 1, 1)  # noqa: DTZ001 - a date of the window's own clock, which every "each other week" counts from
_MAINTENANCE = frozenset().union(*(words(word.rstrip("*")) for word in MAINTENANCE_WORDS)) - {"window"}


@dataclass(frozen=True, slots=True)
class Held:
    """What holds an alert back, until when, and the sentence."""

    #: the silence's id, or "window:<title>"
    by: str
    until: datetime
    sentence: str


def held(alert: Alert, silences: Iterable[Silence], windows: Sequence[Window], now: datetime) -> Held | None:
    """Say what holds an alert back now; None where nothing does. That we ourselves see nothing is held back by no window."""
    for silence in silences:
        if _is_on(silence, now) and _matches(silence, alert):
            until = silence.ends_at
            left = format_duration((until - now).total_seconds())
            where = f", within {_hours_words(silence)}" if silence.hours else ""
            said = f"{alert.subject} is silenced by {silence.author} for another {left}{where}: {silence.why}"
            return Held(silence.id, until, said)
    if alert.key.startswith(BLIND):
        return None
    for window in windows:
        if window.begins_at <= now < window.ends_at:
            left = format_duration((window.ends_at - now).total_seconds())
            said = f"{alert.subject} is held back by the window “{window.title}” (line {window.line}) for another {left}."
            return Held(f"{WINDOW}{window.title}"[:100], window.ends_at, said)
    return None


def windows_at(book: Book, now: datetime) -> tuple[Window, ...]:
    """Give the maintenance windows of the book that are on now; one without an end in the book is none."""
    found = (_occurrence(schedule, now) for schedule in book.schedules if is_window(schedule))
    return tuple(window for window in found if window is not None)


def is_window(schedule: Schedule) -> bool:
    """Say whether a schedule of the book is a maintenance window: it speaks of maintenance, and says from when until when."""
    return bool(schedule.rrule and schedule.at and schedule.until and words(schedule.title) & _MAINTENANCE)


def _occurrence(schedule: Schedule, now: datetime) -> Window | None:
    zone = ZoneInfo(schedule.timezone or "UTC")
    today = now.astimezone(zone).date()
    begins, ends = time.fromisoformat(schedule.at or "00:00"), time.fromisoformat(schedule.until or "00:00")
    for day in (today, today - timedelta(days=1)):
        if not _falls_on(schedule.rrule or "", day):
            continue
        start = datetime.combine(day, begins, zone)
        # clocks of the wall: where they change in between, the window still ends when the book says
        end = datetime.combine(day if ends > begins else day + timedelta(days=1), ends, zone)
        if start <= now < end and end - start <= LONGEST_WINDOW:
            return Window(schedule.title, schedule.line, start, end)
    return None


@lru_cache(maxsize=512)
def _falls_on(rule: str, day: date) -> bool:
    """Say whether a recurrence has an occurrence on a day; one that cannot be read has none."""
    begin = datetime.combine(day, time.min)
    try:
        found = rrulestr(rule, dtstart=_EPOCH).between(begin, begin + timedelta(days=1), inc=True)
    except ValueError:
        return False
    return any(occurrence.date() == day for occurrence in found)


def _is_on(silence: Silence, now: datetime) -> bool:
    return silence.begins_at <= now < silence.ends_at and (silence.hours is None or silence.hours.hold(now))


def _matches(silence: Silence, alert: Alert) -> bool:
    return (
        (silence.key is None or silence.key == alert.key)
        and (silence.component is None or words(silence.component) == words(alert.component or ""))
        and (silence.subject is None or words(silence.subject) <= words(alert.subject))
        and (silence.severity is None or silence.severity.casefold() == (alert.severity or "").casefold())
    )


def _hours_words(silence: Silence) -> str:
    assert silence.hours is not None
    return f"{silence.hours.begins:%H:%M}-{silence.hours.ends:%H:%M} {silence.hours.zone}"
