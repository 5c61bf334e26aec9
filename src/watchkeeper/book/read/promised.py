"""Read an availability that is promised without a comparison: "Availability: 99.9 %", "SLA 99.95 % uptime per month".

Nobody is promised less than he is told, so that the figure is the least to be kept. What was measured, and what stands in a
report or on a status page, is no promise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.base.durations import number
from watchkeeper.book.openings import Opening
from watchkeeper.book.read.comparisons import Comparison
from watchkeeper.book.read.meaning import clean_subject
from watchkeeper.book.read.passages import Passage

_FIGURE = r"(?P<value>9\d(?:[.,]\d{1,5})?|100(?:[.,]0{1,5})?)\s?%"
_AVAILABLE = (
    r"availability|uptime|verfügbarkeit|disponibilité|disponibilidad|disponibilidade|disponibilità|dostępność|"
    r"可用性|稼働率|가용성"
)
_PERIOD = (
    r"(?:\s*[(,]?\s*(?:(?:per|a|each|every|pro|par|por|im|al)\s+\w+|monthly|yearly|annual(?:ly)?|quarterly|monatlich|jährlich|"
    r"mensuel(?:le)?|mensual|mensal)\s*\)?)?"
)
_LABEL = re.compile(
    rf"(?:(?:the |our |service |system |api |target |monthly )*(?:sla|slo)?\W*(?:{_AVAILABLE})"
    r"(?:\W+(?:sla|slo|targets?|objectives?|goals?|ziel|objectif|objetivo|meta))?|(?:(?:the |our |service )*(?:sla|slo)s?))",
    re.IGNORECASE,
)
_BODY = re.compile(rf"\W*{_FIGURE}(?P<named>\s+(?:{_AVAILABLE}))?{_PERIOD}\W*", re.IGNORECASE)
_WHOLE = Opening(
    r"\W*", r"sla|slo|service[- ]level", rf"\b[\s:=–—-]*(?:of\s+)?{_FIGURE}\s+(?:{_AVAILABLE}){_PERIOD}\W*$", re.IGNORECASE
)
_MEASURED = re.compile(
    r"\b(?:current|actual|last|measured|achieved|reports?|history|status|baseline|template|example|incident|post-?mortem|"
    r"aktuell\w*|gemessen\w*|bericht|actuel\w*|mesuré\w*|rapport|actual\w*|medid[oa]s?|informe|relatório)\b",
    re.IGNORECASE,
)


def promised(passage: Passage) -> Iterator[Comparison]:
    """Give the promise that a line makes; none where it says or stands under what was measured."""
    text = passage.text
    if passage.kind not in ("item", "prose") or "%" not in text or len(text) > 120:
        return
    if passage.label:
        named = _LABEL.fullmatch(passage.label)
        match = _BODY.fullmatch(passage.body) if named else None
        told = match is not None and (match["named"] or re.search(_AVAILABLE, passage.label, re.IGNORECASE))
    else:
        match = _WHOLE.match(text)
        told = match is not None
    if match is None or not told or any(_MEASURED.search(words) for words in (text, *passage.context)):
        return
    start = text.find(match["value"])
    subject = clean_subject(passage.label) if re.search(_AVAILABLE, passage.label, re.IGNORECASE) else "availability"
    yield Comparison(">=", number(match["value"]), "percent", start, start + len(match["value"]), subject)
