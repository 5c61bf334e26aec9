"""The review of an ended incident, kept as a row and as a Markdown file in the state folder."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from watchkeeper.alert import ledger as alerts
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Bindings, Estate
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn.draft import draft
from watchkeeper.learn.ledger import Review, save_review
from watchkeeper.learn.measures import measure
from watchkeeper.people.ladder import findings
from watchkeeper.run import ledger as runs
from watchkeeper.run.model import Run
from watchkeeper.tell.ledger import list_notices

FOLDER = "reviews"


def write(
    connection: Connection,
    book: Book,
    bindings: Bindings,
    incident: Incident,
    now: datetime,
    state: Path,
    estate: Estate | None = None,
) -> Review:
    """Write the review of an incident from all that is kept of it; called again it replaces the one before."""
    members = alerts.alerts_of(connection, incident.id)
    entries = incidents.read_timeline(connection, incident.id)
    done: list[Run] = runs.list_runs(connection, incident_id=incident.id)
    notices = list_notices(connection, incident.id, 1000)
    unreached = findings(book, estate) if estate is not None else ()
    total, _ = alerts.count_members(connection, incident.id)
    said: dict[str, object] = {"bindings": bindings, "findings": unreached, "alerts_total": total}
    if estate is not None:
        said["office"] = estate.office
    markdown = draft(book, incident, members, entries, done, notices, now, **said)  # type: ignore[arg-type]
    path = Path(FOLDER) / f"{incident.id}.md"
    review = Review(incident.id, now, path.as_posix(), markdown, measure(incident, members, entries, done))
    save_review(connection, review)
    incidents.add_entry(connection, incident.id, now, "review", "automation", f"The review is written: {path.as_posix()}.")
    _put(state / path, markdown)
    return review


def _put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(content, encoding="utf-8")
    os.replace(beside, path)
