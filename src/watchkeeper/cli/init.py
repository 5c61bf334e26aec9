"""`watchkeeper init`: an annotated watchkeeper.toml for a runbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.app import CONFIG
from watchkeeper.base.errors import Conflict
from watchkeeper.base.words import counted
from watchkeeper.book.reader import read_book
from watchkeeper.estate.init import annotated_toml
from watchkeeper.people.ladder import rungs


def init(
    runbook: Annotated[Path, typer.Argument(help="The runbook, a Markdown file or a folder of them.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a watchkeeper.toml that is already there.")] = False,
) -> None:
    """Write an annotated watchkeeper.toml beside the runbook: all that the book needs, and what is still missing."""
    book = read_book(runbook)
    path = (runbook if runbook.is_dir() else runbook.parent) / CONFIG
    if path.exists() and not force:
        raise Conflict(f"{path} is already there.", hint="Add --force to replace it.", code="WK316")
    ladder = [rung.sentence for rung in rungs(book, book.severities[0].code if book.severities else None)]
    path.write_text(annotated_toml(book, runbook, ladder))
    alerts = sum(1 for t in book.thresholds if t.role == "alert")
    found = (counted(alerts, "threshold"), counted(len(book.procedures), "procedure"), counted(len(book.contacts), "contact"))
    print("Wrote {}: {} to bind, {}, {}.".format(path, *found))
    print("Fill in what it marks as missing, then: watchkeeper doctor && watchkeeper serve")
