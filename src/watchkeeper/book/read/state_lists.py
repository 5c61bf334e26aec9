"""Find states that call for somebody: "Alert: service unreachable for 2+ minutes", "- Backup failed" in a list of alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from watchkeeper.book.read.admission import COMMANDING, UNREAL
from watchkeeper.book.read.comparisons import Comparison, find_comparisons
from watchkeeper.book.read.holds import hold_after
from watchkeeper.book.read.labels import stage_of
from watchkeeper.book.read.meaning import clean_subject
from watchkeeper.book.read.passages import Passage, clean
from watchkeeper.book.read.severity_words import severity_code, severity_word
from watchkeeper.book.read.states import state_of
from watchkeeper.book.read.step_words import DOING, is_branch
from watchkeeper.book.vocabulary import matcher

_STATE_LABEL = matcher(
    (
        "alert",
        "alerts",
        "condition",
        "conditions",
        "trigger",
        "triggers",
        "rollback trigger*",
        "alert condition",
        "alarm",
        "alert when",
        "alert if",
        "threshold",
        "bedingung",
        "auslöser",
        "déclencheur",
        "condición",
        "disparador",
        "condição",
        "warunek",
        "アラート",
        "条件",
        "告警",
        "条件",
        "조건",
        "schwellenwert",
        "alerta",
        "alarma",
        "alarme",
        "alerte",
        "alert name",
        "auslösung",
    )
)
_STATE_LIST = matcher(
    (
        "alert*",
        "alarm*",
        "trigger*",
        "threshold*",
        "when to escalate",
        "when to page",
        "when to rollback",
        "when to roll back",
        "escalate when",
        "escalate if",
        "rollback if",
        "アラート",
        "告警",
        "경고",
        "alarme*",
        "alerta*",
        "alerte*",
        "seuil*",
        "umbral*",
        "schwellenwert*",
        "escalate immediately",
        "page immediately",
        "page if",
        "page when",
        "wake *",
    )
)
_SPLIT_OR = re.compile(r"\s+(?:OR|or|oder|ou|または|或)\s+|,\s+(?:or|oder|ou)\s+")
_DIGIT = re.compile(r"\d")
_CONDITION = re.compile(
    r"^(?:(?:the |this )?alert (?:is )?(?:fires?|fired|triggers?|triggered|raised) (?:if|when)|we (?:page|"
    r"alert) (?:if|when)|if|when|wenn|"
    r"falls|si|se|jeśli)\s+(.+?)(?:,|$)",
    re.IGNORECASE,
)
_URGENT = re.compile(
    r"\bpage\b|\bticket|\bimmediate|\burgent|\bwake\b|\bcall\b|\bsofort|\binmediat|\bimmédiat|"
    r"緊急|紧急",
    re.IGNORECASE,
)
_WATCHING = matcher(
    ("alert*", "alarm*", "monitoring", "überwachung", "surveillance", "monitoreo", "監視", "监控", "when should *")
)
#: "Warning: 80%, Critical: 90%": values by band, no state
_BANDS = re.compile(r"\w+:\s*[<>≥≤]?\s*\d[^,;]*[,;]\s*\w+:\s*[<>≥≤]?\s*\d")
_CAMEL = re.compile(r"^`?(?:[A-Z][a-z0-9]+|[A-Z]{2,})[A-Z][A-Za-z0-9]*`?$")


def may_state(passage: Passage) -> bool:
    """Whether a passage could state a threshold, cheaply: it has a figure, or stands where states are listed."""
    if _DIGIT.search(passage.text):
        return True
    if passage.kind in ("heading", "comment"):
        return False
    return bool(passage.label and _STATE_LABEL.fullmatch(passage.label)) or (
        passage.kind in ("item", "fence") and bool(_STATE_LIST.search(_nearest(passage)) or _under_alerts(passage))
    )


_CODE = re.compile(r"[={}()]{2}|\w\(|_\w+\{")


def read_states(passage: Passage, comparisons: list[Comparison]) -> Iterator[tuple[str, str, float | None]]:
    """Find states that call for somebody: (subject, state word, seconds it must hold)."""
    if passage.kind in ("heading", "comment") or ("\n" in passage.text.strip() and passage.kind == "prose"):
        return
    labelled = bool(_STATE_LABEL.fullmatch(passage.label))
    text = passage.body if passage.label else passage.text
    conditional = _CONDITION.match(text)
    listed = passage.kind in ("item", "fence") and not passage.parent and _under_alerts(passage)
    if not (labelled or listed or conditional) or not text.strip() or UNREAL.search(text):
        return
    if conditional and not labelled and is_branch(passage, text.find(conditional[1]) + len(passage.text) - len(text)):
        return
    if labelled and (text.lstrip("`<(").startswith(("http://", "https://")) or _BANDS.search(text)):
        return
    if labelled and (_CAMEL.match(text.strip()) or _CODE.search(text)):
        return
    for part in _SPLIT_OR.split(conditional[1] if conditional and not labelled else text):
        if _covered(part, comparisons):
            continue
        state, for_s, subject = state_of(part)
        if labelled:
            if len(part.split()) <= 12 and (state or not comparisons or len(_SPLIT_OR.split(text)) > 1):
                yield clean_subject(subject), state or clean(part).lower(), for_s
        elif listed:
            if (
                state
                and len(part.split()) <= 8
                and not COMMANDING.match(part.strip())
                and passage.label.lower() not in ("action", "escalate")
            ):
                yield clean_subject(subject), state, for_s
        elif state and for_s is not None:
            yield clean_subject(subject), state, for_s


def _under_alerts(passage: Passage) -> bool:
    """Whether an item stands in a list of alerts: beneath a heading or label about them, or one that says how urgent they are."""
    return _about_alerts(_nearest(passage), passage.context[1:2])


@lru_cache(maxsize=2048)
def _about_alerts(near: str, around: tuple[str, ...]) -> bool:
    if _is_state_list(near):
        return True
    if stage_of(near) not in (None, "symptoms", "caution") or len(near.split()) > 6 or COMMANDING.match(near):
        return False
    urgent = severity_word(near) is not None or severity_code(near) is not None or bool(_URGENT.search(near))
    return urgent and any(_is_state_list(words) or _WATCHING.search(words) for words in around)


def _is_state_list(words: str) -> bool:
    """Whether a heading or label announces a list of alerts: short, and about alerts themselves."""
    return bool(_STATE_LIST.search(words)) and len(words.split()) <= 7 and not DOING.search(words)


def _nearest(passage: Passage) -> str:
    return passage.under[-1] if passage.under else passage.section.title


def _covered(part: str, comparisons: list[Comparison]) -> bool:
    return any(c.start >= 0 and c.op and re.search(r"[<>≥≤=]|\d\s?%", part) for c in comparisons) or bool(
        find_comparisons(part) and hold_after(part, 0, len(part))[0] is None
    )
