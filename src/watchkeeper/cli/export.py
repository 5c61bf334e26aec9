"""`watchkeeper export`: what the runbook says, for Prometheus, Alertmanager, Grafana and status pages."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from watchkeeper.actions.views.status import status as read_status
from watchkeeper.app import find_config
from watchkeeper.book.model import Book
from watchkeeper.book.reader import read_book
from watchkeeper.cli.options import ConfigOption, with_app
from watchkeeper.estate.bind import bind
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Bindings, Estate
from watchkeeper.plugins.alertmanager.routes import routes
from watchkeeper.plugins.grafana import dashboards
from watchkeeper.plugins.prometheus.rule_files import rule_file
from watchkeeper.settings import Settings, load_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)

OutputOption: TypeAlias = Annotated[
    str, typer.Option("--output", "-o", help="Folder into which the files are written; - prints.", metavar="FOLDER|-")
]
#: where the webhook for Alertmanager is, behind the address of the console
HOOK = "/hooks/alertmanager"
#: where Debian's Alertmanager may read a token
TOKEN_FILE = "/etc/prometheus/watchkeeper.token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class _Bound:
    estate: Estate
    book: Book
    bindings: Bindings
    settings: Settings


@app.callback()
def export() -> None:
    """Write what the runbook says for other programs; the same runbook gives the same text."""


@app.command()
def prometheus(config: ConfigOption = None, output: OutputOption = "-") -> None:
    """Write the thresholds as alerting rules, and as comments what cannot be one."""
    found = _bound(config)
    made = rule_file(found.book, found.bindings, found.estate.service, found.estate.runbook)
    _put({"watchkeeper.rules.yml": made.text}, output)
    print(f"{len(made.rules)} rules, {len(made.left_out)} lines of the runbook are none.", file=sys.stderr)


@app.command()
def alertmanager(
    config: ConfigOption = None,
    output: OutputOption = "-",
    webhook: Annotated[str, typer.Option(help=f"Watchkeeper's webhook; default: the public address with {HOOK}.")] = "",
    token_file: Annotated[
        str, typer.Option(help="File on Alertmanager's machine with the token that Watchkeeper gave it; empty: none.")
    ] = TOKEN_FILE,
) -> None:
    """Write a route a severity with the ladder's waits, and inhibition by severity and by the dependency diagram."""
    found = _bound(config)
    settings = found.settings
    port = int(settings.number("port"))
    base = settings.text("public_url").rstrip("/") or f"http://{settings.text('host')}:{port or 8421}"
    group_wait_s = settings.number("group_wait_s")
    if webhook and not webhook.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{webhook!r} is no address; write https://host{HOOK}.", param_hint="--webhook")
    where = webhook or base + HOOK
    text = routes(found.book, found.bindings, found.estate.service, found.estate.runbook, where, token_file, group_wait_s)
    _put({"alertmanager.yml": text}, output)


@app.command()
def grafana(config: ConfigOption = None, output: OutputOption = "-") -> None:
    """Write four dashboards with the runbook's thresholds drawn in; - prints them as one JSON object by name."""
    found = _bound(config)
    made = dashboards.dashboards(found.book, found.bindings, found.estate)
    if output == "-":
        sys.stdout.write(_json(made))
        return
    _put({f"watchkeeper-{name}.json": dashboards.dump(dashboard) for name, dashboard in made.items()}, output)


@app.command()
def status(config: ConfigOption = None, output: OutputOption = "-") -> None:
    """Write how each signal stood at its last looks, as Gatus's /api/v1/endpoints/statuses gives it."""
    _put({"status.json": _json(with_app(config, read_status))}, output)


def _bound(config: Path | None) -> _Bound:
    """Read the configuration and the runbook; no database is opened for it."""
    settings = load_settings()
    estate = load_estate(find_config(config))
    book = read_book(estate.runbook, max_bytes=int(settings.number("max_book_bytes")))
    return _Bound(estate, book, bind(book, estate), settings)


def _put(files: Mapping[str, str], output: str) -> None:
    """Print the files, or write them into a folder and say so."""
    if output == "-":
        for text in files.values():
            sys.stdout.write(text)
        return
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
