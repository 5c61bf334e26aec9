"""How far each reading is from its limit and when it gets there, beside what the runbook says of growth and of what is usual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions.views.frame import read_frame, says
from watchkeeper.actions.views.model import Frame
from watchkeeper.app import App
from watchkeeper.base.durations import format_duration
from watchkeeper.base.words import words
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Bound
from watchkeeper.incident.rules import quantity
from watchkeeper.watch.past.capacity import Outlook, outlook
from watchkeeper.watch.past.history import read_buckets
from watchkeeper.watch.past.rollup import LEVELS

#: how far back is looked
PAST = timedelta(days=60)
_RANK = {"reached": 0, "nears": 1, "far": 2, "unknown": 3}


@dataclass(frozen=True, slots=True)
class CapacityLine:
    """One threshold with where its reading goes."""

    subject: str
    component: str | None
    says: str
    line: int
    signal: str
    state: str
    sentence: str
    value: float
    unit: str | None
    per_day: float | None
    reaches_at: datetime | None
    #: what the book says of its growth, and of what is usual, with their lines
    book: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CapacityView:
    """All that have a past, the nearest to its limit first."""

    frame: Frame
    lines: tuple[CapacityLine, ...]
    #: thresholds with a number of which nothing was seen yet
    without_past: int


async def capacity(app: App) -> CapacityView:
    """Read it from the hourly sums."""
    now = app.clock.now()
    return await app.database.read(lambda connection: _read(connection, app, now))


def _read(connection: Connection, app: App, now: datetime) -> CapacityView:
    bounds = [
        each for each in app.bindings.bound if each.threshold.value is not None and each.threshold.op in ("<", "<=", ">", ">=")
    ]
    by_signal: dict[str, list[Bound]] = {}
    for bound in bounds:
        by_signal.setdefault(bound.signal, []).append(bound)
    found, without = [], 0
    for signal, mine in by_signal.items():
        buckets = read_buckets(connection, signal, LEVELS[-1], now - PAST, now)
        for bound in mine:
            seen = [
                (each.at, each.readings[bound.reading].mean * bound.factor) for each in buckets if bound.reading in each.readings
            ]
            line = _line(bound, seen, app.book, now)
            found += [line] if line else []
            without += line is None
    found.sort(key=lambda each: (_RANK[each.state], each.reaches_at or now, each.line))
    return CapacityView(read_frame(connection, app, now), tuple(found), without)


def _line(bound: Bound, seen: list[tuple[datetime, float]], book: Book, now: datetime) -> CapacityLine | None:
    threshold = bound.threshold
    limit, rises = threshold.value or 0.0, threshold.op.startswith(">")
    # what is to be kept is bad on its other side
    bad = rises == (threshold.role == "alert")
    found = outlook(seen, limit, "up" if bad else "down", now)
    if found is None:
        return None
    return CapacityLine(
        subject=threshold.subject,
        component=bound.component,
        says=says(threshold),
        line=threshold.line,
        signal=bound.signal,
        state=found.state,
        sentence=sentence(found, threshold.unit, now),
        value=found.value,
        unit=threshold.unit,
        per_day=found.per_day,
        reaches_at=found.reaches_at,
        book=tuple(_book_says(book, threshold.subject, bound.component)),
    )


def sentence(found: Outlook, unit: str | None, now: datetime) -> str:
    """Say where a reading goes."""
    stands = f"It stands at {quantity(found.value, unit)}"
    over = format_duration(round(found.over.total_seconds() / 3600) * 3600)
    if found.per_day is None:
        return f"{stands}; {over} are too short a time to tell where it goes."
    moves = f"{stands} and moves by {quantity(found.per_day, unit)} a day, seen over {over}"
    if found.state == "reached":
        return f"{moves}: its limit is reached."
    if found.reaches_at is None:
        return f"{moves}: its limit is not in sight."
    days = (found.reaches_at - now).total_seconds() / 86_400
    return f"{moves}: at this rate its limit is reached in {days:.0f} days, on {found.reaches_at:%-d %B %Y}."


def _book_says(book: Book, subject: str, component: str | None) -> Iterable[str]:
    """Give what the runbook says of the same thing: its growth, and what is usual."""
    mine = words(f"{subject} {component or ''}")
    for growth in book.growth:
        if words(growth.subject) & mine and growth.percent is not None:
            within = f" within {format_duration(growth.within_s)}" if growth.within_s else ""
            yield f"The runbook expects {growth.subject} to grow by {growth.percent:g} %{within} (line {growth.line})."
    for baseline in book.baselines:
        if words(baseline.subject) & mine and baseline.value is not None:
            value = baseline.value if isinstance(baseline.value, str) else quantity(baseline.value, baseline.unit)
            yield f"The runbook calls {value} usual for {baseline.subject} (line {baseline.line})."
