"""A fence of shell read line by line: lines go in, commands, comments, numbered instructions and output come out.

SQL, psql, Redis, MongoDB, PowerShell and Python are told apart from shell by their lines, prompts are taken off, and a
statement ends where its own language says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from watchkeeper.base.nouns import built_fast
from watchkeeper.book.commands import make_command, shell_command
from watchkeeper.book.cutter import LONGEST, statement_end
from watchkeeper.book.fence_lines import LineKind, balanced, kind_of_line, numbered_text, opens_configuration, prompt, startable
from watchkeeper.book.model import Command
from watchkeeper.book.programs import find
from watchkeeper.book.sql import begins_another, cut_statements, statement_ends
from watchkeeper.book.unwrap import unwrap_text

EntryKind: TypeAlias = Literal["command", "comment", "step", "output"]


@built_fast
@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a fence: a command, a comment, a numbered instruction, or a line of output."""

    kind: EntryKind
    line: int
    text: str
    command: Command | None = None
    #: a comment at the end of the command's own line
    remark: str = ""
    #: whether a blank line stands before it
    apart: bool = False
    #: line of its last line
    end_line: int = 0


class Fence:
    """A fence read line by line."""

    def __init__(self, lines: Sequence[str], line: int, *, strict: bool) -> None:
        self.lines = list(lines)
        self.first = line
        self.strict = strict
        self.session = any(prompt(text) for text in self.lines)
        self.found: list[Entry] = []
        self.sets: set[str] = set()
        #: an interactive interpreter was started: what follows is typed at it
        self.interpreter = False
        #: host or container that a line before went into and that nothing left yet
        self.inside: str | None = None
        #: lines that a statement may have; less after each that never ended, so that a broken fence costs little
        self.patience = LONGEST

    def entries(self) -> list[Entry]:
        """Read all lines."""
        position, apart = 0, False
        before: LineKind | None = None
        while position < len(self.lines):
            text = self.lines[position]
            if self.session:
                typed = prompt(text)
                if typed:
                    position = self._typed(position, *typed)
                    continue
                if not text.lstrip().startswith("#"):
                    position += 1
                    continue
            kind = kind_of_line(text, strict=self.strict, before=before)
            if kind == "blank":
                apart = True
                position += 1
                continue
            size = len(self.found)
            position = self._statement(position, kind)
            if apart and len(self.found) > size:
                self.found[size] = replace(self.found[size], apart=True)
            apart = False
            before = kind if kind != "comment" else before
        return self.found

    def _statement(self, position: int, kind: LineKind) -> int:
        number, text = self.first + position, self.lines[position]
        if kind == "comment":
            said = _COMMENT_MARKS.sub("", text.strip()).strip()
            if said and not text.strip().startswith("#!") and not said.startswith("!/"):
                self.found.append(Entry("comment", number, said, end_line=number))
            return position + 1
        if kind == "shell":
            return self._shell(position)
        if kind == "sql":
            return self._sql(position)
        if kind == "python":
            return self._python(position)
        if kind == "numbered":
            self._numbered(number, numbered_text(text))
            return position + 1
        if kind in ("psql", "redis", "mongodb", "powershell"):
            end = position + 1
            if kind in ("mongodb", "powershell"):
                end = balanced(self.lines, position, self.patience)
                self._tire(end > position + 1 or self.lines[position].rstrip().endswith((")", ";")))
            body = "\n".join(self.lines[position:end]).strip()
            self._add(body if kind != "redis" else re.sub(r"\s+#\s.*$", "", body), number, kind, self.first + end - 1)
            return end
        self.found.append(Entry("output", number, text.strip(), end_line=number))
        return balanced(self.lines, position, self.patience) if opens_configuration(text.strip()) else position + 1

    def _shell(self, position: int) -> int:
        end, complete = statement_end(self.lines, position, self.patience)
        self._tire(complete)
        body = "\n".join(self.lines[position:end])
        self._add_shell(body, self.first + position, self.first + end - 1, complete=complete)
        return end

    def _tire(self, complete: bool) -> None:
        if not complete:
            self.patience = max(10, self.patience * 3 // 4)

    def _add_shell(self, body: str, number: int, end_line: int, *, complete: bool = True) -> None:
        indent = len(body) - len(body.lstrip(" \t"))
        text = body.strip()
        if indent and "<<" not in text:
            text = "\n".join(part[indent:] if part[:indent].isspace() else part for part in body.split("\n")).strip()
        remark = ""
        found, script = unwrap_text(text)
        if script.comment_at is not None and not script.compound:
            encoded = text.encode()
            remark = encoded[script.comment_at :].decode("utf-8", "replace").lstrip("# ").strip()
            text = encoded[: script.comment_at].decode("utf-8", "replace").rstrip()
        self.sets |= script.sets
        command = shell_command(text, number, found, script, self.sets)
        if command:
            entered = _enters(command)
            command = replace(command, session=self.inside) if self.inside and not entered else command
            self.found.append(Entry("command", number, text, command, remark, end_line=end_line))
            self.interpreter = self.interpreter or _opens_interpreter(command)
            self.inside = None if text in _LEAVES else entered or self.inside

    def _sql(self, position: int) -> int:
        end, quotes = position, 0
        while end < len(self.lines):
            text = self.lines[end]
            if end > position and quotes % 2 == 0:
                if (
                    not text.strip()
                    and end + 1 < len(self.lines)
                    and kind_of_line(self.lines[end + 1], strict=True, before="sql") in ("shell", "sql", "comment", "blank")
                ):
                    break
                if begins_another("\n".join(self.lines[max(position, end - 20) : end]).strip(), text):
                    break
                if re.match(r"^\s*#", text) or (
                    end > position
                    and not text[:1].isspace()
                    and kind_of_line(text, strict=True, before="sql") in ("shell", "psql")
                    and first_is_program(text)
                ):
                    break
            finished, quotes = statement_ends(text, quotes)
            end += 1
            if finished:
                break
        body = "\n".join(self.lines[position:end]).strip()
        for offset, statement in cut_statements(body):
            self._add(statement, self.first + position + offset, "sql", self.first + end - 1)
        return end

    def _python(self, position: int) -> int:
        end = position + 1
        while end < len(self.lines):
            text = self.lines[end]
            if (
                text.strip()
                and not text[0].isspace()
                and kind_of_line(text, strict=True, before="python") in ("shell", "sql")
                and not re.match(r"\w+\s*=\s", text)
            ):
                break
            end += 1
        while end > position + 1 and (not self.lines[end - 1].strip() or self.lines[end - 1].startswith("#")):
            end -= 1
        body = "\n".join(self.lines[position:end]).rstrip()
        if self.interpreter:
            self._add(body, self.first + position, "python", self.first + end - 1)
        else:
            self.found.append(Entry("output", self.first + position, body.split("\n")[0], end_line=self.first + end - 1))
        return end

    def _numbered(self, number: int, text: str) -> None:
        label, colon, rest = text.partition(": ")
        if colon and startable(rest.strip("`"), strict=True):
            found, script = unwrap_text(rest.strip("`"))
            command = shell_command(rest.strip("`"), number, found, script, self.sets)
            if command:
                self.found.append(Entry("command", number, rest, replace(command, purpose=label.strip()), end_line=number))
                return
        if startable(text.strip("`"), strict=True):
            self._add_shell(text.strip("`"), number, number)
            return
        self.found.append(Entry("step", number, text, end_line=number))

    def _typed(self, position: int, language: str, typed: str) -> int:
        number = self.first + position
        if language != "bash":
            end = position + 1
            body = [typed]
            while (
                end < len(self.lines)
                and language == "sql"
                and not body[-1].rstrip().endswith((";", "\\G"))
                and not typed.startswith("\\")
                and not prompt(self.lines[end])
                and self.lines[end].strip()
            ):
                body.append(self.lines[end])
                end += 1
            kind = "psql" if typed.startswith("\\") else language
            self._add("\n".join(body), number, kind, self.first + end - 1)
            return end
        rest = [typed, *self.lines[position + 1 : position + 60]]
        used, complete = statement_end(rest, 0)
        body_lines = [typed, *(re.sub(r"^> ", "", text) for text in rest[1:used])]
        if not typed.lstrip().startswith("#"):
            self._add_shell("\n".join(body_lines), number, self.first + position + used - 1, complete=complete)
        else:
            self.found.append(Entry("comment", number, typed.lstrip("# ").strip(), end_line=number))
        return position + used

    def _add(self, text: str, number: int, language: str, end_line: int) -> None:
        command = make_command(text, number, language)
        command = replace(command, session=self.inside) if self.inside else command
        self.found.append(Entry("command", number, text, command, end_line=end_line))


_ENTRANCES = frozenset({"ssh", "docker", "docker-compose", "kubectl", "oc", "podman"})
_LEAVES = ("exit", "logout")


def _enters(command: Command) -> str | None:
    """Give the host or container that a command opens a shell on, for the lines after it; None where it opens none."""
    return command.target if command.interactive and command.target and _ENTRANCES & set(command.tools) else None


_INTERPRETER = re.compile(r"i?python[\d.]*|flask|manage\.py|django-admin|bpython|pyspark")
_COMMENT_MARKS = re.compile(r"^(?:#+|//+|--|/\*)\s*|\s*\*/$")


def _opens_interpreter(command: Command) -> bool:
    return any(_INTERPRETER.fullmatch(tool) for tool in command.tools) and (
        command.interactive or bool(re.search(r"\bshell\b|\bshell_plus\b", command.text))
    )


def first_is_program(line: str) -> bool:
    """Say whether a line starts with a program that is no English or SQL word."""
    word = line.split()[0] if line.split() else ""
    return "/" in word or (
        find(word.rsplit("/", 1)[-1]) is not None
        and word.islower()
        and word not in ("where", "from", "and", "or", "order", "group", "limit", "join")
    )
