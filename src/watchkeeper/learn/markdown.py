"""Text put into Markdown so that it stays text: nothing that a service printed becomes a heading, a link or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_SPECIAL = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK = re.compile(r"^(?=[#+=-])")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MOST_LINES = 60
_LONGEST_LINE = 400


def text(value: str) -> str:
    r"""Escape a text for one line of Markdown, also inside a table.

    >>> text("a | b"), text("<b>*x*</b>"), text("# no"), text("snake_case stays")
    ('a \\| b', '&lt;b&gt;\\*x\\*&lt;/b&gt;', '\\# no', 'snake_case stays')
    """
    escaped = cell(value)
    if match := re.match(r"(\d+)([.)])", escaped):
        return f"{match[1]}\\{escaped[match.start(2) :]}"
    return _BLOCK.sub(r"\\", escaped)


def cell(value: str) -> str:
    """Escape a text that does not begin a line, as in the cell of a table."""
    line = " ".join(_printable(value).split())
    return _SPECIAL.sub(lambda match: "\\" + match[0], line).translate(_HTML)


def fence(value: str, language: str = "") -> str:
    """Put a text into a fence that nothing inside it can close; the middle of a long one is left out."""
    lines = [
        line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + " …" for line in _printable(value).strip("\n").split("\n")
    ]
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines = [*lines[:half], f"… {len(lines) - 2 * half} lines left out …", *lines[-half:]]
    body = "\n".join(lines)
    mark = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", body)), default=0))
    return f"{mark}{language if language.isalnum() else ''}\n{body}\n{mark}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table; the cells are escaped."""
    lines = [head, ["---"] * len(head)]
    written = ["| " + " | ".join(parts) + " |" for parts in lines]
    return "\n".join([*written, *("| " + " | ".join(map(cell, row)) + " |" for row in rows)])


def _printable(value: str) -> str:
    plain = _ANSI.sub("", value).replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    return "".join(c for c in plain if c == "\n" or c.isprintable())
