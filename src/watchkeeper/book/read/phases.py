"""Read the stages of incident response with their times: "Response (5-15 minutes)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.base.durations import Duration, find_durations
from watchkeeper.book.model import Phase
from watchkeeper.book.read.passages import Passage, Passages, clean
from watchkeeper.book.read.severity_words import severity_of
from watchkeeper.book.vocabulary import PHASE_WORDS, matcher

_PHASE = matcher(PHASE_WORDS)
_RANGE = re.compile(r"[(\[](?P<time>[^()\[\]]*\d[^()\[\]]*)[)\]]\s*:?\s*$")
_LEVEL = re.compile(r"^\W*(?:level|tier|l|niveau|nivel|stufe|severity|sev|p)\s*-?\d", re.IGNORECASE)
_ALERTS = re.compile(r"\balerts?\b\s*(?:\(|$)|\bresponse (?:within|time)\b|\bcontact", re.IGNORECASE)
_STEPS = re.compile(r"process|lifecycle|workflow|phases|ablauf|flow\b|流れ|流程", re.IGNORECASE)
_PROCESS = re.compile(
    r"incident|response|process|mitigat|post-?mortem|investigat|detect|resolution|resolve|vorfall|störung", re.IGNORECASE
)


def read_phases(passages: Passages) -> tuple[Phase, ...]:
    """Read all phases: items or sections beside each other of which at least two name a span of time."""
    found: list[Phase] = []
    for group in _siblings(passages):
        if len(group) < 2:
            continue
        timed = [p for p in group if _span(p) is not None]
        around = group[0].context[0] if group[0].context else ""
        if len(timed) < 2 and not _PHASE.search(around):
            continue
        nearest = " ".join(group[0].context[:2])
        process = _PHASE.search(nearest) or (_PROCESS.search(nearest) and any(_PROCESS.search(p.text) for p in group))
        if not process or any(_ALERTS.search(p.text) for p in group):
            continue
        if (
            len(timed) < 2
            and _STEPS.search(around)
            and group[0].kind == "item"
            and all(p.children for p in group)
            and len(group) >= 3
        ):
            found.extend(_phase(p, None) for p in group)
        elif len(timed) >= 2:
            found.extend(_phase(p, _span(p)) for p in group)
    return tuple(sorted(found, key=lambda p: p.line))


def _siblings(passages: Passages) -> Iterator[list[Passage]]:
    groups: dict[tuple[object, ...], list[Passage]] = {}
    for passage in passages.all:
        if passage.kind == "item" and passage.parent is None:
            groups.setdefault((id(passage.section), passage.under), []).append(passage)
        elif passage.kind == "heading" and passage.section.path:
            groups.setdefault((passage.section.path, passage.section.level), []).append(passage)
    yield from groups.values()


_WITHIN = re.compile(r"first|within", re.IGNORECASE)


def _span(passage: Passage) -> Duration | None:
    title = passage.label if passage.label and "(" in passage.label else passage.text.split("\n", 1)[0]
    if "(" not in title and "[" not in title:
        return None
    if _LEVEL.match(title):
        return None
    match = _RANGE.search(title.rstrip(": "))
    if match is None or match["time"].lstrip().upper().startswith("T-"):
        return None
    duration = next(iter(find_durations(match["time"])), None)
    plus = "+" in match["time"]
    if duration is None or (duration.low_s == duration.high_s and not plus and not _WITHIN.search(match["time"])):
        return None
    return duration


_NUMBERED = re.compile(r"(?:phase|step|stage|étape|fase|schritt)\s*\d+", re.IGNORECASE)
_NUMBER = re.compile(r"^\d+[.)]\s*")


def _phase(passage: Passage, span: Duration | None) -> Phase:
    title = passage.label or passage.text.split("\n")[0]
    name = clean(_RANGE.sub("", title.rstrip(": ")))
    if _NUMBERED.fullmatch(name) and passage.body:
        name = clean(_RANGE.sub("", passage.body))
    open_ended = span is not None and span.low_s == span.high_s
    tasks = tuple(" ".join(child.text.split()) for child in passage.children)
    return Phase(
        line=passage.line,
        name=_NUMBER.sub("", name),
        starts_s=span.low_s if span else None,
        ends_s=None if span is None or open_ended else span.high_s,
        tasks=tasks,
        severity=severity_of(passage.headings[::-1]),
    )
