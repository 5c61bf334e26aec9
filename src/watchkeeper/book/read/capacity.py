"""Read growth projections, today's usual values, and metrics that are named without a threshold."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from functools import lru_cache

from watchkeeper.base.durations import Duration, find_durations
from watchkeeper.base.quantities import read_quantity
from watchkeeper.book.model import Baseline, Growth, Metric
from watchkeeper.book.read.metric_names import canonical_metric
from watchkeeper.book.read.passages import Passage, Passages, TableAt, clean

_GROWTH = re.compile(
    r"\b(?:growth|projection|forecast|wachstum|prognose|croissance|prévision|crecimiento|proyecci|crescimento|"
    r"wzrost)|成長|予測|增长|预测|성장|예측",
    re.IGNORECASE,
)
_INCREASE = re.compile(
    r"(?<![\d.])(?P<n>[+-]?\d{1,6}(?:\.\d{1,6})?)\s*%\s*(?P<word>increase|growth|more|decrease|wachstum|mehr|"
    r"croissance|aumento|crecimiento|増|增)?",
    re.IGNORECASE,
)
_GROWS = re.compile(
    r"(?P<subject>[A-Za-zÀ-ž][\w -]{1,50}?)\s+(?:(?:(?:is|are|will|to|should|would|be|has|have|expected|projected)\s+)*"
    r"(?P<verb>grow(?:s|n|ing)?|increas(?:e|es|ing)|ris(?:e|es|ing))\s+)?by\s+(?:about |around |roughly |"
    r"~)?(?P<n>\d{1,4}(?:\.\d+)?)\s?%",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"within|period|by\b|horizon|time|over|zeitraum|période|plazo|期間", re.IGNORECASE)
_BASELINE = re.compile(
    r"\bbaselines?\b|\bcurrent (?:usage|capacity|utilization|state|resources)\b|\bnormal (?:values|range)\b|"
    r"grundwerte|aktuelle auslastung|valeurs de référence|línea base|現在の使用|基准|基线|기준선",
    re.IGNORECASE,
)
_METRICS = re.compile(
    r"\bmetrics\b|\bkpis?\b|\bindicators\b|\bmetriken\b|\bmétriques\b|\bmétricas\b|\bwskaźniki\b|メトリクス|指標|指标|지표",
    re.IGNORECASE,
)
_COMMANDING = re.compile(
    r"^(?:check|verify|review|monitor|open|see|use|run|analy[sz]e|export|configure)\b|https?://", re.IGNORECASE
)


@lru_cache(maxsize=1024)
def _speaks_of_baselines(words: str) -> bool:
    return bool(_BASELINE.search(words))


@lru_cache(maxsize=1024)
def _speaks_of_metrics(words: str) -> bool:
    return bool(_METRICS.search(words))


def read_growth(passages: Passages) -> tuple[Growth, ...]:
    """Read "User base: 50% increase" under a heading or label that speaks of growth."""
    found: list[Growth] = []
    for passage in passages.all:
        if "%" not in passage.body or not passage.label or passage.kind in ("heading", "comment"):
            continue
        if not any(_GROWTH.search(words) for words in (passage.label, *passage.context[:2])):
            continue
        match = _INCREASE.search(passage.body)
        if match and (match["word"] or match["n"][0] in "+-" or re.search(r"%\s*(?:$|\(|per |a |each |pro |par )", passage.body)):
            percent = float(match["n"]) * (-1 if (match["word"] or "").lower() == "decrease" else 1)
            within = next(
                (d.high_s for words in (passage.body[match.end() :], *_leads(passages, passage)) for d in _spans(words)),
                None,
            )
            found.append(Growth(line=passage.line, subject=passage.label, percent=percent, within_s=within))
    for passage in passages.all:
        if "%" in passage.text and passage.kind in ("prose", "item") and not passage.label:
            found.extend(_growing(passage))
    for table in passages.tables:
        found.extend(_growth_rows(table))
    return tuple(sorted(found, key=lambda growth: growth.line))


def _growing(passage: Passage) -> Iterator[Growth]:
    """Read "We expect bookings to grow by 35% over 6 months and storage by 20% per year"."""
    matches = list(_GROWS.finditer(passage.text))
    if not any(match["verb"] for match in matches) or not re.search(
        r"expect|project|forecast|plan|predict|per (?:year|month|quarter)|next|growth|grow", passage.text, re.IGNORECASE
    ):
        return
    for n, match in enumerate(matches):
        stop = _subject_at(matches[n + 1]) if n + 1 < len(matches) else len(passage.text)
        tail = passage.text[match.end() : stop].split(". ")[0]
        subject = re.sub(r"^(?:(?:we|i|you|they)\s+(?:\w+\s+)?(?:expect|project|forecast|predict|plan)\s+)?(?:the|our|"
            r"that)?\s*", "",
                         passage.text[_subject_at(match) : match.end("subject")].strip(), flags=re.IGNORECASE)  # fmt: skip
        yield Growth(
            line=passage.line_at(match.start()),
            subject=clean(subject),
            percent=float(match["n"]),
            within_s=next((d.high_s for d in _spans(tail)), None),
        )


def _subject_at(match: re.Match[str]) -> int:
    """Give where the subject begins: behind the last "and" or comma that the pattern swallowed."""
    joints = list(re.finditer(r"(?:\band|\bund|\bwhile|,)\s+", match["subject"]))
    return match.start("subject") + (joints[-1].end() if joints else 0)


def _growth_rows(table: TableAt) -> Iterator[Growth]:
    """Read tables with a column of growth in percent, and of the time in which it is expected."""
    header = [clean(title) for title in table.header]
    column = next((n for n, title in enumerate(header) if n and _GROWTH.search(title)), None)
    if column is None:
        return
    within = next((n for n, title in enumerate(header) if n not in (0, column) and _WITHIN.search(title)), None)
    for row in table.rows:
        cells = [cell.text.strip() for cell in row.children]
        match = _INCREASE.search(cells[column]) if column < len(cells) else None
        if match is None or not cells[0]:
            continue
        said = (cells[within] if within is not None and within < len(cells) else "", cells[column][match.end() :], header[column])
        yield Growth(
            line=row.line,
            subject=clean(cells[0]),
            percent=float(match["n"]) * (-1 if (match["word"] or "").lower() == "decrease" else 1),
            within_s=next((d.high_s for words in (*said, *table.context[:2]) for d in _spans(words)), None),
        )


def _spans(words: str) -> Iterator[Duration]:
    """Find durations; "per year", "yearly" and "annual" say one of their own."""
    found = list(find_durations(words))
    if not found:
        match = re.search(
            r"\b(?:per|a|each)\s+(year|month|quarter|week)\b|\b(year|month|quarter)ly\b|"
            r"\b(annual)",
            words,
            re.IGNORECASE,
        )
        unit = (match[1] or match[2] or "year").lower() if match else None
        found = list(find_durations(f"1 {unit}")) if unit else []
    yield from found


def _leads(passages: Passages, passage: Passage) -> list[str]:
    """Give the labels that may say within which time: of the same fence, then those above."""
    same = [
        p.text
        for p in passages.in_section(passage.section)
        if p.kind == "fence" and p.block is passage.block and p.line < passage.line and not p.body
    ]
    return [*same, *passage.context[:3]]


def read_baselines(passages: Passages) -> tuple[Baseline, ...]:
    """Read the values that are usual today."""
    found: list[Baseline] = []
    for passage in passages.all:
        if passage.kind in ("heading", "comment") or not passage.label or not passage.body:
            continue
        if any(_speaks_of_baselines(words) for words in passage.context[:2]) and re.search(r"\d|xlarge|\bdb\.", passage.body):
            start = re.match(r"\s*[~≈]?(?=\d)", passage.body)
            quantity = read_quantity(passage.body, start.end()) if start else None
            plain = quantity is not None and not passage.body[quantity.end :].strip(" .")
            found.append(
                Baseline(
                    line=passage.line,
                    subject=passage.label,
                    value=quantity.value if quantity and plain else passage.body.strip(),
                    unit=quantity.unit if quantity and plain else None,
                )
            )
    return tuple(found)


def read_metrics(passages: Passages, taken: Container[int]) -> tuple[Metric, ...]:
    """Read metrics that a list names without a threshold; `taken` are the lines that have one."""
    found: list[Metric] = []
    for passage in passages.all:
        if passage.kind != "item" or passage.line in taken or passage.children or len(passage.text) > 100:
            continue
        near = (*passage.under[-1:], passage.section.title)
        if (
            not any(_speaks_of_metrics(words) for words in near)
            or _COMMANDING.search(passage.text)
            or passage.block is None
            or passage.text[:1] in "\"'“„«‘"
            or passage.block.checked is not None
        ):
            continue
        subject = passage.label or clean(passage.text)
        if subject:
            found.append(Metric(line=passage.line, subject=subject, metric=canonical_metric(passage.text)))
    return tuple(found)
