"""Decide whether a comparison is a threshold at all: response times, configuration, sample output and versions are not."""

from __future__ import annotations

import re
from functools import lru_cache

from watchkeeper.book.read.comparisons import Comparison
from watchkeeper.book.read.meaning import ALERT, GENERIC, OBJECTIVE, band_of, is_alerting
from watchkeeper.book.read.metric_names import metric_of
from watchkeeper.book.read.passages import Passage
from watchkeeper.book.read.step_words import belongs_to_step
from watchkeeper.book.vocabulary import ESCALATION_WORDS, GATE_WORDS, NOT_THRESHOLD_LABELS, ROLE_WORDS, matcher

_NOT = matcher(NOT_THRESHOLD_LABELS)
_GATE = matcher(GATE_WORDS)
_ESCALATION = matcher(ESCALATION_WORDS)
_ROLE = matcher(ROLE_WORDS)
_RECOVERY = re.compile(r"\b(?:rto|rpo|recovery (?:time|point)|sla\b.*resol|service credit|credits?)\b", re.IGNORECASE)
_OUTPUT = re.compile(
    r"\b(?:expected (?:output|response|result)|output|sample|example output|example response|report template|"
    r"template|response)\s*$|\btemplate\b|\bchangelog\b|\bchange history\b|\bhistory\b|\bexample report\b|"
    r"\btimeline\b|\blog (?:format|example)",
    re.IGNORECASE,
)
_CODE = re.compile(r"^\s*(?:[\w.-]+\s*[({=]|[A-Za-z_]+:\s*$|.*[;{}]\s*$|apiVersion|kind:|metadata:|spec:)")
COMMANDING = re.compile(
    r"^(?:check|verify|review|restart|monitor|ensure|confirm|look|run|scale|wait|test|find|search|see|open|notify|"
    r"contact|identify|update|create|use|add|set|document)\b",
    re.IGNORECASE,
)
_TIMED = frozenset({"response_time", "replication_lag", "consumer_lag", "certificate_expiry", "lateness", "availability"})
_CALLED = re.compile(r"\balert|\balarm|\bwarning|\btrigger|\bwe page\b|\bpage (?:if|when)|アラート|告警", re.IGNORECASE)
#: what a step does to things of a certain age or size
_ENDING = re.compile(
    r"\W*(?:terminate|kill|delete|remove|stop|purge|clean|drop|archive|cancel|close|evict|expire|prune|truncate|keep|"
    r"retain)\b",
    re.IGNORECASE,
)
_ONLY_TIME = re.compile(r"\W*\d+\s?[a-z]{1,7}\W*", re.IGNORECASE)
#: "CTO (> 60 min)" on a ladder: who is told, not what is watched
_RUNG = re.compile(r"(?:[A-Z][\w/&.-]*\W*(?:[\w/&.-]+\W*){0,4})$")
_GRADE = re.compile(r"\bseverit|\bpriorit|\bclassification|schweregrad|gravité|severidad", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"^\W*(?:example|beispiel|exemple|ejemplo)\b|\b(?:for example|e\.g\.|like|such as|z\. ?B\.|par exemple)\W*$", re.IGNORECASE
)
_CHANGE = re.compile(r"\b(?:improvement|reduction|faster|savings?|discount|credits?|increase of|decrease of)\b", re.IGNORECASE)
UNREAL = re.compile(r"[\[<{][A-Za-z][^\]>}]*[\]>}]")


def is_admissible(passage: Passage) -> bool:
    """Whether a passage may state a threshold at all, by where it stands."""
    if passage.kind == "comment":
        return bool(band_of(passage.label)) or bool(re.match(r"alert (?:if|when)\b", passage.text, re.IGNORECASE))
    if passage.kind == "fence":
        if any(_OUTPUT.search(words) for words in passage.context[:2]) or _CODE.match(passage.text):
            return False
        if UNREAL.search(passage.body) and not re.search(r"\w\{[^}]*\}", passage.body):
            return False
        return bool(GENERIC.search(passage.label)) or any(ALERT.search(w) or OBJECTIVE.search(w) for w in passage.context)
    if any(_OUTPUT.search(words) for words in passage.under[-1:]):
        return False
    return not (passage.label and is_gate(passage.label)) and not _about_recovery(passage.context[:2])


@lru_cache(maxsize=1024)
def _about_recovery(context: tuple[str, ...]) -> bool:
    return any(_RECOVERY.search(words) for words in context)


def is_gate(label: str) -> bool:
    """Whether a label names a prerequisite or a version, whose numbers are gates."""
    return bool(_GATE.match(label)) and not metric_of(label)


_LAST_WORD = re.compile(r"[\s`(]")


def is_threshold(comparison: Comparison, passage: Passage) -> bool:
    """Whether a comparison is one that somebody should watch."""
    if belongs_to_step(comparison, passage):
        return False
    if comparison.marked:
        return passage.kind != "comment"
    label = passage.label
    timed = comparison.unit in ("seconds", "days")
    subject = comparison.subject
    metric = metric_of(f"{subject} {label}")
    if label and timed and _NOT.fullmatch(label.split("(")[0].strip()):
        return False
    if (
        timed
        and comparison.value >= 60
        and passage.kind == "item"
        and _ROLE.search(subject)
        and _RUNG.match(subject)
        and _ESCALATION.within(passage.context)
    ):
        return False
    if timed and (
        re.match(r"(?:level|tier|niveau|nivel|stufe|l)\s*\d", label, re.IGNORECASE) or re.search(r"\b(?:RTO|RPO)\b", passage.text)
    ):
        return False
    if _EXAMPLE.search(passage.text[: comparison.start]) or _CHANGE.search(
        passage.text[max(0, comparison.start - 40) : comparison.end + 24]
    ):
        return False
    last = _LAST_WORD.split(subject.strip("` "))[-1]
    if (metric is None or metric.name in ("lateness", "score")) and (
        last.lower() in ("to", "like", "from", "of")
        or (comparison.op in (">=", "<=") and re.search(r"^[a-z]+[A-Z]\w*$|^[A-Z]+_[A-Z_]+$", last))
    ):
        return False
    if timed and metric is not None and metric.name not in _TIMED:
        metric = None
    if timed and (_ONLY_TIME.fullmatch(subject) or (_grades(passage) and (metric is None or metric.name == "lateness"))):
        return False
    if (
        metric is not None
        and metric.name == "certificate_expiry"
        and comparison.unit == "seconds"
        and not re.search(r"expir|ablauf|abläuf", passage.text, re.IGNORECASE)
    ):
        return False
    if timed and re.search(r"response|respond|reaction|resolution|acknowledge", label, re.IGNORECASE) and comparison.value >= 60:
        return False
    if timed and not _graded(passage) and _incidental(subject, label, passage):
        return False
    if comparison.worded or comparison.ranged:
        if passage.kind == "heading" and not (comparison.ranged and metric):
            return False
        return _worded(comparison, passage, metric is not None)
    if passage.kind == "heading":
        return metric is not None and metric.name != "lateness" and not (timed and comparison.value >= 60)
    if passage.kind in ("prose", "item") and metric is None and not is_alerting(passage):
        return False
    if any(is_gate(words) for words in passage.context[:1]) and metric is None:
        return False
    return not COMMANDING.match(passage.text) or metric is not None


def _grades(passage: Passage) -> bool:
    """Whether a passage stands where severities are told apart."""
    return any(_GRADE.search(words) for words in passage.context[:3])


def _graded(passage: Passage) -> bool:
    """Whether a line beneath a heading about alerts begins with how bad it is: what it says is watched, whatever it is."""
    nearest = passage.under[-1] if passage.under else passage.section.title
    return passage.kind in ("prose", "item") and band_of(passage.label) == "alert" and bool(_CALLED.search(nearest))


def _incidental(subject: str, label: str, passage: Passage) -> bool:
    """Whether a time is how long something takes, lasts or is kept, not a value to be watched."""
    words = f"{label} {subject}"
    if re.search(r"\bage$", subject.strip("` "), re.IGNORECASE):
        return False
    if re.search(
        r"\b(?:retention|retain|keep|kept|sleep|takes?|duration of|data loss|ttl|mtt[rda]|mean time|backup|"
        r"old|older)\b",
        words,
        re.IGNORECASE,
    ) or re.match(r"\W*(?:then )?wait\b", subject, re.IGNORECASE):
        return True
    return not subject and not label and not is_alerting(passage)


def _worded(comparison: Comparison, passage: Passage, known: bool) -> bool:
    """Judge "above", "more than" and plain ranges, which say many other things in prose."""
    if (
        comparison.unit in ("seconds", "days")
        and not known
        and not any(_CALLED.search(words) for words in (passage.text, *passage.under[-1:], passage.section.title))
    ):
        return False
    if len(comparison.subject.split()) > 14:
        return False
    if _ENDING.match(passage.text):
        return False
    if comparison.unit is None and not known:
        return band_of(passage.label) is not None
    if passage.kind == "comment":
        return band_of(passage.label) is not None
    if comparison.ranged and comparison.unit != "percent" and band_of(passage.label) is None:
        return False
    return known or is_alerting(passage)
