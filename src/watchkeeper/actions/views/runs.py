"""What the pages show of runs and of procedures that could be run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from watchkeeper.actions import acts
from watchkeeper.actions.views.foreseen import foreseen
from watchkeeper.actions.views.frame import read_frame
from watchkeeper.actions.views.model import (
    ActView,
    EffectView,
    EventView,
    ProcedureLine,
    ProcedureView,
    RunLine,
    Runs,
    RunView,
    StepView,
)
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.base.printed import tame
from watchkeeper.book.model import Book, Command, Procedure
from watchkeeper.incident.ledger import get_incident, list_incidents
from watchkeeper.people.identity import Actor
from watchkeeper.run.answering import ANSWERS
from watchkeeper.run.approving import to_type
from watchkeeper.run.exercised import exercised
from watchkeeper.run.foresee import Foresight
from watchkeeper.run.ledger import list_runs, load_run, read_events
from watchkeeper.run.live import read_pieces, together
from watchkeeper.run.model import Act, Event, Plan, Run, Standing
from watchkeeper.run.resuming import predecessor_of, successor_of
from watchkeeper.run.ticking import open_boxes
from watchkeeper.run.undo import offer, ways_back
from watchkeeper.run.values.inputs import name_of
from watchkeeper.run.values.render import needs_of

OVER = ("done", "failed", "skipped")
#: least dangerous first; what no rule knows is gated like what destroys
RISKS = ("read", "change", "unknown", "destroy")
#: most of an act's output on a page, from its end; the rest is one link away
SHOWN_OUTPUT = 20_000

QUESTIONS: Mapping[str, str] = {
    "approve": "May this run?",
    "settle": "Nobody knows whether this happened. Did it?",
    "manual": "This is for a person. Is it done?",
    "branch": "Does this hold?",
    "input": "With which values?",
    "failed": "This failed. What now?",
}


def run_line(run: Run) -> RunLine:
    """Show a run in a list."""
    return RunLine(
        id=run.id,
        title=run.plan.title,
        procedure_id=run.plan.procedure_id,
        incident_id=run.incident_id,
        component=run.component,
        severity=run.severity,
        state=run.state,
        sentence=run.sentence,
        actor=run.actor,
        started_at=run.started_at,
        ended_at=run.ended_at,
        done=sum(standing.state in OVER for standing in run.acts.values()),
        acts=len(run.plan.acts),
    )


def read_runs(
    connection: Connection, incident_id: str | None = None, limit: int = 100, open_only: bool = False
) -> tuple[RunLine, ...]:
    """Read the newest runs, newest first."""
    return tuple(run_line(run) for run in list_runs(connection, incident_id=incident_id, limit=limit, open_only=open_only))


async def all_runs(app: App, state: str | None = None) -> Runs:
    """Show the newest runs, all or those in a state ("open": all that are not over)."""
    now = app.clock.now()

    def work(connection: Connection) -> Runs:
        found = list_runs(connection, state=state)
        return Runs(read_frame(connection, app, now), tuple(run_line(run) for run in found), state)

    return await app.database.read(work)


async def one_run(app: App, run_id: str) -> RunView:
    """Show one run; raises NotFound."""
    now = app.clock.now()
    return await app.database.read(lambda c: _read_run(c, app, run_id, now))


async def output_of(app: App, run_id: str, act_key: str) -> str:
    """Give the whole kept output of an act's latest attempt; raises NotFound."""

    def work(connection: Connection) -> str:
        run = load_run(connection, run_id)
        if run is None or act_key not in run.acts:
            raise no_run(run_id)
        return _output(connection, run.id, act_key, run.acts[act_key])[0]

    return await app.database.read(work)


def _read_run(connection: Connection, app: App, run_id: str, now: datetime) -> RunView:
    run = load_run(connection, run_id)
    if run is None:
        raise no_run(run_id)
    incident = get_incident(connection, run.incident_id) if run.incident_id else None
    views = [_view(connection, run, act) for act in run.plan.acts]
    return RunView(
        frame=read_frame(connection, app, now),
        run=run_line(run),
        target=run.target,
        line=run.plan.line,
        book=run.plan.book,
        book_changed=run.plan.book != app.book.digest,
        steps=steps_of(run.plan, views, app.book.procedure(run.plan.procedure_id)),
        events=tuple(event_view(event) for event in read_events(connection, run_id)),
        mark=f"{run.seq}.{max((view.output_end for view in views), default=0)}",
        incident_title=incident.title if incident else None,
        way_back=offer(run),
        resumes=predecessor_of(connection, run.id),
        resumed_by=successor_of(connection, run.id),
        undoable=(run.ended_at is not None or run.state == "asking") and any(text for _, text, _ in ways_back(run)),
    )


def _shown(connection: Connection, run: Run, act: Act) -> tuple[str, int]:
    """Give an act's output so far, and the character after its last where more may come."""
    standing = run.acts.get(act.key, Standing())
    if act.kind not in ("command", "condition") or (standing.outcome is None and standing.state != "running"):
        return "", 0
    return _output(connection, run.id, act.key, standing)


def _output(connection: Connection, run_id: str, act_key: str, standing: Standing) -> tuple[str, int]:
    if standing.outcome is not None:
        return tame(standing.outcome.output), 0  # an earlier release kept it as it came
    pieces = read_pieces(connection, run_id, act_key, standing.attempt)
    return together(pieces), pieces[-1].end if pieces else 0


def _view(connection: Connection, run: Run, act: Act) -> ActView:
    output, end = _shown(connection, run, act)
    return act_view(act, run.acts.get(act.key, Standing()), output, run, end)


def _end_of(output: str) -> str:
    """Give the end of a long output, from the beginning of a line where it has lines."""
    end = output[-SHOWN_OUTPUT:]
    return "…\n" + end[end.find("\n") + 1 :]


def act_view(act: Act, standing: Standing, output: str = "", run: Run | None = None, output_end: int = 0) -> ActView:
    """Show one act and how it stands; without a run it is the plan of one."""
    outcome = standing.outcome
    command = act.command or (act.condition.command if act.condition else None)
    asking = standing.state == "asking" and standing.question is not None
    seen = standing.preview if asking else standing.before or standing.preview
    return ActView(
        key=act.key,
        step=act.step,
        kind=act.kind,
        text=act.text,
        line=act.line,
        phase=act.phase,
        command=command.text if command else None,
        language=command.language if command else None,
        risk=command.risk if command else "read",
        risk_because=command.because if command else "",
        caution=act.caution,
        branch=act.branch,
        condition=act.condition.text if act.condition else None,
        expects=act.expects.text or None if act.expects else None,
        state=standing.state,
        attempt=standing.attempt,
        sentence=standing.sentence or (outcome.sentence if outcome else "") or (act.skip or ""),
        exit_status=outcome.exit_status if outcome else None,
        output=output if len(output) <= SHOWN_OUTPUT else _end_of(output),
        cut=len(output) > SHOWN_OUTPUT,
        output_end=output_end,
        holds=outcome.holds if outcome else None,
        approved_by=standing.approved_by,
        started_at=outcome.started_at if outcome and outcome.started_at else standing.since,
        ended_at=outcome.ended_at if outcome else None,
        wait_until=standing.wait_until,
        asked_at=standing.asked_at,
        question=QUESTIONS.get(standing.question or "", standing.question) if asking else None,
        answers=ANSWERS.get(standing.question or "", ()) if asking else (),
        covers=_covers(run, act, standing) if run and asking else (),
        boxes=_boxes(run, act) if run and asking and standing.question == "manual" else (),
        to_type=to_type(run, act) if run and asking and standing.question == "approve" else None,
        effect=EffectView(seen.sentence, seen.way_back) if seen and act.kind == "command" else None,
        inputs=standing.inputs if asking else (),
        values={name: run.given[name] for name in _taken(command) if name in run.given} if command and run and run.given else {},
    )


def _taken(command: Command) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name_of(token) for token in needs_of(command).places))


def _boxes(run: Run, act: Act) -> tuple[tuple[str, str], ...]:
    return tuple((other.key, other.text) for other in open_boxes(run, act.key) if other.key != act.key)


def _covers(run: Run, act: Act, standing: Standing) -> tuple[tuple[str, str], ...]:
    others = [other for other in run.plan.acts if other.key in standing.covers and other.key != act.key]
    return tuple((other.key, other.command.text if other.command else other.text) for other in others)


def steps_of(plan: Plan, views: list[ActView], procedure: Procedure | None) -> tuple[StepView, ...]:
    """Arrange acts under the steps of the book that they belong to."""
    said = {step.n: step for step in procedure.steps} if procedure else {}
    steps: list[StepView] = []
    for number in dict.fromkeys(act.step for act in plan.acts):
        own = tuple(view for view in views if view.step == number)
        step = said.get(number)
        first = next((view for view in own if view.kind != "condition"), own[0])
        same = step is not None and step.text == first.text
        steps.append(
            StepView(
                n=number,
                text=first.text,
                line=step.line if step and same else first.line,
                phase=first.phase,
                when=step.when if step and same else None,
                acts=own,
            )
        )
    return tuple(steps)


def event_view(event: Event) -> EventView:
    """Show one line of a run's log."""
    body = event.body
    outcome = body.get("outcome")
    inner = outcome.get("sentence") or outcome.get("result", "") if isinstance(outcome, Mapping) else ""
    said = str(body.get("sentence") or body.get("why") or inner or "")
    ended = str(outcome.get("result", "ended")) if isinstance(outcome, Mapping) else "ended"
    word = {"intent": "begun", "outcome": {"ok": "done"}.get(ended, ended), "answered": f"answered {body.get('answer', '')}"}.get(
        event.kind, event.kind
    )
    word = word[:1].upper() + word[1:]
    return EventView(
        event.seq, event.at, event.kind, event.actor, event.act, f"{word.strip()}: {said}" if said else f"{word.strip()}."
    )


def procedure_line(procedure: Procedure) -> ProcedureLine:
    """Show a procedure in a list, with the most dangerous risk among its commands."""
    commands = [command for step in procedure.steps for command in step.commands]
    return ProcedureLine(
        id=procedure.id,
        title=procedure.title,
        kind=procedure.kind,
        line=procedure.line,
        steps=len(procedure.steps),
        commands=len(commands),
        risk=max((command.risk for command in commands), key=RISKS.index, default="read"),
    )


def procedure_lines(book: Book) -> tuple[ProcedureLine, ...]:
    """Show all procedures of a book, in its order."""
    return tuple(procedure_line(procedure) for procedure in book.procedures)


def plan_steps(plan: Plan, procedure: Procedure | None, foresight: Mapping[str, Foresight]) -> tuple[StepView, ...]:
    """Show what a plan would do, and what starting it now would come to."""
    views = [
        replace(act_view(act, Standing()), foreseen=seen.what, sentence=seen.sentence)
        for act in plan.acts
        if (seen := foresight[act.key])
    ]
    return steps_of(plan, views, procedure)


async def one_procedure(app: App, procedure_id: str) -> ProcedureView:
    """Show what carrying out a procedure would do, as if a person started it now; raises NotFound."""
    from_book = acts.find_procedure(app, procedure_id)
    plan, now = acts.plan_of(app, from_book.id), app.clock.now()

    def work(connection: Connection) -> ProcedureView:
        foresight = foreseen(connection, app, Actor("A person", ()), plan)
        risks: Counter[str] = Counter(act.risk for act in plan.acts if act.command is not None and act.skip is None)
        return ProcedureView(
            frame=read_frame(connection, app, now),
            procedure=procedure_line(from_book),
            symptoms=from_book.symptoms,
            steps=plan_steps(plan, from_book, foresight),
            would=Counter(seen.what for seen in foresight.values()),
            risks={risk: risks[risk] for risk in RISKS if risks[risk]},
            incidents=tuple((one.id, one.title) for one in list_incidents(connection, open_only=True)),
            exercised=exercised(connection, now, [from_book.id]).get(from_book.id),
        )

    return await app.database.read(work)


async def one_command(app: App, where: str) -> ProcedureView:
    """Show what running one command of the book by itself would do, found by file:line; raises NotFound."""
    plan, now = acts.plan_of_command(app, where), app.clock.now()

    def work(connection: Connection) -> ProcedureView:
        foresight = foreseen(connection, app, Actor("A person", ()), plan)
        risk = max((act.risk for act in plan.acts), key=RISKS.index, default="read")
        return ProcedureView(
            frame=read_frame(connection, app, now),
            procedure=ProcedureLine(where, plan.title, "command", plan.line, 1, 1, risk),
            symptoms=(),
            steps=plan_steps(plan, None, foresight),
            would=Counter(seen.what for seen in foresight.values()),
            risks={risk: 1},
            incidents=tuple((one.id, one.title) for one in list_incidents(connection, open_only=True)),
        )

    return await app.database.read(work)


def no_run(run_id: str) -> NotFound:
    """Give the error for a run that is not there."""
    return NotFound(f"There is no run {run_id}.", hint="The runs page lists them.", code="WK203")
