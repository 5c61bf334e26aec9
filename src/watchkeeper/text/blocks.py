"""What a Markdown file consists of once read: a tree of blocks that remember their lines.

Lines are 1-based lines of the file as it lies on disk, before any repair of its encoding. Nothing here knows what a
runbook is; `watchkeeper.book` gives the blocks their meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from watchkeeper.base.nouns import built_fast

BlockKind: TypeAlias = Literal[
    "heading", "paragraph", "list", "item", "table", "row", "cell", "fence", "quote", "admonition", "html", "rule",
    "front-matter", "comment",
]  # fmt: skip
SpanKind: TypeAlias = Literal["text", "code", "strong", "emphasis", "link"]


@built_fast
@dataclass(frozen=True, slots=True)
class Span:
    """A run of inline text: plain, code, bold, italic or a link."""

    kind: SpanKind
    text: str
    #: 1-based line of the source on which the span starts
    line: int
    #: target of a link, else empty
    href: str = ""
    #: the code spans inside a bold, italic or linked span, in order
    code: tuple[str, ...] = ()


@built_fast
@dataclass(frozen=True, slots=True)
class Block:
    """One block of the file with its first and last line and what is nested in it."""

    kind: BlockKind
    #: first line of the block's own content (for a fence: the first line inside it)
    line: int
    end_line: int
    #: the text without Markdown marks (a fence: its content, verbatim and dedented)
    text: str = ""
    #: heading level 1-6; nesting depth of a list
    level: int = 0
    #: a fence's language word as written, lower case; an admonition's label; a list's "ordered" or "bullet"
    info: str = ""
    #: first number of an ordered list; an item's own number
    number: int | None = None
    #: a task-list item's box: True ticked, False empty, None where there is no box
    checked: bool | None = None
    spans: tuple[Span, ...] = ()
    children: tuple[Block, ...] = ()

    def walk(self) -> Iterator[Block]:
        """Yield this block and all blocks inside it, in the order of the file."""
        yield self
        for child in self.children:
            if child.children:
                yield from child.walk()
            else:
                yield child


@built_fast
@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the blocks under it and the sections nested in it. The root has level 0 and no title."""

    title: str
    level: int
    #: the heading's line; 1 for the root
    line: int
    end_line: int
    #: blocks directly under the heading, before the first nested heading
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    #: titles of the enclosing sections, outermost first
    path: tuple[str, ...] = ()

    def walk(self) -> Iterator[Section]:
        """Yield this section and all sections inside it, in the order of the file."""
        yield self
        for section in self.sections:
            yield from section.walk()


@dataclass(frozen=True, slots=True)
class Repair:
    """Something mended while reading, so that a finding can say so."""

    #: "mojibake", "bom", "crlf", "nbsp", "orphan-fence", "fullwidth" …
    what: str
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """A Markdown file read: its blocks as they stand and the same blocks by heading."""

    #: the source lines as they lie in the file (index 0 is line 1)
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    root: Section
    repairs: tuple[Repair, ...] = ()
    #: what messages call the file
    name: str = ""
