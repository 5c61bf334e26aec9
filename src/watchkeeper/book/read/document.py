"""Read what a document says about itself: version, owner, last update, review cycle; from labels and front matter."""

from __future__ import annotations

import re

from watchkeeper.book.model import DocumentFacts
from watchkeeper.book.read.passages import Passages
from watchkeeper.book.vocabulary import DOCUMENT_LABELS, matcher

_LABELS = {field: matcher(words) for field, words in DOCUMENT_LABELS.items()}
_FRONT = re.compile(r"^(?P<key>[\w-]+)\s*:\s*(?P<value>.+?)\s*$")


def read_document(passages: Passages) -> DocumentFacts | None:
    """Read the document's facts; None where it says nothing of itself."""
    facts: dict[str, str] = {}
    line: int | None = None
    for block in passages.text.blocks[:1]:
        if block.kind == "front-matter":
            for offset, row in enumerate(block.text.split("\n")):
                match = _FRONT.match(row)
                field = _field(match["key"].replace("_", " "), match["key"]) if match else None
                if match and field:
                    facts.setdefault(field, match["value"].strip("\"'"))
                    line = line or block.line + offset
    for passage in passages.all:
        if (
            passage.kind not in ("prose", "item")
            or not passage.label
            or not passage.body
            or passage.parent is not None
            or len(passage.body) > 120
        ):
            continue
        if passage.section.path and len(passage.section.path) > 1 and not _at_the_edge(passage.line, len(passages.text.lines)):
            continue
        field = _field(passage.label)
        if field and not (
            field == "owner" and passage.kind == "item" and not _at_the_edge(passage.line, len(passages.text.lines))
        ):
            facts.setdefault(field, passage.body)
            line = line or passage.line
    for table in passages.tables:
        if not _at_the_edge(table.block.line, len(passages.text.lines)):
            continue
        for cells in table.block.children:
            if len(cells.children) == 2:
                field = _field(cells.children[0].text)
                if field:
                    facts.setdefault(field, cells.children[1].text)
                    line = line or cells.line
    return DocumentFacts(line=line, **facts) if line is not None else None


def _field(*labels: str) -> str | None:
    return next((field for label in labels for field, pattern in _LABELS.items() if pattern.fullmatch(label.strip())), None)


def _at_the_edge(line: int, last: int) -> bool:
    return line <= 30 or line >= last - 25
