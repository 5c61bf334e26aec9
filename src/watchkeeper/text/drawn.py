"""Recognise tables drawn with box characters in a fence and read them as tables."""

from __future__ import annotations

import re

from watchkeeper.text.blocks import Block, Span

_BORDER = re.compile(r"^[\s┌┬┐├┼┤└┴┘─═╔╦╗╠╬╣╚╩╝+|:=-]+$")
_SIDES = "│║|"


def drawn_table(text: str, line: int) -> Block | None:
    """Read a drawn table; None where the text is none. A row may go over several lines between two borders."""
    lines = text.split("\n")
    rows: list[Block] = []
    width = 0
    borders = 0
    apart = True
    for offset, row in enumerate(lines):
        if not row.strip():
            continue
        if _BORDER.match(row) and any(mark in row for mark in "─═-"):
            if " " in row.strip():
                return None
            borders += 1
            apart = True
            continue
        stripped = row.strip()
        if stripped[0] not in _SIDES or stripped[-1] not in _SIDES:
            return None
        cells = [cell.strip() for cell in re.split(r"[│║|]", stripped[1:-1])]
        if width and len(cells) != width:
            return None
        width = len(cells)
        at = line + offset
        if not apart and rows and (not cells[0]):
            rows[-1] = _continued(rows[-1], cells, at)
        else:
            children = tuple(Block("cell", at, at, text=cell, spans=(Span("text", cell, at),)) for cell in cells)
            rows.append(Block("row", at, at, info="" if rows else "header", children=children))
        apart = False
    if borders < 2 or width < 2 or len(rows) < 2:
        return None
    return Block("table", line, line + len(lines) - 1, info="drawn", children=tuple(rows))


def _continued(row: Block, cells: list[str], line: int) -> Block:
    children = []
    for before, more in zip(row.children, cells, strict=True):
        text = f"{before.text} {more}".strip()
        children.append(Block("cell", before.line, line, text=text, spans=(Span("text", text, before.line),)))
    return Block("row", row.line, line, info=row.info, children=tuple(children))
