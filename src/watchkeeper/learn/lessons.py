"""What the runs of an incident taught about its runbook, and the runbook with that beside each step. Pure.

Runs and the runbook's text enter; lessons leave, and a text in which a note stands behind each step that failed, took too long or
was passed over by a person. Nothing of the text is taken away or altered: the note is the proposal, and whoever reads it rewrites
the step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.base.durations import format_duration
from watchkeeper.run.model import Act, Run, Standing

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})")
_ITEM = re.compile(r"^(?P<indent>[ \t]*)(?:[-*+]|\d{1,3}[.)])(?P<space>[ \t]+)")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one step of a procedure taught."""

    #: the step's line when it was carried out, and the words by which it is found again
    line: int
    words: str
    procedure: str
    note: str
    run_id: str
    #: of a book made of several: the one that holds the step; None where nothing says which
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """The runbook with the lessons in it, and those for which the step is no longer there."""

    text: str
    placed: tuple[Lesson, ...]
    lost: tuple[Lesson, ...]


def lessons_of(runs: Iterable[Run], files: Mapping[str, str | None] | None = None) -> list[Lesson]:
    """Give what runs taught, in the order of the runbook. `files` says by its id in which file a procedure stands.

    A step's own command knows its file; a step without one stands where its procedure does.
    """
    found: dict[tuple[str, int, str], Lesson] = {}
    for run in runs:
        stated = (act.command.file for act in run.plan.acts if act.command is not None and act.command.file)
        home = (files or {}).get(run.plan.procedure_id) or next(stated, None)
        for act in run.plan.acts:
            note = _note(act, run.acts.get(act.key, Standing()))
            if note:
                words = act.stands_for or (act.command.text if act.command is not None else act.text)
                file = (act.command.file if act.command is not None else None) or home
                dated = f"{note} ({run.started_at:%Y-%m-%d})"
                found[file or "", act.line, act.key] = Lesson(act.line, words, run.plan.title, dated, run.id, file)
    return [found[key] for key in sorted(found)]


def _note(act: Act, standing: Standing) -> str:
    outcome = standing.outcome
    if outcome is not None and outcome.result == "timeout":
        span = ""
        if outcome.started_at and outcome.ended_at:
            span = f" after {format_duration((outcome.ended_at - outcome.started_at).total_seconds())}"
        return f"It did not end in time{span}."
    if standing.state == "failed" and outcome is not None:
        status = f" with status {outcome.exit_status}" if outcome.exit_status else ""
        return f"It failed{status}: {_plain(outcome.sentence)}"
    if standing.state == "skipped" and act.branch is None and act.skip is None and standing.sentence:
        return f"It was passed over: {_plain(standing.sentence)}"
    return ""


def _plain(sentence: str) -> str:
    """Give a sentence as words of Markdown: what a command printed marks nothing up."""
    said = " ".join(sentence.split())[:300].rstrip(".")
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", said) + "."


def propose(text: str, lessons: Sequence[Lesson]) -> Proposed:
    """Put each lesson behind its step; ends of lines, and all that is there, stay as they are."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    placed: list[Lesson] = []
    lost: list[Lesson] = []
    notes: dict[int, list[str]] = {}
    for lesson in lessons:
        at = _find(lines, lesson)
        if at is None:
            lost.append(lesson)
            continue
        behind, indent = _behind(lines, at)
        notes.setdefault(behind, []).append(f"{indent}> **Learned:** {lesson.note}")
        placed.append(lesson)
    made: list[str] = []
    end = "\r" if newline == "\r\n" else ""
    for number, line in enumerate(lines):
        made.append(line)
        for note in notes.get(number, ()):
            made += [end, note + end]
            following = lines[number + 1].strip() if number + 1 < len(lines) else ""
            if following:
                made.append(end)
    return Proposed("\n".join(made), tuple(placed), tuple(lost))


def _find(lines: Sequence[str], lesson: Lesson) -> int | None:
    """Find the step's line: where it was, else the nearest with its words; None where there is none."""
    wanted = lesson.words.strip().split("\n")[0].strip()
    if not wanted:
        return None
    hits = [number for number, line in enumerate(lines) if wanted in line]
    return min(hits, key=lambda number: abs(number + 1 - lesson.line), default=None)


def _behind(lines: Sequence[str], at: int) -> tuple[int, str]:
    """Give the last line of what a line stands in (its fence, else itself), and how far a note behind it is indented."""
    opened: tuple[str, str] | None = None
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if match is None:
            continue
        marks = match["marks"]
        if opened is None:
            opened = (match["indent"], marks)
            begun = number
        elif marks[0] == opened[1][0] and len(marks) >= len(opened[1]) and not line.strip().strip(marks[0]):
            if begun < at < number:
                return number, opened[0]
            opened = None
    item = _ITEM.match(lines[at])
    if item is not None:
        return at, " " * len(item.group())
    return at, lines[at][: len(lines[at]) - len(lines[at].lstrip())]
