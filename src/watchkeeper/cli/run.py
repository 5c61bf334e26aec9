"""`watchkeeper run`: plan, start, list, show, answer and cancel runs of procedures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from watchkeeper.actions import acts, effects
from watchkeeper.app import App, furnish_targets
from watchkeeper.base.errors import NotFound
from watchkeeper.cli.asking import asked, effect_lines, one_line
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
from watchkeeper.run import ledger as runs
from watchkeeper.run.filling import inputs_of
from watchkeeper.run.fold import preview_to_json
from watchkeeper.run.model import Input, Plan, Preview, Run
from watchkeeper.run.plan import plan_to_json
from watchkeeper.run.undo import offer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
ProcedureName = Annotated[str, typer.Argument(help="The procedure's id or title, as `watchkeeper show` lists it.")]
RunId = Annotated[str, typer.Argument(help="The run's id, as `run list` shows it.")]
SHOWN = 100
MARKS = {"done": "✓", "failed": "✗", "skipped": "–", "running": "…", "asking": "?", "unknown": "?", "waiting": "…", "to-do": "·"}


@app.callback()
def run() -> None:
    """Runs: procedures of the book being carried out."""


@app.command()
def plan(
    procedure: ProcedureName,
    config: ConfigOption = None,
    preview: Annotated[bool, typer.Option("--preview", help="Look at what each change would do; the looks only read.")] = False,
    format: FormatOption = "text",
) -> None:
    """Print what a procedure would do, without doing any of it."""

    async def work(app: App) -> tuple[Plan, tuple[Input, ...], Mapping[str, Preview]]:
        made = acts.plan_of(app, procedure)
        seen: Mapping[str, Preview] = {}
        if preview:
            furnish_targets(app)
            made, seen = await effects.preview_plan(app, me(app), procedure)
        return *_with_inputs(app, made), seen

    _print_plan(*with_app(config, work), format=format)


def _with_inputs(app: App, made: Plan) -> tuple[Plan, tuple[Input, ...]]:
    return made, inputs_of(made, app.estate, app.clock.now())


@app.command()
def start(
    procedure: ProcedureName,
    config: ConfigOption = None,
    incident: Annotated[str | None, typer.Option(help="The incident it is for.")] = None,
    why: WhyOption = "",
    set: SetOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the steps and run none.")] = False,
    format: FormatOption = "text",
) -> None:
    """Start carrying out a procedure; a serving Watchkeeper does it, and asks before what the policy does not allow."""
    if plan_only:
        plan(procedure, config, format=format)
        return

    async def work(app: App) -> tuple[str, bool]:
        return await acts.start_run(app, me(app), procedure, incident, why, pairs(set)), is_served(app)

    _say_started(*with_app(config, work), format)


@app.command()
def command(
    where: Annotated[str, typer.Argument(help="Where the command stands: FILE:LINE, or the line alone.")],
    config: ConfigOption = None,
    incident: Annotated[str | None, typer.Option(help="The incident it is for.")] = None,
    why: WhyOption = "",
    set: SetOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print it and run nothing.")] = False,
    format: FormatOption = "text",
) -> None:
    """Start one command of the runbook by itself, wherever it stands, under the same gates as any."""
    if plan_only:

        async def look(app: App) -> tuple[Plan, tuple[Input, ...]]:
            return _with_inputs(app, acts.plan_of_command(app, where))

        _print_plan(*with_app(config, look), format=format)
        return

    async def work(app: App) -> tuple[str, bool]:
        return await acts.start_command(app, me(app), where, incident, why, pairs(set)), is_served(app)

    _say_started(*with_app(config, work), format)


def _say_started(run_id: str, served: bool, format: str) -> None:
    if format == "json":
        print_json({"run": run_id, "served": served})
        return
    say(f"Started {run_id}; follow it with `watchkeeper run show {run_id}`.")
    if not served:
        say("Nothing serves this state folder now: the run waits for `watchkeeper serve`.")


@app.command("list")
def list_(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """List runs, newest first."""

    async def work(app: App) -> list[Run]:
        return await app.database.read(lambda c: runs.list_runs(c, limit=SHOWN))

    found = with_rows(config, work)
    if format == "json":
        print_json([asdict(r) for r in found])
        return
    if not found:
        say("No runs.")
    for r in found:
        say(f"{r.id}  {r.started_at:%Y-%m-%d %H:%M:%S}  {r.state:10} {r.plan.title}  {r.sentence}")
    if len(found) == SHOWN:
        say(f"These are the newest {SHOWN}; older ones are not shown.")


@app.command()
def show(run_id: RunId, config: ConfigOption = None, format: FormatOption = "text") -> None:
    """Show a run: each act, how it stands and why."""

    async def work(app: App) -> Run | None:
        return await app.database.read(lambda c: runs.load_run(c, run_id))

    found = with_rows(config, work)
    if found is None:
        raise NotFound(f"There is no run {run_id}.", hint="`watchkeeper run list` shows them.", code="WK203")
    if format == "json":
        print_json(asdict(found))
        return
    say(f"{found.plan.title}: {found.state}. {found.sentence}")
    for act in found.plan.acts:
        standing = found.acts.get(act.key)
        state = standing.state if standing else "to-do"
        say(f"  {MARKS[state]} {act.key:5} {act.risk if act.kind == 'command' else act.kind:9} {one_line(act.text)}")
        if act.command and one_line(act.command.text) != one_line(act.text):
            say(f"        $ {one_line(act.command.text)}")
        if standing and standing.question and state in ("asking", "unknown"):
            for line in asked(found, act, standing.question):
                say(f"        {line}")
        elif standing and standing.outcome and standing.outcome.sentence:
            say(f"        {standing.outcome.sentence}")
    offered = offer(found)
    if offered:
        say(offered)


@app.command()
def answer(
    run_id: RunId,
    act: Annotated[str, typer.Argument(help="The act that asks, such as 3.1.")],
    what: Annotated[
        str, typer.Argument(help="approve, refuse, happened, did-not-happen, again, skip, done, yes, no, input or abort.")
    ],
    config: ConfigOption = None,
    set: SetOption = None,
    why: WhyOption = "",
    confirm: Annotated[str, typer.Option(help="The name that approving what can destroy takes, as `run show` says it.")] = "",
) -> None:
    """Answer what a run asks."""
    # values are held against the secrets, which the rows alone do not know
    opened = with_app if set else with_rows
    opened(config, lambda app: acts.answer(app, me(app), run_id, act, what, why, confirm=confirm, inputs=pairs(set)))
    say("Answered.")


@app.command()
def cancel(run_id: RunId, config: ConfigOption = None, why: WhyOption = "") -> None:
    """Stop a run before its next act."""
    with_rows(config, lambda app: acts.cancel_run(app, me(app), run_id, why))
    say("It stops before its next act.")


@app.command()
def undo(
    run_id: RunId,
    act: Annotated[str | None, typer.Argument(help="One act, such as 3.1; without it all changes, the last first.")] = None,
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """Put back what a run changed, to exactly what it was: a run of its own, approved like any change."""

    async def work(app: App) -> tuple[str, bool]:
        return await effects.undo_run(app, me(app), run_id, act, why), is_served(app)

    undo_id, served = with_rows(config, work)
    say(f"Started {undo_id}; follow it with `watchkeeper run show {undo_id}`.")
    if not served:
        say("Nothing serves this state folder now: the run waits for `watchkeeper serve`.")


def _print_plan(
    made: Plan, inputs: tuple[Input, ...], previews: Mapping[str, Preview] | None = None, format: str = "text"
) -> None:
    previews = previews or {}
    if format == "json":
        seen = {"previews": {key: preview_to_json(preview) for key, preview in previews.items()}} if previews else {}
        print_json({**plan_to_json(made), "inputs": [asdict(each) for each in inputs], **seen})
        return
    say(f"{made.title} (line {made.line}), {len(made.acts)} acts; nothing is run.")
    for act in made.acts:
        under = "  " if act.branch else ""
        what = act.risk if act.kind == "command" else act.kind
        where = f"  [{act.target}]" if act.target else ""
        say(f"  {act.key:5} {what:9} {under}{one_line(act.command.text if act.command else act.text)}{where}  (line {act.line})")
        for said in (*act.words, *(effect_lines(previews[act.key]) if act.key in previews else ())):
            say(f"        {said}")
    for each in inputs:
        say(f"  takes {each.name:12} {each.token}: {each.words}{_said_of(each)}")


def _said_of(one: Input) -> str:
    choices = (
        f", one of {', '.join(one.choices[:12])}" if one.choices else f", one of what `{one.query}` lists" if one.query else ""
    )
    return choices + (f", else {one.default}" if one.default else "")
