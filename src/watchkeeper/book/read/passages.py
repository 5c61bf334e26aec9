"""Give every reader the same view of a text: what is said, on which line, and under which headings and labels.

The block tree enters; a flat list of passages and tables leaves, in the order of the file. A passage is a paragraph, a list
item, a heading or a line of a fence that is prose. Nothing here knows what a threshold or a contact is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from watchkeeper.base.nouns import built_fast, kept
from watchkeeper.text.blocks import Block, Section, Span, Text

PassageKind = Literal["heading", "prose", "item", "fence", "comment"]

_LABEL = re.compile(r"^\W{0,4}(?P<label>[^\n:：]{1,60}?)\s*[:：](?!//)(?:\s+|(?=[^\w\s/]|\d{3,})|$)(?P<body>.*)$", re.DOTALL)
#: "NOC hotline ........ +1-555-0100"
_LED = re.compile(r"^\W{0,4}(?P<label>[^\n:.]{1,60}?)\s*\.{3,}\s*(?P<body>\S.*)$")
_NAMES = frozenset(
    {
        "",
        "field",
        "key",
        "property",
        "item",
        "attribute",
        "name",
        "parameter",
        "setting",
        "what",
        "feld",
        "champ",
        "campo",
        "項目",
    }
)
_VALUES = frozenset(
    {"", "value", "details", "detail", "description", "info", "information", "wert", "valeur", "valor", "内容", "値"}
)
_COMMENT = re.compile(r"^\s*(?:#+|--|//)\s?(?P<text>.*\S)\s*$")
_OPENING = re.compile(r"^(?:[A-Z0-9][\w /()+–-]{0,30}:\s|(?:SEV[- ]?|P)[0-5]\b.{0,20}?\s[-–—]\s)")
_TAIL = re.compile(r"\s*(?P<note>\([^()]*\))?\s*[:：]")
_LISTED = re.compile(r"^(?:[-*•+]|\d+[.)])\s+")
#: blanks that no pattern needs to try one by one
_BLANKS = re.compile(r"\s{21,}")
_ALPHANUMERIC = re.compile(r"[^\W_]")
PROSE_FENCES = frozenset({"", "text", "txt", "plain", "plaintext", "yaml", "yml", "none", "md", "markdown"})
SHELL_FENCES = frozenset({"bash", "sh", "shell", "zsh", "console", "shell-session", "sql", "powershell", "ps1"})


@built_fast
@dataclass(frozen=True)
class Passage:
    """Something said, with where and under what."""

    kind: PassageKind
    text: str
    line: int
    section: Section
    #: words before a colon or in bold at the start, without marks; empty where there are none
    label: str = ""
    #: what follows the label; the whole text where there is none
    body: str = ""
    #: labels in force, outermost first: bold lines above, items this is nested in, the comment above in a fence
    under: tuple[str, ...] = ()
    #: the fence of a "fence" or "comment" passage, the list item of an "item"
    block: Block | None = None
    #: offsets in `text` at which a new line of the file begins
    breaks: tuple[tuple[int, int], ...] = ()
    spans: tuple[Span, ...] = ()
    #: the passage this one is nested in (an item's parent item)
    parent: Passage | None = None
    children: list[Passage] = field(default_factory=list, compare=False, repr=False)

    def line_at(self, offset: int) -> int:
        """Give the file's line of a character of `text`."""
        line = self.line
        for start, number in self.breaks:
            if start > offset:
                break
            line = number
        return line

    @kept
    def headings(self) -> tuple[str, ...]:
        """The titles of the sections around it, outermost first."""
        return (*self.section.path, self.section.title) if self.section.title else self.section.path

    @kept
    def context(self) -> tuple[str, ...]:
        """Headings and labels in force, innermost first."""
        section = self.section
        inner = (section.title,) if section.title else ()
        return (*self.under[::-1], *inner, *section.path[::-1])


@dataclass(frozen=True)
class TableAt:
    """A table with where it stands."""

    block: Block
    section: Section
    under: tuple[str, ...]

    @kept
    def header(self) -> tuple[str, ...]:
        """The column titles; empty where the table has none."""
        first = self.block.children[0] if self.block.children else None
        return tuple(cell.text for cell in first.children) if first is not None and first.info == "header" else ()

    @kept
    def rows(self) -> tuple[Block, ...]:
        """The rows below the header."""
        return self.block.children[1:] if self.header else self.block.children

    @kept
    def context(self) -> tuple[str, ...]:
        """Headings and labels in force, innermost first."""
        titles = (*self.section.path, self.section.title) if self.section.title else self.section.path
        return (*reversed(self.under), *reversed(titles))


@dataclass(frozen=True)
class Passages:
    """A whole text as readers want it."""

    text: Text
    all: tuple[Passage, ...]
    tables: tuple[TableAt, ...]
    #: every fence with the section it stands in and the labels above it
    fences: tuple[tuple[Block, Section, tuple[str, ...]], ...]

    @kept
    def title(self) -> str | None:
        """The file's first heading of the highest level used."""
        return next((s.title for s in self.sections if s.level == 1), None) or next(
            (s.title for s in self.sections if s.level), None
        )

    @kept
    def sections(self) -> tuple[Section, ...]:
        """All sections, in the order of the file."""
        return tuple(self.text.root.walk())

    def in_section(self, section: Section) -> Iterator[Passage]:
        """Yield the passages directly under a heading."""
        return (passage for passage in self._by_section.get(id(section), ()) if passage.kind != "heading")

    @kept
    def _by_section(self) -> dict[int, list[Passage]]:
        found: dict[int, list[Passage]] = {}
        for passage in self.all:
            found.setdefault(id(passage.section), []).append(passage)
        return found


@lru_cache(maxsize=4096)
def clean(words: str) -> str:
    """Strip list marks, emoji and trailing colons from a label."""
    if words and words[0].isalnum() and words[-1].isalnum():
        return words
    start, end = 0, len(words)
    while start < end and not words[start].isalnum():
        start += 1
    while start < end and (words[end - 1] in ":：*_." or words[end - 1].isspace()):
        end -= 1
    return words[start:end]


def split_label(text: str, spans: tuple[Span, ...] = ()) -> tuple[str, str]:
    """Split "Label: body", also where only bold type marks the label.

    >>> split_label("Response: < 2 minutes")
    ('Response', '< 2 minutes')
    """
    lead = _lead(spans)
    if lead is not None and lead.kind == "strong" and "\n" not in lead.text:
        at = text.find(lead.text)
        rest = text[at + len(lead.text) :] if at >= 0 else ""
        if at >= 0 and (lead.text.rstrip().endswith((":", "：")) or rest.lstrip().startswith((":", "：", "-", "–", "—", "("))):
            tail = _TAIL.match(rest)
            if tail and not lead.text.rstrip().endswith((":", "：")):
                note = f" {tail['note']}" if tail["note"] else ""
                return clean(lead.text) + note, rest[tail.end() :].strip()
            if "(" in rest and re.fullmatch(r"\s*\([^()]*\)\s*", rest):
                return f"{clean(lead.text)} {rest.strip()}", ""
            if ":" in lead.text.rstrip().rstrip(":："):
                inner = _LABEL.match(lead.text.strip().rstrip(":："))
                if inner and not rest.strip():
                    return clean(inner["label"]), inner["body"].strip()
            return clean(lead.text), rest.lstrip(" :：-–—").strip()
        if at >= 0 and not rest.strip():
            inner = _LABEL.match(lead.text)
            return (clean(inner["label"]), inner["body"].strip()) if inner else (clean(lead.text), "")
    match = (_LABEL.match(text) if ":" in text or "：" in text else None) or (_LED.match(text) if "..." in text else None)
    if match:
        return clean(match["label"]), match["body"].strip()
    return "", text.strip()


def read_passages(text: Text) -> Passages:
    """Flatten a text."""
    walker = _Walker()
    for section in text.root.walk():
        walker.section(section)
    return Passages(text, tuple(walker.passages), tuple(walker.tables), tuple(walker.fences))


class _Walker:
    def __init__(self) -> None:
        self.passages: list[Passage] = []
        self.tables: list[TableAt] = []
        self.fences: list[tuple[Block, Section, tuple[str, ...]]] = []

    def section(self, section: Section) -> None:
        if section.level:
            label, body = split_label(section.title)
            self.passages.append(
                Passage("heading", section.title, section.line, section, label, body if label else section.title)
            )
        self.blocks(section.blocks, section, (), None)

    def blocks(self, blocks: tuple[Block, ...], section: Section, under: tuple[str, ...], parent: Passage | None) -> None:
        label = ""
        for block in blocks:
            here = (*under, label) if label else under
            if block.kind in ("paragraph", "html"):
                for piece in _pieces(block):
                    said = split_label(piece.text, piece.spans)
                    alone = _stands_alone(piece, *said)
                    passage = self._passage("prose", piece, section, under if alone else here, parent, said)
                    if alone:
                        label = passage.label or clean(passage.text)
                        here = (*under, label)
            elif block.kind == "list":
                self._list(block, section, here, parent)
            elif block.kind == "table":
                self.tables.append(TableAt(block, section, here))
                self._pairs(self.tables[-1], section, here)
            elif block.kind == "fence":
                self.fences.append((block, section, here))
                self._fence(block, section, here)
            elif block.kind in ("quote", "admonition", "item"):
                self.blocks(block.children, section, here, parent)
            elif block.kind == "heading":
                self._passage("prose", block, section, here, parent)

    def _passage(
        self,
        kind: PassageKind,
        block: Block,
        section: Section,
        under: tuple[str, ...],
        parent: Passage | None,
        said: tuple[str, str] | None = None,
    ) -> Passage:
        label, body = said or split_label(block.text, block.spans)
        passage = Passage(kind, block.text, block.line, section, label, body, under, block, _breaks(block), block.spans, parent)
        self.passages.append(passage)
        if parent is not None:
            parent.children.append(passage)
        return passage

    def _pairs(self, table: TableAt, section: Section, under: tuple[str, ...]) -> None:
        """Take the rows of a table of names and values ("Field | Value", or without titles) as labelled items."""
        titles = [clean(title).lower() for title in table.header]
        if len(titles) != 2 or (any(titles) and not (titles[0] in _NAMES and titles[1] in _VALUES)):
            return
        for row in table.rows:
            if len(row.children) == 2 and row.children[0].text.strip():
                name, value = row.children
                text = f"{name.text.strip()}: {value.text.strip()}"
                spans = (*name.spans, *value.spans)
                self.passages.append(
                    Passage("item", text, row.line, section, clean(name.text), value.text.strip(), under, None, (), spans)
                )

    def _list(self, block: Block, section: Section, under: tuple[str, ...], parent: Passage | None) -> None:
        for item in block.children:
            passage = self._passage("item", item, section, under, parent)
            own = passage.label or (clean(item.text) if len(item.text) < 90 else "")
            self.blocks(item.children, section, (*under, own) if own else under, passage)

    def _fence(self, block: Block, section: Section, under: tuple[str, ...]) -> None:
        if block.info in PROSE_FENCES:
            self._prose_fence(block, section, under)
        elif block.info in SHELL_FENCES:
            for offset, row in enumerate(block.text.split("\n")):
                match = _COMMENT.match(row)
                if match:
                    label, body = split_label(match["text"])
                    self.passages.append(
                        Passage("comment", match["text"], block.line + offset, section, label, body, under, block)
                    )

    def _prose_fence(self, block: Block, section: Section, under: tuple[str, ...]) -> None:
        comment = ""
        parents: list[tuple[int, str]] = []
        for offset, row in enumerate(block.text.split("\n")):
            stripped = row.strip()
            if not stripped:
                continue
            indent = len(row) - len(row.lstrip())
            parents = [parent for parent in parents if parent[0] < indent]
            match = _COMMENT.match(row)
            if match and not row.lstrip().startswith("--"):
                comment = match["text"]
                continue
            here = (*under, *((comment,) if comment else ()), *(name for _, name in parents))
            said = _BLANKS.sub(" " * 20, _LISTED.sub("", stripped))
            label, body = split_label(said)
            self.passages.append(Passage("fence", said, block.line + offset, section, label, body, here, block))
            if label and not body:
                parents.append((indent, label))


def _pieces(block: Block) -> Iterator[Block]:
    """Split a paragraph whose lines each begin with a label; other paragraphs stay whole."""
    labelled = sum(span.kind == "strong" and span.text.rstrip().endswith((":", "：")) for span in block.spans)
    if "\n" not in block.text and labelled < 2:
        yield block
        return
    rows: list[list[Span]] = [[]]
    for span in block.spans:
        if labelled > 1 and span.kind == "strong" and span.text.rstrip().endswith((":", "：")) and rows[-1]:
            rows.append([])
        if span.kind == "text" and "\n" in span.text:
            for n, part in enumerate(span.text.split("\n")):
                if n:
                    rows.append([])
                if part:
                    rows[-1].append(Span("text", part, span.line + n))
        else:
            rows[-1].append(span)
    groups: list[list[Span]] = []
    for row in rows:
        if groups and not _opens(row):
            groups[-1].extend([Span("text", "\n", row[0].line if row else block.line), *row])
        elif row:
            groups.append(list(row))
    for group in groups:
        groups_text = "".join(span.text for span in group).strip()
        if groups_text:
            line = next((span.line for span in group if span.text.strip()), block.line)
            yield Block(block.kind, line, block.end_line, text=groups_text, spans=tuple(group))


def _lead(spans: Sequence[Span]) -> Span | None:
    """Give the first run of text that has a letter or a figure."""
    for span in spans:
        if span.text[:1].isalnum() or _ALPHANUMERIC.search(span.text):
            return span
    return None


def _opens(row: list[Span]) -> bool:
    lead = _lead(row)
    if lead is None:
        return False
    if lead.kind == "strong":
        return True
    return bool(_OPENING.match(lead.text.strip() + " ")) and lead.kind == "text"


def _breaks(block: Block) -> tuple[tuple[int, int], ...]:
    if "\n" not in block.text:
        return ()
    found: list[tuple[int, int]] = []
    offset = 0
    for span in block.spans:
        if found and found[-1][1] == span.line:
            pass
        elif span.line != block.line or found:
            found.append((offset, span.line))
        offset += len(span.text)
    return tuple(found)


def _stands_alone(block: Block, label: str, body: str) -> bool:
    """Whether a paragraph is a label for what follows it."""
    text = block.text.rstrip()
    if label:
        return not body or (text.endswith((":", "：")) and "\n" not in text and len(text) < 100)
    if "\n" in text or len(text) > 100:
        return False
    if text.endswith((":", "：")):
        return True
    solid = [span for span in block.spans if span.text.strip(" :()")]
    return bool(solid) and solid[0].kind == "strong" and (len(solid) == 1 or text.endswith(")"))
