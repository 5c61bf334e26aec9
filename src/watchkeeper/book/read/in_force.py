"""What is in force while the blocks of a section are read: stage, branch, platform, caution, and the drafts so far.

Labels and headings change it, and each step takes over what holds where it stands. Nothing here looks at blocks.
"""

from __future__ import annotations

import re
from dataclasses import replace

from watchkeeper.book.model import Command, StepPhase
from watchkeeper.book.read.drafts import Draft, Facts
from watchkeeper.book.read.expectations import read_expectation
from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.read.labels import PHASES, Stage, is_caution
from watchkeeper.book.read.sentences import commands_in, cut_caution, split_condition, unmarked, wait_of
from watchkeeper.text.blocks import Span

#: what is done whether the branch was taken or not
_NO_MATTER = re.compile(
    r"(?:then|afterwards?|after that|finally|in (?:any|either|all|both) cases?|either way|regardless|in every case|"
    r"danach|anschließend|in jedem fall|ensuite|dans tous les cas|luego|después|en cualquier caso|その後|最後に|然后|最后)\b",
    re.IGNORECASE,
)
_ADDS = re.compile(r"(?:or|alternatively|also|and|else|oder|alternativ|ou|sinon|o bien|o|または|或者)\b", re.IGNORECASE)


class InForce:
    """Keeps what the blocks read so far mean for those that follow."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.facts = Facts()
        #: commands that nobody is told to run here ("Logs: `docker logs x`")
        self.loose: list[Command] = []
        self.phase: StepPhase | None = None
        self.collecting: Stage | None = None
        self.when: str | None = None
        #: the condition of the item or heading around, which holds beside every branch within
        self.base: str | None = None
        #: `when` is made of both, which only a person can say
        self.joined = False
        #: the branch in force was followed by its own sentence on the same line
        self.told = False
        #: kind of the block after the one being read
        self.following = ""
        self.platform: str | None = None
        self.caution: str | None = None
        self.intro: tuple[str, int] | None = None
        self.staged = False
        #: the branch in force covers the next block only ("If X, do Y:")
        self.brief = False

    def enter(self, stage: Stage) -> None:
        """Let the following blocks mean a stage."""
        self.leave()
        self.platform, self.intro = None, None
        self.staged = True
        if stage in PHASES and stage != "prevention":
            self.phase, self.collecting = PHASES[stage], None
        elif stage == "caution":
            self.collecting = "caution"
        else:
            self.collecting = stage

    def branch(self, condition: str) -> None:
        """Let the following blocks be done only under a condition, beside that of the item or heading around."""
        said, caution = cut_caution(condition)
        self.joined = self.base is not None and self.base != said
        self.when = f"{self.base}, and {said}" if self.joined else said
        self.collecting, self.intro, self.platform, self.told = None, None, None, False
        self.caution = caution or self.caution

    def leave(self) -> None:
        """End the branch in force; that of the item or heading around goes on."""
        self.when, self.joined, self.told = self.base, False, False

    def topic(self, title: str, line: int) -> None:
        """Begin a step whose title stands above its commands; a branch ends here."""
        self.leave()
        self.platform = None
        if self.collecting not in (None, "background"):
            self.collecting = None
        self.intro = (title, line)

    def goes_on(self, text: str) -> None:
        """Let a plain sentence end a branch that had its own, unless it adds to it or introduces what follows."""
        if _NO_MATTER.match(text) or (self.told and self.following not in ("fence", "list") and not _ADDS.match(text)):
            self.leave()

    def collect(self, text: str, line: int) -> None:
        """Add a text to what is being collected: symptoms, causes, expectations, a caution."""
        said = unmarked(" ".join(text.split()))
        kind = self.collecting
        if kind in ("symptoms", "causes", "prevention", "escalation") and said:
            getattr(self.facts, kind).append(said)
        elif kind == "expected":
            self.expect(said, line)
        elif kind == "caution":
            self.caution = said if not self.caution else f"{self.caution} {said}"

    def commands(self, spans: tuple[Span, ...]) -> list[Command]:
        """Give the commands among code spans, for the platform in force."""
        found = commands_in(spans)
        return [replace(command, alternative=self.platform) for command in found] if self.platform else found

    def expect(self, text: str, line: int) -> bool:
        """Hang an expectation on the last command; say whether the text was one."""
        last = self.drafts[-1] if self.drafts else None
        if last is None or not last.commands:
            return False
        expectation = read_expectation(text, line, bare=self.collecting == "expected")
        if expectation is None:
            return False
        if last.commands[-1].expects is None:
            last.commands[-1] = replace(last.commands[-1], expects=expectation)
        return not is_instruction(text)

    def add(self, draft: Draft) -> None:
        """Finish a draft with what is in force and keep it."""
        when, action = split_condition(draft.text)
        if when and not draft.when:
            draft.when, draft.text = when, action
        if draft.when or self.when:
            asked = f"{draft.when or ''} {self.when or ''}"
            draft.commands = [command for command in draft.commands if f"`{command.text}`" not in asked]
        if self.when and not draft.when:
            draft.when, draft.nested = self.when, self.joined
        elif self.when and draft.when and draft.when != self.when:
            draft.when, draft.nested = f"{self.when}, and {draft.when}", True
        draft.text = unmarked(draft.text)
        draft.phase = draft.phase or self.phase
        draft.caution = draft.caution or self.caution or (draft.text if is_caution(draft.text) else None)
        self.caution = None
        if draft.wait_s is None and not any("sleep" in command.tools for command in draft.commands):
            draft.wait_s = wait_of(draft.text)
        self.drafts.append(draft)
