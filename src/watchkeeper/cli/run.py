"""`watchkeeper run`: plan, start, list, show, follow, approve, answer, resume, cancel and undo runs of procedures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from watchkeeper.actions import acts, effects
from watchkeeper.actions.views.foreseen import foreseen
from watchkeeper.app import App, furnish_targets
from watchkeeper.base.durations import format_duration, parse_duration
from watchkeeper.base.errors import InputError, NotFound
from watchkeeper.cli.approving import approve_act
from watchkeeper.cli.following import follow_run
from watchkeeper.cli.options import (
    ConfigOption,
    FormatOption,
    SetOption,
    WhyOption,
    is_served,
    me,
    pairs,
    print_json,
    say,
    with_app,
    with_rows,
)
from watchkeeper.cli.printing import print_output
from watchkeeper.cli.run_pages import input_lines, list_lines, plan_lines, run_lines
from watchkeeper.incident import ledger as incidents
from watchkeeper.run import ledger as runs
from watchkeeper.run.exercised import Exercised, exercised
from watchkeeper.run.fold import preview_to_json
from watchkeeper.run.foresee import Foresight
from watchkeeper.run.live import read_pieces, together
from watchkeeper.run.model import Input, Plan, Preview, Run
from watchkeeper.run.plan import plan_to_json
from watchkeeper.run.resuming import predecessor_of, successor_of
from watchkeeper.run.values.filling import inputs_of

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
ProcedureName = Annotated[str, typer.Argument(help="The procedure's id or title, as `watchkeeper show` lists it.")]
RunId = Annotated[str, typer.Argument(help="The run's id, as `run list` shows it.")]
Incident = Annotated[str | None, typer.Option(help="The incident it is for.")]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Follow it, as `run follow` does.")]
SHOWN = 100
STATES = ("open", "running", "waiting", "asking", "succeeded", "failed", "cancelled")


@app.callback()
def run() -> None:
    """Runs: procedures of the book being carried out."""


@app.command()
def plan(
    procedure: ProcedureName,
    config: ConfigOption = None,
    incident: Incident = None,
    preview: Annotated[bool, typer.Option("--preview", help="Look at what each change would do; the looks only read.")] = False,
    format: FormatOption = "text",
) -> None:
    """Print what starting a procedure now would do, act by act, without doing any of it."""
    _print_plan(lambda app: acts.plan_of(app, procedure), procedure if preview else None, config, incident, format)


def _print_plan(
    made_by: Callable[[App], Plan], previewed: str | None, config: Path | None, incident: str | None, format: str
) -> None:
    async def work(
        app: App,
    ) -> tuple[Plan, dict[str, Foresight], Mapping[str, Preview], str, tuple[Input, ...], Exercised | None]:
        made = made_by(app)
        seen: Mapping[str, Preview] = {}
        if previewed is not None:
            furnish_targets(app)
            made, seen = await effects.preview_plan(app, me(app), previewed)

        def look(connection: Connection) -> dict[str, Foresight]:
            found = incidents.get_incident(connection, incident) if incident else None
            if incident and found is None:
                raise acts.no_incident(incident)
            return foreseen(connection, app, me(app), made, found)

        now = app.clock.now()
        inputs = inputs_of(made, app.estate, now)
        known = await app.database.read(lambda c: exercised(c, now, [made.procedure_id]))
        return made, await app.database.read(look), seen, acts.target_of(app), inputs, known.get(made.procedure_id)

    made, foresight, seen, target, inputs, before = with_app(config, work)
    if format == "json":
        more = {"previews": {key: preview_to_json(each) for key, each in seen.items()}} if seen else {}
        told = {"foreseen": {key: asdict(each) for key, each in foresight.items()}, "inputs": [asdict(each) for each in inputs]}
        print_json({**plan_to_json(made), **told, **more, "exercised": asdict(before) if before else None})
        return
    for line in (*plan_lines(made, foresight, seen, target), *input_lines(inputs)):
        say(line)
    if before is not None:
        took = f", mostly within {format_duration(before.median_s)}" if before.median_s is not None else ""
        say(f"Last carried out {before.last_at:%Y-%m-%d}; it worked {before.worked} of {before.times} times within a year{took}.")


@app.command()
def start(
    procedure: ProcedureName,
    config: ConfigOption = None,
    incident: Incident = None,
    why: WhyOption = "",
    set: SetOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the steps and run none.")] = False,
    follow: FollowOption = False,
    format: FormatOption = "text",
) -> int:
    """Start carrying out a procedure; a serving Watchkeeper does it, and asks before what the policy does not allow."""
    if plan_only:
        plan(procedure, config, incident, format=format)
        return 0

    async def work(app: App) -> tuple[str, bool]:
        return await acts.start_run(app, me(app), procedure, incident, why, pairs(set)), is_served(app)

    return _started(*with_app(config, work), config, follow, format)


@app.command()
def command(
    where: Annotated[str, typer.Argument(help="Where the command stands: FILE:LINE, or the line alone.")],
    config: ConfigOption = None,
    incident: Incident = None,
    why: WhyOption = "",
    set: SetOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print it and run nothing.")] = False,
    follow: FollowOption = False,
    format: FormatOption = "text",
) -> int:
    """Start one command of the runbook by itself, wherever it stands, under the same gates as any."""
    if plan_only:
        _print_plan(lambda app: acts.plan_of_command(app, where), None, config, incident, format)
        return 0

    async def work(app: App) -> tuple[str, bool]:
        return await acts.start_command(app, me(app), where, incident, why, pairs(set)), is_served(app)

    return _started(*with_app(config, work), config, follow, format)


def _started(run_id: str, served: bool, config: Any, follow: bool, format: str) -> int:
    if format == "json":
        print_json({"run": run_id, "served": served})
        return 0
    if follow:
        return with_rows(config, lambda app: follow_run(app, run_id))
    say(f"Started {run_id}; follow it with `watchkeeper run follow {run_id}`.")
    if not served:
        say("Nothing serves this state folder now: the run waits for `watchkeeper serve`.")
    return 0


@app.command("list")
def list_(
    config: ConfigOption = None,
    state: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(STATES)}.")] = None,
    procedure: Annotated[str | None, typer.Option(help="Only of procedures whose id or title has this in it.")] = None,
    incident: Annotated[str | None, typer.Option(help="Only for this incident.")] = None,
    since: Annotated[str | None, typer.Option(help='Only those started within this time, such as "2h" or "7 days".')] = None,
    format: FormatOption = "text",
) -> None:
    """List runs, newest first."""
    if state is not None and state not in STATES:
        raise InputError(f"There is no state {state!r} of a run.", hint=f"One of: {', '.join(STATES)}.", code="WK176")
    within = parse_duration(since) if since else None
    if since and within is None:
        raise InputError(f"{since!r} is no span of time.", hint='Say it as "2h" or "7 days".', code="WK176")

    async def work(app: App) -> tuple[list[Run], Any]:
        now = app.clock.now()
        wanted: dict[str, Any] = {"state": state, "procedure": procedure, "since": within and now - timedelta(seconds=within)}
        return await app.database.read(lambda c: runs.list_runs(c, incident, limit=SHOWN, **wanted)), now

    found, now = with_rows(config, work)
    if format == "json":
        print_json([asdict(r) for r in found])
        return
    if not found:
        say("No runs." if not (state or procedure or incident or since) else "No such runs.")
    for line in list_lines(found, now):
        print(line)
    if len(found) == SHOWN:
        say(f"These are the newest {SHOWN}; older ones are not shown.")


@app.command()
def show(
    run_id: RunId,
    config: ConfigOption = None,
    output: Annotated[str | None, typer.Option("--output", metavar="ACT", help="Print all that this act printed.")] = None,
    format: FormatOption = "text",
) -> None:
    """Show a run: each act, how it stands and why, the ends of its output, and what is asked."""

    async def work(app: App) -> tuple[Run | None, bool, str | None, str | None, str]:
        def look(connection: Connection) -> tuple[Run | None, bool, str | None, str | None, str]:
            run = runs.load_run(connection, run_id)
            changed = run is not None and bool(app.book.digest) and run.plan.book != app.book.digest
            printed = _printed(connection, run, output) if run is not None and output else ""
            return run, changed, predecessor_of(connection, run_id), successor_of(connection, run_id), printed

        return await app.database.read(look)

    found, changed, resumes, resumed_by, printed = with_rows(config, work)
    if found is None:
        raise NotFound(f"There is no run {run_id}.", hint="`watchkeeper run list` shows them.", code="WK203")
    if output is not None:
        print_output(printed)
    elif format == "json":
        print_json(asdict(found) | {"resumes": resumes, "resumed_by": resumed_by, "book_changed": changed})
    else:
        for line in run_lines(found, changed, resumes, resumed_by):
            say(line)


def _printed(connection: Connection, run: Run, act: str) -> str:
    standing = run.acts.get(act)
    if standing is None:
        raise NotFound(f"Run {run.id} has no act {act}.", hint=f"See `watchkeeper run show {run.id}`.", code="WK207")
    if standing.outcome is not None:
        return standing.outcome.output
    return together(read_pieces(connection, run.id, act, standing.attempt))


@app.command()
def follow(
    run_id: RunId,
    config: ConfigOption = None,
    to_the_end: Annotated[bool, typer.Option("--to-the-end", help="Wait for others to answer what it asks.")] = False,
) -> int:
    """Tell a run as it happens, with what its acts print, until it ends or asks.

    Exit status: 0 it succeeded, 1 it failed or was cancelled, 4 it asks.
    """
    return with_rows(config, lambda app: follow_run(app, run_id, to_the_end))


@app.command()
def approve(
    run_id: RunId,
    act: Annotated[str | None, typer.Argument(help="The act that asks; left out: the first that does.")] = None,
    config: ConfigOption = None,
    why: WhyOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Confirm a change without a terminal; nothing that can destroy.")] = False,
) -> None:
    """Show what would run, why it is asked and what it would do; let it run once you confirm."""
    with_rows(config, lambda app: approve_act(app, run_id, act, why, yes))


@app.command()
def answer(
    run_id: RunId,
    act: Annotated[str, typer.Argument(help="The act that asks, such as 3.1; with --all-of the answer itself.")],
    what: Annotated[
        str, typer.Argument(help="approve, refuse, happened, did-not-happen, again, skip, done, yes, no, input or abort.")
    ] = "",
    config: ConfigOption = None,
    set: SetOption = None,
    why: WhyOption = "",
    confirm: Annotated[str, typer.Option(help="The name that approving what can destroy takes, as `run show` says it.")] = "",
    all_of: Annotated[
        int | None, typer.Option("--all-of", metavar="STEP", help="Answer all open boxes of a step at once: --all-of 2 done.")
    ] = None,
) -> None:
    """Answer what a run asks; --why records what was observed."""
    if all_of is not None:
        if what:
            raise InputError("With --all-of no act is named.", hint=f"--all-of {all_of} {what}", code="WK194")
        ticked = with_rows(config, lambda app: acts.tick(app, me(app), run_id, act, why, step=all_of))
        say(f"Answered {', '.join(ticked)}.")
        return
    if not what:
        raise InputError("The answer is missing.", hint=f"watchkeeper run answer {run_id} {act} done", code="WK195")
    # values are held against the secrets, which the rows alone do not know
    opened = with_app if set else with_rows
    opened(config, lambda app: acts.answer(app, me(app), run_id, act, what, why, confirm=confirm, inputs=pairs(set)))
    say("Answered.")


@app.command()
def resume(
    run_id: RunId,
    config: ConfigOption = None,
    why: WhyOption = "",
    follow: FollowOption = False,
    format: FormatOption = "text",
) -> int:
    """Go on where a run failed or was cancelled: a new run of the same plan that carries what is done as done.

    A change whose outcome is unknown, and one that failed, ask a person first; no approval is carried.
    """

    async def work(app: App) -> tuple[str, bool]:
        return await acts.resume_run(app, me(app), run_id, why), is_served(app)

    new, served = with_rows(config, work)
    return _started(new, served, config, follow, format)


@app.command()
def cancel(
    run_id: RunId,
    config: ConfigOption = None,
    why: WhyOption = "",
    finish: Annotated[bool, typer.Option("--finish", help="Let the command under way end by itself.")] = False,
) -> None:
    """Stop a run: nothing more is begun, and a command under way is ended with all it started."""
    with_rows(config, lambda app: acts.cancel_run(app, me(app), run_id, why, not finish))
    say("Cancelled: nothing more is begun" + (", and what runs may finish." if finish else ", and what runs is ended."))


@app.command()
def undo(
    run_id: RunId,
    act: Annotated[str | None, typer.Argument(help="One act, such as 3.1; without it all changes, the last first.")] = None,
    config: ConfigOption = None,
    why: WhyOption = "",
    follow: FollowOption = False,
    format: FormatOption = "text",
) -> int:
    """Put back what a run changed, to exactly what it was: a run of its own, approved like any change."""

    async def work(app: App) -> tuple[str, bool]:
        return await effects.undo_run(app, me(app), run_id, act, why), is_served(app)

    undo_id, served = with_rows(config, work)
    return _started(undo_id, served, config, follow, format)
