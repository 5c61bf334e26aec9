"""The steps of a fence: its entries go in; commands grouped under their comments come out as steps.

A comment that no command follows is a step for a person; "# or" and comments that name a platform make alternatives; a
comment that says what a command should give becomes that command's expectation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from watchkeeper.book.fence import Entry
from watchkeeper.book.model import Command
from watchkeeper.book.read.drafts import Draft
from watchkeeper.book.read.expectations import read_expectation
from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.read.labels import branch_of, platform_of, platform_of_tools
from watchkeeper.book.read.sentences import clean_comment, split_condition
from watchkeeper.book.shell import is_alternative

_OR_ELSE = re.compile(r"^(?:or|oder|ou|o|または|或)\s+(?!else)(?P<do>\S.*)$", re.IGNORECASE)
_ALTERNATIVE = "instead of the step before"
_SAID = re.compile(r"(?:expected|expect|should|must|output|result|erwartet|example|sample)\b", re.IGNORECASE)
_STATUS = re.compile(r"\b(?:http|status)(?: code)? [1-5]\d\d\b", re.IGNORECASE)
_HTTP_CLIENTS = frozenset({"curl", "wget", "http", "https", "xh"})
_EXPECTED = re.compile(r"\b(?:expected|erwartet)\b", re.IGNORECASE)


_IF = re.compile(
    r"(?:if|in case(?: of)?|unless|only if|wenn|falls|si|en cas de|en caso de|se|em caso de|jeśli|w przypadku|otherwise|else|"
    r"sonst|andernfalls|sinon|si no|caso contrário)\b",
    re.IGNORECASE,
)


def condition_only(comment: str) -> str | None:
    """Give the condition of a comment that says when, but not what is to be done.

    >>> condition_only("If it fails"), condition_only("If it fails, restart it"), condition_only("Restart")
    ('it fails', None, None)
    """
    if not _IF.match(comment) or split_condition(comment)[0] is not None:
        return None
    return branch_of(comment)


class Taker(Protocol):
    """What the steps of a fence are handed to."""

    drafts: list[Draft]
    platform: str | None
    intro: tuple[str, int] | None
    when: str | None

    def add(self, draft: Draft) -> None:
        """Finish a draft with what is in force and keep it."""


class FenceSteps:
    """Makes steps of a fence's entries."""

    def __init__(self, reader: Taker, entries: Sequence[Entry]) -> None:
        self.reader = reader
        self.entries = entries
        self.pending: list[Entry] = []
        self.current: Draft | None = None
        self.platform = reader.platform
        self.either = False
        self.intro = reader.intro

    def read(self) -> None:
        """Go through the entries once."""
        for entry in self.entries:
            if entry.kind == "comment":
                self._comment(entry)
            elif entry.kind == "command" and entry.command is not None:
                self._command(entry, entry.command)
            elif entry.kind == "step":
                self._flush()
                self.current = None
                told = is_instruction(entry.text)
                self.reader.add(Draft(entry.line, entry.text, source="numbered", told=told))
            elif entry.kind == "output":
                self._flush()
        self._flush()

    def _comment(self, entry: Entry) -> None:
        text = entry.text.strip(" -=─*#")
        if not text:
            return
        other = _OR_ELSE.match(text)
        if self.current is not None and (is_alternative(entry.text) or (other and platform_of(other.group("do")))):
            self.either = True
            return
        platform = platform_of(text.split("(")[0])
        if platform:
            self._flush()
            self.platform = platform
            if self.current is not None and not self.current.commands[-1:]:
                self.current = None
            return
        if self.current is not None and self.current.commands and not entry.apart:
            expectation, last = read_expectation(text, entry.line), self.current.commands[-1]
            # where a command's own expectation stands above it, the next one belongs to what follows
            theirs = _asks_for_a_status(text) and not _speaks_http(last) and self._before_http(entry)
            if expectation and last.expects is None and not theirs and not _EXPECTED.search(last.purpose or ""):
                self.current.commands[-1] = replace(last, expects=expectation)
                return
        if entry.apart:
            self._flush()
            self.platform = self.reader.platform
        self.pending.append(entry)
        self.current = None if self.platform is None or entry.apart else self.current

    def _before_http(self, entry: Entry) -> bool:
        """Say whether the command that follows an entry asks a server for a page."""
        after = self.entries[next(n for n, each in enumerate(self.entries) if each is entry) + 1 :]
        return any(each.command is not None and _speaks_http(each.command) for each in after[:1])

    def _flush(self) -> None:
        """Turn comments that no command followed into a step for a person."""
        if self.pending:
            text = "; ".join(dict.fromkeys(clean_comment(entry.text) for entry in self.pending))
            said = _SAID.match(text)
            expectation = read_expectation(text, self.pending[0].line)
            last = next((draft for draft in reversed(self.reader.drafts) if draft.commands), None)
            if expectation and last is not None and not is_instruction(text):
                last.commands[-1] = replace(last.commands[-1], expects=last.commands[-1].expects or expectation)
            elif text and not said:
                numbered = any(re.match(r"^(?:step )?\d+[.):]", entry.text, re.IGNORECASE) for entry in self.pending)
                self.reader.add(
                    Draft(
                        self.pending[0].line,
                        text,
                        source="numbered" if numbered else "comment",
                        told=numbered or is_instruction(text) or self.pending[0].apart,
                    )
                )
            self.pending, self.current = [], None

    def _command(self, entry: Entry, command: Command) -> None:
        comments = [clean_comment(one.text) for one in self.pending]
        purpose = "; ".join(comments) or command.purpose or None
        expectation = read_expectation(entry.remark, entry.line) if entry.remark else None
        if expectation is None and command.expects is None:
            expectation = next(
                (one for e in self.pending if not is_instruction(e.text) and (one := read_expectation(e.text, e.line))), None
            )
        alternative, said, expects = command.alternative or self.platform, entry.remark or purpose, expectation or command.expects
        if (alternative, said, expects) != (command.alternative, command.purpose, command.expects):
            command = replace(command, alternative=alternative, purpose=said, expects=expects)
        if self.either and self.current is not None and self.current.commands and self._either(command):
            return
        same = self.current is not None and not self.pending and not self.either and not (entry.apart and self.platform is None)
        if same and self.current is not None:
            when = split_condition(entry.remark)[0] if entry.remark and not expectation else None
            if not when and (entry.remark.lower().startswith("if ") is False):
                self.current.commands.append(command)
                return
        text = purpose or (self.intro[0] if self.intro else None) or command.text.split("\n")[0][:120]
        if entry.remark and not purpose and not expectation:
            text = entry.remark if not branch_of(entry.remark) else f"{text} ({entry.remark})"
        line = self.pending[0].line if self.pending else entry.line
        draft = Draft(line, text, commands=[command], source="fence")
        when = next((told for one in reversed(comments) if (told := condition_only(one))), None)
        if when:
            draft.when = when
            draft.text = "; ".join(one for one in comments if not condition_only(one)) or command.text.split("\n")[0][:120]
        if self.reader.drafts and (self.either or (_OR_ELSE.match(text) and self.pending)):
            draft.when = _ALTERNATIVE
        self.either = False
        self.pending = []
        self.reader.add(draft)
        self.current = draft

    def _either(self, command: Command) -> bool:
        """Keep both of "A or B" in one step where their platforms differ; say whether that is so."""
        first = self.current.commands[-1] if self.current is not None else command
        one, two = platform_of_tools(first.tools), platform_of_tools(command.tools)
        if self.current is None or one == two or one is None or two is None:
            return False
        self.either = False
        if first.alternative is None:
            self.current.commands[-1] = replace(first, alternative=one)
        self.current.commands.append(replace(command, alternative=two, purpose=first.purpose))
        return True


def _asks_for_a_status(text: str) -> bool:
    return _STATUS.search(text) is not None


def _speaks_http(command: Command) -> bool:
    return not _HTTP_CLIENTS.isdisjoint(command.tools)
