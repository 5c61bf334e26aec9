"""`watchkeeper people`: who may come in, their passwords and their sessions."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from watchkeeper.actions import links
from watchkeeper.actions.people import Member, drop_password_of, end_sessions, members, set_password
from watchkeeper.app import App
from watchkeeper.base.errors import InputError
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_rows

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
PersonName = Annotated[str, typer.Argument(help="The person, as in [people] of watchkeeper.toml.")]


@app.callback()
def people() -> None:
    """Who may come in, their passwords and their sessions."""


@app.command("list")
def list_(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """List who may what, who has a password and who is signed in."""

    async def work(app: App) -> list[Member]:
        return await members(app, me(app))

    found = with_rows(config, work)
    if format == "json":
        print_json([asdict(each) for each in found])
        return
    for each in found:
        word = f"password since {each.password_set_at:%Y-%m-%d}" if each.password_set_at else "no password"
        say(f"{each.id:20}  {each.role or 'is only told':12}  {word}  {each.name} {each.email}".rstrip())
        for by, where, until in each.sessions:
            say(f"  signed in by {by}{f' from {where}' if where else ''}, until {until:%Y-%m-%d %H:%M} UTC")
    if not found:
        say("Nobody is in [people] of watchkeeper.toml, and nobody is signed in.")


@app.command()
def password(
    name: PersonName,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input instead of asking for it.")] = False,
    config: ConfigOption = None,
) -> None:
    """Set a person's password for the console; it is asked for, twice, and never an argument."""
    if not stdin and not sys.stdin.isatty():
        raise InputError("There is no terminal to ask at.", hint="Give it on standard input with --stdin.", code="WK192")
    word = sys.stdin.readline().rstrip("\n") if stdin else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    called = with_rows(config, lambda app: set_password(app, me(app), name, word))
    say(f"{called} signs in to the console with it.")


@app.command()
def forget(name: PersonName, why: WhyOption = "", config: ConfigOption = None) -> None:
    """Take a person's password away."""
    with_rows(config, lambda app: drop_password_of(app, me(app), name, why))
    say(f"{name} has no password any more; open sessions end with `watchkeeper people sign-out {name}`.")


@app.command("sign-out")
def sign_out(
    name: Annotated[str | None, typer.Argument(help="The person; left out with --all.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody.")] = False,
    why: WhyOption = "",
    config: ConfigOption = None,
) -> None:
    """End all sessions of a person, or of everybody, at once, and void addresses printed for them."""
    if (name is None) != everybody:
        raise InputError("Whose sessions?", hint="Name a person, or say --all.", code="WK193")
    ended = with_rows(config, lambda app: end_sessions(app, me(app), name, why))
    say(f"{ended} session{'s' if ended != 1 else ''} ended.")


@app.command("void-links")
def void_links(why: WhyOption = "", config: ConfigOption = None) -> None:
    """Void every link that went out in a notice: a phone was lost, say."""
    with_rows(config, lambda app: links.void_links(app, me(app), why))
    say("No link that is out opens anything any more; new notices carry new ones.")
