"""Arrange a file's blocks by heading."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchkeeper.text.blocks import Block, Section


@dataclass(slots=True)
class _Draft:
    title: str
    level: int
    line: int
    path: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def close(self, end_line: int) -> Section:
        return Section(self.title, self.level, self.line, end_line, tuple(self.blocks), tuple(self.sections), self.path)


def arrange(blocks: tuple[Block, ...], last_line: int) -> Section:
    """Give the root section: blocks before the first heading, and the sections nested by heading level."""
    stack = [_Draft("", 0, 1, ())]
    for block in blocks:
        if block.kind != "heading":
            stack[-1].blocks.append(block)
            continue
        while stack[-1].level >= block.level:
            _fold(stack, block.line - 1)
        path = tuple(draft.title for draft in stack if draft.level)
        stack.append(_Draft(block.text, block.level, block.line, path))
    while len(stack) > 1:
        _fold(stack, last_line)
    return stack[0].close(last_line)


def _fold(stack: list[_Draft], end_line: int) -> None:
    done = stack.pop()
    stack[-1].sections.append(done.close(end_line))
