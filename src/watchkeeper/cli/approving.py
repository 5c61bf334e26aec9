"""`watchkeeper run approve`: shows what would run, why it is asked and what it would do, and takes a person's word for it."""

from __future__ import annotations

import sys

import typer

from watchkeeper.actions import acts
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound
from watchkeeper.cli.asking import question_lines
from watchkeeper.cli.options import me, say
from watchkeeper.run.approving import to_type
from watchkeeper.run.ledger import load_run
from watchkeeper.run.model import Act, Run


async def approve_act(app: App, run_id: str, act_key: str | None, why: str, yes: bool) -> None:
    """Show the question and approve it once a person confirmed it; `yes` confirms a change, and nothing graver."""
    run, act = await _asking(app, run_id, act_key)
    for text in question_lines(run, act):
        say(text)
    name = to_type(run, act)
    confirm, why = _confirmed(name, act, why, yes)
    standing = run.acts[act.key]
    await acts.answer(app, me(app), run.id, act.key, "approve", why, confirm=confirm, seen=standing.asked_at)
    say(f"Approved {act.key}.")


async def _asking(app: App, run_id: str, act_key: str | None) -> tuple[Run, Act]:
    """Find the act that asks whether it may run; raises where there is none, or another question."""
    run = await app.database.read(lambda connection: load_run(connection, run_id))
    if run is None:
        raise NotFound(f"There is no run {run_id}.", hint="`watchkeeper run list` shows them.", code="WK203")
    if run.ended_at is not None:
        raise Conflict(f"Run {run_id} takes no approval: it is over. {run.sentence}".rstrip(), code="WK338")
    asking = [act for act in run.plan.acts if run.acts[act.key].state == "asking" and act_key in (None, act.key)]
    if not asking:
        what = f"anything about act {act_key}" if act_key else "anything"
        raise Conflict(f"Run {run_id} does not ask {what} now.", hint=f"See `watchkeeper run show {run_id}`.", code="WK338")
    act = asking[0]
    if run.acts[act.key].question != "approve":
        for text in question_lines(run, act):
            say(text)
        raise Conflict(f"Act {act.key} does not ask for an approval.", hint="Its answers stand above.", code="WK338")
    return run, act


def _confirmed(name: str | None, act: Act, why: str, yes: bool) -> tuple[str, str]:
    """Give what was typed and the reason; raises where nobody is there to confirm."""
    if yes and name is None:
        return "", why
    if not sys.stdin.isatty():
        hint = "--yes confirms a change; what can destroy is approved by `run answer` with --confirm NAME, or here by a person."
        raise InputError(f"Nobody confirms act {act.key} ({act.risk}): this is no terminal.", hint=hint, code="WK175")
    if name is None:
        typer.confirm("Let it run?", abort=True)
        return "", why
    if not why.strip():
        why = typer.prompt("Why")
    return typer.prompt(f"To approve it, type {name}"), why
