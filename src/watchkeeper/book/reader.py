"""Read a runbook: bytes or a path enter, a Book leaves.

This assembles what the readers of `book.read` find, each its own kind of fact; it decides nothing about them but how they
refer to each other. It reads files, runs nothing and contacts nothing, and raises only BookError, for a path that is no
runbook.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from watchkeeper.book.model import Book, Procedure, Schedule, Stated
from watchkeeper.book.read.architecture import read_components, read_dependencies, read_links
from watchkeeper.book.read.capacity import read_baselines, read_growth, read_metrics
from watchkeeper.book.read.checklists import read_checklists
from watchkeeper.book.read.configs import read_configs
from watchkeeper.book.read.contacts import read_contacts
from watchkeeper.book.read.document import read_document
from watchkeeper.book.read.ladder import read_ladder
from watchkeeper.book.read.naming import service_of
from watchkeeper.book.read.passages import read_passages
from watchkeeper.book.read.phases import read_phases
from watchkeeper.book.read.placeholders import read_placeholders
from watchkeeper.book.read.procedures import read_procedures
from watchkeeper.book.read.recovery import read_recovery
from watchkeeper.book.read.schedules import read_schedules
from watchkeeper.book.read.severities import read_severities
from watchkeeper.book.read.templates import read_templates
from watchkeeper.book.read.thresholds import read_thresholds
from watchkeeper.book.read.unread import read_unread
from watchkeeper.book.sources import DEFAULT_MAX_BYTES, fetch, find_files
from watchkeeper.text.markdown import read_text

StatedT = TypeVar("StatedT", bound=Stated)


def read_book(path: str | Path, max_bytes: int = DEFAULT_MAX_BYTES) -> Book:
    """Read a runbook: one Markdown file, or a folder of them as one book whose facts name their file."""
    place = Path(path)
    files = find_files(place)
    if len(files) == 1 and not place.is_dir():
        return read_source(str(place), fetch(place, max_bytes))
    digest = hashlib.sha256()
    books: list[Book] = []
    for file in files:
        source = fetch(file, max_bytes) if file.stat().st_size else b""
        name = file.relative_to(place).as_posix()
        digest.update(name.encode() + b"\0" + source)
        if source.strip():
            books.append(_placed(read_source(name, source), name))
    return replace(_joined(books), digest=digest.hexdigest())


def read_source(name: str, source: bytes | str) -> Book:
    """Read a runbook from its bytes or text; never raises, whatever they are. `name` is what messages call it."""
    text = read_text(source, name)
    passages = read_passages(text)
    thresholds = read_thresholds(passages)
    templates = read_templates(passages)
    inside_templates = frozenset(template.line for template in templates)
    procedures, commands = read_procedures(text)
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    book = Book(
        title=passages.title, service=service_of(passages), digest=hashlib.sha256(raw).hexdigest(),
        components=read_components(passages), dependencies=read_dependencies(passages), links=read_links(passages),
        contacts=read_contacts(passages), severities=read_severities(passages), phases=read_phases(passages),
        escalation=read_ladder(passages), thresholds=thresholds, recovery=read_recovery(passages),
        schedules=_with_procedures(read_schedules(passages), procedures), templates=templates,
        checklists=read_checklists(passages, inside_templates), growth=read_growth(passages), baselines=read_baselines(passages),
        metrics=read_metrics(passages, {threshold.line for threshold in thresholds}), configs=read_configs(passages),
        document=read_document(passages), procedures=procedures, commands=commands,
        placeholders=read_placeholders(text, procedures, commands),
    )  # fmt: skip
    return replace(book, unread=read_unread(passages, book))


def _with_procedures(schedules: Iterable[Schedule], procedures: tuple[Procedure, ...]) -> tuple[Schedule, ...]:
    """Name the procedure that each schedule stands in."""
    linked: list[Schedule] = []
    for schedule in schedules:
        around = [p for p in procedures if p.line <= schedule.line <= p.end_line]
        inner = max(around, key=lambda p: p.line, default=None)
        linked.append(replace(schedule, procedure=inner.id) if inner else schedule)
    return tuple(linked)


def _placed(book: Book, file: str) -> Book:
    """Write the file into every fact of a book, and into the ids of its procedures."""
    prefix = re.sub(r"[^\w]+", "-", file.rsplit(".", 1)[0]).strip("-").lower()
    changes: dict[str, Any] = {}
    for slot in fields(book):
        value = getattr(book, slot.name)
        if isinstance(value, Stated):
            changes[slot.name] = replace(value, file=file)
        elif isinstance(value, tuple):
            changes[slot.name] = tuple(_marked(item, file) for item in value)
    placed = replace(book, **changes)
    return replace(
        placed,
        procedures=tuple(replace(p, id=f"{prefix}/{p.id}") for p in placed.procedures),
        schedules=tuple(replace(s, procedure=f"{prefix}/{s.procedure}" if s.procedure else None) for s in placed.schedules),
    )


def _marked(item: StatedT, file: str) -> StatedT:
    if isinstance(item, Procedure):
        steps = tuple(
            replace(step, file=file, commands=tuple(replace(c, file=file) for c in step.commands)) for step in item.steps
        )
        return replace(item, file=file, steps=steps)
    return replace(item, file=file)


def _joined(books: list[Book]) -> Book:
    """Join the books of a folder; title, service and document are those of its index, else of its first file."""
    if not books:
        return Book(title=None, service=None)
    lead = min(
        books,
        key=lambda book: (
            not re.match(r"(?:readme|index|runbook)\b", (_file(book) or ""), re.IGNORECASE),
            (_file(book) or "").count("/"),
        ),
    )
    parts: dict[str, Any] = {
        slot.name: tuple(item for book in books for item in getattr(book, slot.name))
        for slot in fields(Book)
        if isinstance(getattr(lead, slot.name), tuple)
    }
    return replace(lead, **parts)


def _file(book: Book) -> str | None:
    return next(
        (item.file for slot in fields(book) if isinstance(items := getattr(book, slot.name), tuple) for item in items), None
    )
