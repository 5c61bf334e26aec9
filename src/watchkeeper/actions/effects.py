"""What a plan would do, looked at before anything is started, and the way back of what was done."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from watchkeeper.actions import acts
from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, NotFound, Refused
from watchkeeper.incident import ledger as incidents
from watchkeeper.people.identity import Actor
from watchkeeper.run import answering, starting
from watchkeeper.run import ledger as runs
from watchkeeper.run.chronicle import chronicle
from watchkeeper.run.fold import begin
from watchkeeper.run.model import Plan, Preview, Run
from watchkeeper.run.operation import command_of
from watchkeeper.run.output import forget_jobs
from watchkeeper.run.preview import Previewer
from watchkeeper.run.undo import undo_plan
from watchkeeper.run.values.clients import languages
from watchkeeper.run.values.filling import fill


async def preview_plan(app: App, actor: Actor, name: str) -> tuple[Plan, dict[str, Preview]]:
    """Look at what each change of a procedure would do now, by looks that only read; nothing is started."""
    require(actor, "preview")
    made = acts.plan_of(app, name)
    previewer = Previewer(app.estate, app.targets, app.state)
    job = f"plan-{uuid4().hex[:12]}"
    default = next(iter(app.estate.targets), "local")
    run = begin(Run(job, made, None, None, None, actor.name, app.clock.now(), target=default))
    seen: dict[str, Preview] = {}
    for act in made.acts:
        command = command_of(act)
        if not act.mutating or act.skip or command is None:
            continue
        config = app.estate.targets.get(run.target_of(act))
        filled = fill(command, run, app.estate)
        missing = ", ".join(each.token for each in filled.missing)
        if missing or filled.refused or config is None or command.language not in languages(config.options):
            unspoken = f"no target runs {command.language}"
            why = filled.refused or (f"nothing fills {missing}" if missing else unspoken)
            seen[act.key] = Preview(f"It cannot be looked at: {why}.", "unseen")
            continue
        found = await previewer.preview(f"{job}.{act.key}", act, run)
        if found is not None:
            seen[act.key] = found
    forget_jobs(app.state, job)
    return made, seen


async def undo_run(app: App, actor: Actor, run_id: str, act_key: str | None = None, why: str = "") -> str:
    """Start the way back of a run, or of one of its acts, and give its id; a run that asks is stopped by it."""
    require(actor, "undo")
    now = app.clock.now()

    def work(connection: Connection) -> str:
        run = runs.load_run(connection, run_id)
        if run is None:
            raise NotFound(f"There is no run {run_id}.", hint="`watchkeeper run list` shows them.", code="WK203")
        made = _way_back(run, act_key)
        if run.ended_at is None:
            stopped = f"It is taken back{': ' + why if why else ''}"
            chronicle(connection, run, answering.cancel(connection, now, run_id, actor.name, stopped))
            acts.drive_at(connection, run_id, now)
        incident = incidents.get_incident(connection, run.incident_id) if run.incident_id else None
        reason = why or f"Way back of {run_id}"
        about: dict[str, Any] = {"component": run.component, "why": reason, "person": actor.person, "like": run}
        undo_id = starting.start_run(connection, now, made, incident, actor.name, run.target, **about)
        if incident is not None:
            sentence = f"“{run.plan.title}” is being taken back. {why}".strip()
            incidents.add_entry(connection, incident.id, now, "run", actor.name, sentence, {"run": undo_id})
        acts.drive_at(connection, undo_id, now)
        return undo_id

    return await done_by(app, actor, "undo", work)


def _way_back(run: Run, act_key: str | None) -> Plan:
    if run.ended_at is None and run.state != "asking":
        hint = f"Wait until it asks or is over, or stop it first: watchkeeper run cancel {run.id}."
        raise Conflict(f"Run {run.id} is under way.", hint=hint, code="WK305")
    if act_key is not None and act_key not in run.acts:
        raise NotFound(f"Run {run.id} has no act {act_key}.", hint="`watchkeeper run show` lists them.", code="WK207")
    made = undo_plan(run, act_key)
    if not made.acts:
        raise Refused(f"Run {run.id} changed nothing{f' in act {act_key}' if act_key else ''}.", code="WK304")
    if not any(act.kind == "command" for act in made.acts):
        raise Refused(f"Nothing of run {run.id} can be put back. {made.acts[0].skip or ''}".strip(), code="WK304")
    return made
