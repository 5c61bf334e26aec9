"""The steps of a table with a column of actions: its rows go in; a step for each, and the commands of other rows, come out."""

from __future__ import annotations

import re

from watchkeeper.book.model import Command, StepPhase
from watchkeeper.book.read.drafts import Draft
from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.read.sentences import commands_in
from watchkeeper.text.blocks import Block

_ACTION_COLUMNS = re.compile(
    r"action|resolution|solution|fix|step|what to do|first thing|check|remedy|mitigation|response|command|task|"
    r"how|lösung|maßnahme|solution|acción|solución|ação|działanie|対応|対処|操作|处理|조치",
    re.IGNORECASE,
)
_CASE_COLUMNS = re.compile(
    r"symptom|problem|issue|error|cause|condition|scenario|if|when|situation|alert|failure|trigger|finding|observation|ursache|problème|síntoma|causa|sintoma|przyczyna|症状|原因|问题|문제|증상",
    re.IGNORECASE,
)


def read_table(block: Block, phase: StepPhase | None) -> tuple[list[Draft], list[Command]]:
    """Give the steps of a table, and the commands that nobody is told to run there."""
    drafts: list[Draft] = []
    loose: list[Command] = []
    rows = [row for row in block.children if row.kind == "row"]
    if len(rows) < 2:
        return drafts, loose
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
                drafts.append(
                    Draft(
                        cells[action].line,
                        title,
                        phase,
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
            loose += commands_in(cell.spans)
    return drafts, loose
