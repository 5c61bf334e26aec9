"""Where a shell statement ends: lines go in, the number of the line after the statement comes out.

Follows quotes, continuation lines, here-documents, `$( )`, and compound statements up to their `fi`, `done`, `esac` or `}`.
It only finds the end; what the statement is, the grammar says. A quote that is never closed ends with its own line, so that
one stray apostrophe cannot swallow a script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_OPENERS = frozenset({"if", "for", "while", "until", "case", "select", "{"})
_CLOSERS = frozenset({"fi", "done", "esac", "}"})
_STAY = frozenset({"then", "do", "else", "elif", "!", "time", *_OPENERS, *_CLOSERS})
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][\w.-]*)\1")
#: a line without any of these changes nothing but by its first word
_SPECIAL = re.compile(r"[\\'\"$`()#{};&|<]|=")
#: characters that only lengthen a word
_RUN = re.compile(r"[^\\'\"`()#;&|<\s]+")
#: characters that mean nothing between double quotes
_QUOTED_RUN = re.compile(r"[^\\\"$]+")
#: lines that one statement may have
LONGEST = 200


class _Scanner:
    def __init__(self) -> None:
        self.stack: list[str] = []
        self.compound = 0
        self.heredocs: list[str] = []
        self.continued = False

    @property
    def open(self) -> bool:
        return bool(self.stack or self.compound > 0 or self.heredocs or self.continued)

    def line(self, text: str) -> None:
        """Take in one line."""
        if self.heredocs and not self.stack:
            if text.strip() == self.heredocs[0]:
                self.heredocs.pop(0)
            return
        if not self.stack and not _SPECIAL.search(text) and text.split(None, 1)[:1] and text.split(None, 1)[0] not in _STAY:
            self.continued = False
            return
        self.continued = False
        pending: list[str] = []
        command = not self.stack or self.stack[-1] in "(`"
        word = ""
        position = 0
        last = ""
        while position < len(text):
            char = text[position]
            top = self.stack[-1] if self.stack else ""
            if top == "'":
                closed = text.find("'", position)
                if closed < 0:
                    break
                self.stack.pop()
                position = closed + 1
                continue
            if top != '"' and (run := _RUN.match(text, position)):
                word += run.group()
                last = (last + run.group())[-2:]
                position = run.end()
                continue
            if char == "\\":
                if position == len(text) - 1:
                    self.continued = True
                word += "\\"
                position += 2
                continue
            if top == '"':
                if run := _QUOTED_RUN.match(text, position):
                    position = run.end()
                    continue
                if char == '"':
                    self.stack.pop()
                elif text.startswith("$(", position):
                    self.stack.append("(")
                    command = True
                    position += 1
                position += 1
                continue
            if char in "'\"":
                self.stack.append(char)
                word += char
            elif char == "#" and not word and (position == 0 or text[position - 1] in " \t;&|("):
                break
            elif char == "`":
                if top == "`":
                    self.stack.pop()
                else:
                    self.stack.append("`")
                word += char
            elif char == "(":
                self.stack.append("(")
                command, word = True, ""
            elif char == ")":
                self._word(word, command)
                if top == "(":
                    self.stack.pop()
                command, word = True, ""
            elif char in ";&|\n":
                self._word(word, command)
                command, word = True, ""
            elif char in " \t":
                if word:
                    stays = self._word(word, command)
                    command = command and stays
                word = ""
            elif char == "<" and (found := _HEREDOC.match(text, position)) and not text.startswith("<<<", position):
                pending.append(found.group(2))
                position = found.end()
                command = False
                continue
            else:
                word += char
            if char not in " \t":
                last = (last + char)[-2:]
            position += 1
        self._word(word, command)
        self.heredocs += pending
        if not self.stack and last.endswith("|"):
            self.continued = True
        if not self.stack and last == "&&":
            self.continued = True

    def _word(self, word: str, command: bool) -> bool:
        """Count a keyword; say whether the next word is a command's first."""
        if not command or not word:
            return False
        if word in _OPENERS:
            self.compound += 1
        elif word in _CLOSERS:
            self.compound -= 1
        return word in _STAY or "=" in word


def statement_end(lines: Sequence[str], start: int, longest: int = LONGEST) -> tuple[int, bool]:
    """Give the index after the statement that starts at `start`, and whether it is complete."""
    scanner = _Scanner()
    for index in range(start, min(len(lines), start + longest)):
        scanner.line(lines[index])
        if not scanner.open:
            return index + 1, True
    if scanner.continued and not scanner.stack and scanner.compound <= 0 and start + longest >= len(lines):
        return len(lines), True
    end = start + 1
    while end < len(lines) and lines[end - 1].endswith("\\") and end - start < longest:
        end += 1
    return end, False
