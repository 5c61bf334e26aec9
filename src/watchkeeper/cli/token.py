"""`watchkeeper token`: what programs open the API with."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from watchkeeper.actions.tokens import give_token, take_back, tokens_out, warning_of
from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_rows
from watchkeeper.estate.model import ROLES
from watchkeeper.people.ledger import ApiToken
from watchkeeper.people.permission import LEAST

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The program that uses it; the ledger names its acts so.")]


@app.callback()
def token() -> None:
    """What programs open the API with."""


@app.command()
def make(
    name: Name,
    role: Annotated[str, typer.Option(help=f"What it may ask for: {', '.join(ROLES)}.")] = "viewer",
    days: Annotated[float, typer.Option(help="How long it is good for.")] = 90.0,
    person: Annotated[str, typer.Option(help="Who answers for it, as in [people]; default: you.")] = "",
    only: Annotated[str, typer.Option(help=f"Narrow it to some of: {', '.join(LEAST)}; with commas.")] = "",
    config: ConfigOption = None,
) -> None:
    """Make a token and print it; it is shown this once."""
    lifetime = timedelta(days=min(days, 1e6))
    narrowed = frozenset(word.strip() for word in only.split(",") if word.strip()) if only else None
    print(with_rows(config, lambda app: give_token(app, me(app), name, role, lifetime, person=person, only=narrowed)))


@app.command("list")
def list_(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """List the tokens that open something now; never the tokens themselves."""

    async def work(app: App) -> list[tuple[ApiToken, str | None]]:
        now = app.clock.now()
        return [(each, warning_of(app, each, now)) for each in await tokens_out(app, me(app))]

    found = with_rows(config, work)
    if format == "json":
        shown = [asdict(each) | {"scopes": each.scopes and sorted(each.scopes), "warning": warning} for each, warning in found]
        print_json(shown)
        return
    for each, warning in found:
        only = f", only {', '.join(sorted(each.scopes))}" if each.scopes is not None else ""
        answers = f", {each.person} answers for it" if each.person else ""
        say(f"{each.actor:30}  {each.role:9}  good until {each.expires_at:%Y-%m-%d %H:%M} UTC{answers}{only}")
        if warning:
            say(f"  {warning}")
    if not found:
        print("No program has a token.")


@app.command()
def revoke(name: Name, why: WhyOption = "", config: ConfigOption = None) -> None:
    """Take back all tokens of a program at once."""
    count = with_rows(config, lambda app: take_back(app, me(app), name, why))
    say(f"{name} opens nothing any more: {count} token{'s' if count != 1 else ''} taken back.")
