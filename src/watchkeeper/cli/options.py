"""Arguments that several commands take, and how they print."""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import typer

from watchkeeper.app import App, find_config, open_app, open_rows
from watchkeeper.cli.plain import plain
from watchkeeper.people.access import name_of, person_of
from watchkeeper.people.identity import Actor, user_here
from watchkeeper.run.values.inputs import read_pairs

T = TypeVar("T")

ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="watchkeeper.toml or its folder; default: this folder. [WATCHKEEPER_CONFIG]"),
]
Format: TypeAlias = Literal["text", "json"]
FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", help="A value for an input, as name=value; may be given several times.", metavar="NAME=VALUE"),
]
WhyOption: TypeAlias = Annotated[str, typer.Option("--why", "-m", help="The reason, kept in the ledger.")]


def me(app: App) -> Actor:
    """Give who acts at this terminal: the system's user, who can read the state folder and so is its owner.

    The name comes from the process and never from the environment, where LOGNAME=ben would be a second person for the asking.
    """
    user = user_here()
    return Actor(name_of(app.estate, user), ("owner",), "terminal", "this machine", person_of(app.estate, user))


def with_app(config: Path | None, work: Callable[[App], Coroutine[Any, Any, T]]) -> T:
    """Open the configuration with its book, do one thing, and close."""
    return _with(open_app, config, work)


def with_rows(config: Path | None, work: Callable[[App], Coroutine[Any, Any, T]]) -> T:
    """Open the rows alone, do one thing with them, and close: the brake must not need a variable that only serving needs."""
    return _with(open_rows, config, work)


def _with(opened: Callable[[Path], App], config: Path | None, work: Callable[[App], Coroutine[Any, Any, T]]) -> T:
    async def call() -> T:
        app = opened(find_config(config))
        try:
            return await work(app)
        finally:
            await app.close()

    return asyncio.run(call())


def is_served(app: App) -> bool:
    """Say whether a Watchkeeper serves this state folder now: it holds the folder's lock, which ends with its process."""
    try:
        with (app.state / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def pairs(given: list[str] | None) -> dict[str, str]:
    """Read what --set gave."""
    try:
        return read_pairs(given or ())
    except ValueError as problem:
        raise typer.BadParameter(f"{problem} is not NAME=VALUE") from None


def say(text: str = "") -> None:
    """Print one line that may hold words from outside: a title, a reading, what a command printed."""
    print(plain(text))


def print_json(value: object) -> None:
    """Print as JSON, instants as ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))
