"""A procedure's checklists as steps: each box is an act that a person ticks, or a command that runs. Pure.

A procedure of the book enters; its steps leave, those that are boxes gathered under their checklist, with the boxes that the
reading of steps left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.book.model import Book, Checklist, Procedure, Step
from watchkeeper.run.model import Act, Run


def in_lists(book: Book, procedure: Procedure) -> list[tuple[Step, tuple[Step, ...]]]:
    """Give the steps of a procedure in order, each with its boxes where it is a checklist."""
    given: list[tuple[Step, tuple[Step, ...]]] = [(step, ()) for step in procedure.steps]
    number = max((step.n for step in procedure.steps), default=0)
    for checklist in _own(book, procedure):
        members = [step for step in procedure.steps if step.file == checklist.file and step.line in checklist.lines]
        plain = all(step.condition is None and step.when is None and step.phase != "prevent" for step in members)
        if not plain or len({step.line for step in members}) != len(members):
            continue
        by_line = {step.line: step for step in members}
        boxes = tuple(
            by_line.get(line) or Step(n=0, text=text, line=line, file=checklist.file, phase="act")
            for line, text in zip(checklist.lines, checklist.items, strict=True)
        )
        number += 1
        head = Step(n=members[0].n if members else number, text=checklist.title, line=checklist.line, file=checklist.file)
        at = sum(step.line < checklist.line for step, _ in given)
        left = [each for each in given if each[0] not in members]
        given = [*left[:at], (head, boxes), *left[at:]]
    return given


def open_boxes(run: Run, key: str) -> tuple[Act, ...]:
    """Give the acts for a person that are still open in the step of an asking one, that one included."""
    step = next((act.step for act in run.plan.acts if act.key == key), None)
    return boxes_of(run, step) if step is not None else ()


def boxes_of(run: Run, step: int) -> tuple[Act, ...]:
    """Give the acts of a step that a person can tick now: none where none of them is asked for yet."""
    mine = [act for act in run.plan.acts if act.step == step and act.kind == "manual" and act.skip is None]
    left = tuple(act for act in mine if _can_be_ticked(run, act))
    return left if any(run.acts[act.key].state == "asking" for act in left) else ()


def _can_be_ticked(run: Run, act: Act) -> bool:
    standing = run.acts[act.key]
    return standing.state == "to-do" or (standing.state == "asking" and standing.question == "manual")


def _own(book: Book, procedure: Procedure) -> Sequence[Checklist]:
    """Give the checklists that stand among the steps of a procedure."""
    starts = [other.line for other in book.procedures if other.file == procedure.file and other.line > procedure.line]
    end = min(starts, default=None)
    last = max((step.line for step in procedure.steps), default=0)
    return [
        each
        for each in book.checklists
        if each.file == procedure.file
        and len(each.lines) == len(each.items) > 0
        and procedure.line <= each.line <= last
        and (end is None or each.line < end)
    ]
