"""`watchkeeper silence`: keep alerts that are expected from opening incidents, for a time and with a reason."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from watchkeeper.actions import silences
from watchkeeper.alert.model import Silence
from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def silence() -> None:
    """Silences: expected alerts that open no incident for a time."""


@app.command()
def add(
    lasts: Annotated[str, typer.Option("--for", help='How long: "2h", "45 minutes", "3 days".')],
    why: Annotated[str, typer.Option("--why", "-m", help="The reason, kept in the ledger.")],
    component: Annotated[str | None, typer.Option(help="Alerts of this component.")] = None,
    subject: Annotated[str | None, typer.Option(help="Alerts with these words in their subject.")] = None,
    severity: Annotated[str | None, typer.Option(help="Alerts of this severity.")] = None,
    alert: Annotated[str | None, typer.Option(help="The one threshold with this key, as `watchkeeper signals` shows it.")] = None,
    hours: Annotated[str | None, typer.Option(help='Only within these hours: "Sun 02:00-04:00 Europe/Berlin".')] = None,
    config: ConfigOption = None,
) -> None:
    """Silence some alerts; all that is named must fit. What still fires at the end opens its incident then."""

    async def work(app: App) -> Silence:
        lasting = silences.lasting(lasts)
        return await silences.silence(
            app, me(app), lasting, why, component=component, subject=subject, severity=severity, key=alert, hours=hours
        )

    made = with_app(config, work)
    say(f"Silenced until {made.ends_at:%Y-%m-%d %H:%M} UTC ({made.id}); end it sooner with `watchkeeper silence end {made.id}`.")


@app.command("list")
def list_(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """List the silences that are not over, and the maintenance windows of the runbook that are on."""

    async def work(app: App) -> silences.Quiet:
        return await silences.quiet(app)

    found = with_app(config, work)
    if format == "json":
        print_json(asdict(found))
        return
    for each in found.silences:
        names = ", ".join(part for part in (each.component, each.subject, each.severity, each.key) if part)
        say(f"{each.id}  until {each.ends_at:%Y-%m-%d %H:%M} UTC  {names}  by {each.author}: {each.why}")
    for window in found.windows:
        say(f"The window “{window.title}” (line {window.line}) is on until {window.ends_at:%Y-%m-%d %H:%M %Z}.")
    if not found.silences and not found.windows:
        print("Nothing is silenced.")


@app.command()
def end(
    silence_id: Annotated[str, typer.Argument(help="The silence, as `silence list` shows it.")],
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """End a silence before its time."""
    with_app(config, lambda app: silences.end_silence(app, me(app), silence_id, why))
    say("It is over: what it held back and still fires opens its incident now.")
