"""Read promised recovery times (RTO) and points (RPO), by subject."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from watchkeeper.base.durations import find_durations
from watchkeeper.book.model import Recovery
from watchkeeper.book.read.ordering import in_order
from watchkeeper.book.read.passages import Passage, Passages, TableAt, clean
from watchkeeper.book.vocabulary import NEAR_NO_LOSS, NO_LOSS, RECOVERY_WORDS, Battery, Matcher, matcher

Kind = Literal["rto", "rpo"]
_PATTERNS: tuple[tuple[Kind, Matcher], ...] = (("rto", matcher(RECOVERY_WORDS["rto"])), ("rpo", matcher(RECOVERY_WORDS["rpo"])))
_KINDS = Battery(_PATTERNS)
_NONE = matcher(NO_LOSS, NEAR_NO_LOSS)
_MEASURED = re.compile(
    r"\b(?:valid|actual|achieved|measured|réel|réussi|tested|current|last|refus|commitment|verify|verified|check|"
    r"confirm|calcul)",
    re.IGNORECASE,
)
_EXPECTED = re.compile(r"\b(?:expected|target|attendu|erwartet|esperado|objectif|ziel)", re.IGNORECASE)
#: "RPO 24h / RTO 2h"
_BARE = re.compile(
    r"(?<!\w)(?P<kind>RTO|RPO)(?:\s+(?:targets?|objectives?|goals?))?\s{0,3}(?:of|is|=|:|von|de|di)?\s{0,3}"
    r"(?:at most|no more than|under|below|less than|up to|about|within|höchstens|maximal|au plus|como máximo|no máximo)?\s{0,3}"
    r"(?P<time>[<≤~]?\s{0,3}\d[\d.,-]*\s?[A-Za-zÀ-ž]+)"
)
#: "1 hour for checkout, 4 hours for everything else"
_APART = re.compile(
    r"(?P<time>[<≤~]?\s*\d[\d.,-]*\s?[A-Za-zÀ-ž]+)\s+(?:for|für|pour|para|dla)\s+(?P<subject>[^,;.\d]+)(?=[,;.]|$)", re.IGNORECASE
)
_GENERIC = re.compile(r"^(?:\W|rto|rpo|targets?|and|objectives?|recovery|time|point|/|&|metrics|slas?|goals?)*$", re.IGNORECASE)


def read_recovery(passages: Passages) -> tuple[Recovery, ...]:
    """Read all recovery objectives; measured results and refusals are none."""
    found: list[Recovery] = []
    for table in passages.tables:
        found.extend(_from_table(table))
    for passage in passages.all:
        if passage.kind != "comment":
            found.extend(_from_passage(passage))
    return in_order(found, lambda r: (r.line, r.kind, r.subject))


def kind_of(text: str) -> Kind | None:
    """Say whether a text speaks of the time or the point of recovery; None where of neither or both."""
    kinds = [kind for kind, _ in _KINDS.search(text)] if _KINDS.possible(text) else ()
    return kinds[0] if len(kinds) == 1 else None


_BRACKETED = re.compile(r"\([^()]*\)")
_SAYS_HOW_LONG = re.compile(r"\d|zero|real", re.IGNORECASE)


def _seconds(text: str) -> float | None:
    outside = _BRACKETED.sub(" ", text)
    text = outside if _SAYS_HOW_LONG.search(outside) else text
    duration = next(iter(find_durations(text)), None)
    if duration is not None:
        return duration.high_s
    if _NONE.search(text) or re.match(r"^\W*0\b", text):
        return 0.0
    return None


def _from_passage(passage: Passage) -> Iterator[Recovery]:
    label = passage.label
    own = kind_of(label) if label else None
    if own and _starts(label) and (not _MEASURED.search(label) or _EXPECTED.search(label)):
        apart = list(_APART.finditer(passage.body))
        if len(apart) > 1:
            for match in apart:
                seconds = _seconds(match["time"])
                if seconds is not None:
                    yield Recovery(line=passage.line, kind=own, subject=clean(match["subject"]), seconds=seconds)
            return
        for kind, body in _split(own, passage.body):
            seconds = _seconds(body)
            if seconds is not None and len(body) < 160:
                yield Recovery(line=passage.line, kind=kind, subject=_subject(passage, label), seconds=seconds)
        return
    if passage.kind in ("item", "prose") and len(passage.text) < 700:
        for match in _BARE.finditer(passage.text) if "RTO" in passage.text or "RPO" in passage.text else ():
            seconds = _seconds(match["time"])
            if seconds is not None and not _MEASURED.search(passage.text[max(0, match.start() - 60) : match.end() + 40]):
                yield Recovery(
                    line=passage.line_at(match.start()),
                    kind="rto" if match["kind"].upper() == "RTO" else "rpo",
                    subject=_subject(passage, ""),
                    seconds=seconds,
                )
    if passage.kind not in ("item", "prose", "fence") or not label or not passage.body:
        return
    for words in (*passage.under[::-1][:1], passage.section.title):
        stated = kind_of(words)
        if stated and re.search(r"rto|rpo|recovery (?:time|point)|wiederherstellung|objecti|目標|恢复", words, re.IGNORECASE):
            seconds = _seconds(passage.body)
            if seconds is not None:
                yield Recovery(line=passage.line, kind=stated, subject=label, seconds=seconds)
            return


def _starts(label: str) -> bool:
    return any(match.start() < 24 for _, match in _KINDS.search(label)) and len(label) < 60


def _split(kind: Kind, body: str) -> Iterator[tuple[Kind, str]]:
    """Split "4 hours | RPO: 1 hour"."""
    parts = re.split(r"[|;,/]\s*\**(?=(?:RTO|RPO)\b)", body)
    yield kind, parts[0]
    for part in parts[1:]:
        other = kind_of(part.split(":")[0])
        if other and ":" in part:
            yield other, part.split(":", 1)[1]


def _subject(passage: Passage, label: str) -> str:
    rest = re.sub(r"\([^()]*\)", " ", label)
    for _, pattern in _PATTERNS:
        rest = pattern.sub(" ", rest)
    rest = clean(
        re.sub(r"\b(?:targets?|objectives?|expected|goal|max(?:imum)?|attendu|ziel)\b|[/]", " ", rest, flags=re.IGNORECASE)
    )
    if rest and not _GENERIC.match(rest):
        return rest
    for words in (*reversed(passage.under), passage.section.title, *reversed(passage.section.path)):
        if (
            words
            and not _GENERIC.match(re.sub(r"\([^()]*\)", "", words))
            and not re.match(r"(?:recovery (?:procedure|steps)|steps|rollback)", words, re.IGNORECASE)
        ):
            return clean(words)
    return ""


def _from_table(table: TableAt) -> Iterator[Recovery]:
    columns = [(n, kind) for n, title in enumerate(table.header) if (kind := kind_of(title))]
    for row in table.rows:
        cells = [cell.text for cell in row.children]
        if columns:
            for n, kind in columns:
                seconds = _seconds(cells[n]) if n < len(cells) else None
                if seconds is not None and n > 0:
                    yield Recovery(line=row.line, kind=kind, subject=clean(cells[0]), seconds=seconds)
            continue
        kind_cell = kind_of(cells[0]) if cells else None
        if kind_cell and len(cells) > 1 and _starts(cells[0]):
            seconds = _seconds(cells[1])
            if seconds is not None:
                yield Recovery(line=row.line, kind=kind_cell, subject=clean(table.section.title), seconds=seconds)
