"""Follow-ups: written down with an owner and a day, taken to a tracker, done, and asked for while they are late.

A late one is asked for once a day, in business hours: nobody is woken for it.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from watchkeeper.actions.acts import no_incident
from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.durations import parse_duration
from watchkeeper.base.errors import InputError, NotFound, Permanent, Transient
from watchkeeper.base.ids import new_id
from watchkeeper.incident import ledger as incidents
from watchkeeper.learn import follow_up
from watchkeeper.learn.follow_up import FollowUp
from watchkeeper.people.access import find_person
from watchkeeper.people.identity import Actor
from watchkeeper.plugins.tracker.sending import send
from watchkeeper.store import ledger
from watchkeeper.tell.paging import write_page

log = logging.getLogger(__name__)

#: a tracker that cannot be reached is tried again each minute for so many times
MOST_TRIES = 60


async def add(app: App, actor: Actor, incident_id: str, text: str, owner: str, due: str) -> FollowUp:
    """Write down what somebody is to do by when; `due` is a day (2026-12-24) or how far ahead (14d)."""
    require(actor, "note")
    now, said = app.clock.now(), " ".join(text.split())[:2000]
    if not said:
        raise InputError("A follow-up needs words.", hint="Say what is to be done.", code="WK447")
    person = find_person(app.estate, owner)
    if person is None:
        raise NotFound(f"Nobody of watchkeeper.toml is {owner!r}.", hint="`watchkeeper people` lists them.", code="WK448")
    tracker = next(iter(app.estate.trackers), None)
    by = due_at(due, app.estate.office.hours.zone, now)
    one = FollowUp(new_id("fup", now), incident_id, said, person.id, by, actor.name, now, tracker=tracker)

    def work(connection: Connection) -> FollowUp:
        if incidents.get_incident(connection, incident_id) is None:
            raise no_incident(incident_id)
        follow_up.add(connection, one)
        sentence = f"To do: {said} ({person.name}, by {one.due_at:%Y-%m-%d})"
        incidents.add_entry(connection, incident_id, now, "follow-up", actor.name, sentence, {"follow_up": one.id})
        ledger.append(connection, now, actor.name, "follow-up.add", one.id, why=said, body={"owner": person.id})
        return one

    return await done_by(app, actor, "note", work)


async def finish(app: App, actor: Actor, follow_up_id: str, why: str = "") -> FollowUp:
    """Note that a follow-up is done, once."""
    require(actor, "note")
    now = app.clock.now()

    def work(connection: Connection) -> FollowUp:
        one = follow_up.get(connection, follow_up_id)
        if one is None:
            raise NotFound(f"There is no follow-up {follow_up_id}.", hint="`watchkeeper followup list` shows them.", code="WK449")
        if one.done_at is None:
            follow_up.change(connection, one.id, done_at=now, done_by=actor.name)
            sentence = f"Done: {one.text}{' ' + why if why else ''}"
            incidents.add_entry(connection, one.incident_id, now, "follow-up", actor.name, sentence, {"follow_up": one.id})
            ledger.append(connection, now, actor.name, "follow-up.done", one.id, why=why)
        return follow_up.get(connection, one.id) or one

    return await done_by(app, actor, "note", work)


async def listed(app: App, incident_id: str | None = None, *, open_only: bool = False) -> list[FollowUp]:
    """Give the follow-ups of an incident or of all, what is due first at first."""
    return await app.database.read(lambda c: follow_up.listed(c, incident_id, open_only=open_only))


def due_at(said: str, zone: str, now: datetime) -> datetime:
    """Read by when: the end of a day in the service's zone, or so long from now on."""
    text = said.strip()
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), ZoneInfo(zone))
    except ValueError:
        seconds = parse_duration(text) if text else None
    if seconds is None or not 0 < seconds <= 3660 * 86400:
        raise InputError(f"{said!r} is no day.", hint='Write it as "2026-12-24" or "14d".', code="WK447")
    return now + timedelta(seconds=seconds)


async def export_waiting(app: App) -> int:
    """Take to their trackers what these have not got yet; gives how many arrived."""
    waiting = await app.database.read(lambda c: follow_up.unexported(c, MOST_TRIES))
    return sum([await _export(app, one) for one in waiting])


async def _export(app: App, one: FollowUp) -> bool:
    """Take one follow-up to its tracker; its tries are counted before it is sent."""
    tracker = app.estate.trackers.get(one.tracker or "")
    if tracker is None:
        return False

    async def note(**values: object) -> None:
        await app.database.write(lambda c: follow_up.change(c, one.id, **values))

    owner = app.estate.people[one.owner].name if one.owner in app.estate.people else one.owner
    about = f"“{one.title}” ({one.incident_id})" + (f" {app.address}/incidents/{one.incident_id}" if app.address else "")
    await note(tries=one.tries + 1)
    try:
        link = await send(tracker, one, owner, about)
    except Transient as problem:
        log.warning("%s", problem, extra={"action": "follow_up_put_off", "follow_up": one.id})
        await note(problem=str(problem))
        return False
    except Permanent as problem:
        log.error("%s", problem, extra={"action": "follow_up_refused", "follow_up": one.id})
        await note(problem=f"{problem} {problem.hint or ''}".strip(), tries=MOST_TRIES)
        return False
    await note(link=link, problem=None)
    return True


def nag(connection: Connection, app: App, now: datetime) -> list[str]:
    """Ask for what is late, each once a day in business hours; gives the ids of the new notices."""
    if not app.estate.office.is_open(now):
        return []
    written = []
    for one in follow_up.listed(connection, open_only=True):
        person = app.estate.people.get(one.owner)
        if one.due_at >= now or person is None:
            continue
        late = (now - one.due_at).days + 1
        link = f"\n{app.address}/reviews/{one.incident_id}" if app.address else ""
        body = f"{one.text}\n\nIt was due on {one.due_at:%Y-%m-%d}, from the review of “{one.title}”.{link}"
        today = now.astimezone(ZoneInfo(app.estate.office.hours.zone)).date()
        subject = f"Late by {late} day{'s' if late > 1 else ''}: {one.text}"
        written += write_page(connection, now, f"follow-up/{one.id}/{today}", [person], "follow-up", subject, body)
    return written
