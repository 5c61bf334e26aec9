"""Read thresholds from decision trees drawn in fences: "Is error rate > 10%? → YES → P1: page on-call"."""

from __future__ import annotations

import re
from dataclasses import replace

from watchkeeper.book.model import Threshold
from watchkeeper.book.read.comparisons import counted_unit, find_comparisons
from watchkeeper.book.read.drawn_branches import TEXTUAL
from watchkeeper.book.read.metric_names import canonical_metric, statistic_of
from watchkeeper.book.read.passages import Passages
from watchkeeper.book.read.severity_words import numbered_severity, severity_code
from watchkeeper.book.read.states import state_of
from watchkeeper.text.blocks import Block

_QUESTION = re.compile(
    r"^[\s│├└─┌┬|+`*-]*(?P<question>(?:Is|Are|Has|Have|Does|Do|Did|Any|Ist|Sind|Est-ce|Es|É|"
    r"Czy)\b[^?]*)\?\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"(?P<answer>yes|no|ja|nein|oui|non|sí|si|não|sim|tak|nie|y|n)\b\s*(?:→|->|—|:|─+>?)\s*(?P<then>.+)", re.IGNORECASE
)
_NEGATIVE = frozenset({"no", "nein", "non", "não", "nie", "n"})
_LEAD = re.compile(r"^(?:Is|Are|Has|Have|Does|Do|Did|Any|Ist|Sind|Est-ce que|Es|É|Czy)\s+(?:the\s+|any\s+)?", re.IGNORECASE)


def read_decision_trees(passages: Passages) -> tuple[list[Threshold], set[int]]:
    """Read all decision trees; gives the thresholds and the lines of the fences they stand in."""
    found: list[Threshold] = []
    used: set[int] = set()
    for block, _section, _under in passages.fences:
        if (
            block.info in TEXTUAL
            and block.text.count("?") >= 2
            and ("→" in block.text or "->" in block.text or "├" in block.text or _ANSWER.search(block.text))
        ):
            thresholds = _tree(block)
            if thresholds:
                found.extend(thresholds)
                used.update(range(block.line, block.end_line + 1))
    return found, used


def _tree(block: Block) -> list[Threshold]:
    rows = block.text.split("\n")
    found: list[Threshold] = []
    for offset, row in enumerate(rows):
        match = _QUESTION.match(row)
        if match is None:
            continue
        answers = _answers(match["rest"], rows[offset + 1 :])
        acting = next(((a, t) for a, t in answers if severity_code(t) or numbered_severity(t)), None)
        if acting is None:
            acting = next(((a, t) for a, t in answers if not re.search(r"continue|weiter|next", t, re.IGNORECASE)), None)
        if acting is None:
            continue
        found.extend(_question(match["question"], acting[0] in _NEGATIVE, acting[1], block.line + offset))
    return found


def _answers(rest: str, following: list[str]) -> list[tuple[str, str]]:
    answers: list[tuple[str, str]] = []
    for text in [rest, *following]:
        if text is not rest and _QUESTION.match(text):
            break
        match = _ANSWER.search(text)
        if match:
            answers.append((match["answer"].lower(), match["then"].strip()))
        elif text is not rest and answers and not text.strip(" │├└─↓|"):
            break
    return answers


def _question(question: str, negative: bool, then: str, line: int) -> list[Threshold]:
    subject = _LEAD.sub("", question.strip())
    if re.match(r"(?:it|this|that|they|there)\b", subject, re.IGNORECASE):
        return []
    state = state_of(subject)[0] or subject.split()[-1]
    asked = Threshold(
        line=line,
        role="alert",
        subject=subject,
        op="is",
        state=f"not {state}" if negative else state,
        severity=severity_code(then) or numbered_severity(then),
        actions=(then,),
        source="decision-tree",
        text=question.strip() + "?",
    )
    return [
        replace(
            asked,
            subject=c.subject or subject,
            metric=canonical_metric(c.subject),
            statistic=c.statistic or statistic_of(subject),
            op=c.op,
            state=None,
            value=c.value,
            unit=c.unit or counted_unit(c, subject),
            for_s=c.for_s,
        )
        for c in find_comparisons(subject)
    ] or [asked]
