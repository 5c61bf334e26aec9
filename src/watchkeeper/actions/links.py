"""Answering from a notice: which links a notice carries, what their page shows, and the act that using one is.

A link is made when its notice is sent and is kept nowhere: what is stored of a notice, and shown of it in the console, carries
none. Looking at a link changes nothing, because mail scanners look at every link; using one is a POST that carries the link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions import acts, public
from watchkeeper.actions.permission import done_by, require
from watchkeeper.actions.seeing import seen_by
from watchkeeper.actions.views.model import ActView
from watchkeeper.actions.views.runs import act_view, no_run
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError
from watchkeeper.estate.model import Estate, Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.people import links
from watchkeeper.people.access import find_person, role_of, with_access
from watchkeeper.people.identity import Actor
from watchkeeper.people.ladder import addresses
from watchkeeper.people.ledger import is_link_used, use_link
from watchkeeper.people.links import Link
from watchkeeper.people.permission import may, needed_to_answer
from watchkeeper.run import ledger as runs
from watchkeeper.run.model import Act, Run
from watchkeeper.store import ledger
from watchkeeper.tell.model import Notice

#: notices that somebody may take the incident from
TAKEN_FROM = ("initial", "escalation", "late", "severity")
LETTING = {"approve": "approve", "failed": "again"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run asks of people, and the digest of what would run."""

    run: Run
    act: Act
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LinkView:
    """What the page of a link shows: for whom it is and what it does."""

    link: Link
    person: str
    service: str
    title: str
    severity: str | None
    #: the act that asks; None where the link takes an incident
    act: ActView | None
    #: what the run is about: "Restart the web server", on which target
    procedure: str = ""
    target: str = ""
    answers: tuple[str, ...] = ("acknowledge",)


# --- which links a notice carries


async def lines_for(app: App, notice: Notice) -> tuple[str, ...]:
    """Give the lines with links that a notice to a person carries as it is sent; none where they may do nothing about it."""
    if notice.person.startswith(public.OUTSIDER):
        return await public.lines_for(app, notice)
    person, now = app.estate.people.get(notice.person), app.clock.now()
    if not app.address or not app.estate.access.links_s or person is None or not notice.incident_id:
        return ()
    role = role_of(app.estate, person.id)
    if role is None:
        return ()
    whose = (person.id, app.estate.service, now + timedelta(seconds=app.estate.access.links_s))
    if notice.kind == "ask":
        asked = await app.database.read(lambda c: question_of(c, notice.incident_id or ""))
        if asked is None or not _may_answer(person, role, asked):
            return ()
        about = (asked.run.acts[asked.act.key].asked_at, asked.digest)
        answering = Link(links.new_link_id(), "answer", asked.run.id, *whose, asked.act.key, about[1], about[0])
        return (f"Answer: {_address(app, answering, now)}",)
    incident = await app.database.read(lambda c: incidents.get_incident(c, notice.incident_id or ""))
    if notice.kind in TAKEN_FROM and incident is not None and incident.status == "open" and may((role,), "acknowledge"):
        return (f"Take it: {_address(app, Link(links.new_link_id(), 'acknowledge', incident.id, *whose), now)}",)
    return ()


def question_of(connection: Connection, incident_id: str) -> Asked | None:
    """Give what a run of an incident asks now; None where none does."""
    for run in runs.list_runs(connection, incident_id=incident_id, open_only=True):
        for act in run.plan.acts:
            if run.acts[act.key].state == "asking":
                return Asked(run, act, _digest(connection, run.id, act.key))
    return None


def people_to_ask(estate: Estate, told: tuple[Person, ...], run: Run, act: Act) -> tuple[Person, ...]:
    """Give whom a question is put to: those who were told, and where none of them may let it run, those who may."""
    asked = Asked(run, act)
    able = [person for person, role in with_access(estate) if _may_answer(person, role, asked) and addresses(person)]
    return told if not able or any(person in told for person in able) else (*told, *able)


def _may_answer(person: Person, role: str, asked: Asked) -> bool:
    standing = asked.run.acts[asked.act.key]
    letting = LETTING.get(standing.question or "", "done")
    return person.id not in standing.approvers and may((role,), needed_to_answer(letting, asked.act.risk))


def _digest(connection: Connection, run_id: str, act_key: str) -> str:
    asked = [event for event in runs.read_events(connection, run_id) if event.kind == "asked" and event.act == act_key]
    return str(asked[-1].body.get("digests", {}).get(act_key, ""))[:32] if asked else ""


def _address(app: App, link: Link, now: datetime) -> str:
    return f"{app.address}/link/{links.sign(keys(app, now), link)}"


def keys(app: App, now: datetime) -> tuple[str, ...]:
    """Give the keys that sign links."""
    return links.read_keys(app.state, now, app.settings.text("link_key"))


# --- its page, and using it


async def look_at(app: App, text: str) -> LinkView:
    """Show what a link would do; changes nothing. Refused where it is not good any more, Conflict where it is about the past."""
    now = app.clock.now()
    link = links.read(keys(app, now), text, now)
    return await seen_by(app, _actor(app, link, "")).database.read(lambda c: _view(c, app, link))


async def use(app: App, text: str, answer: str, where: str, why: str = "", confirm: str = "") -> LinkView:
    """Do what a link lets its person do, once; gives what it was about."""
    now = app.clock.now()
    link = links.read(keys(app, now), text, now)
    actor = _actor(app, link, where)
    view = await look_at(app, text)
    if answer not in view.answers:
        raise InputError(f"{answer!r} is no answer to this.", hint=f"Say one of: {', '.join(view.answers)}.", code="WK190")

    def spend(connection: Connection) -> None:
        _view(connection, app, link)
        if not use_link(connection, link.id, link.person, now, link.until):
            raise links.expired()

    if link.kind == "acknowledge":
        await acts.acknowledge(app, actor, link.subject, why, first=spend)
    else:
        said = {"confirm": confirm, "seen": link.asked_at, "first": spend}
        await acts.answer(app, actor, link.subject, link.act, answer, why, **said)  # type: ignore[arg-type]
    return view


async def void_links(app: App, actor: Actor, why: str = "") -> None:
    """Void every link that is out."""
    require(actor, "end sessions")
    now = app.clock.now()
    links.void_links(app.state, now)
    body = app.estate.service
    await done_by(app, actor, "end sessions", lambda c: ledger.append(c, now, actor.name, "links voided", body, why=why))


def _actor(app: App, link: Link, where: str) -> Actor:
    person = find_person(app.estate, link.person)
    role = role_of(app.estate, link.person)
    if person is None or role is None or link.service != app.estate.service:
        raise links.expired()
    return Actor(person.id, (role,), "link", where, person.id)


def _view(connection: Connection, app: App, link: Link) -> LinkView:
    actor = _actor(app, link, "")
    person = app.estate.people[actor.name].name
    if is_link_used(connection, link.id):
        raise links.expired()
    if link.kind == "acknowledge":
        incident = _incident(connection, link.subject)
        if incident.status == "resolved":
            raise Conflict(f"“{incident.title}” is over: there is nothing to take.", code="WK335")
        return LinkView(link, person, app.estate.service, incident.title, incident.severity, None)
    run = runs.load_run(connection, link.subject)
    act = next((each for each in run.plan.acts if each.key == link.act), None) if run else None
    if run is None or act is None:
        raise no_run(link.subject)
    standing = run.acts[act.key]
    if standing.state != "asking" or standing.asked_at != link.asked_at or _digest(connection, run.id, act.key) != link.digest:
        raise Conflict(
            "What this link was about is not asked any more: somebody answered, or what would run has changed.",
            hint="Open the console to see how it stands.",
            code="WK336",
        )
    view = act_view(act, standing, run=run)
    title = _incident(connection, run.incident_id).title if run.incident_id else run.plan.title
    place = run.target_of(act)
    return LinkView(link, person, app.estate.service, title, run.severity, view, run.plan.title, place, view.answers)


def _incident(connection: Connection, incident_id: str) -> Incident:
    incident = incidents.get_incident(connection, incident_id)
    if incident is None:
        raise acts.no_incident(incident_id)
    return incident
