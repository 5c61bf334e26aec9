"""SQL text cut into strings, names, comments and code: text goes in; its statements come out, read as one dialect would.

PostgreSQL and MySQL disagree about what a backslash, a `#`, a `--` without a blank and a double quote mean, and a text can
be made to hide a statement from either. So both readings are given where they differ, and who judges takes the graver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")
#: comments that MySQL and MariaDB execute
_EXECUTED = re.compile(r"/\*M?!\d*")
#: where a reading of the text may turn
_TURNS = re.compile(r"['\"`$;#\\]|--|/\*|\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its comments."""

    #: as it is written
    text: str
    #: with nothing in its strings, and its quoted names bare where they are plain names
    plain: str
    #: its strings without their quotes
    strings: tuple[str, ...]


_READ_OTHERWISE = re.compile(r"\\['\"\\]|#|--\S|/\*|\"|\$\$|\$\w+\$")


@lru_cache(maxsize=4096)
def readings(text: str) -> tuple[tuple[Statement, ...], ...]:
    """Give the statements of a text as PostgreSQL reads them, and as MySQL does where that is another thing."""
    first = _statements(text, mysql=False)
    if not _READ_OTHERWISE.search(text):
        return (first,)
    second = _statements(text, mysql=True)
    return (first,) if [one.plain for one in first] == [one.plain for one in second] else (first, second)


def _statements(text: str, *, mysql: bool) -> tuple[Statement, ...]:
    found: list[Statement] = []
    parts: list[str] = []
    plain: list[str] = []
    strings: list[str] = []

    def keep() -> None:
        if "".join(parts).strip():
            found.append(Statement("".join(parts).strip(), "".join(plain).strip(), tuple(strings)))
        parts.clear()
        plain.clear()
        strings.clear()

    for kind, piece in _pieces(text, mysql=mysql):
        if kind == ";":
            keep()
        elif kind == "comment":
            parts.append(" ")
            plain.append(" ")
        elif kind == "string":
            parts.append(piece)
            plain.append("''")
            strings.append(_inside(piece))
        elif kind == "name":
            inner = piece[1:-1]
            parts.append(piece)
            plain.append(inner if re.fullmatch(r"\w+", inner) else "q_name")
        else:
            parts.append(piece)
            plain.append(piece)
    keep()
    return tuple(found)


def _inside(piece: str) -> str:
    dollar = _DOLLAR.match(piece)
    return piece[dollar.end() : -dollar.end()] if dollar else piece[1:-1]


def _pieces(text: str, *, mysql: bool) -> Iterator[tuple[str, str]]:
    position, code = 0, 0
    while position < len(text):
        found = _TURNS.search(text, position)
        if found is None:
            break
        at, mark = found.start(), found.group()
        end, kind = _piece(text, at, mark, mysql=mysql)
        if kind == "code":
            position = end
            continue
        if at > code:
            yield "code", text[code:at]
        yield kind, text[at:end]
        position = code = end
    if code < len(text):
        yield "code", text[code:]


def _piece(text: str, at: int, mark: str, *, mysql: bool) -> tuple[int, str]:
    """Give the end and the kind of what begins with a mark."""
    if mark == ";":
        return at + 1, ";"
    if mark == "'":
        escaped = mysql or (text[at - 1 : at] in ("e", "E") and not text[at - 2 : at - 1].isalnum())
        return _quoted(text, at, "'", backslash=escaped), "string"
    if mark == '"':
        return _quoted(text, at, '"', backslash=mysql), "string" if mysql else "name"
    if mark == "`":
        return _quoted(text, at, "`", backslash=False), "name"
    if mark == "#" and (mysql or not text[text.rfind("\n", 0, at) + 1 : at].strip()):
        return _line(text, at), "comment"
    if mark == "--" and (not mysql or text[at + 2 : at + 3] in ("", " ", "\t", "\n", "\r")):
        return _line(text, at), "comment"
    if mark == "/*":
        if mysql and (run := _EXECUTED.match(text, at)):
            return run.end(), "comment"
        return _comment(text, at, nested=not mysql), "comment"
    if mark == "*/" and mysql:
        return at + 2, "comment"
    if mark == "$" and not mysql and (dollar := _DOLLAR.match(text, at)):
        close = text.find(dollar.group(), dollar.end())
        return (close + len(dollar.group()) if close >= 0 else len(text)), "string"
    return at + len(mark), "code"


def _line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _quoted(text: str, at: int, mark: str, *, backslash: bool) -> int:
    position = at + 1
    while position < len(text):
        if text[position] == "\\" and backslash:
            position += 2
        elif text[position] != mark:
            position += 1
        elif text[position + 1 : position + 2] == mark:
            position += 2
        else:
            return position + 1
    return len(text)


def _comment(text: str, at: int, *, nested: bool) -> int:
    depth, position = 0, at
    while position < len(text):
        if text.startswith("/*", position) and (nested or not depth):
            depth += 1
            position += 2
        elif text.startswith("*/", position):
            depth -= 1
            position += 2
            if not depth:
                return position
        else:
            position += 1
    return len(text)
