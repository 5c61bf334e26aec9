"""Carries out a procedure of an estate's runbook as who starts it does: approves what it asks, gives the values it needs."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from watchkeeper.actions import acts
from watchkeeper.app import App, open_app
from watchkeeper.people.identity import Actor
from watchkeeper.run import ledger as runs
from watchkeeper.run.approving import to_type
from watchkeeper.run.model import Run
from watchkeeper.settings import load_settings
from watchkeeper.web.serving import serving

ON_CALL = Actor("anna", ("operator",), "test", "this machine", "anna")
ENDED = ("succeeded", "failed", "cancelled")


@asynccontextmanager
async def watchkeeper(folder: Path, state: Path, mode: Literal["ask", "act"] = "act") -> AsyncIterator[App]:
    """Open Watchkeeper over an estate that is up, with a state of its own; its variables stand in the environment.

    In the mode "ask" it changes nothing by itself, where a test breaks what a person is to mend by the book.
    """
    app = open_app(folder / "watchkeeper.toml", load_settings(state=str(state), database_url="", engine="dbos"))
    if mode == "ask":
        app.estate = replace(app.estate, policy=replace(app.estate.policy, mode="ask"))
    async with serving(app, "127.0.0.1", 0, []):
        yield app


async def carried_out(
    app: App,
    procedure: str,
    answers: Mapping[str, str | Callable[[], str]] | None = None,
    inputs: Mapping[str, str] | None = None,
    within_s: float = 300,
) -> Run:
    """Carry a procedure out to its end. `answers` has words of a step -> yes, no, done, skip; every approval is given.

    An answer that has to be worked for is given as what does the work, and says it then.
    """
    run_id = await acts.start_run(app, ON_CALL, procedure, why="a test", inputs=inputs or {})
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        run = await app.database.read(lambda connection: runs.load_run(connection, run_id))
        assert run is not None
        if run.state in ENDED:
            return run
        for act in run.plan.acts:
            standing = run.acts[act.key]
            if standing.state == "asking":
                words = " ".join((act.command.text if act.command else act.text).split())
                said = next((answer for part, answer in (answers or {}).items() if part in words), None)
                if callable(said):
                    said = await asyncio.to_thread(said)
                said = "approve" if standing.question == "approve" and said != "skip" else said
                assert said, f"{act.key} asks ({standing.question}) {standing.sentence}: {words}"
                await acts.answer(app, ON_CALL, run_id, act.key, said, "a test", confirm=to_type(run, act) or "")
        await asyncio.sleep(0.2)
    raise AssertionError(f"{procedure} was not over within {within_s:.0f} s")


def output_of(run: Run, words: str) -> str:
    """Give what the first command with these words printed."""
    for act in run.plan.acts:
        outcome = run.acts[act.key].outcome
        if act.command is not None and words in act.command.text and outcome is not None:
            return outcome.output
    raise AssertionError(f"no command with {words!r} was run")


def succeeded(run: Run) -> None:
    """Hold that a run succeeded, and say how each of its acts ended where it did not."""
    ends = [f"{key}: {each.outcome.sentence}" for key, each in run.acts.items() if each.outcome is not None]
    assert run.state == "succeeded", f"{run.sentence} {ends}"


def said(estate: Path, *words: str) -> str:
    """Give what a verb of an estate prints."""
    done = subprocess.run([estate / "estate", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
