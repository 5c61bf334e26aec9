"""What the pages show of incidents, and the overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from watchkeeper.actions import acts
from watchkeeper.actions.by_hand import component_names
from watchkeeper.actions.changes import suspects_of
from watchkeeper.actions.views.frame import components, read_frame, said_by_others, threshold_view, unwatched_view
from watchkeeper.actions.views.model import (
    AlertView,
    ClockState,
    ClockView,
    EntryView,
    IncidentLine,
    Incidents,
    IncidentView,
    NoticeView,
    Overview,
    RunNote,
    VendorView,
)
from watchkeeper.actions.views.runs import procedure_lines, read_runs, run_line
from watchkeeper.alert.ledger import alerts_of, alerts_of_all, count_members, members
from watchkeeper.alert.model import Alert
from watchkeeper.app import App
from watchkeeper.incident.ledger import get_incident, list_incidents, read_timeline
from watchkeeper.incident.model import ChangeEvent, ClockRun, Entry, Incident
from watchkeeper.incident.relations import earlier_like, relations_of
from watchkeeper.incident.roles import phases_of, roles_of
from watchkeeper.incident.routing import routed
from watchkeeper.incident.rules import clocks
from watchkeeper.incident.timers import read_clocks_of
from watchkeeper.incident.vendors import vendors
from watchkeeper.learn.ledger import reviews
from watchkeeper.people.gravity import severity_of
from watchkeeper.run.hypotheses import Hypothesis, hypotheses
from watchkeeper.run.ledger import latest_of_incidents, list_runs
from watchkeeper.run.model import Run
from watchkeeper.tell.ledger import list_notices
from watchkeeper.tell.message import draft, facts_of, promised_update
from watchkeeper.tell.model import Notice
from watchkeeper.watch.ledger import read_standings
from watchkeeper.watch.model import Standing

#: how much of the past the overview shows
RECENT = 6
#: incidents on one page of the list
LISTED = 50
#: alerts on one page of an incident
SHOWN = 50


async def overview(app: App) -> Overview:
    """Show how the service stands."""
    now = app.clock.now()
    return await app.database.read(lambda c: _read_overview(c, app, now))


async def all_incidents(app: App, search: str = "", before: str | None = None) -> Incidents:
    """Show a page of incidents, the newest first: all, or those that a search finds; `before` is the last of the page before."""
    now = app.clock.now()

    def work(connection: Connection) -> Incidents:
        last = get_incident(connection, before) if before else None
        if before and last is None:
            raise acts.no_incident(before)
        found = list_incidents(connection, limit=LISTED + 1, before=last, search=search)
        shown, older = found[:LISTED], found[LISTED - 1].id if len(found) > LISTED else None
        severities = tuple(each.code for each in app.book.severities)
        parts = tuple(component_names(app))
        return Incidents(read_frame(connection, app, now), _lines(connection, app, shown, now), search, older, severities, parts)

    return await app.database.read(work)


async def one_incident(app: App, incident_id: str, skip: int = 0) -> IncidentView:
    """Show one incident with a page of its alerts, those after the first `skip`; raises NotFound."""
    now = app.clock.now()
    return await app.database.read(lambda c: _read_incident(c, app, incident_id, now, skip))


def _read_overview(connection: Connection, app: App, now: datetime) -> Overview:
    standings = read_standings(connection)
    found = list_incidents(connection, limit=RECENT * 2)
    still_open = list_incidents(connection, open_only=True)
    over = [one for one in found if one.status == "resolved"][:RECENT]
    thresholds = [threshold_view(bound, standings.get(bound.key)) for bound in app.bindings.bound]
    said = said_by_others(connection)
    thresholds += [unwatched_view(each, said[each.key]) for each in app.bindings.unbound if each.key in said]
    return Overview(
        frame=read_frame(connection, app, now, standings),
        components=components(thresholds, app.estate.service),
        unwatched=tuple(unwatched_view(unbound) for unbound in app.bindings.unbound if unbound.key not in said),
        asking=tuple(run for run in read_runs(connection, open_only=True) if run.state == "asking"),
        incidents=_lines(connection, app, still_open, now),
        past=_lines(connection, app, over, now),
        runs=read_runs(connection, limit=RECENT),
    )


def _lines(connection: Connection, app: App, found: Sequence[Incident], now: datetime) -> tuple[IncidentLine, ...]:
    """Show several incidents, each with its latest run, and with its next clock while it is not over."""
    latest = latest_of_incidents(connection, [incident.id for incident in found])
    running = clocks_of_all(connection, app, [incident for incident in found if incident.status != "resolved"], now)
    lines = []
    for incident in found:
        ahead = next((clock for clock in running.get(incident.id, ()) if clock.state in ("late", "running")), None)
        run = RunNote(*latest[incident.id]) if incident.id in latest else None
        lines.append(incident_line(incident, ahead, run))
    return tuple(lines)


def incident_line(incident: Incident, next_clock: ClockView | None = None, run: RunNote | None = None) -> IncidentLine:
    """Show an incident in a list."""
    return IncidentLine(
        id=incident.id,
        title=incident.title,
        severity=incident.severity,
        status=incident.status,
        cause=incident.cause,
        began_at=incident.began_at,
        opened_at=incident.opened_at,
        acknowledged_by=incident.acknowledged_by,
        resolved_at=incident.resolved_at,
        next_clock=next_clock,
        run=run,
        private=incident.is_private,
    )


def _read_incident(connection: Connection, app: App, incident_id: str, now: datetime, skip: int) -> IncidentView:
    incident = get_incident(connection, incident_id)
    if incident is None:
        raise acts.no_incident(incident_id)
    severity = severity_of(app.book, incident.severity)
    lines = {key: threshold.line for key, threshold in app.bindings.thresholds.items()}
    total, still_open = count_members(connection, incident_id)
    leads, done = alerts_of(connection, incident_id), list_runs(connection, incident_id=incident_id)
    standings = read_standings(connection)
    suspects = suspects_of(connection, app, incident, [alert.component for alert in leads if alert.component])
    related = relations_of(connection, incident_id)
    over = incident.status == "resolved"
    drafted = (
        None if over else draft("update", app.book, incident, facts_of(incident, "update", now, promised_update(app.book, now)))
    )
    review = connection.execute(reviews.select().where(reviews.c.incident_id == incident_id)).first()
    return IncidentView(
        frame=read_frame(connection, app, now, standings),
        id=incident.id,
        title=incident.title,
        severity=incident.severity,
        severity_name=severity.name if severity else None,
        status=incident.status,
        cause=incident.cause,
        because=incident.because,
        procedure_id=incident.procedure_id,
        began_at=incident.began_at,
        opened_at=incident.opened_at,
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=incident.acknowledged_by,
        recovered_at=incident.recovered_at,
        resolved_at=incident.resolved_at,
        clocks=tuple(_clock_views(app, incident, leads, read_clocks_of(connection, [incident_id])[incident_id], now)),
        timeline=tuple(_entry_view(entry) for entry in read_timeline(connection, incident_id)),
        alerts=tuple(_alert_view(alert, lines.get(alert.rule)) for alert in members(connection, incident_id, SHOWN, skip)),
        alerts_total=total,
        alerts_open=still_open,
        alerts_skipped=skip,
        runs=tuple(run_line(run) for run in done),
        notices=tuple(_notice_view(notice) for notice in list_notices(connection, incident_id=incident_id, limit=100)),
        procedures=procedure_lines(app.book),
        roles={role: _name(app, person) for role, person in roles_of(connection, incident_id).items()},
        phases=tuple(phases_of(connection, app.book.phases, incident, now)),
        hypotheses=tuple(_hypotheses(app, incident, done, leads, standings, suspects)),
        suspects=tuple(suspects),
        related=(*related, *earlier_like(connection, incident, [each.other_id for each in related])),
        vendors=tuple(_vendors(app, incident, leads)),
        severities=tuple(each.code for each in app.book.severities),
        draft=drafted.body if drafted else "",
        draft_lacks=drafted.missing if drafted else (),
        countable=tuple(app.estate.affected),
        has_public=app.estate.statuspage is not None,
        reviewed_at=review.at if review else None,
        private=incident.is_private,
    )


def _name(app: App, person: str) -> str:
    return app.estate.people[person].name if person in app.estate.people else person


def _vendors(app: App, incident: Incident, leads: Sequence[Alert]) -> list[VendorView]:
    """Show whom outside an incident concerns, with every address that the book has."""
    components = [name for name in (incident.cause, *(alert.component for alert in leads)) if name]
    procedure = app.book.procedure(incident.procedure_id) if incident.procedure_id else None
    found = vendors(app.book, components, procedure)
    return [
        VendorView(each.role, ", ".join(filter(None, (each.phone, each.email, each.channel))), each.line, each.file)
        for each in found
    ]


def _hypotheses(
    app: App,
    incident: Incident,
    done: Sequence[Run],
    leads: Sequence[Alert],
    standings: Mapping[str, Standing],
    suspects: Sequence[ChangeEvent],
) -> list[Hypothesis]:
    """Judge the causes that the procedure of an incident names by what was seen."""
    procedure = next((each for each in app.book.procedures if each.id == incident.procedure_id), None)
    return hypotheses(procedure, done, leads, app.bindings.bound, standings, suspects)


def clocks_of_all(connection: Connection, app: App, found: Sequence[Incident], now: datetime) -> dict[str, list[ClockView]]:
    """Show the promises of the book that run on several incidents."""
    ids = [incident.id for incident in found]
    leads, running = alerts_of_all(connection, ids), read_clocks_of(connection, ids)
    return {each.id: _clock_views(app, each, leads[each.id], running[each.id], now) for each in found}


def _clock_views(
    app: App, incident: Incident, leads: Sequence[Alert], running: Sequence[ClockRun], now: datetime
) -> list[ClockView]:
    """Show the promises of the book that run on an incident, with what became of each."""
    keys = {alert.rule for alert in leads}
    thresholds = [threshold for key, threshold in app.bindings.thresholds.items() if key in keys]
    told = routed(leads, app.estate.alerting)
    stated = clocks(app.book, incident, thresholds, *told, office=app.estate.office)
    promised = [clock for clock in stated if clock.kind != "update"]
    promised += [clock for clock in running if clock.kind in ("update", "clause")]
    return judge_clocks(promised, incident, now)


def judge_clocks(promised: Sequence[ClockRun], incident: Incident, now: datetime) -> list[ClockView]:
    """Say of each clock whether it runs, is late, was kept or missed; those of one rung and instant are one."""
    views: dict[tuple[str, datetime, int], ClockView] = {}
    for clock in sorted(promised, key=lambda c: (c.due_at, c.kind, c.level)):
        key = (clock.kind, clock.due_at, clock.level)
        if key in views:
            earlier = views[key]
            roles = f"{earlier.role}, {clock.role}" if clock.role else earlier.role
            views[key] = ClockView(
                earlier.kind, earlier.due_at, earlier.state, f"{earlier.sentence} {clock.sentence}", roles, earlier.level
            )
        else:
            views[key] = ClockView(
                clock.kind, clock.due_at, clock_state(clock, incident, now), clock.sentence, clock.role, clock.level
            )
    return list(views.values())


def clock_state(clock: ClockRun, incident: Incident, now: datetime) -> ClockState:
    """Judge one clock: a rung climbs until somebody has the incident, a promise is kept or missed by then."""
    ends = [instant for instant in (incident.acknowledged_at, incident.resolved_at) if instant is not None]
    answered = min(ends, default=None)
    if clock.kind == "rung":
        if answered is not None and answered <= clock.due_at:
            return "stopped"
        return "told" if clock.due_at <= now else "running"
    if clock.kind == "respond" and answered is not None:
        return "met" if answered <= clock.due_at else "missed"
    if incident.resolved_at is not None:
        return "stopped"
    return "running" if now < clock.due_at else "late"


def _entry_view(entry: Entry) -> EntryView:
    run = entry.body.get("run_id") or entry.body.get("run")
    return EntryView(entry.seq, entry.at, entry.kind, entry.actor, entry.sentence, run if isinstance(run, str) else None)


def _alert_view(alert: Alert, line: int | None) -> AlertView:
    return AlertView(
        id=alert.id,
        subject=alert.subject,
        component=alert.component,
        severity=alert.severity,
        breached_at=alert.breached_at,
        fired_at=alert.fired_at,
        ended_at=alert.ended_at,
        value=alert.value,
        sentence=alert.sentence,
        explained_by=alert.explained_by,
        line=line,
        source=alert.source,
        stale_at=alert.stale_at,
    )


def _notice_view(notice: Notice) -> NoticeView:
    return NoticeView(
        id=notice.id,
        person=notice.person,
        kind=notice.kind,
        subject=notice.subject,
        body=notice.body,
        state=notice.state,
        tries=notice.tries,
        at=notice.at,
        sent_at=notice.sent_at,
        channel=notice.channel,
        problem=notice.problem,
    )
