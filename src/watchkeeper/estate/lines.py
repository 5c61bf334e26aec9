"""Finds the line on which a TOML file states each key, because the standard parser forgets it.

The text of a valid file enters; paths of keys with their 1-based lines leave. Values are skipped, not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OPENING, _CLOSING = "[{", "]}"


def key_lines(text: str) -> dict[KeyPath, int]:
    """Give the line of each table and key; an entry of an array of tables has its index in the path.

    >>> key_lines('[signals.shop]\\nurl = "x"\\n[[policy.rule]]\\nallow = "ask"')[("policy", "rule", 0, "allow")]
    4
    """
    return _Scanner(text).scan()


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Give the line of a key, or of the nearest enclosing table that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Scanner:
    """Walks the text once; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_blank():
            line = self.text.count("\n", 0, self.at) + 1
            if self.text[self.at] == "[":
                table = self._header(line)
            else:
                keys = self._keys("=")
                self._note((*table, *keys), line)
                self._skip_value()
        return self.lines

    def _note(self, path: KeyPath, line: int) -> None:
        for size in range(1, len(path) + 1):
            self.lines.setdefault(path[:size], line)

    def _header(self, line: int) -> KeyPath:
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        path = self._inside(self._keys("]"))
        if is_array:
            self.at += 1
            index = self.counts.get(path, -1) + 1
            self.counts[path] = index
            path = (*path, index)
        self._note(path, line)
        self.lines[path] = line
        return path

    def _inside(self, keys: KeyPath) -> KeyPath:
        """Put the index of the last entry behind each name of an array of tables, except the last name."""
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if path in self.counts and position < len(keys) - 1:
                path = (*path, self.counts[path])
        return path

    def _keys(self, end: str) -> KeyPath:
        """Read a dotted key up to and including `end`."""
        keys: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            bare = _BARE.match(self.text, self.at)
            if char == end:
                self.at += 1
                break
            if char in "\"'":
                start = self.at + 1
                self._skip_string()
                keys.append(self.text[start : self.at - 1].replace('\\"', '"').replace("\\\\", "\\"))
            elif bare:
                keys.append(bare.group())
                self.at = bare.end()
            else:
                self.at += 1
        return tuple(keys)

    def _skip_blank(self) -> bool:
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                self._skip_comment()
            elif self.text[self.at].isspace():
                self.at += 1
            else:
                return True
        return False

    def _skip_comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _skip_string(self) -> None:
        quote = self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(fence)
        while self.at < len(self.text) and not self.text.startswith(fence, self.at):
            self.at += 2 if self.text[self.at] == "\\" and quote == '"' else 1
        self.at += len(fence)
        while len(fence) == 3 and self.text.startswith(quote, self.at):
            self.at += 1

    def _skip_value(self) -> None:
        depth = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "\"'":
                self._skip_string()
            elif char == "#":
                self._skip_comment()
            elif char == "\n" and depth == 0:
                return
            else:
                depth += (char in _OPENING) - (char in _CLOSING)
                self.at += 1
