"""Read the raw HTML that people put into Markdown: comments, tables, and everything else as plain text."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from watchkeeper.text.blocks import Block, Span

_BREAKING = frozenset({"br", "p", "div", "li", "ul", "ol", "summary", "details", "h1", "h2", "h3", "h4", "h5", "h6"})


def html_blocks(source: str, line: int, end_line: int) -> list[Block]:
    """Turn an HTML block into comment, table or text blocks; `line` is that of its first line."""
    stripped = source.strip()
    if stripped.startswith("<!--") and stripped.endswith("-->") and stripped.count("<!--") == 1:
        return [Block("comment", line, end_line, text=stripped[4:-3].strip())]
    reader = _Reader(line)
    try:
        reader.feed(source)
        reader.close()
    except (AssertionError, ValueError):
        return [Block("html", line, end_line, text=source)]
    return reader.finish(end_line)


class _Reader(HTMLParser):
    """Collects tables and text with the line each began on."""

    def __init__(self, line: int):
        super().__init__(convert_charrefs=True)
        self.first = line
        self.blocks: list[Block] = []
        self.rows: list[Block] | None = None
        self.table_line = line
        self.cells: list[Block] = []
        self.row_line = line
        self.text: list[str] = []
        self.text_line = line
        self.header = False

    def _here(self) -> int:
        return self.first + self.getpos()[0] - 1

    def _take(self) -> str:
        text = "\n".join(part for part in (" ".join(row.split()) for row in "".join(self.text).split("\n")) if part)
        self.text = []
        return text

    def _flush(self) -> None:
        text = self._take()
        if text and self.rows is None:
            self.blocks.append(
                Block("html", self.text_line, self._here(), text=text, spans=(Span("text", text, self.text_line),))
            )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" and self.rows is None:
            self._flush()
            self.rows, self.table_line = [], self._here()
        elif tag == "tr":
            self._end_row()
            self.row_line, self.header = self._here(), False
        elif tag in ("td", "th") and self.rows is not None:
            self._end_cell()
            self.text_line = self._here()
            self.header = self.header or tag == "th"
            self.in_cell = True
        elif tag in _BREAKING:
            self.text.append("\n")

    in_cell = False

    def _end_cell(self) -> None:
        text = self._take()
        if self.in_cell:
            self.cells.append(Block("cell", self.text_line, self._here(), text=text, spans=(Span("text", text, self.text_line),)))
        self.in_cell = False

    def _end_row(self) -> None:
        self._end_cell()
        if self.cells and self.rows is not None:
            info = "header" if self.header and not self.rows else ""
            self.rows.append(Block("row", self.row_line, self._here(), info=info, children=tuple(self.cells)))
        self.cells = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self.rows is not None:
            self._end_row()
            rows = self.rows
            self.rows = None
            if rows:
                rows[0] = replace(rows[0], info="header")
                self.blocks.append(Block("table", self.table_line, self._here(), info="html", children=tuple(rows)))
        elif tag == "tr":
            self._end_row()
        elif tag in _BREAKING:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if not "".join(self.text).strip() and not self.in_cell:
            self.text_line = self._here() + len(data[: len(data) - len(data.lstrip())].split("\n")) - 1
        self.text.append(data if not self.in_cell else data.replace("\n", " "))

    def finish(self, end_line: int) -> list[Block]:
        """Give what was collected, closing what the source left open."""
        if self.rows is not None:
            self.handle_endtag("table")
        self._flush()
        return [replace(block, end_line=min(block.end_line, end_line)) for block in self.blocks]
