"""What anybody may ask for: a person in the console, a program over the API, the command line, and our own automation.

Each act goes through `done_by`: it asks whether `actor` may, writes the ledger entry and the chapter's rows in one transaction,
and wakes the loop, which itself asks as `OURSELVES`. An act that a promise about safety forbids raises Refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound, Refused
from watchkeeper.base.ids import new_id
from watchkeeper.base.words import counted
from watchkeeper.book.model import Procedure
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, timers
from watchkeeper.incident.model import ClockRun, Entry, Incident
from watchkeeper.incident.privacy import why_private
from watchkeeper.people.identity import Actor
from watchkeeper.people.permission import needed_to_answer
from watchkeeper.run import answering, resuming, starting
from watchkeeper.run import ledger as runs
from watchkeeper.run.beside import aside
from watchkeeper.run.chronicle import chronicle
from watchkeeper.run.clause import clause_of
from watchkeeper.run.model import Event, Plan
from watchkeeper.run.placing import place
from watchkeeper.run.plan import plan as make_plan
from watchkeeper.run.plan import plan_command, with_queries
from watchkeeper.run.ticking import boxes_of
from watchkeeper.run.values.filling import checked
from watchkeeper.store import due, ledger
from watchkeeper.store.database import Work

AUTOMATION = "automation"
#: our own loop: it starts and stops runs and writes down what it counted, and never answers what is put to a person
OURSELVES = Actor(AUTOMATION, ("responder",), scopes=frozenset({"start", "cancel", "count"}))


@dataclass(frozen=True, slots=True)
class Brake:
    """The state of the brake: on or off, by whom and why."""

    on: bool
    actor: str
    why: str


async def acknowledge(app: App, actor: Actor, incident_id: str, why: str = "", *, first: Work[None] | None = None) -> Incident:
    """Take an incident: the ladder stops climbing."""
    now = app.clock.now()
    return await done_by(app, actor, "acknowledge", lambda c: lifecycle.acknowledge(c, now, incident_id, actor.name, why), first)


async def resolve(app: App, actor: Actor, incident_id: str, why: str = "") -> Incident:
    """Close an incident by a person's word, without or against a verdict; the reason is kept."""
    require(actor, "resolve")
    if not why.strip():
        raise InputError("Closing an incident by hand needs a reason.", hint="Say what makes you sure.", code="WK150")
    now = app.clock.now()
    return await done_by(app, actor, "resolve", lambda c: lifecycle.resolve(c, now, incident_id, actor.name, why))


async def note(app: App, actor: Actor, incident_id: str, text: str, body: Mapping[str, Any] | None = None) -> Entry:
    """Write a line of one's own into a timeline; `body` is what the entry keeps beside it."""
    require(actor, "note")
    if not text.strip():
        raise InputError("The note is empty.", hint="Write what the next reader should know.", code="WK151")
    now = app.clock.now()

    def work(connection: Connection) -> Entry:
        if incidents.get_incident(connection, incident_id) is None:
            raise no_incident(incident_id)
        return incidents.add_entry(connection, incident_id, now, "note", actor.name, text.strip(), body)

    return await done_by(app, actor, "note", work)


def find_procedure(app: App, name: str) -> Procedure:
    """Find a procedure by its id or its title; raises NotFound with the nearest ones."""
    wanted = name.strip().casefold()
    for procedure in app.book.procedures:
        if procedure.id == name or procedure.title.casefold() == wanted:
            return procedure
    near = [p.id for p in app.book.procedures if wanted in p.id or wanted in p.title.casefold()]
    if len(near) == 1:
        return next(p for p in app.book.procedures if p.id == near[0])
    listed = ", ".join(near[:5]) or ", ".join(p.id for p in app.book.procedures[:5])
    raise NotFound(f"The book has no procedure {name!r}.", hint=f"For example: {listed}.", code="WK202")


def plan_of(app: App, name: str) -> Plan:
    """Make the plan of a procedure: what would be done, without doing any of it."""
    made = make_plan(app.book, find_procedure(app, name), app.estate.runs_on)
    return place(with_queries(made, app.estate.inputs), app.estate)


def plan_of_command(app: App, where: str) -> Plan:
    """Make the plan of one command of the book, found by file:line; NotFound where none stands there."""
    return place(with_queries(plan_command(app.book, where), app.estate.inputs), app.estate)


def target_of(app: App) -> str:
    """Name the target on which a run's commands run, where they name no other."""
    return next(iter(app.estate.targets), "local")


async def start_run(
    app: App,
    actor: Actor,
    procedure_id: str,
    incident_id: str | None = None,
    why: str = "",
    inputs: Mapping[str, str] | None = None,
) -> str:
    """Start carrying out a procedure; returns the run's id. It asks before what the policy does not allow."""
    require(actor, "start")
    return await _start(app, actor, plan_of(app, procedure_id), incident_id, why, inputs)


async def start_command(
    app: App,
    actor: Actor,
    where: str,
    incident_id: str | None = None,
    why: str = "",
    inputs: Mapping[str, str] | None = None,
) -> str:
    """Start one command of the book, found by file:line, under the same gates; returns the run's id."""
    require(actor, "run command")
    return await _start(app, actor, plan_of_command(app, where), incident_id, why, inputs)


async def _start(
    app: App, by: Actor, procedure_plan: Plan, incident_id: str | None, why: str, inputs: Mapping[str, str] | None
) -> str:
    given = checked(inputs or {}, procedure_plan, app.estate)
    if app.estate.policy.mode == "observe" and by.name == AUTOMATION:
        raise Refused("The service is in mode observe: nothing runs by itself.", hint='Set mode = "ask" in watchkeeper.toml.')
    now, target = app.clock.now(), target_of(app)
    why_private_by = why_private(procedure=app.book.procedure(procedure_plan.procedure_id))
    own_plan, evidence = aside(procedure_plan) if why_private_by is not None else (procedure_plan, None)

    def work(connection: Connection) -> str:
        incident = incidents.get_incident(connection, incident_id) if incident_id else None
        if incident_id and incident is None:
            raise no_incident(incident_id)
        about: dict[str, Any] = {"why": why, "person": by.person, "inputs": given}
        # the evidence has the earlier id, so that the procedure's own run is an incident's latest
        evidence_id, own_id = sorted(new_id("run", now) for _ in range(2))
        if evidence is not None:
            starting.start_run(connection, now, evidence, incident, by.name, target, **about, id=evidence_id)
            drive_at(connection, evidence_id, now)
        run_id = starting.start_run(connection, now, own_plan, incident, by.name, target, **about, id=own_id)
        if incident is not None:
            sentence = f"“{procedure_plan.title}” is being carried out. {why}".strip()
            incidents.add_entry(connection, incident.id, now, "run", by.name, sentence, {"run": run_id})
            if evidence is not None:
                said = f"Taken beside, as evidence: {counted(len(evidence.acts), 'look')} of it. Containment waits for none."
                incidents.add_entry(connection, incident.id, now, "run", by.name, said, {"run": evidence_id})
            _set_clause(connection, app, incident, procedure_plan.procedure_id, now)
            lifecycle.private_by_itself(connection, now, incident.id, why_private_by)
        drive_at(connection, run_id, now)
        return run_id

    return await done_by(app, by, "start", work)


def _set_clause(connection: Connection, app: App, incident: Incident, procedure_id: str, now: datetime) -> None:
    """Start the clock of what the procedure says of its own failing."""
    procedure = next((each for each in app.book.procedures if each.id == procedure_id), None)
    clause = clause_of(procedure, app.book) if procedure is not None else None
    if clause is not None:
        due_at = now + timedelta(seconds=clause.after_s)
        timers.set_clock(connection, incident, ClockRun("clause", due_at, clause.sentence, clause.procedure_id or ""))


async def answer(
    app: App,
    actor: Actor,
    run_id: str,
    act_key: str,
    answer: str,
    why: str = "",
    *,
    confirm: str = "",
    seen: datetime | None = None,
    inputs: Mapping[str, str] | None = None,
    first: Work[None] | None = None,
) -> None:
    """Answer what a run asks: approve, refuse, happened, did-not-happen, again, skip, done, yes, no, input or abort.

    To approve what can destroy takes its name in `confirm`; `seen` is when the question that was seen was put, so that an answer
    to another one is not taken for it; the answer "input" takes a value for each input that is asked for.
    """
    now = app.clock.now()

    def work(connection: Connection) -> None:
        run = runs.load_run(connection, run_id)
        risk = next((act.risk for act in run.plan.acts if act.key == act_key), "read") if run else "read"
        require(actor, needed_to_answer(answer, risk))
        policy, person = app.estate.policy, actor.person
        more: dict[str, Any] = {"policy": policy, "person": person, "confirm": confirm, "seen": seen, "inputs": inputs}
        more["secrets"] = app.estate.secrets()
        event = answering.answer(connection, now, run_id, act_key, answer, actor.name, why, policy.approval_s, **more)
        _after(connection, run_id, event)

    await done_by(app, actor, "answer", work, first)


async def tick(
    app: App, actor: Actor, run_id: str, answer: str, why: str = "", *, keys: Sequence[str] = (), step: int | None = None
) -> list[str]:
    """Answer several acts of one step at once that a person does, by their keys or all that are open; returns their keys."""
    now = app.clock.now()
    require(actor, needed_to_answer(answer, "read"))

    def work(connection: Connection) -> list[str]:
        run = runs.load_run(connection, run_id)
        chosen = keys or ([act.key for act in boxes_of(run, step)] if run is not None and step is not None else [])
        if run is not None and len({act.step for act in run.plan.acts if act.key in chosen}) > 1:
            raise InputError("Only boxes of one step are ticked together.", hint="Answer each step by itself.", code="WK196")
        if run is not None and not any(key in run.acts and run.acts[key].state == "asking" for key in chosen):
            raise Conflict(f"Run {run_id} asks for none of these boxes now.", hint="Look at the run again.", code="WK340")
        # the box that is asked for comes last: while it asks, the others may be ticked with it
        last = {key for key in chosen if run is not None and key in run.acts and run.acts[key].state == "asking"}
        order = sorted(chosen or ["1.1"], key=lambda key: key in last)
        for event in answering.tick(connection, now, run_id, order, answer, actor.name, why, actor.person):
            _after(connection, run_id, event)
        return list(chosen)

    return await done_by(app, actor, "answer", work)


async def resume_run(app: App, actor: Actor, run_id: str, why: str = "") -> str:
    """Go on where a run ended, as a new run that carries what is done as done; returns the new run's id."""
    now = app.clock.now()

    def work(connection: Connection) -> str:
        run = resuming.resume_run(connection, now, run_id, actor.name, why, actor.person)
        if run.incident_id is not None:
            sentence = f"“{run.plan.title}” goes on where {run_id} ended. {why}".strip()
            incidents.add_entry(connection, run.incident_id, now, "run", actor.name, sentence, {"run": run.id})
        drive_at(connection, run.id, now)
        return run.id

    return await done_by(app, actor, "resume", work)


async def cancel_run(app: App, actor: Actor, run_id: str, why: str = "", stops: bool | None = None) -> None:
    """Stop a run: nothing more is begun, and an act under way is ended, with all it started.

    With `stops` False it may finish first; so it may by default where automation cancels, which knows of no hurry.
    """
    now = app.clock.now()
    ends = actor.name != AUTOMATION if stops is None else stops
    await done_by(app, actor, "cancel", lambda c: _after(c, run_id, answering.cancel(c, now, run_id, actor.name, why, ends)))


def _after(connection: Connection, run_id: str, event: Event) -> None:
    """Tell the timeline of an answer and have the run go on."""
    run = runs.load_run(connection, run_id)
    if run is not None:
        chronicle(connection, run, event)
    drive_at(connection, run_id, event.at)


def drive_at(connection: Connection, run_id: str, at: datetime) -> None:
    """Owe it to a run that the engine drives it on at an instant; each call is a row of its own, since a done one stays done."""
    due.schedule(connection, due.Due(new_id(f"run:{run_id}", at), "run", run_id, at, {}))


async def halt(app: App, actor: Actor, why: str) -> Brake:
    """Stop everything automatic at once, until somebody lifts it; it survives a restart."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        runs.set_brake(connection, runs.HALT, now, actor.name, why)
        ledger.append(connection, now, actor.name, "halt", app.estate.service, why=why)

    await done_by(app, actor, "halt", work)
    return Brake(True, actor.name, why)


async def unhalt(app: App, actor: Actor, why: str = "") -> Brake:
    """Let automatic acts go on."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        runs.lift_brake(connection, runs.HALT)
        for run_id in runs.open_run_ids(connection):
            drive_at(connection, run_id, now)
        ledger.append(connection, now, actor.name, "unhalt", app.estate.service, why=why)

    await done_by(app, actor, "unhalt", work)
    return Brake(False, actor.name, why)


def no_incident(incident_id: str) -> NotFound:
    """Give the error for an incident that is not there."""
    return NotFound(f"There is no incident {incident_id}.", hint="`watchkeeper incident list` shows them.", code="WK201")
