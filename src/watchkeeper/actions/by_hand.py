"""Incidents by hand: opened, told of, graver, merged, split and related by somebody who says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from watchkeeper.actions.acts import no_incident
from watchkeeper.actions.permission import done_by, require
from watchkeeper.alert.ledger import alerts_of
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError
from watchkeeper.base.words import likeness, words
from watchkeeper.estate.model import Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import timers
from watchkeeper.incident.by_hand import Desk
from watchkeeper.incident.model import Incident
from watchkeeper.incident.relations import relate
from watchkeeper.incident.routing import routed
from watchkeeper.incident.rules import update_every_s
from watchkeeper.people.gravity import gravity, severity_of
from watchkeeper.people.identity import Actor
from watchkeeper.run import ledger as runs
from watchkeeper.store import ledger
from watchkeeper.tell.message import compose, facts_of, finished, promised_update
from watchkeeper.tell.model import Message
from watchkeeper.tell.outbox import people_told, write_notices

MOST_WORDS = 5000


async def open_incident(
    app: App, actor: Actor, title: str, severity: str = "", component: str = "", why: str = "", *, private: bool = False
) -> Incident:
    """Open an incident of which no threshold tells; the ladder of its severity begins at once."""
    require(actor, "open incident")
    said = _line(title, "The title of an incident")
    chosen = _severity(app, severity) if severity or app.book.severities else None
    cause = _component(app, component) if component else None
    reason = _words(why)
    return await done_by(
        app, actor, "open incident", lambda c: _desk(c, app, actor).open(said, chosen, cause, reason, private=private)
    )


async def keep_private(app: App, actor: Actor, incident_id: str, why: str, *, private: bool = True) -> Incident:
    """Let only those whom an incident concerns see it, or everybody again; the reason is kept."""
    require(actor, "keep private")
    reason = _line(why, "This", "Say why it is to be private." if private else "Say why everybody may see it.")

    def work(connection: Connection) -> Incident:
        incident = incidents.get_incident(connection, incident_id)
        if incident is None:
            raise no_incident(incident_id)
        return _desk(connection, app, actor).set_private(incident, private, reason)

    return await done_by(app, actor, "keep private", work)


async def set_severity(app: App, actor: Actor, incident_id: str, severity: str, why: str) -> Incident:
    """Make an incident graver or less grave, with the reason; who was told of it hears of it."""
    require(actor, "set severity")
    chosen, reason = _severity(app, severity), _line(why, "Another severity", "Say what makes it graver or less grave.")

    def work(connection: Connection) -> Incident:
        incident = _open_one(connection, incident_id)
        if incident.severity == chosen:
            return incident
        changed = _desk(connection, app, actor).set_severity(incident, chosen, reason)
        graver = gravity(app.book, chosen) < gravity(app.book, incident.severity)
        sentence = f"{actor.name} says that it is {chosen}{' now, and graver' if graver else ' now'}: {reason}"
        people = people_told(connection, app.estate, incident_id)
        if graver:
            # under the name by which the ladder says it, so that nobody hears of it twice
            times = len(incidents.severity_changes(connection, incident_id))
            _tell(connection, app, changed, people, sentence, "severity", times)
        else:
            _tell(connection, app, changed, people, sentence)
        return changed

    return await done_by(app, actor, "set severity", work)


async def tell_update(app: App, actor: Actor, incident_id: str, text: str) -> Sequence[str]:
    """Tell those who know of an incident how it stands, in somebody's own words; gives their names."""
    require(actor, "note")
    said = finished(text, app.book)

    def work(connection: Connection) -> list[str]:
        incident = _open_one(connection, incident_id)
        people = people_told(connection, app.estate, incident_id)
        incidents.add_entry(connection, incident_id, app.clock.now(), "update", actor.name, said)
        _tell(connection, app, incident, people, said)
        _owe_the_next_update(connection, app, incident)
        return [person.name for person in people]

    return await done_by(app, actor, "note", work)


async def merge(app: App, actor: Actor, incident_id: str, into_id: str, why: str = "") -> Incident:
    """Merge an incident into another: its alerts and its people go there, and it is over."""
    require(actor, "resolve")

    def work(connection: Connection) -> Incident:
        one, into = _open_one(connection, incident_id), _open_one(connection, into_id)
        if one.id == into.id:
            raise InputError("An incident cannot be merged into itself.", hint="Name the one that goes on.", code="WK188")
        running = runs.list_runs(connection, incident_id=one.id, open_only=True)
        if running:
            said = f"“{running[0].plan.title}” still runs for “{one.title}” ({running[0].id})."
            raise Conflict(said, hint="Cancel it, or merge the other way round.", code="WK189")
        known = people_told(connection, app.estate, into.id)
        fresh = [person for person in people_told(connection, app.estate, one.id) if person not in known]
        whole = _desk(connection, app, actor).merge(one, into, _words(why))
        _tell(connection, app, whole, fresh, f"“{one.title}” goes on as this incident.")
        return whole

    return await done_by(app, actor, "resolve", work)


async def split(app: App, actor: Actor, incident_id: str, alert_ids: Sequence[str], why: str = "") -> Incident:
    """Give some of an incident's alerts an incident of their own, whose procedure is chosen as of any other."""
    require(actor, "open incident")

    def work(connection: Connection) -> Incident:
        incident = _open_one(connection, incident_id)
        members = {alert.id: alert for alert in alerts_of(connection, incident_id)}
        unknown = [each for each in alert_ids if each not in members]
        if unknown or not alert_ids:
            hint = f"Its alerts: {', '.join(f'{a.id} ({a.subject})' for a in list(members.values())[:10]) or 'none'}."
            raise InputError(f"The incident has no alert {unknown[0] if unknown else 'named'}.", hint=hint, code="WK197")
        if len(set(alert_ids)) == len(members):
            raise InputError("At least one alert stays.", hint="Change its title by a note, or resolve it.", code="WK197")
        return _desk(connection, app, actor).split(incident, set(alert_ids), _words(why))

    return await done_by(app, actor, "open incident", work)


async def relate_to(app: App, actor: Actor, incident_id: str, other_id: str, why: str = "") -> bool:
    """Keep that two incidents hang together; tells whether it was new."""
    require(actor, "note")
    now = app.clock.now()

    def work(connection: Connection) -> bool:
        both = [incidents.get_incident(connection, each) for each in (incident_id, other_id)]
        for each, found in zip((incident_id, other_id), both, strict=True):
            if found is None:
                raise no_incident(each)
        if incident_id == other_id:
            raise InputError("An incident is not related to itself.", hint="Name another one.", code="WK188")
        new = relate(connection, incident_id, other_id, "related", _words(why), actor.name, now)
        for mine, other in ((both[0], both[1]), (both[1], both[0])) if new else ():
            assert mine is not None
            assert other is not None
            sentence = f"Related to “{other.title}” ({other.id}). {why}".strip()
            incidents.add_entry(connection, mine.id, now, "related", actor.name, sentence, {"incident": other.id})
        if new:
            ledger.append(connection, now, actor.name, "incident.relate", incident_id, why=why, body={"other": other_id})
        return new

    return await done_by(app, actor, "note", work)


def _desk(connection: Connection, app: App, actor: Actor) -> Desk:
    return Desk(connection, app.book, app.estate, app.bindings, actor.name, app.clock.now())


def _open_one(connection: Connection, incident_id: str) -> Incident:
    incident = incidents.get_incident(connection, incident_id)
    if incident is None:
        raise no_incident(incident_id)
    if incident.status == "resolved":
        raise Conflict(f"“{incident.title}” is over.", hint="Open another one: watchkeeper incident open.", code="WK184")
    return incident


def _tell(
    connection: Connection,
    app: App,
    incident: Incident,
    people: Sequence[Person],
    sentence: str,
    kind: str = "update",
    level: int = 0,
) -> None:
    """Write an update with a sentence in it, whether the book's template has a place for it or not."""
    now = app.clock.now()
    link = {"link": f"{app.address}/incidents/{incident.id}"} if app.address else {}
    facts = facts_of(incident, kind, now, {"done": sentence, **link, **promised_update(app.book, now)})
    message = compose(kind, app.book, incident, facts)
    body = message.body if sentence in message.body else f"{sentence}\n\n{message.body}"
    number = level or int(now.timestamp() * 1000)
    write_notices(connection, now, kind, incident, people, Message(message.subject, body), number)


def _owe_the_next_update(connection: Connection, app: App, incident: Incident) -> None:
    """Put the promised update off by one round: it has just been given."""
    promised = update_every_s(app.book)
    every_s = promised[0] if promised else routed(alerts_of(connection, incident.id), app.estate.alerting)[1]
    for run in timers.read_clocks(connection, incident.id):
        if run.kind == "update" and every_s is not None:
            timers.set_clock(connection, incident, replace(run, due_at=app.clock.now() + timedelta(seconds=every_s)))


def _severity(app: App, said: str) -> str:
    """Give a severity as the book writes it; a book without severities takes any word."""
    word = " ".join(said.split())
    known = severity_of(app.book, word) if word else None
    if known is not None:
        return known.code
    if app.book.severities or not word or len(word) > 50:
        listed = ", ".join(severity.code for severity in app.book.severities) or "P1, critical …"
        raise InputError(f"The runbook has no severity {said!r}.", hint=f"There are: {listed}.", code="WK185")
    return word


def component_names(app: App) -> list[str]:
    """Name the components that the book or a signal names."""
    watched = [signal.component for signal in app.estate.signals.values() if signal.component]
    return list(dict.fromkeys([*(component.name for component in app.book.components), *watched]))


def _component(app: App, said: str) -> str:
    """Give a component as the book or the file names it."""
    names = component_names(app)
    found = next((name for name in names if name.casefold() == said.strip().casefold()), None)
    near = found or next((name for name in names if likeness(words(name), words(said))), None)
    if near is None:
        hint = f"There are: {', '.join(names[:20]) or 'none'}."
        raise InputError(f"Neither the runbook nor a signal names a component {said!r}.", hint=hint, code="WK186")
    return near


def _line(text: str, what: str, hint: str = "Say in a few words what is wrong.") -> str:
    said = " ".join(text.split())[:MOST_WORDS]
    if not said:
        raise InputError(f"{what} needs words.", hint=hint, code="WK187")
    return said


def _words(text: str) -> str:
    return " ".join(text.split())[:MOST_WORDS]
