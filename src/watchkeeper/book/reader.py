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

from watchkeeper.base.errors import BookError
from watchkeeper.base.nouns import none_collected
from watchkeeper.book.model import Book, Procedure, Schedule, Stated, Unread
from watchkeeper.book.read.architecture import read_components, read_dependencies, read_links
from watchkeeper.book.read.capacity import read_baselines, read_growth, read_metrics
from watchkeeper.book.read.checklists import read_checklists
from watchkeeper.book.read.climbs import read_climbs
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
from watchkeeper.book.sources import DEFAULT_MAX_BYTES, fetch, find_files, linked_file
from watchkeeper.text.markdown import read_text

#: most files that one file leads to
MOST_LINKED = 100

StatedT = TypeVar("StatedT", bound=Stated)


def read_book(path: str | Path, max_bytes: int = DEFAULT_MAX_BYTES) -> Book:
    """Read a runbook: one Markdown file with the runbooks that it links to, or a folder of them.

    Of several files one book is made, whose facts name their file. A file of a folder that is no runbook (empty, binary, too
    large) is named among what was not understood, with the reason; the others are read.
    """
    place = Path(path)
    files = find_files(place)
    if len(files) == 1 and not place.is_dir():
        source = fetch(place, max_bytes)
        return _with_linked(place, source, read_source(str(place), source), max_bytes)
    digest = hashlib.sha256()
    books: list[Book] = []
    refused: list[tuple[str, BookError]] = []
    for file in files:
        name = file.relative_to(place).as_posix()
        try:
            source = fetch(file, max_bytes) if file.stat().st_size else b""
        except BookError as problem:
            refused.append((name, problem))
            continue
        digest.update(name.encode() + b"\0" + source)
        if source:
            books.append(_placed(read_source(name, source), name))
    if refused and not books:
        raise refused[0][1]
    whole = _joined(books)
    left_out = tuple(Unread(line=1, file=name, text=name, why=f"{problem} The rest was read.") for name, problem in refused)
    return replace(whole, digest=digest.hexdigest(), unread=(*whole.unread, *left_out))


def _with_linked(place: Path, source: bytes, book: Book, max_bytes: int) -> Book:
    """Add the runbooks below the file's own folder that it leads to, link by link, each once.

    What is linked counts where it has something to carry out or to watch; a page without is neither read into the book nor
    followed further. Together they are bounded in number, and in bytes as one file is.
    """
    seen, left = {place.name}, max_bytes - len(source)
    digest = hashlib.sha256(source)
    books, waiting = [book], [(place.name, book)]
    while waiting and len(books) <= MOST_LINKED:
        name, from_book = waiting.pop(0)
        for link in from_book.links:
            target = linked_file(place.parent, name, link.url)
            if target is None or target in seen or len(books) > MOST_LINKED:
                continue
            seen.add(target)
            try:
                more = fetch(place.parent / target, left)
            except BookError:
                continue
            found = read_source(target, more)
            if found.thresholds or found.escalation or any(s.commands for p in found.procedures for s in p.steps):
                left -= len(more)
                digest.update(target.encode() + b"\0" + more)
                waiting.append((target, found))
                books.append(_placed(found, target))
    if len(books) == 1:
        return book
    lead = _placed(book, place.name, with_ids=False)
    parts = _parts([lead, *books[1:]])
    return replace(lead, **parts, digest=digest.hexdigest())


@none_collected()
def read_source(name: str, source: bytes | str) -> Book:
    """Read a runbook from its bytes or text; never raises, whatever they are. `name` is what messages call it."""
    text = read_text(source, name)
    passages = read_passages(text)
    thresholds = read_thresholds(passages)
    templates = read_templates(passages)
    inside_templates = frozenset(template.line for template in templates)
    procedures, commands = read_procedures(text)
    ladder = read_ladder(passages)
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    book = Book(
        title=passages.title, service=service_of(passages), digest=hashlib.sha256(raw).hexdigest(),
        components=read_components(passages), dependencies=read_dependencies(passages), links=read_links(passages),
        contacts=read_contacts(passages), severities=read_severities(passages), phases=read_phases(passages),
        escalation=ladder, climbs=read_climbs(passages, ladder), thresholds=thresholds, recovery=read_recovery(passages),
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


def _placed(book: Book, file: str, with_ids: bool = True) -> Book:
    """Write the file into every fact of a book, and into the ids of its procedures unless they are to stay as they are."""
    prefix = re.sub(r"[^\w]+", "-", file.rsplit(".", 1)[0]).strip("-").lower()
    changes: dict[str, Any] = {}
    for slot in fields(book):
        value = getattr(book, slot.name)
        if isinstance(value, Stated):
            changes[slot.name] = replace(value, file=file)
        elif isinstance(value, tuple):
            changes[slot.name] = tuple(_marked(item, file) for item in value)
    placed = replace(book, **changes)
    if not with_ids:
        return placed
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
    return replace(lead, **_parts(books))


def _parts(books: list[Book]) -> dict[str, Any]:
    """Give the facts of several books in their order, kind by kind."""
    kinds = [slot.name for slot in fields(Book) if isinstance(getattr(books[0], slot.name), tuple)]
    return {kind: tuple(item for book in books for item in getattr(book, kind)) for kind in kinds}


def _file(book: Book) -> str | None:
    return next(
        (item.file for slot in fields(book) if isinstance(items := getattr(book, slot.name), tuple) for item in items), None
    )
