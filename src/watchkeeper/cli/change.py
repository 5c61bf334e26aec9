"""`watchkeeper change`: say what was changed outside of incidents, and list it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer

from watchkeeper.actions import changes
from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, me, print_json, say, with_app
from watchkeeper.incident.model import ChangeEvent

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def change() -> None:
    """Changes: deployments, releases, settings; suspects of what breaks within a day."""


@app.command()
def add(
    sentence: Annotated[str, typer.Argument(help="What was changed: “Released 2.4.1”.")],
    kind: Annotated[str, typer.Option(help="deployment, release, configuration, or a word of yours.")] = "deployment",
    component: Annotated[str | None, typer.Option(help="The component that it was made to.")] = None,
    link: Annotated[str, typer.Option(help="A page about it.")] = "",
    at: Annotated[datetime | None, typer.Option(help="When it took effect, on this machine's clocks; left out: now.")] = None,
    key: Annotated[str, typer.Option(help="The same key again is the same change.")] = "",
    config: ConfigOption = None,
) -> None:
    """Say that something was changed, from a script that deploys or by hand."""

    async def work(app: App) -> ChangeEvent:
        when = at.astimezone() if at is not None else None
        return await changes.note_change(app, me(app), sentence, kind, component=component, link=link, at=when, key=key)

    event = with_app(config, work)
    say(f"Kept: {event.sentence} It is a suspect of what breaks until {event.at + timedelta(hours=24):%Y-%m-%d %H:%M} UTC.")


@app.command("list")
def list_(
    since: Annotated[str, typer.Option(help='How far back: "24h", "7 days".')] = "24h",
    config: ConfigOption = None,
    format: FormatOption = "text",
) -> None:
    """List what was changed, newest first."""
    span = changes.span_of(since)
    found = with_app(config, lambda app: changes.list_changes(app, span))
    if format == "json":
        print_json([asdict(event) for event in found])
        return
    for event in found:
        about = "  ".join(part for part in (event.component or "", event.actor, event.link) if part)
        say(f"{event.at:%Y-%m-%d %H:%M} UTC  {event.kind}  {event.sentence}{'  ' + about if about else ''}")
    if not found:
        print("Nothing was changed that is known of.")
