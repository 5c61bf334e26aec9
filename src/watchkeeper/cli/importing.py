"""`watchkeeper import oncall`: schedules and escalation policies of other tools as sections of watchkeeper.toml."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from watchkeeper.base.errors import InputError
from watchkeeper.people.importing import Imported, toml_of

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
SOURCES = {"pagerduty": "PagerDuty", "opsgenie": "Opsgenie", "goalert": "GoAlert", "grafana-oncall": "Grafana OnCall"}


@app.callback()
def importing() -> None:
    """Bring over what another tool holds."""


@app.command()
def oncall(
    files: Annotated[list[Path], typer.Argument(help="Its export, or the answers of its API, as JSON; several are read as one.")],
    source: Annotated[
        Literal["pagerduty", "opsgenie", "goalert", "grafana-oncall"], typer.Option("--from", help="Where they come from.")
    ],
) -> None:
    """Print rotas, people and the ladder for watchkeeper.toml and the runbook, and say what could not be carried over."""
    documents = [read_json(path) for path in files]
    read = importlib.import_module(f"watchkeeper.plugins.{source.replace('-', '_')}.schedules").read
    try:
        found: Imported = read(documents, datetime.now(UTC))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        said = f"This is not what {SOURCES[source]} gives: {type(problem).__name__} {problem}."
        raise InputError(said, hint="docs/guide/people.md says what to ask it for.", code="WK182") from None
    if not (found.people or found.schedules or found.ladders):
        said = f"Nothing of {SOURCES[source]} stands in it."
        raise InputError(said, hint="docs/guide/people.md says what to ask it for.", code="WK182")
    print(toml_of(found, SOURCES[source]), end="")


def read_json(path: Path) -> object:
    """Read a file as JSON."""
    try:
        found: object = json.loads(path.read_bytes())
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}.", code="WK183") from None
    except ValueError:
        raise InputError(f"{path} is no JSON.", hint="Save the answer of the API as it is.", code="WK183") from None
    return found
