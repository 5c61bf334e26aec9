"""On call: overrides, swaps and notes that people make, pages by hand, test pages, and the addresses of calendars."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.durations import format_duration, parse_duration
from watchkeeper.base.errors import Conflict, InputError, NotFound, Permanent, Transient
from watchkeeper.base.ids import new_id
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Person
from watchkeeper.estate.rota import Rota
from watchkeeper.people.access import find_person
from watchkeeper.people.feed import write_feed
from watchkeeper.people.identity import Actor, digest_of
from watchkeeper.people.ladder import Reach, addresses
from watchkeeper.people.model import Change, Handover, Shift
from watchkeeper.people.rota import on_call, said_at, shifts
from watchkeeper.people.rota_ledger import (
    add_change,
    add_handover,
    calendar_of,
    drop_calendar,
    end_changes,
    keep_calendar,
    read_changes,
)
from watchkeeper.store import ledger
from watchkeeper.tell.outbox import ADDRESS_TIMEOUT_S
from watchkeeper.tell.paging import whom, would_reach, write_page

#: whatever is to hold for longer belongs into watchkeeper.toml
LONGEST = timedelta(days=400)
#: how far ahead a swap looks for somebody's next shift
SWAP_AHEAD = timedelta(days=180)
#: what a calendar shows
BACK, AHEAD = timedelta(days=31), timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Paged:
    """Who was paged by hand, and the sentence that says so."""

    sentence: str
    people: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One address of a person, tried with a test page."""

    person: str
    #: its kind alone: "mailto", "tgram"
    channel: str
    took: bool
    sentence: str


# --- what people say about a rota


def rota_of(app: App, name: str) -> Rota:
    """Find a rota; the only one where none is named."""
    if not name and len(app.estate.rotas) == 1:
        return next(iter(app.estate.rotas.values()))
    found = app.estate.rotas.get(name)
    if found is None:
        known = ", ".join(app.estate.rotas) or "none yet: docs/guide/people.md shows how one is written"
        raise NotFound(f"watchkeeper.toml has no rota {name!r}.", hint=f"There are: {known}.", code="WK218")
    return found


def instant(text: str, zone: str, now: datetime) -> datetime:
    """Read an instant as a person writes it: "2026-12-24 18:00" on the clocks of a zone, with an offset, "now", or "+2h"."""
    said = text.strip()
    if said.casefold() == "now":
        return now
    if said.startswith("+") and (seconds := parse_duration(said[1:])) is not None:
        return now + timedelta(seconds=seconds)
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        hint = 'Write it as "2026-12-24 18:00" (on the clocks of the rota), "2026-12-24T18:00Z", "now" or "+2h".'
        raise InputError(f"{text!r} is no time.", hint=hint, code="WK180") from None
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


async def override(
    app: App,
    actor: Actor,
    rota: str,
    person: str,
    begins_at: datetime,
    ends_at: datetime,
    why: str = "",
    instead_of: str | None = None,
) -> Change:
    """Have somebody be on call for a span, instead of one person or of whoever it would be."""
    require(actor, "override")
    now, found = app.clock.now(), rota_of(app, rota)
    who = _listed(app, person)
    other = _listed(app, instead_of).id if instead_of else None
    begins_at = max(begins_at, now)
    if not begins_at < ends_at <= begins_at + LONGEST:
        said = f"An override ends after it begins and now, and within {format_duration(LONGEST.total_seconds())}."
        raise InputError(said, hint='Say until when: --until "2026-12-24 18:00" or --for 2h.', code="WK180")
    made = Change(new_id("chg", now), found.name, "override", who.id, other, begins_at, ends_at, actor.name, why.strip(), now)

    def work(connection: Connection) -> Change:
        before = on_call(found, read_changes(connection, begins_at), begins_at).people
        add_change(connection, made, made.id)
        body = {"rota": found.name, "person": who.id, "instead_of": other or ""}
        body |= {"from": made.begins_at.isoformat(), "until": made.ends_at.isoformat()}
        ledger.append(connection, now, actor.name, "override", made.id, why=made.why, body=body)
        _tell(connection, app, actor, [made], (who.id, *before))
        return made

    return await done_by(app, actor, "override", work)


async def swap(
    app: App,
    actor: Actor,
    rota: str,
    first: str,
    second: str,
    first_on: datetime | None = None,
    second_on: datetime | None = None,
    why: str = "",
) -> tuple[Change, Change]:
    """Have two people exchange a shift each: of either the one that goes on at an instant, or the next after it."""
    require(actor, "override")
    now, found = app.clock.now(), rota_of(app, rota)
    one, other = _listed(app, first), _listed(app, second)
    if one.id == other.id:
        raise InputError("It takes two people to swap.", hint="Name two of the rota.", code="WK180")
    made_with = new_id("swp", now)

    def work(connection: Connection) -> tuple[Change, Change]:
        known = read_changes(connection, now)
        theirs = _shift_of(found, known, one, max(first_on or now, now))
        others = _shift_of(found, known, other, max(second_on or now, now))
        if theirs.begins_at < others.ends_at and others.begins_at < theirs.ends_at:
            said = f"{one.name} and {other.name} are on call together then, so there is nothing to swap."
            raise Conflict(said, hint="Name shifts at different times: --on and --with.", code="WK344")
        halves: list[Change] = []
        for shift, gives, takes in ((theirs, one, other), (others, other, one)):
            half = Change(
                f"{made_with}-{len(halves) + 1}", found.name, "swap", takes.id, gives.id, shift.begins_at, shift.ends_at,
                actor.name, why.strip(), now,
            )  # fmt: skip
            add_change(connection, half, made_with)
            halves.append(half)
        spans = {half.person: f"{half.begins_at.isoformat()}/{half.ends_at.isoformat()}" for half in halves}
        ledger.append(connection, now, actor.name, "swap", made_with, why=why, body={"rota": found.name, **spans})
        _tell(connection, app, actor, halves, (one.id, other.id))
        return halves[0], halves[1]

    return await done_by(app, actor, "override", work)


async def take_back(app: App, actor: Actor, change_id: str, why: str = "") -> list[Change]:
    """Take an override or a swap back; what is over of it stays as it was."""
    require(actor, "override")
    now = app.clock.now()

    def work(connection: Connection) -> list[Change]:
        ended = end_changes(connection, change_id, now)
        if not ended:
            hint = "`watchkeeper oncall` lists them."
            raise NotFound(f"There is no override or swap {change_id} that goes on.", hint=hint, code="WK219")
        ledger.append(connection, now, actor.name, "override taken back", change_id, why=why)
        _tell(connection, app, actor, ended, [p for c in ended for p in (c.person, c.instead_of or "")], taken_back=True)
        return ended

    return await done_by(app, actor, "override", work)


async def leave_note(app: App, actor: Actor, rota: str, text: str) -> Handover:
    """Leave a note for who is on call next; it is sent to them as their turn begins, and shown until then."""
    require(actor, "note")
    now, found = app.clock.now(), rota_of(app, rota)
    if not text.strip():
        raise InputError("The note is empty.", hint="Say what who comes next should know.", code="WK180")
    made = Handover(new_id("hnd", now), found.name, actor.name, text.strip()[:20_000], now)

    def work(connection: Connection) -> Handover:
        add_handover(connection, made)
        ledger.append(connection, now, actor.name, "hand-over note", found.name, body={"note": made.id, "text": made.text})
        return made

    return await done_by(app, actor, "note", work)


# --- pages by hand


async def page(app: App, actor: Actor, said: str, text: str) -> Paged:
    """Page a person, or whoever a role or a rota means now."""
    require(actor, "page")
    now, page_id = app.clock.now(), new_id("page", app.clock.now())
    if not text.strip():
        raise InputError("A page needs words.", hint='watchkeeper page anna "The shop is down, please call me."', code="WK180")

    def work(connection: Connection) -> Paged:
        found = _reached(connection, app, said, now)
        name = _name(app, actor.name)
        sentence = f"{name} pages {', '.join(p.name for p in found.people)} ({found.sentence.rstrip('.')})."
        body = f"{name} pages you: {text.strip()[:5000]}"
        notices = write_page(connection, now, page_id, found.people, "page", f"{app.estate.service}: {name} pages you", body)
        ids = [person.id for person in found.people]
        kept = {"people": ids, "page": page_id}
        ledger.append(connection, now, actor.name, "page", said[:200], why=text.strip()[:500], body=kept)
        return Paged(sentence, tuple(ids), tuple(notices))

    return await done_by(app, actor, "page", work)


async def try_pages(app: App, actor: Actor, names: Sequence[str] = ()) -> list[Tried]:
    """Send a test page to every address of some people, or of everybody, one by one, and say which of them took it."""
    require(actor, "page")
    now, notifier = app.clock.now(), app.notifier
    people = [_listed(app, name) for name in names] or list(app.estate.people.values())
    if notifier is None:
        raise Conflict("Nothing here can send.", hint="Call it where Watchkeeper is served.", code="WK345")
    page_id = new_id("test", now)
    tried: list[Tried] = []
    for person in people:
        for place, address in enumerate(addresses(person)):
            raw = address.reveal() if isinstance(address, Secret) else address
            channel = raw.split(":", 1)[0]
            subject = f"{app.estate.service}: a test page"
            body = f"This is a test: {_name(app, actor.name)} wants to know whether a page reaches {person.name} by {channel}."
            try:
                async with asyncio.timeout(ADDRESS_TIMEOUT_S):
                    await notifier.send(raw, subject, body, idempotency_key=f"{page_id}/{person.id}/{place}", repeat=False)
            except TimeoutError:
                tried.append(Tried(person.id, channel, False, f"{person.name} by {channel}: no answer in time."))
            except (Transient, Permanent) as problem:
                cleaned = app.scrubber.clean(problem.message.replace(raw, channel)).rstrip(".")
                tried.append(Tried(person.id, channel, False, f"{person.name} by {channel}: {cleaned}."))
            else:
                tried.append(Tried(person.id, channel, True, f"{person.name} by {channel}: taken."))
        if not addresses(person):
            tried.append(Tried(person.id, "", False, f"{person.name} has no address that can be used."))
    outcome = {f"{each.person}/{each.channel}": "taken" if each.took else "not taken" for each in tried}

    def work(connection: Connection) -> None:
        ledger.append(connection, now, actor.name, "test page", page_id, body=outcome)

    await done_by(app, actor, "page", work)
    return tried


async def who_would_be_paged(app: App, said: str, at: datetime | None = None) -> str:
    """Say whom a page to a person, a role or a rota would reach, and by what; nothing is sent."""
    now = at or app.clock.now()
    found = await app.database.read(lambda c: whom(c, app.book, app.estate, said, now))
    return f"A page to {said} {would_reach(found)}."


# --- calendars


async def give_calendar(app: App, actor: Actor, subject: str) -> str:
    """Make the address of a person's or a rota's calendar and give its path; the one before it opens nothing any more."""
    require(actor, "calendar")
    kind, name = _subject(app, subject)
    now, token = app.clock.now(), secrets.token_urlsafe(32)

    def work(connection: Connection) -> str:
        keep_calendar(connection, digest_of(token), kind, name, actor.name, now)
        ledger.append(connection, now, actor.name, "calendar given", name, body={"kind": kind})
        return f"/calendar/{token}.ics"

    return await done_by(app, actor, "calendar", work)


async def void_calendar(app: App, actor: Actor, subject: str, why: str = "") -> None:
    """Have a calendar's address open nothing any more."""
    require(actor, "calendar")
    kind, name = _subject(app, subject)
    now = app.clock.now()

    def work(connection: Connection) -> None:
        if not drop_calendar(connection, kind, name):
            raise NotFound(f"{name} has no calendar.", hint="`watchkeeper oncall calendar` makes one.", code="WK224")
        ledger.append(connection, now, actor.name, "calendar voided", name, why=why)

    await done_by(app, actor, "calendar", work)


async def calendar(app: App, token: str) -> bytes:
    """Give the calendar that a token opens; NotFound where it opens none, without saying why."""
    now = app.clock.now()

    def work(connection: Connection) -> tuple[tuple[str, str] | None, list[Change]]:
        return calendar_of(connection, digest_of(token)), read_changes(connection, now - BACK)

    found, known = await app.database.read(work)
    if found is None:
        raise NotFound("There is no such calendar.", hint="`watchkeeper oncall calendar` makes a new address.", code="WK221")
    kind, subject = found
    rotas = [r for r in app.estate.rotas.values() if kind == "person" or r.name == subject]
    mine = [shift for rota in rotas for shift in shifts(rota, known, now - BACK, now + AHEAD)]
    if kind == "person":
        mine = [shift for shift in mine if subject in shift.people]
    names = {person.id: person.name for person in app.estate.people.values()}
    title = f"{app.estate.service}: {names.get(subject, subject)} on call"
    return write_feed(title, mine, names, app.estate.service, now)


# --- what they share


def _subject(app: App, subject: str) -> tuple[str, str]:
    if subject in app.estate.rotas:
        return "rota", subject
    return "person", _listed(app, subject).id


def _listed(app: App, name: str) -> Person:
    person = find_person(app.estate, name)
    if person is None:
        hint = f"There are: {', '.join(app.estate.people) or 'none'}."
        raise NotFound(f"[people] of watchkeeper.toml has no {name!r}.", hint=hint, code="WK222")
    return person


def _name(app: App, name: str) -> str:
    person = find_person(app.estate, name)
    return person.name if person else name


def _reached(connection: Connection, app: App, said: str, now: datetime) -> Reach:
    found = whom(connection, app.book, app.estate, said, now) if said.strip() else Reach((), "nobody is named.")
    if found.nobody:
        hint = f"There are: {', '.join([*app.estate.people, *app.estate.rotas]) or 'none'}."
        raise NotFound(f"This would reach nobody: {found.sentence}", hint=hint, code="WK220")
    return found


def _shift_of(rota: Rota, known: Sequence[Change], person: Person, after: datetime) -> Shift:
    for shift in shifts(rota, known, after, after + SWAP_AHEAD):
        if person.id in shift.people:
            return shift
    said = f"{person.name} is not on call for {rota.name} within {SWAP_AHEAD.days} days of then."
    raise NotFound(said, hint="`watchkeeper oncall` shows the shifts.", code="WK223")


def _tell(
    connection: Connection, app: App, actor: Actor, made: Sequence[Change], people: Sequence[str], taken_back: bool = False
) -> None:
    """Tell those whom a change is about, and who did not make it themselves, what holds now."""
    rota = app.estate.rotas.get(made[0].rota)
    zone = rota.zone if rota is not None else "UTC"
    lines = []
    for change in made:
        instead = _name(app, change.instead_of) if change.instead_of else "whoever it would be"
        span = f"from {said_at(change.begins_at, zone)} until {said_at(change.ends_at, zone)}"
        stands = "does not stand in after all" if taken_back else "stands in"
        lines.append(f"{_name(app, change.person)} {stands} for {instead} on {change.rota} {span}.")
    lines.append(f"{_name(app, actor.name)} says so{f': {made[0].why}' if made[0].why else '.'}")
    told = [app.estate.people[each] for each in dict.fromkeys(people) if each in app.estate.people and each != actor.name]
    reachable = [person for person in told if addresses(person)]
    page_id = f"on-call/{made[0].id}{'/taken-back' if taken_back else ''}"
    write_page(connection, app.clock.now(), page_id, reachable, "on-call", f"On call for {made[0].rota}", "\n".join(lines))
