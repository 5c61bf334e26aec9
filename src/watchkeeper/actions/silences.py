"""Silences: made by somebody with a reason and an end, listed, and ended before their time; each with its line in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions.permission import done_by, require
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Silence, Window
from watchkeeper.alert.silencing import windows_at
from watchkeeper.app import App
from watchkeeper.base.durations import parse_duration
from watchkeeper.base.errors import InputError, NotFound
from watchkeeper.base.ids import new_id
from watchkeeper.estate.hours import parse_hours
from watchkeeper.people.identity import Actor
from watchkeeper.store import ledger

#: whatever is silenced for longer is not silenced but not watched
LONGEST = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Quiet:
    """What holds alerts back now or later: silences, and the windows of the book that are on."""

    silences: tuple[Silence, ...]
    windows: tuple[Window, ...]


def lasting(text: str) -> timedelta:
    """Read how long a silence is to last, as a person writes it."""
    seconds = parse_duration(text)
    if seconds is None:
        raise InputError(f"{text!r} is no duration.", hint="Try --for 2h.", code="WK161")
    return timedelta(seconds=seconds)


async def silence(
    app: App,
    actor: Actor,
    lasts: timedelta,
    why: str,
    *,
    component: str | None = None,
    subject: str | None = None,
    severity: str | None = None,
    key: str | None = None,
    hours: str | None = None,
    begins_at: datetime | None = None,
) -> Silence:
    """Keep some alerts from opening incidents for a time; it needs a reason, an end and something that it names."""
    require(actor, "silence")
    now = app.clock.now()
    begins_at = begins_at or now
    if not why.strip():
        raise InputError("A silence needs a reason.", hint="Say what makes these alerts expected.", code="WK161")
    if not timedelta(0) < lasts <= LONGEST:
        raise InputError("A silence lasts between a moment and 92 days.", hint="Try --for 2h.", code="WK161")
    if not (component or subject or severity or key):
        hint = "Name a component, a subject, a severity or an alert; `watchkeeper halt` stops everything automatic."
        raise InputError("This would silence everything.", hint=hint, code="WK161")
    parsed = parse_hours(hours) if hours else None
    if hours and parsed is None:
        hint = 'Write them so: "Sun 02:00-04:00 Europe/Berlin"; days and zone may be left out.'
        raise InputError(f"{hours!r} are no hours.", hint=hint, code="WK161")
    made = Silence(
        new_id("sil", now), actor.name, why.strip(), begins_at, begins_at + lasts, component, subject, severity, key, parsed
    )

    def work(connection: Connection) -> Silence:
        alerts.add_silence(connection, made, hours)
        names = {"component": component, "subject": subject, "severity": severity, "key": key, "hours": hours}
        body = {name: value for name, value in names.items() if value} | {"until": made.ends_at.isoformat()}
        ledger.append(connection, now, actor.name, "silence", made.id, why=made.why, body=body)
        return made

    return await done_by(app, actor, "silence", work)


async def end_silence(app: App, actor: Actor, silence_id: str, why: str = "") -> None:
    """End a silence before its time: what it held back and still fires opens its incident now."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        if not alerts.end_silence(connection, silence_id, now):
            hint = "`watchkeeper silence list` shows them."
            raise NotFound(f"There is no silence {silence_id} that goes on.", hint=hint, code="WK209")
        ledger.append(connection, now, actor.name, "silence ended", silence_id, why=why)

    await done_by(app, actor, "silence", work)


async def quiet(app: App) -> Quiet:
    """List the silences that are not over and the windows that are on."""
    now = app.clock.now()
    found = await app.database.read(lambda c: alerts.list_silences(c, now))
    return Quiet(tuple(found), windows_at(app.book, now))
