"""`watchkeeper token`: what programs open the API with."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from watchkeeper.actions.tokens import give_token, take_back, tokens_out
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_rows
from watchkeeper.people.permission import ROLES

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
    config: ConfigOption = None,
) -> None:
    """Make a token and print it; it is shown this once."""
    print(with_rows(config, lambda app: give_token(app, me(), name, role, timedelta(days=min(days, 1e6)))))


@app.command("list")
def list_(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """List the tokens that open something now; never the tokens themselves."""
    found = with_rows(config, lambda app: tokens_out(app, me()))
    if format == "json":
        print_json([asdict(each) for each in found])
        return
    for each in found:
        say(f"{each.actor:30}  {each.role:9}  made {each.made_at:%Y-%m-%d}, good until {each.expires_at:%Y-%m-%d %H:%M} UTC")
    if not found:
        print("No program has a token.")


@app.command()
def revoke(name: Name, why: WhyOption = "", config: ConfigOption = None) -> None:
    """Take back all tokens of a program at once."""
    count = with_rows(config, lambda app: take_back(app, me(), name, why))
    say(f"{name} opens nothing any more: {count} token{'s' if count != 1 else ''} taken back.")
