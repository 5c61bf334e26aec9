"""The steps of a section: its blocks go in, in the order of the file; steps, symptoms, causes and the like come out.

Labels (bold lines, headings of stages) set what the following blocks mean; ordered lists, fences, comments in fences, bullets
and tables give the steps. Nothing here decides whether the section is a procedure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from watchkeeper.book.model import Command
from watchkeeper.book.read.drafts import Draft
from watchkeeper.book.read.drawn_branches import Drawn, commands_written, read_drawn
from watchkeeper.book.read.expectations import read_expectation
from watchkeeper.book.read.fence_steps import FenceSteps
from watchkeeper.book.read.flowcharts import read_flowchart
from watchkeeper.book.read.in_force import InForce
from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.read.labels import Stage, branch_of, is_caution, platform_of, says_everywhere, stage_of
from watchkeeper.book.read.sentences import (
    LEADING_IF,
    cases_of,
    commands_in,
    label_of,
    lines_of,
    marked,
    split_condition,
)
from watchkeeper.book.read.step_tables import read_table
from watchkeeper.book.shell import read_entries
from watchkeeper.text.blocks import Block, Span

_RUN = re.compile(
    r"\b(?:run|runs|execute|use|using|type|enter|via|with|by|check|apply|issue|invoke|call|try|then|or|and|restart|verify|see|view|get|list|ejecut\w+|verific\w+|lanc\w+|exécut\w+|ausführen|führe|mit|uruchom)\b[^`]{0,60}$|(?:実行|运行|执行)",
    re.IGNORECASE,
)
#: labels that say where something lies, not what to do with it
_PLACE = re.compile(
    r"(?:script |file )?(?:locations?|paths?|files?|source)|speicherort|pfad|datei|emplacement|chemin|fichier|ubicación|ruta|"
    r"archivo|localização|caminho|arquivo|lokalizacja|ścieżka|場所|位置|路径|경로|위치",
    re.IGNORECASE,
)


def _case_alone(item: Block) -> str | None:
    """Give the condition of a last item that says only when ("3. If trouble stays:"); what is done stands unindented below."""
    said = item.text.strip()
    return branch_of(said) if said.endswith((":", "：")) and not item.children and not commands_in(item.spans) else None


def _asks(spans: tuple[Span, ...]) -> tuple[str, ...]:
    """Give the commands that the condition in bold type asks with which a line begins."""
    return spans[0].code if spans and spans[0].kind == "strong" and branch_of(marked(spans[:1])) is not None else ()


class StepReader(InForce):
    """Reads the blocks of one section and of the stages beneath it."""

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
            drafts, loose = read_table(block, self.phase)
            self.drafts += drafts
            self.loose += loose
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
            self.expect(rest, line)
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
        elif platform_of(label) or says_everywhere(label):
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
        found = [command for command in self.commands(spans) if f"`{command.text}`" not in (self.when or "")]
        self.told = True
        if is_caution(rest) and not found and not is_instruction(rest):
            self.caution = rest
        elif self.following == "fence" and not found:
            self.intro = (rest.rstrip(":："), line)
            self.caution = self.caution or (rest if is_caution(rest) else None)
        else:
            self._say(rest, line, spans, "prose")

    def _staged_text(self, stage: Stage, rest: str, line: int, spans: tuple[Span, ...]) -> None:
        if stage in ("symptoms", "causes", "prevention", "escalation"):
            self.collect(rest, line)
            if stage in ("symptoms", "escalation"):
                self.collecting = None if stage == "escalation" else stage
        else:
            self._say(rest, line, spans, "prose")

    def _sentence(self, text: str, line: int, spans: tuple[Span, ...]) -> None:
        if self.collecting in ("symptoms", "causes", "prevention", "escalation", "caution"):
            self.collect(text, line)
            if self.collecting == "caution":
                self.collecting = None
            return
        self.goes_on(text)
        when, action = split_condition(text.rstrip(":：")) if text.endswith((":", "：")) and len(text) < 160 else (None, text)
        told = action and (is_instruction(action) or not re.match(r"\W*(?:if|when|in|once|unless)\b", text, re.IGNORECASE))
        if when and told and not any(f"`{one.text}`" not in when for one in commands_in(spans)):
            self.branch(when)
            self.intro, self.brief = (action, line), True
            return
        asked = self.commands(spans) if not text.endswith((":", "：")) else []
        if asked and (expected := read_expectation(text, line)):
            asked[-1] = replace(asked[-1], expects=asked[-1].expects or expected)
            self.add(Draft(line, text, commands=asked, source="prose"))
            return
        expectation = self.expect(text, line)
        condition = branch_of(text) if text.endswith((":", "：")) and len(text) < 140 else None
        if condition is not None and all(f"`{one.text}`" in condition for one in commands_in(spans)):
            self.branch(condition)
            self.brief = True
            return
        if text.endswith((":", "：")):
            if platform_of(text) or says_everywhere(text):
                self.platform = platform_of(text)
                return
            found = self.commands(spans)
            if found:
                self.add(Draft(line, text, commands=found, source="prose"))
            self.intro = (text.rstrip(":："), line)
            return
        if not expectation and self.collecting != "background":
            self._say(text, line, spans, "prose")

    def _say(self, text: str, line: int, spans: tuple[Span, ...], source: str, title: str = "") -> None:
        """Take a sentence as a step where it tells to do something or carries commands."""
        found = self.commands(spans)
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

    # ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _list(self, block: Block) -> None:
        if self.collecting in ("symptoms", "causes", "prevention", "escalation", "caution"):
            if not any(child.kind == "fence" for child in block.walk()):
                for item in block.children:
                    self.collect(
                        " ".join(child.text for child in item.walk() if child.text and child.kind in ("item", "paragraph")),
                        item.line,
                    )
                    self.loose += [
                        one for child in item.walk() if child.kind in ("item", "paragraph") for one in commands_in(child.spans)
                    ]
                return
            self.collecting = None
        kept = (self.when, self.platform)
        case = _case_alone(block.children[-1]) if self.following == "fence" and block.children else None
        for item in block.children[:-1] if case else block.children:
            self._item(item, "ordered" if block.info == "ordered" else "box" if item.checked is not None else "bullet")
            if self.when != kept[0]:
                self.when, self.platform = kept
        if case:
            self.branch(case)
            self.brief = True

    def _item(self, item: Block, source: str) -> None:
        cases = cases_of(item.spans) if item.spans else [item.spans]
        for part in cases[:-1]:
            said = " ".join(marked(part).split())
            self._plain_item(part[0].line, said, source, self.commands(part), *label_of(part))
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
        found = self.commands(spans)
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
            found = self.commands(spans)
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
            self.collect(rest, item.line)
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
        # "**If `top` shows app:** …" and below "**If `top` shows worker:** …": other answers to one question, none within another
        asked = _asks(item.spans) if when else ()
        beside = asked and any(child.kind == "paragraph" and _asks(child.spans) == asked for child in nested)
        self.base = outer[1] if beside else self.when
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
        self._expected_of(title, item.line, fresh)
        told = is_instruction(title)
        for draft in fresh:
            said = action if when else title
            if draft.source in ("bullet", "prose") and said and draft.text != said and not draft.text.startswith(said):
                draft.text = f"{said.rstrip('.')}: {draft.text}"
            if source == "ordered" and draft.source == "bullet":
                draft.source = "ordered"
                draft.told = draft.told or told

    def _expected_of(self, title: str, line: int, fresh: list[Draft]) -> None:
        """Hang what an item says it expects ("Verify. Expected: status 200.") on the one look beneath it."""
        looks = [draft for draft in fresh if draft.commands]
        if len(looks) == 1 and len(looks[0].commands) == 1 and (only := looks[0].commands[0]).risk == "read" and not only.expects:
            expects = read_expectation(title, line, labelled=True)
            looks[0].commands[0] = replace(only, expects=expects) if expects else only

    def _plain_item(self, line: int, text: str, source: str, found: list[Command], label: str | None, rest: str) -> None:
        told = is_instruction(text) or (bool(label) and bool(rest) and is_instruction(rest))
        if self.collecting == "background" and not found:
            return
        if self.expect(text, line) and not found:
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

    # ── fences ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def fence(self, block: Block) -> None:
        """Read a fence: commands grouped under their comments, comments that are steps by themselves, numbered instructions."""
        if self.collecting == "expected" or (self.intro and stage_of(self.intro[0].split("(")[0]) == "expected"):
            self.expect(block.text[:200], block.line)
            self.collecting, self.intro = None if self.collecting == "expected" else self.collecting, None
            return
        charted = block.info == "mermaid"
        if drawn := read_flowchart(block.text, block.line) if charted else read_drawn(block.text, block.line, block.info):
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
            nested = len(one.when) > 1 or one.either
            self.add(
                Draft(one.line, one.text, when=", and ".join(one.when) or None, nested=nested, commands=commands,
                      source="drawn", drawn=one.when)
            )  # fmt: skip
