"""`watchkeeper show`: what a runbook says, for people as tables and a tree, for programs as the published contract.

It reads one file or a folder, runs nothing and contacts nothing. What could not be understood is listed last.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from watchkeeper.book.contract import to_contract
from watchkeeper.book.reader import read_book
from watchkeeper.settings import load_settings


def show(
    runbook: Annotated[Path, typer.Argument(help="A Markdown file, or a folder of them.", show_default=False)],
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="text for people, json for programs.")] = "text",
    why: Annotated[
        int | None, typer.Option("--why", metavar="LINE", help="Say what was read from this line, and from which words.")
    ] = None,
) -> None:
    """Say what a runbook says: procedures, commands with risk, thresholds, ladder, schedules."""
    book = read_book(runbook, max_bytes=int(load_settings().number("max_book_bytes")))
    if format == "json":
        json.dump(to_contract(book), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    book_pages = importlib.import_module("watchkeeper.cli.book_pages")  # Rich is slow to import, and JSON needs none of it
    if why is not None:
        book_pages.print_why(book, runbook, why)
    else:
        book_pages.print_book(book)


if __name__ == "__main__":
    typer.run(show)
