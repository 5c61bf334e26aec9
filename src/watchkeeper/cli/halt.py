"""`watchkeeper halt` and `watchkeeper unhalt`: the brake."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.actions import acts
from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, WhyOption, me, say, with_rows
from watchkeeper.run.ledger import list_runs
from watchkeeper.run.model import Run


def halt(
    why: Annotated[str, typer.Argument(help="The reason, kept in the ledger.")],
    config: ConfigOption = None,
) -> None:
    """Stop everything automatic at once; it stays stopped over restarts until `watchkeeper unhalt`."""

    async def work(app: App) -> list[Run]:
        await acts.halt(app, me(app), why)
        return await app.database.read(lambda connection: list_runs(connection, open_only=True))

    open_now = with_rows(config, work)
    say(f"Halted: nothing runs by itself until `watchkeeper unhalt`. Reason: {why}")
    for run in open_now:
        for key, standing in run.acts.items():
            if standing.state == "running":
                say(f"Under way, and let finish: {run.id} is at {key} of “{run.plan.title}”.")
                say(f"  `watchkeeper run cancel {run.id}` ends it.")


def unhalt(config: ConfigOption = None, why: WhyOption = "") -> None:
    """Let automatic acts go on again."""
    with_rows(config, lambda app: acts.unhalt(app, me(app), why))
    print("Automatic acts may go on.")
