"""Read thresholds: every comparison or state that says when somebody must act, or which value is to be kept.

Passages, tables and fences enter; thresholds leave. Headings, labels and columns decide the role, the direction in which a
metric is bad decides where they are silent. Response times, configuration, sample output and versions are not thresholds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from watchkeeper.base.durations import find_durations
from watchkeeper.book.model import Threshold
from watchkeeper.book.read.admission import is_admissible, is_threshold
from watchkeeper.book.read.alert_blocks import AlertBlock, alert_blocks, block_at, response_of
from watchkeeper.book.read.banded import banded
from watchkeeper.book.read.comparisons import Comparison, counted_unit, find_comparisons
from watchkeeper.book.read.decision_trees import read_decision_trees
from watchkeeper.book.read.meaning import band_of, role_of, subject_of
from watchkeeper.book.read.metric_names import canonical_metric, statistic_of
from watchkeeper.book.read.monitors import read_monitors
from watchkeeper.book.read.passages import Passage, Passages
from watchkeeper.book.read.promised import promised
from watchkeeper.book.read.severity_words import severity_code, severity_labels, severity_of, severity_word
from watchkeeper.book.read.state_lists import may_state, read_states
from watchkeeper.book.read.threshold_tables import read_threshold_tables

_MANIFEST = re.compile(
    r"^\s*(?:apiVersion:|-?\s*expr:|-?\s*query:|input \{|version: ['\"]|services:|receivers:|route:|groups:|"
    r"resource \")",
    re.MULTILINE,
)
_JOINED = re.compile(r"\band\b|\bund\b|\bet\b|\by\b|&&", re.IGNORECASE)
#: what between two comparisons keeps the second from counting only together with the first
_APART = re.compile(r"[.!?;\n]\s|\bor\b|\boder\b|\bou\b|\|\|", re.IGNORECASE)
_DURATION_LABEL = re.compile(r"duration|for|dauer|durée|duración|持続時間|持续时间|window|evaluation period", re.IGNORECASE)


def read_thresholds(passages: Passages) -> tuple[Threshold, ...]:
    """Read all thresholds of a text, in the order of their lines."""
    found: list[Threshold] = list(read_monitors(passages))
    found.extend(read_threshold_tables(passages))
    trees, used = read_decision_trees(passages)
    found.extend(trees)
    taken = {t.line for t in found} | used
    manifests = {id(block) for block, _, _ in passages.fences if _MANIFEST.search(block.text)}
    blocks = alert_blocks(passages)
    beside = _beside(passages)
    for passage in passages.all:
        if passage.block is not None and id(passage.block) in manifests:
            continue
        if passage.line in taken and passage.kind in ("fence", "comment"):
            continue
        if len(passage.text) <= 2000 and may_state(passage) and is_admissible(passage):
            found.extend(_filled(threshold, passage, beside) for threshold in _from_passage(passage, blocks))
    return tuple(sorted(_filed(_without_repeats(found), passages), key=lambda t: t.line))


def _filed(found: Iterable[Threshold], passages: Passages) -> Iterator[Threshold]:
    """Give a threshold that stands in a table of properties the severity that another row of the section states."""
    found = list(found)
    said = severity_labels(passages) if any(one.severity is None and one.role == "alert" for one in found) else {}
    places = {passage.line: id(passage.section) for passage in passages.all} if said else {}
    for threshold in found:
        severity = said.get(places.get(threshold.line, 0)) if threshold.severity is None and threshold.role == "alert" else None
        yield replace(threshold, severity=severity) if severity else threshold


def _without_repeats(found: Iterable[Threshold]) -> Iterator[Threshold]:
    seen: set[tuple[object, ...]] = set()
    for threshold in found:
        key = (threshold.line, threshold.op, threshold.value, threshold.unit, threshold.subject.lower())
        if key not in seen:
            seen.add(key)
            yield threshold


def _from_passage(passage: Passage, blocks: dict[int, list[tuple[int, AlertBlock]]]) -> Iterator[Threshold]:
    text = passage.text
    comparisons = [c for c in find_comparisons(text) if is_threshold(c, passage)]
    block = block_at(blocks, passage)
    group = f"{passage.line}" if len(comparisons) > 1 else None
    states = list(read_states(passage, comparisons))
    if group is None and comparisons and states:
        group = f"{passage.line}"
    previous = ""
    together = _together(text, comparisons)
    for comparison in comparisons:
        subject = subject_of(comparison, passage) or previous
        if not subject:
            continue
        previous = subject
        yield _threshold(comparison, passage, subject, block, group, comparison.start in together)
    if not comparisons and not states:
        yield from (_threshold(c, passage, c.subject, block, group) for c in banded(passage))
        kept = (_threshold(c, passage, c.subject, None, group) for c in promised(passage))
        yield from (replace(one, role="objective", severity=None) for one in kept)
    for subject, state, for_s in states:
        yield Threshold(
            line=passage.line,
            role="alert",
            subject=subject,
            op="is",
            state=state,
            for_s=for_s or (block.for_s if block else None),
            metric=None,
            severity=_severity(passage, None) or (block.severity if block else None),
            respond_within_s=_respond_within(passage, block),
            actions=_actions(passage, block),
            source=_source(passage, block),
            group=group,
            text=" ".join(text.split()),
        )


def _together(text: str, comparisons: Sequence[Comparison]) -> set[int]:
    """Give where those comparisons begin that count only together: with the one before or behind them stands an "and"."""
    found = set[int]()
    for one, other in pairwise(comparisons):
        between = text[one.end : other.start]
        if _JOINED.search(between) and not _APART.search(between):
            found |= {one.start, other.start}
    return found


def _threshold(
    comparison: Comparison, passage: Passage, subject: str, block: AlertBlock | None, group: str | None, together: bool = False
) -> Threshold:
    role = role_of(comparison, subject, passage)
    for_s = comparison.for_s if comparison.for_s is not None else (block.for_s if block else None)
    severity = _severity(passage, comparison) or (block.severity if block else None)
    unit = comparison.unit or counted_unit(comparison, f"{subject} {passage.label} {comparison.after}")
    return Threshold(
        line=passage.line_at(comparison.start),
        role=role,
        subject=subject,
        metric=canonical_metric(subject) or canonical_metric(f"{passage.label} {comparison.after}"),
        statistic=comparison.statistic or statistic_of(subject),
        op=comparison.op,
        value=comparison.value,
        unit=unit,
        for_s=for_s,
        severity=severity if role == "alert" else None,
        respond_within_s=_respond_within(passage, block) if role == "alert" else None,
        actions=_actions(passage, block) if role == "alert" else (),
        source=_source(passage, block),
        group=group,
        group_by="and" if comparison.ranged or (together and role == "alert") else "or",
        text=" ".join(passage.text.split()),
    )


_GRADED = re.compile(r"\b(critical|warning|info)[- ](?:level )?alert|\balert (?:is )?(critical|warning)", re.IGNORECASE)


def _severity(passage: Passage, comparison: Comparison | None) -> str | None:
    text = passage.text
    if comparison is not None:
        own = severity_word(passage.label) if band_of(passage.label) == "alert" else None
        if own:
            return severity_code(passage.label) or own
        sentence = text[text.rfind(". ", 0, comparison.start) + 1 : comparison.end + 1]
        said = _GRADED.search(sentence)
        if said:
            return (said[1] or said[2]).lower()
    code = severity_code(text.split("→", 1)[1]) if "→" in text else None
    return code or severity_of(passage.context)


def _beside(passages: Passages) -> dict[tuple[int, int], dict[str, str]]:
    """Gather the labelled values of each paragraph ("Severity: critical  Duration: 5 minutes") and of each section's severity."""
    found: dict[tuple[int, int], dict[str, str]] = {}
    for passage in passages.all:
        if passage.kind not in ("prose", "item") or not passage.label or not passage.body or passage.block is None:
            continue
        if _DURATION_LABEL.fullmatch(passage.label) and passage.kind == "prose":
            found.setdefault((id(passage.section), passage.block.end_line), {}).setdefault("for", passage.body)
    for section, said in severity_labels(passages).items():
        found.setdefault((section, 0), {})["severity"] = said
    return found


def _filled(threshold: Threshold, passage: Passage, beside: dict[tuple[int, int], dict[str, str]]) -> Threshold:
    """Give a threshold the duration and severity that stand beside it under labels of their own."""
    if threshold.role != "alert" or passage.block is None:
        return threshold
    near = beside.get((id(passage.section), passage.block.end_line), {})
    if threshold.for_s is None and "for" in near and passage.kind == "prose":
        threshold = replace(threshold, for_s=next((d.high_s for d in find_durations(near["for"])), None))
    said = beside.get((id(passage.section), 0), {}).get("severity")
    if said and (threshold.severity is None or not band_of(passage.label)):
        threshold = replace(threshold, severity=said)
    return threshold


_RESPOND = re.compile(r"respon(?:se|d)\s*(?:time)?\s*(?:within|in|:|<)\s*(.+?)\)?$", re.IGNORECASE)
_AT_ONCE = re.compile(r"\bimmediate response\b", re.IGNORECASE)


def _respond_within(passage: Passage, block: AlertBlock | None) -> float | None:
    if block is not None and block.respond_within_s is not None:
        return block.respond_within_s
    for words in passage.context:
        match = _RESPOND.search(words)
        if match:
            return response_of(match[1])
        if _AT_ONCE.search(words):
            return 0.0
    return None


def _actions(passage: Passage, block: AlertBlock | None) -> tuple[str, ...]:
    if block is not None and block.actions:
        return tuple(block.actions)
    arrow = re.search(r"(?:→|⇒|->|=>)\s*(.+)$", passage.text)
    if arrow:
        return (arrow[1].strip(),)
    return tuple(
        child.body or child.text for child in passage.children if re.match(r"action|do|fix|response", child.label, re.IGNORECASE)
    )


def _source(passage: Passage, block: AlertBlock | None) -> str:
    if passage.kind == "fence":
        return "alert-block" if block is not None and (block.actions or block.respond_within_s is not None) else "list"
    return "list" if passage.kind == "item" else "prose"
