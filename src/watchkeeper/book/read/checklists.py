"""Read groups of boxes to tick, with the words that introduce them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.book.model import Checklist
from watchkeeper.book.read.passages import Passages, clean
from watchkeeper.text.blocks import Block, Section

_BOX = re.compile(r"^\s*(?:[-*+]\s*)?(?:\[( |x|X)\]|[☐□⬜☑])\s*(?P<text>.+)$")


def read_checklists(passages: Passages, template_lines: frozenset[int] = frozenset()) -> tuple[Checklist, ...]:
    """Read all checklists; boxes inside message templates belong to the template."""
    found: list[Checklist] = []
    for section in passages.sections:
        found.extend(_in_blocks(section.blocks, section, section.title))
    for block, section, under in passages.fences:
        if block.line in template_lines:
            continue
        rows = [
            (block.line + n, match["text"].strip()) for n, row in enumerate(block.text.split("\n")) if (match := _BOX.match(row))
        ]
        if len(rows) > 1 and block.info in ("", "text", "txt", "markdown", "md"):
            title = under[-1] if under else section.title
            items, lines = tuple(text for _, text in rows), tuple(line for line, _ in rows)
            found.append(Checklist(line=rows[0][0], title=clean(title), items=items, lines=lines))
    return tuple(sorted(found, key=lambda c: c.line))


def _in_blocks(blocks: tuple[Block, ...], section: Section, title: str) -> Iterator[Checklist]:
    label = title
    for block in blocks:
        if block.kind == "paragraph":
            short = clean(block.text)
            if len(block.text) < 100 and (
                block.text.rstrip().endswith(":") or any(span.kind == "strong" for span in block.spans[:2])
            ):
                label = short
        elif block.kind == "list":
            ticks = [item for item in block.children if item.checked is not None]
            if ticks:
                boxes = list(_boxes(ticks))
                items, lines = tuple(text for _, text in boxes), tuple(line for line, _ in boxes)
                yield Checklist(line=ticks[0].line, title=label, items=items, lines=lines)
            for item in block.children:
                if item.checked is None:
                    yield from _in_blocks(item.children, section, clean(item.text) or label)
        elif block.kind in ("quote", "admonition"):
            yield from _in_blocks(block.children, section, label)


def _boxes(items: list[Block]) -> Iterator[tuple[int, str]]:
    """Give the boxes of a list and of the lists nested in them, each with its line."""
    for item in items:
        yield item.line, " ".join(item.text.split())
        for child in item.children:
            if child.kind == "list":
                yield from _boxes([c for c in child.children if c.checked is not None])
