"""Put numbered lists together again that an unindented fence or paragraph broke apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import is_not

from watchkeeper.text.blocks import Block

_GUESTS = frozenset({"fence", "paragraph", "quote", "admonition", "table", "comment"})


def join_broken_lists(blocks: Iterable[Block]) -> list[Block]:
    """Join `1.` fence `2.` fence into one list whose items contain the fences, at every level of nesting."""
    out: list[Block] = []
    for block in blocks:
        if block.children and block.kind in ("list", "item", "quote", "admonition"):
            children = tuple(join_broken_lists(block.children))
            if len(children) < len(block.children) or any(map(is_not, children, block.children)):
                block = replace(block, children=children)
        if block.kind == "list" and block.info == "ordered":
            home = _home(out, block)
            if home is not None:
                joined = _join(out[home], out[home + 1 :], block)
                del out[home:]
                out.append(joined)
                continue
        out.append(block)
    return out


def _home(out: list[Block], block: Block) -> int | None:
    """Find the list that this one continues: numbers go on, and only guests stand between."""
    index = len(out) - 1
    guests = 0
    plain = True
    while index >= 0 and out[index].kind in _GUESTS | {"list"}:
        before = out[index]
        if before.kind == "list" and before.info == "ordered":
            last = before.children[-1].number if before.children else None
            if last is not None and block.number == last + 1:
                return index
            if guests and plain and block.number == 1 and last == 1:
                return index
            return None
        plain = plain and before.kind == "fence"
        guests += 1
        index -= 1
    return None


def _join(home: Block, guests: list[Block], more: Block) -> Block:
    *items, last = home.children
    last = replace(last, children=(*last.children, *guests), end_line=guests[-1].end_line if guests else last.end_line)
    count = (last.number or 0) + 1
    moved = [replace(item, number=count + n) for n, item in enumerate(more.children)]
    return replace(home, children=(*items, last, *moved), end_line=more.end_line)
