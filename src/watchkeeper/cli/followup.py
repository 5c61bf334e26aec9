"""`watchkeeper followup`: what reviews ask people to do, by when, and what of it is done."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from watchkeeper.actions import following_up
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def followup() -> None:
    """Follow-ups: what is to be done so that an incident does not come again."""


@app.command("list")
def list_(
    incident: Annotated[str | None, typer.Option(help="Only those of this incident.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Also those that are done.")] = False,
    config: ConfigOption = None,
    format: FormatOption = "text",
) -> None:
    """List what is to be done, what is due first at first."""
    found = with_app(config, lambda app: following_up.listed(app, incident, open_only=not all))
    if format == "json":
        print_json([asdict(one) for one in found])
        return
    for one in found:
        state = f"done {one.done_at:%Y-%m-%d}" if one.done_at else f"by {one.due_at:%Y-%m-%d}"
        beside = f"  {one.link}" if one.link else f"  {one.problem}" if one.problem else ""
        say(f"{one.id}  {state:15} {one.owner:12} {one.text}  ({one.incident_id}){beside}")
    if not found:
        say("Nothing is to be done.")


@app.command()
def add(
    incident_id: Annotated[str, typer.Argument(help="The incident's id.")],
    text: Annotated[str, typer.Argument(help="What is to be done.")],
    owner: Annotated[str, typer.Option(help="One of [people].")],
    due: Annotated[str, typer.Option(help='By when: "2026-12-24", or "14d".')] = "14d",
    config: ConfigOption = None,
) -> None:
    """Write down what somebody is to do by when."""
    one = with_app(config, lambda app: following_up.add(app, me(app), incident_id, text, owner, due))
    say(f"{one.id}: {one.text} ({one.owner}, by {one.due_at:%Y-%m-%d}).")


@app.command()
def done(
    follow_up_id: Annotated[str, typer.Argument(help="Its id, as `followup list` shows it.")],
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """Note that it is done."""
    one = with_app(config, lambda app: following_up.finish(app, me(app), follow_up_id, why))
    say(f"Done: {one.text}")
