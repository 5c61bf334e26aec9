"""The steps of a section: its blocks go in, in the order of the file; steps, symptoms, causes and the like come out.

Labels (bold lines, headings of stages) set what the following blocks mean; ordered lists, fences, comments in fences, bullets
and tables give the steps. Nothing here decides whether the section is a procedure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from watchkeeper.book.model import Command, StepPhase
from watchkeeper.book.read.drafts import Draft, Facts
from watchkeeper.book.read.drawn_branches import Drawn, commands_written, read_drawn
from watchkeeper.book.read.expectations import read_expectation
from watchkeeper.book.read.fence_steps import FenceSteps
from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.read.labels import PHASES, Stage, branch_of, is_caution, platform_of, stage_of
from watchkeeper.book.read.sentences import (
    LEADING_IF,
    cases_of,
    commands_in,
    cut_caution,
    label_of,
    lines_of,
    marked,
    split_condition,
    unmarked,
    wait_of,
)
from watchkeeper.book.shell import read_entries
from watchkeeper.text.blocks import Block, Span

_RUN = re.compile(
    r"\b(?:run|runs|execute|use|using|type|enter|via|with|by|check|apply|issue|invoke|call|try|then|or|and|restart|verify|see|view|get|list|ejecut\w+|verific\w+|lanc\w+|exécut\w+|ausführen|führe|mit|uruchom)\b[^`]{0,60}$|(?:実行|运行|执行)",
    re.IGNORECASE,
)
_ACTION_COLUMNS = re.compile(
    r"action|resolution|solution|fix|step|what to do|first thing|check|remedy|mitigation|response|command|task|"
    r"how|lösung|maßnahme|solution|acción|solución|ação|działanie|対応|対処|操作|处理|조치",
    re.IGNORECASE,
)
_CASE_COLUMNS = re.compile(
    r"symptom|problem|issue|error|cause|condition|scenario|if|when|situation|alert|failure|trigger|finding|observation|ursache|problème|síntoma|causa|sintoma|przyczyna|症状|原因|问题|문제|증상",
    re.IGNORECASE,
)


#: what is done whether the branch was taken or not
_NO_MATTER = re.compile(
    r"(?:then|afterwards?|after that|finally|in (?:any|either|all|both) cases?|either way|regardless|in every case|"
    r"danach|anschließend|in jedem fall|ensuite|dans tous les cas|luego|después|en cualquier caso|その後|最後に|然后|最后)\b",
    re.IGNORECASE,
)
_ADDS = re.compile(r"(?:or|alternatively|also|and|else|oder|alternativ|ou|sinon|o bien|o|または|或者)\b", re.IGNORECASE)


#: labels that say where something lies, not what to do with it
_PLACE = re.compile(
    r"(?:script |file )?(?:locations?|paths?|files?|source)|speicherort|pfad|datei|emplacement|chemin|fichier|ubicación|ruta|"
    r"archivo|localização|caminho|arquivo|lokalizacja|ścieżka|場所|位置|路径|경로|위치",
    re.IGNORECASE,
)


class StepReader:
    """Reads the blocks of one section and of the stages beneath it."""

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

    # ── stages ──────────────────────────────────────────────────────────────────────────────────────────────────────

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

    # ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def blocks(self, blocks: Sequence[Block]) -> None:
        """Read blocks in order."""
        for number, block in enumerate(blocks):
            self.following = blocks[number + 1].kind if number + 1 < len(blocks) else ""
            self._block(block)

    def _block(self, block: Block) -> None:
        brief, self.brief = self.brief, False
        if brief and block.kind in ("fence", "list", "table"):
            branch = self.when
            self._one(block)
            if self.when == branch:
                self.leave()
            return
        self._one(block)

    def _one(self, block: Block) -> None:
        if block.kind == "paragraph":
            self._paragraph(block)
        elif block.kind == "fence":
            self.fence(block)
        elif block.kind == "list":
            self._list(block)
        elif block.kind == "table":
            self._table(block)
        elif block.kind in ("quote", "admonition"):
            self._aside(block)
        elif block.kind == "html" and block.children:
            self.blocks(block.children)

    def _aside(self, block: Block) -> None:
        said = " ".join(child.text for child in block.walk() if child.kind in ("paragraph", "item") and child.text) or block.text
        if any(child.kind in ("fence", "list") for child in block.walk()):
            self.blocks(block.children)
        elif is_caution(f"{block.info} {said}") or stage_of(block.info) == "caution":
            self.caution = " ".join(said.split())
        else:
            self.blocks(block.children)

    def _paragraph(self, block: Block) -> None:
        rows = [(part[0].line, part) for _, spans in lines_of(block) for part in cases_of(spans)]
        following = self.following
        for number, (line, spans) in enumerate(rows):
            self.following = following if number == len(rows) - 1 else ""
            self._line(line, spans)

    def _line(self, line: int, spans: tuple[Span, ...]) -> None:
        text = marked(spans).strip()
        if not text:
            return
        label, rest = label_of(spans)
        if label is not None:
            self._labelled(label, rest, line, spans)
        else:
            self._sentence(text, line, spans)

    def _labelled(self, label: str, rest: str, line: int, spans: tuple[Span, ...]) -> None:
        stage = stage_of(label)
        condition = branch_of(label)
        if rest and _PLACE.fullmatch(label):
            return
        if stage == "expected":
            self._expected(rest, line)
            if not rest:
                self.collecting = "expected"
        elif stage == "caution":
            self.caution = rest or None
            self.collecting = None if rest else "caution"
        elif stage == "background":
            if not rest:
                self.collecting = "background"
            elif is_caution(rest):
                self.caution = rest
        elif stage is not None:
            self.enter(stage)
            if rest:
                self._staged_text(stage, rest, line, spans)
        elif condition is not None:
            self.branch(condition)
            if rest:
                self._in_branch(rest, line, spans)
        elif platform_of(label):
            self.platform = platform_of(label)
            if rest:
                self._say(rest, line, spans, "prose")
        else:
            self.topic(label, line)
            when = LEADING_IF.match(rest + ", x") if rest and branch_of(rest) else None
            if when:
                self.branch(branch_of(rest) or rest)
            elif rest and (self.collecting is None):
                self._say(rest, line, spans, "prose", title=label)

    def _in_branch(self, rest: str, line: int, spans: tuple[Span, ...]) -> None:
        """Read what stands on the line of a branch; it introduces the fence that follows, and the branch goes on there."""
        found = [command for command in self._commands(spans, line) if f"`{command.text}`" not in (self.when or "")]
        self.told = True
        if is_caution(rest) and not found and not is_instruction(rest):
            self.caution = rest
        elif self.following == "fence" and not found:
            self.intro = (rest.rstrip(":："), line)
            self.caution = self.caution or (rest if is_caution(rest) else None)
        else:
            self._say(rest, line, spans, "prose")

    def _goes_on(self, text: str) -> None:
        """A plain sentence ends a branch that had its own, unless it adds to it or introduces what follows."""
        if _NO_MATTER.match(text) or (self.told and self.following not in ("fence", "list") and not _ADDS.match(text)):
            self.leave()

    def _staged_text(self, stage: Stage, rest: str, line: int, spans: tuple[Span, ...]) -> None:
        if stage in ("symptoms", "causes", "prevention", "escalation"):
            self._collect(rest, line)
            if stage in ("symptoms", "escalation"):
                self.collecting = None if stage == "escalation" else stage
        else:
            self._say(rest, line, spans, "prose")

    def _collect(self, text: str, line: int) -> None:
        said = unmarked(" ".join(text.split()))
        kind = self.collecting
        if kind in ("symptoms", "causes", "prevention", "escalation") and said:
            getattr(self.facts, kind).append(said)
        elif kind == "expected":
            self._expected(said, line)
        elif kind == "caution":
            self.caution = said if not self.caution else f"{self.caution} {said}"

    def _sentence(self, text: str, line: int, spans: tuple[Span, ...]) -> None:
        if self.collecting in ("symptoms", "causes", "prevention", "escalation", "caution"):
            self._collect(text, line)
            if self.collecting == "caution":
                self.collecting = None
            return
        self._goes_on(text)
        when, action = split_condition(text.rstrip(":：")) if text.endswith((":", "：")) and len(text) < 160 else (None, text)
        told = action and (is_instruction(action) or not re.match(r"\W*(?:if|when|in|once|unless)\b", text, re.IGNORECASE))
        if when and told and not any(f"`{one.text}`" not in when for one in commands_in(spans)):
            self.branch(when)
            self.intro, self.brief = (action, line), True
            return
        asked = self._commands(spans, line) if not text.endswith((":", "：")) else []
        if asked and (expected := read_expectation(text, line)):
            asked[-1] = replace(asked[-1], expects=asked[-1].expects or expected)
            self.add(Draft(line, text, commands=asked, source="prose"))
            return
        expectation = self._expected(text, line)
        condition = branch_of(text) if text.endswith((":", "：")) and len(text) < 140 else None
        if condition is not None and all(f"`{one.text}`" in condition for one in commands_in(spans)):
            self.branch(condition)
            self.brief = True
            return
        if text.endswith((":", "：")):
            if platform_of(text):
                self.platform = platform_of(text)
                return
            found = self._commands(spans, line)
            if found:
                self.add(Draft(line, text, commands=found, source="prose"))
            self.intro = (text.rstrip(":："), line)
            return
        if not expectation and self.collecting != "background":
            self._say(text, line, spans, "prose")

    def _say(self, text: str, line: int, spans: tuple[Span, ...], source: str, title: str = "") -> None:
        """Take a sentence as a step where it tells to do something or carries commands."""
        found = self._commands(spans, line)
        told = is_instruction(text) or (bool(title) and is_instruction(title) and bool(found))
        if is_caution(text) and not found and not told:
            self.caution = text
            return
        if found or (told and (self.phase is not None or self.when is not None or len(text) < 140)):
            self.add(
                Draft(line, f"{title}: {text}" if title else text, commands=found, source=source, told=told or bool(found)),
            )
        elif not text.endswith("."):
            self.intro = (title or text, line)

    def _commands(self, spans: tuple[Span, ...], line: int) -> list[Command]:
        found = commands_in(spans)
        return [replace(command, alternative=self.platform) for command in found] if self.platform else found

    def _expected(self, text: str, line: int) -> bool:
        """Hang an expectation on the last command; say whether the text was one."""
        last = next((draft for draft in reversed(self.drafts) if draft.commands), None)
        expectation = read_expectation(text, line, bare=self.collecting == "expected")
        if expectation is None or last is None or last is not self.drafts[-1]:
            return False
        if last.commands[-1].expects is None:
            last.commands[-1] = replace(last.commands[-1], expects=expectation)
        return not is_instruction(text)

    # ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _list(self, block: Block) -> None:
        if self.collecting in ("symptoms", "causes", "prevention", "escalation", "caution"):
            if not any(child.kind == "fence" for child in block.walk()):
                for item in block.children:
                    self._collect(
                        " ".join(child.text for child in item.walk() if child.text and child.kind in ("item", "paragraph")),
                        item.line,
                    )
                    self.loose += [
                        one for child in item.walk() if child.kind in ("item", "paragraph") for one in commands_in(child.spans)
                    ]
                return
            self.collecting = None
        kept = (self.when, self.platform)
        for item in block.children:
            self._item(item, "ordered" if block.info == "ordered" else "box" if item.checked is not None else "bullet")
            if self.when != kept[0]:
                self.when, self.platform = kept

    def _item(self, item: Block, source: str) -> None:
        cases = cases_of(item.spans) if item.spans else [item.spans]
        for part in cases[:-1]:
            said = " ".join(marked(part).split())
            self._plain_item(part[0].line, said, source, self._commands(part, item.line), *label_of(part))
        spans = cases[-1]
        text = " ".join((marked(spans) or item.text).split())
        label, rest = label_of(spans)
        stage = stage_of(label) if label else None
        if (
            stage
            and stage not in ("act", "diagnose", "verify", "communicate", "prevention", "prerequisites")
            and self.collecting != "background"
        ):
            self._item_stage(stage, rest, item)
            return
        found = self._commands(spans, item.line)
        nested = [
            child for child in item.children if child.kind in ("fence", "list", "table", "paragraph", "quote", "admonition")
        ]
        condition = branch_of(text) if not found else None
        title = text.rstrip(":：")
        before = self.when, self.phase, self.intro, self.platform
        around = self.base, self.joined, self.told
        self.base, self.told = self.when, False
        if platform_of(title):
            self.platform = platform_of(title)
        elif label and platform_of(label):
            self.platform = platform_of(label)
            found = self._commands(spans, item.line)
        elif condition is not None and nested and len(text) < 120 and not LEADING_IF.match(text):
            self.branch(condition)
        if nested:
            self._item_with_children(item, title, source, found, nested)
        elif text:
            self._plain_item(item.line, text, source, found, label, rest)
        self.when, self.phase, self.intro, self.platform = before
        self.base, self.joined, self.told = around

    def _item_stage(self, stage: Stage, rest: str, item: Block) -> None:
        kept, self.collecting = self.collecting, stage
        if rest:
            self._collect(rest, item.line)
        for child in item.children:
            if child.kind == "list":
                self._list(child)
            elif child.kind == "fence":
                self.fence(child)
        self.collecting = kept

    def _item_with_children(self, item: Block, title: str, source: str, found: list[Command], nested: list[Block]) -> None:
        when, action = split_condition(title)
        size = len(self.drafts)
        outer = self.when, self.base, self.joined
        if when:
            self.branch(when)
        self.base = self.when
        found = [command for command in found if f"`{command.text}`" not in (when or "")]
        if found:
            self.add(Draft(item.line, action, commands=found, source=source))
        self.intro = (action if when else title, item.line)
        kept, self.collecting = self.collecting, None if self.collecting in ("background", "expected") else self.collecting
        self.blocks(nested)
        self.collecting = kept
        self.when, self.base, self.joined = outer
        fresh = self.drafts[size:]
        if not fresh:
            self.add(Draft(item.line, title, source=source, told=is_instruction(title)))
            return
        told = is_instruction(title)
        for draft in fresh:
            said = action if when else title
            if draft.source in ("bullet", "prose") and said and draft.text != said and not draft.text.startswith(said):
                draft.text = f"{said.rstrip('.')}: {draft.text}"
            if source == "ordered" and draft.source == "bullet":
                draft.source = "ordered"
                draft.told = draft.told or told

    def _plain_item(self, line: int, text: str, source: str, found: list[Command], label: str | None, rest: str) -> None:
        told = is_instruction(text) or (bool(label) and bool(rest) and is_instruction(rest))
        if self.collecting == "background" and not found:
            return
        if self._expected(text, line) and not found:
            return
        if is_caution(text) and not told and not found and source == "bullet":
            self.caution = text
            return
        if (
            source == "bullet"
            and not told
            and found
            and self.phase is None
            and not _RUN.search(text.split(found[0].text[:20])[0])
        ):
            self.loose += found
            return
        if (
            source == "bullet"
            and not told
            and not found
            and not (self.phase in ("act", "diagnose", "verify", "communicate") and self.staged)
            and self.when is None
        ):
            return
        self.add(
            Draft(
                line,
                text,
                commands=found,
                source=source,
                told=told or bool(found) or (self.staged and self.phase is not None and source != "bullet"),
            ),
        )

    # ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _table(self, block: Block) -> None:
        rows = [row for row in block.children if row.kind == "row"]
        if len(rows) < 2:
            return
        header = [cell.text for cell in rows[0].children]
        case = next((n for n, title in enumerate(header) if _CASE_COLUMNS.search(title)), None)
        action = next((n for n, title in enumerate(header) if _ACTION_COLUMNS.search(title) and n != case), None)
        for row in rows[1:]:
            cells = row.children
            if action is not None and action < len(cells):
                spans, text = cells[action].spans, " ".join(cells[action].text.split())
                found = commands_in(spans)
                when = cells[case].text if case is not None and case < len(cells) and case != action else None
                if found or (when and is_instruction(text)):
                    title = (
                        text
                        if not found or len(text) > len(found[0].text) + 4
                        else next((c.text for n, c in enumerate(cells) if n != action and c.text), text)
                    )
                    self.drafts.append(
                        Draft(
                            cells[action].line,
                            title,
                            self.phase,
                            when,
                            False,
                            None,
                            found,
                            source="table",
                            told=bool(found),
                        )
                    )
                    continue
            for cell in cells:
                self.loose += commands_in(cell.spans)

    # ── fences ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def fence(self, block: Block) -> None:
        """Read a fence: commands grouped under their comments, comments that are steps by themselves, numbered instructions."""
        if self.collecting == "expected" or (self.intro and stage_of(self.intro[0].split("(")[0]) == "expected"):
            self._expected(block.text[:200], block.line)
            self.collecting, self.intro = None if self.collecting == "expected" else self.collecting, None
            return
        if drawn := read_drawn(block.text, block.line, block.info):
            self._drawn(drawn)
            return
        entries = read_entries(block.text, block.line, block.info)
        FenceSteps(self, entries).read()
        self.intro = None
        if entries and self.collecting in ("symptoms", "causes", "caution"):
            self.collecting = None

    def _drawn(self, drawn: Sequence[Drawn]) -> None:
        """Take what a drawing says is to be done as steps, each under the answers that lead to it."""
        self.intro = None
        for one in drawn:
            label, _, after = one.text.rpartition(": ")
            commands = commands_written(one.text, one.line) or (commands_written(after, one.line) if label else [])
            before = self.drafts[-1] if self.drafts else None
            if commands and before and before.source == "drawn" and before.text.endswith(":") and before.drawn == one.when:
                before.commands += commands
                continue
            self.add(
                Draft(one.line, one.text, when=", and ".join(one.when) or None, nested=len(one.when) > 1, commands=commands,
                      source="drawn", drawn=one.when)
            )  # fmt: skip

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
