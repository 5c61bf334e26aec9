"""`watchkeeper learn`: what incidents taught about the runbook."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.actions import learning
from watchkeeper.cli.options import ConfigOption, me, say, with_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def learn() -> None:
    """The book learns: what incidents taught about it."""


@app.command()
def patch(
    incident_id: Annotated[str, typer.Argument(help="The incident.")],
    config: ConfigOption = None,
) -> None:
    """Propose what an incident's runs showed as a branch with a commit in the runbook's repository, or as a patch file."""
    made = with_app(config, lambda app: learning.propose_patch(app, me(app), incident_id))
    for line in made.diff.splitlines():
        say(line)
    for lost in made.lost:
        say(f"Without a note, for want of a place: “{lost.words[:80]}” ({lost.procedure}): {lost.note}")
    if made.branch:
        say(f"On the branch {made.branch}: git diff HEAD...{made.branch}, then rewrite the steps and merge it.")
    else:
        say(f"Written to {made.path}; git apply or patch -p1 puts it in.")
