"""Parse Markdown into a tree of blocks whose lines are those of the file on disk.

Bytes or text enter, a `Text` leaves. CommonMark with tables, front matter and MkDocs admonitions, read by markdown-it;
what it cannot know (drawn tables, lists broken by fences, HTML tables, MyST and GitHub notes) is added here. It knows
nothing of runbooks and never raises.
"""

from __future__ import annotations

import re
from dataclasses import replace

from markdown_it.token import Token

from watchkeeper.text.blocks import Block, BlockKind, Repair, Span, SpanKind, Text
from watchkeeper.text.drawn import drawn_table
from watchkeeper.text.html import html_blocks
from watchkeeper.text.inline import simple_spans
from watchkeeper.text.lists import join_broken_lists
from watchkeeper.text.parser import parse, parser_for
from watchkeeper.text.repair import mend
from watchkeeper.text.sections import arrange

_BOX = re.compile(r"^\s*\[([ xX✓✔])\](?:\s+|$)")
_PSEUDO_BOX = re.compile(r"^\s*([☐□⬜☑])\s+")
_ALERT = re.compile(r"^\s*\[!(\w+)\]\s*")
_NOTE = re.compile(
    r"^\W{0,3}(note|warning|caution|danger|important|tip|info|attention|hinweis|achtung|warnung|avertissement|nota|aviso|"
    r"advertencia|uwaga)\b",
    re.IGNORECASE,
)
_DIRECTIVE = re.compile(r"^\{(\w+)\}")
_TAG = re.compile(r"^</?\s*([a-zA-Z][a-zA-Z0-9]*)(?:\s+[^<>]*)?/?>$")
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
#: blanks that a page would show as one, and that patterns would try one by one
_MANY_BLANKS = " " * 20
_BLANKS = re.compile(r"[ \t\u00a0]{20,}")
_KNOWN_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "big",
        "br",
        "code",
        "center",
        "del",
        "details",
        "div",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "video",
    ]
)
_CONTAINERS: dict[str, BlockKind] = {
    "bullet_list_open": "list", "ordered_list_open": "list", "list_item_open": "item", "blockquote_open": "quote",
    "table_open": "table", "tr_open": "row", "admonition_open": "admonition",
}  # fmt: skip


def read_text(source: str | bytes, name: str = "") -> Text:
    """Read a Markdown file into blocks and sections. `name` is what findings call the file; it is not opened."""
    mended = mend(source)
    builder = _Builder(mended.numbers, len(mended.original))
    blocks = tuple(join_broken_lists(builder.read("\n".join(mended.lines))))
    repairs = (*mended.repairs, *builder.repairs)
    return Text(mended.original, blocks, arrange(blocks, len(mended.original)), repairs, name)


_NOTHING = frozenset({"thead_open", "tbody_open", "thead_close", "tbody_close"})
_LEAVES = frozenset({"heading_open", "paragraph_open", "th_open", "td_open"})


class _Builder:
    """Turns markdown-it's flat tokens into nested blocks."""

    def __init__(self, numbers: tuple[int, ...], last: int):
        self.numbers = numbers
        self.last = last
        self.repairs: list[Repair] = []
        #: the number of the next item of each list around, None where the list has none
        self.counts: list[int | None] = []
        #: the line of the row being read, which markdown-it does not give to its cells
        self.row = 0

    def _line(self, index: int) -> int:
        """Give the file's line for a 0-based line of the parser's source."""
        return self.numbers[index] if 0 <= index < len(self.numbers) else self.last

    def read(self, source: str) -> list[Block]:
        """Parse the source and give its top-level blocks."""
        self.references: dict[str, object] = {}
        self.parser = parser_for(source)
        self.tokens = parse(self.parser, source, self.references)
        self.at = 0
        self.blank = [not line or line.isspace() for line in source.split("\n")]
        return self._until(None, 0)

    def _until(self, closing: str | None, depth: int) -> list[Block]:
        blocks: list[Block] = []
        tokens, count = self.tokens, len(self.tokens)
        while self.at < count:
            token = tokens[self.at]
            self.at += 1
            if token.type == closing:
                break
            blocks += self._block(token, depth)
        return blocks

    def _block(self, token: Token, depth: int) -> list[Block]:
        kind = token.type
        if kind in _NOTHING:
            return []
        first, end = token.map or (0, 0)
        while end - 1 > first and self.blank[min(end, len(self.blank)) - 1]:
            end -= 1
        line = self._line(first)
        end_line = line if end - 1 <= first else self._line(end - 1)
        if kind in _LEAVES:
            return self._leaf(token, line, end_line)
        if kind in _CONTAINERS:
            return [self._container(token, line, end_line, depth)]
        if kind in ("fence", "code_block"):
            return self._fence(token, first, end)
        if kind == "html_block":
            return html_blocks(token.content, line, end_line)
        if kind == "hr":
            return [Block("rule", line, end_line)]
        if kind == "front_matter":
            return [Block("front-matter", line + 1, end_line, text=token.content)]
        return []

    def _container(self, token: Token, line: int, end_line: int, depth: int) -> Block:
        kind = _CONTAINERS[token.type]
        if kind == "list":
            return self._list(token, line, end_line, depth)
        number = None
        if kind == "item":
            number = self.counts[-1]
            self.counts[-1] = None if number is None else number + 1
        elif kind == "row":
            self.row = line
        children = self._until(token.type.replace("_open", "_close"), depth)
        if kind == "item":
            return _item(line, end_line, children, number)
        if kind == "row":
            header = bool(children) and children[0].info == "header"
            return Block("row", line, end_line, info="header" if header else "", children=tuple(children))
        if kind == "quote":
            return _quote(line, end_line, children)
        if kind == "admonition":
            label = str(token.meta.get("tag", "")) if token.meta else ""
            return Block("admonition", line, end_line, text=_texts(children), info=label.lower(), children=tuple(children))
        return Block(kind, line, end_line, children=tuple(children))

    def _list(self, token: Token, line: int, end_line: int, depth: int) -> Block:
        ordered = token.type == "ordered_list_open"
        start = int(token.attrGet("start") or 1) if ordered else None
        self.counts.append(start)
        items = tuple(self._until(token.type.replace("_open", "_close"), depth + 1))
        self.counts.pop()
        info = "ordered" if ordered else "bullet"
        return Block("list", line, end_line, level=depth + 1, info=info, number=start, children=items)

    def _leaf(self, token: Token, line: int, end_line: int) -> list[Block]:
        inline = self.tokens[self.at]
        self.at += 2
        cell = token.type in ("th_open", "td_open")
        line = self.row if cell else line
        content = _BLANKS.sub(" ", inline.content) if _MANY_BLANKS in inline.content else inline.content
        spans = simple_spans(content, line)
        if spans is None:
            spans = inline_spans(self._parsed(content), line)
        text = (spans[0].text if len(spans) == 1 else "".join([span.text for span in spans])).strip()
        if cell:
            return [Block("cell", line, line, text=text, info="header" if token.type == "th_open" else "", spans=spans)]
        if token.type == "paragraph_open":
            return [Block("paragraph", line, end_line, text=text, spans=spans)]
        if token.markup == "-" and (end_line - line > 1 or len(text) > 100 or text.endswith((".", ":", ";", ","))):
            return [Block("paragraph", line, end_line - 1, text=text, spans=spans), Block("rule", end_line, end_line)]
        return [Block("heading", line, end_line, text=_ATTRIBUTES.sub("", text), level=int(token.tag[1:]), spans=spans)]

    def _parsed(self, content: str) -> list[Token]:
        """Parse inline text; escaped characters become text like the rest."""
        joined: list[Token] = []
        for token in self.parser.inline.parse(content, self.parser, self.references, []):
            if token.type == "text_special":
                token.type = "text"
            if token.type == "text" and joined and joined[-1].type == "text":
                joined[-1].content += token.content
            else:
                joined.append(token)
        return joined

    def _fence(self, token: Token, first: int, end: int) -> list[Block]:
        count = token.content.count("\n")
        start = first + (token.type == "fence")
        line, end_line = self._line(start), self._line(max(start, start + count - 1))
        words = token.info.split(maxsplit=1)
        info = words[0].lower() if words else ""
        directive = _DIRECTIVE.match(info)
        if directive and directive[1] not in ("code", "code-block", "mermaid", "literalinclude"):
            inner = _Builder(self.numbers[start : start + count], self.last)
            children = inner.read(token.content)
            label = directive[1] if directive[1] != "admonition" or len(words) < 2 else words[1].lower()
            return [Block("admonition", line, end_line, text=_texts(children), info=label, children=tuple(children))]
        if directive:
            info = words[1].lower() if len(words) > 1 else directive[1]
        text = token.content[:-1] if token.content.endswith("\n") else token.content
        if info in ("", "text", "txt", "plain", "plaintext"):
            table = drawn_table(text, line)
            if table is not None:
                return [table]
        return [Block("fence", line, end_line, text=text, info=info.strip("{}"))]


def inline_spans(children: list[Token], line: int) -> tuple[Span, ...]:
    """Turn inline tokens into spans; bold, italic and links keep their whole text, line breaks are newlines."""
    spans: list[Span] = []
    marks: list[tuple[SpanKind, int, int, str]] = []

    def close(kind: SpanKind) -> None:
        while marks:
            opened, at, started, href = marks.pop()
            if opened == kind:
                text = "".join(span.text for span in spans[at:])
                inner = {span.kind for span in spans[at:] if span.text.strip()}
                kept: SpanKind = "code" if inner == {"code"} and kind != "link" else kind
                kept = "strong" if inner == {"strong"} and kind == "emphasis" else kept
                code = tuple(part for span in spans[at:] for part in ((span.text,) if span.kind == "code" else span.code))
                spans[at:] = [Span(kept, text, started, href, code if kept != "code" else ())] if text else []
                return

    for token in children:
        kind = token.type
        if kind == "text":
            if token.content:
                spans.append(Span("text", token.content, line))
        elif kind in ("softbreak", "hardbreak"):
            spans.append(Span("text", "\n", line))
            line += 1
        elif kind == "code_inline":
            spans.append(Span("code", token.content, line))
        elif kind in ("strong_open", "em_open", "link_open"):
            opened: SpanKind = "strong" if kind[0] == "s" else "emphasis" if kind[0] == "e" else "link"
            marks.append((opened, len(spans), line, str(token.attrGet("href") or "") if opened == "link" else ""))
        elif kind in ("strong_close", "em_close", "link_close"):
            close("strong" if kind[0] == "s" else "emphasis" if kind[0] == "e" else "link")
        elif kind == "image":
            spans.append(Span("text", token.content, line))
        elif kind == "html_inline":
            text = _html_text(token.content)
            if text:
                spans.append(Span("text", text, line))
    return tuple(spans)


def _html_text(tag: str) -> str:
    """Give what a tag in running text stands for: a break, nothing, or the placeholder it really is."""
    if tag.startswith("<!--"):
        return ""
    match = _TAG.match(tag)
    if match and match[1].lower() in _KNOWN_TAGS:
        return "\n" if match[1].lower() == "br" else ""
    return tag


def _texts(children: list[Block]) -> str:
    return "\n".join(child.text for child in children if child.text)


def _item(line: int, end_line: int, children: list[Block], number: int | None) -> Block:
    lead = children[0] if children and children[0].kind == "paragraph" else None
    if lead is None:
        return Block("item", line, end_line, number=number, children=tuple(children))
    checked: bool | None = None
    match = _BOX.match(lead.text)
    pseudo = None if match else _PSEUDO_BOX.match(lead.text)
    found = match or pseudo
    if found:
        checked = found[1] not in " ☐□⬜"
    text, spans = (lead.text[found.end() :], _drop(lead.spans, found.end())) if found else (lead.text, lead.spans)
    rest = tuple(children[1:])
    return Block("item", line, end_line, text=text, number=number, checked=checked, spans=spans, children=rest)


def _quote(line: int, end_line: int, children: list[Block]) -> Block:
    lead = children[0] if children else None
    if lead is not None and lead.kind == "paragraph":
        alert = _ALERT.match(lead.text)
        if alert:
            cut = replace(lead, text=lead.text[alert.end() :], spans=_drop(lead.spans, alert.end()))
            rest = [cut, *children[1:]] if cut.text else children[1:]
            return Block("admonition", line, end_line, text=_texts(rest), info=alert[1].lower(), children=tuple(rest))
        note = _NOTE.match(lead.text)
        if note:
            return Block("admonition", line, end_line, text=_texts(children), info=note[1].lower(), children=tuple(children))
    return Block("quote", line, end_line, text=_texts(children), children=tuple(children))


def _drop(spans: tuple[Span, ...], count: int) -> tuple[Span, ...]:
    """Drop the first `count` characters of a run of spans."""
    kept: list[Span] = []
    for span in spans:
        if count >= len(span.text):
            count -= len(span.text)
            continue
        kept.append(Span(span.kind, span.text[count:], span.line, span.href, span.code) if count else span)
        count = 0
    return tuple(kept)
