"""Say what a comparison is about and what it means: its subject, and whether it is an alert or a value to be kept.

Headings, labels and columns decide; where they are silent the side on which the metric is bad does.
"""

from __future__ import annotations

import re
from typing import Literal

from watchkeeper.book.openings import Opening
from watchkeeper.book.read.comparisons import Comparison
from watchkeeper.book.read.metric_names import metric_of
from watchkeeper.book.read.passages import Passage
from watchkeeper.book.read.severity_words import severity_code, severity_word
from watchkeeper.book.vocabulary import ALERT_WORDS, OBJECTIVE_WORDS, matcher

Role = Literal["alert", "objective"]
ALERT = matcher(ALERT_WORDS)
OBJECTIVE = matcher(OBJECTIVE_WORDS)
GENERIC = matcher(
    (
        "alert*",
        "alarm*",
        "condition*",
        "trigger*",
        "threshold*",
        "criteria",
        "warning",
        "critical",
        "normal",
        "healthy",
        "target",
        "symptom*",
        "description",
        "detect*",
        "detection",
        "detectar",
        "examples",
        "ok",
        "info",
        "degraded",
        "unhealthy",
        "good",
        "schwellenwert",
        "expr",
        "expression",
        "value",
        "limit",
        "action",
        "action items",
        "escalation",
        "escalate",
        "if",
        "when",
        "expected",
        "immediate",
        "short-term",
        "症状",
        "阈值",
        "しきい値",
        "summary",
        "message",
        "critical alerts",
        "warning alerts",
        "high",
        "low",
        "medium",
        "note",
        "investigation",
        "immediate actions",
        "when to *",
        "triggers",
        "rollback trigger*",
        "pass criteria",
        "key metrics",
    )
)


#: an alert's name as Prometheus people write it ("DiskFillingUp"), and the section that says what it means
_NAMED_ALERT = re.compile(r"(?:[A-Z]+[a-z0-9]+){2,}[A-Z]*|[A-Z]\w*(?:Down|High|Low|Failed|Slow|Full)")
_MEANING = re.compile(r"meaning|description|summary|bedeutung|signification|significado|意味", re.IGNORECASE)


def band_of(label: str) -> Role | None:
    """Give the role of a label that names a band: healthy, warning, critical."""
    words = label.strip().lower()
    if len(words) > 24:
        return None
    if severity_word(words) in ("critical", "warning", "major") or severity_code(words):
        return "alert"
    match = OBJECTIVE.fullmatch(words)
    return "objective" if match else None


_IF = Opening(r"^", "if|when|wenn|si|se|jeśli|is|whenever|once", r"\s+", re.IGNORECASE)
_NO_SUBJECT = re.compile(r"\b(?:p\d\d|average|avg|max|the|th|percentile|\d+th|is|are|at|in|of)\b|\W|\d", re.IGNORECASE)


def subject_of(comparison: Comparison, passage: Passage) -> str:
    """Give the words a comparison is about: before the operator, else the label, else the heading."""
    subject = comparison.subject
    if passage.label and subject.startswith(passage.label):
        rest = subject[len(passage.label) :].lstrip("*` :-–—")
        subject = rest if rest.strip(" (`*") or GENERIC.fullmatch(passage.label) else passage.label
    subject = clean_subject(subject)
    leading = _IF.match(subject)
    subject = subject[leading.end() :] if leading else subject
    if ":" in subject and not subject.endswith(":"):
        head, _, tail = subject.rpartition(": ")
        subject = tail.strip() if tail.strip() else head
    known_after = metric_of(comparison.after)
    if (
        not subject.strip()
        and known_after
        and known_after.name not in ("score", "lateness")
        and (not passage.label or GENERIC.fullmatch(passage.label) or not metric_of(passage.label))
    ):
        return clean_subject(comparison.after)
    if _NO_SUBJECT.sub("", subject):
        parent = next(
            (clean_subject(words) for words in reversed(passage.under) if not GENERIC.fullmatch(clean_subject(words))), ""
        )
        if (
            passage.kind == "fence"
            and band_of(passage.label)
            and parent
            and metric_of(subject) is None
            and not only_severity(parent)
        ):
            return f"{parent}: {subject}"
        return subject
    for words in (passage.label, *reversed(passage.under), passage.section.title):
        cleaned = clean_subject(words)
        if cleaned and not GENERIC.fullmatch(cleaned) and not only_severity(cleaned):
            return f"{cleaned} {subject}".strip() if subject else cleaned
    return subject or clean_subject(passage.section.title)


def only_severity(words: str) -> bool:
    """Whether words name nothing but a severity: "Critical Alerts (P0)"."""
    rest = re.sub(
        r"\b(?:alerts?|alarms?|incidents?|thresholds?|levels?|the|p\d|sev-?\d|critical|warning|info|high|low|"
        r"medium)\b|\W",
        "",
        words,
        flags=re.IGNORECASE,
    )
    return not rest


_LEADING_MARKS = re.compile(r"^\s*(?:\d+(?:\.\d+)*[.)]?\s+|[-*•└├│─✅❌⚠️🔴🟡🟢\s]+)")


def clean_subject(words: str) -> str:
    """Strip marks, open brackets and list numbers from a subject."""
    words = _LEADING_MARKS.sub("", " ".join(words.split()))
    words = words.strip(" \t(`*:–—-,.\"'=")
    return words.replace(" (", " ").replace("(", " ").strip() if words.count("(") != words.count(")") else words


_FIRES = re.compile(
    r"\balert (?:if|when)\b|\balerts? (?:is |are )?(?:fired|triggered|raised)|\bfires? (?:if|when)\b|"
    r"\btriggered when\b|\bauslös|\bausgelöst",
    re.IGNORECASE,
)


def role_of(comparison: Comparison, subject: str, passage: Passage) -> Role:
    """Decide whether a comparison is an alert or the value to be kept."""
    own = band_of(passage.label)
    if own and GENERIC.fullmatch(passage.label.lower()):
        return own
    direction = bad_side(comparison, f"{subject} {passage.label}")
    sentence = passage.text[passage.text.rfind(". ", 0, comparison.start) + 1 : comparison.end]
    if _FIRES.search(sentence):
        return "alert"
    for words in (passage.label if GENERIC.fullmatch(passage.label) else "", *passage.context):
        alert, objective = bool(ALERT.search(words)), bool(OBJECTIVE.search(words))
        if alert and not objective:
            return "alert"
        if objective and not alert:
            return "alert" if direction == "alert" and not comparison.ranged else "objective"
        if alert and objective:
            break
    return direction or ("alert" if comparison.op in (">", ">=", "==") else "objective")


_SPARE = re.compile(r"\b(?:free|available|remaining|left|headroom|verfügbar\w*|frei\w*|libero|libre|disponible)\b", re.IGNORECASE)


def bad_side(comparison: Comparison, subject: str) -> Role | None:
    """Say by the metric's bad side whether a comparison describes trouble ("alert") or health ("objective")."""
    metric = metric_of(subject)
    if metric is None:
        return None
    bad = metric.bad
    if _SPARE.search(subject):
        bad = "low"
    upward = comparison.op in (">", ">=")
    return "alert" if upward == (bad == "high") else "objective"


def is_alerting(passage: Passage) -> bool:
    """Whether a passage, or what it stands under, speaks of alerts or of values to be kept."""
    label = passage.label if GENERIC.fullmatch(passage.label) else ""
    if re.search(r"\balert|\bwarn|\balarm|\bcritical\b|\btriggered\b|auslös|アラート|告警", passage.text, re.IGNORECASE):
        return True
    if _NAMED_ALERT.fullmatch(passage.section.path[-1] if passage.section.path else "") and _MEANING.match(passage.section.title):
        return True
    return any(ALERT.search(words) or OBJECTIVE.search(words) for words in (label, *passage.under[-1:], passage.section.title))
