"""Read thresholds from tables: bands (Normal / Warning / Critical) and one-threshold-a-row catalogues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from watchkeeper.base.durations import find_durations, parse_duration
from watchkeeper.base.quantities import read_quantity
from watchkeeper.book.model import Comparison as Operator
from watchkeeper.book.model import Threshold
from watchkeeper.book.read.comparisons import Comparison, counted_unit, find_comparisons
from watchkeeper.book.read.metric_names import canonical_metric, metric_of, statistic_of
from watchkeeper.book.read.passages import Passages, TableAt, clean
from watchkeeper.book.read.severity_words import severity_code, severity_of, severity_word
from watchkeeper.book.read.states import state_of
from watchkeeper.book.vocabulary import RESPONSE_COLUMNS, matcher
from watchkeeper.text.blocks import Block

_OBJECTIVE = matcher(
    (
        "normal",
        "healthy",
        "target*",
        "slo",
        "objective*",
        "goal*",
        "ok",
        "good",
        "expected",
        "acceptable",
        "baseline",
        "ideal",
        "zielwert",
        "ziel",
        "objectif",
        "cible",
        "objetivo",
        "meta",
        "正常",
        "目標",
        "目標値",
        "目标",
        "정상",
        "목표",
        "green",
        "optimal",
    )
)
_CONDITION = matcher(
    (
        "threshold*",
        "condition*",
        "trigger*",
        "alert threshold",
        "alert when",
        "alert if",
        "alert condition",
        "limit",
        "alert",
        "alarm",
        "alert level",
        "schwellenwert*",
        "bedingung",
        "seuil*",
        "umbral*",
        "condición",
        "limiar",
        "condição",
        "próg",
        "warunek",
        "しきい値",
        "閾値",
        "条件",
        "阈值",
        "임계값",
        "조건",
        "criteria",
        "definition",
        "rule",
        "red",
        "yellow",
        "amber",
        "danger",
    )
)
_METRIC = matcher(
    (
        "metric*",
        "indicator*",
        "alert name",
        "alert",
        "name",
        "kpi",
        "sli",
        "signal",
        "check",
        "resource",
        "measure",
        "metrik",
        "métrique",
        "métrica",
        "wskaźnik",
        "メトリクス",
        "指標",
        "指标",
        "메트릭",
        "지표",
        "item",
        "component",
        "service",
        "parameter",
        "alarm",
    )
)
_FOR = matcher(
    (
        "for",
        "duration",
        "window",
        "dauer",
        "durée",
        "duración",
        "evaluation*",
        "period",
        "hold",
        "持続時間",
        "持续时间",
        "지속 시간",
        "held for",
        "for at least",
        "sustained for",
        "hold time",
        "pendant",
        "durante",
        "während",
    )
)
_SEVERITY = matcher(
    (
        "severity",
        "priority",
        "level",
        "schweregrad",
        "priorität",
        "gravité",
        "severidad",
        "severidade",
        "priorytet",
        "重大度",
        "优先级",
        "심각도",
        "sev",
        "prio",
    )
)
_ACTION = matcher(
    (
        "action*",
        "response action*",
        "remediation",
        "what to do",
        "aktion*",
        "maßnahme*",
        "acción",
        "acciones",
        "ação",
        "対応",
        "操作",
        "조치",
        "runbook",
    )
)
_RESPONSE = matcher(
    RESPONSE_COLUMNS,
    (
        "resolution*",
        "resolve*",
        "sla resolución",
        "rto",
        "rpo",
        "retention",
        "frequency",
        "mttr",
        "lösungszeit",
        "update frequency",
        "communication",
        "credit*",
        "backup",
        "schedule",
    ),
)
_RECOVERY = re.compile(r"\b(?:RTO|RPO|MTTR|MTTD|recovery (?:time|point))\b", re.IGNORECASE)
_PAGING = re.compile(r"page|paging|pager|fatal|emergency|urgent|disaster|alarm level", re.IGNORECASE)
_PROMISED = re.compile(
    r"\b(?:slas?|slos?|service levels?|objectives?|targets?|goals?|ziele?|objectifs?|objetivos?)\b|"
    r"目標|目标",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\W{0,3}[<>≤≥]=?\s*[$€£]?\d")
_DEFINITION = re.compile(
    r"(?:definition|criteri(?:a|on)|description|impact|meaning|beschreibung|définition|critères?|descripción|descrição|説明|定義|描述)",
    re.IGNORECASE,
)
_GRADES = re.compile(r"severit|priorit|schweregrad|gravité|severidad", re.IGNORECASE)
_RESPONSE_COLUMN = matcher(RESPONSE_COLUMNS)
_DIRECT = re.compile(r"^\W*[-+]?[$€]?\d")
_NOTHING = re.compile(r"^\W*(?:-|n/?a|none)?\W*$", re.IGNORECASE)


@dataclass(slots=True)
class _Columns:
    metric: int | None = None
    severity: int | None = None
    hold: int | None = None
    action: int | None = None
    #: column -> (role, severity)
    #: the table defines severities: its criteria are no states to be watched
    defines: bool = False
    bands: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    condition: list[int] = field(default_factory=list)


def read_threshold_tables(passages: Passages) -> Iterator[Threshold]:
    """Read the thresholds of every table that states some."""
    for table in passages.tables:
        columns = _columns(table)
        if columns is None:
            yield from _promises(table)
            continue
        for row in table.rows:
            cells = [cell.text.strip() for cell in row.children]
            yield from _row(table, columns, row, cells)


def _promises(table: TableAt) -> Iterator[Threshold]:
    """Read tables of objectives with a metric a column: "Dataset | Freshness SLA | Completeness"."""
    near = " ".join((*table.header, *table.context[:2]))
    if not _PROMISED.search(near) or any(_RECOVERY.search(title) or _SEVERITY.fullmatch(clean(title)) for title in table.header):
        return
    for row in table.rows:
        cells = [cell.text.strip() for cell in row.children]
        for title, cell in list(zip(table.header, cells, strict=False))[1:]:
            if not _COMPARED.match(cell) or (_RESPONSE.search(title) and metric_of(title) is None):
                continue
            metric = f"{cells[0]} {clean(title)}"
            for comparison in find_comparisons(cell):
                yield _threshold(comparison, metric, "objective", None, None, (), row, cell)


def _columns(table: TableAt) -> _Columns | None:
    header = [clean(title) for title in table.header]
    if len(header) < 2:
        return None
    columns = _Columns()
    for index, title in enumerate(header):
        if _RESPONSE.search(title):
            continue
        role = _band(title)
        if role and index > 0:
            columns.bands[index] = role
        elif _SEVERITY.fullmatch(title) and columns.severity is None:
            columns.severity = index
        elif _FOR.fullmatch(title):
            columns.hold = index
        elif index > 0 and _CONDITION.search(title) and not _ACTION.search(title):
            columns.condition.append(index)
        elif _ACTION.search(title):
            columns.action = index
        elif columns.metric is None and (_METRIC.search(title) or index == 0):
            columns.metric = index
    if columns.metric is None and 0 not in columns.bands and 0 not in columns.condition and columns.severity != 0:
        columns.metric = 0
    columns.defines = columns.severity == 0 and (
        any(_RESPONSE_COLUMN.search(title) for title in header)
        or any(_DEFINITION.fullmatch(title) for title in header[1:])
        or any(_GRADES.search(words) for words in table.context[:1])
    )
    if not columns.bands and not columns.condition and _states_in_first(table, columns, header):
        columns.metric, columns.condition = None, [0]
    return columns if columns.bands or columns.condition else None


def _states_in_first(table: TableAt, columns: _Columns, header: list[str]) -> bool:
    """Whether the first column holds whole conditions, with their duration or severity in columns of their own."""
    if columns.severity is None and columns.hold is None and columns.action is None:
        return False
    if columns.severity == 0 or not (_CONDITION.search(header[0]) or _METRIC.search(header[0])):
        return False
    return any(row.children and find_comparisons(row.children[0].text) for row in table.rows)


def _band(title: str) -> tuple[str, str | None] | None:
    if len(title) > 40:
        return None
    word = severity_word(title)
    code = severity_code(title)
    if code or word in ("critical", "warning", "major"):
        return "alert", code or word
    if _OBJECTIVE.search(title):
        return "objective", None
    if _PAGING.fullmatch(title):
        return "alert", title.lower()
    if word in ("high", "medium", "low", "info", "minor") and title.lower() == word:
        return "alert", word
    return None


def _row(table: TableAt, columns: _Columns, row: Block, cells: list[str]) -> Iterator[Threshold]:
    metric = cells[columns.metric] if columns.metric is not None and columns.metric < len(cells) else ""
    if _RECOVERY.search(metric):
        return
    severity = _cell_severity(cells, columns, table)
    for_s = parse_duration(cells[columns.hold]) if columns.hold is not None and columns.hold < len(cells) else None
    action = cells[columns.action] if columns.action is not None and columns.action < len(cells) else ""
    actions = tuple(re.sub(r"^\d+[.)]\s*", "", part) for part in action.split("\n") if part.strip())
    upward = _direction(columns, cells, metric)
    for index, (role, band) in columns.bands.items():
        if index < len(cells) and not _promise(cells[index], metric):
            for comparison in _cell(cells[index], metric, upward if role == "alert" else not upward, loose=True):
                yield _threshold(comparison, metric, role, band, for_s, actions, row, cells[index])
    for index in columns.condition:
        if index >= len(cells):
            continue
        found = list(_cell(cells[index], metric, upward, loose=bool(metric_of(metric))))
        if columns.defines:
            found = [c for c in found if metric_of(c.subject) is not None]
        for comparison in found:
            role = _role(table, comparison, f"{comparison.subject} {metric}")
            yield _threshold(comparison, metric, role, severity, for_s, actions, row, cells[index])
        if not found and not columns.defines and columns.severity is not None and not _NOTHING.match(cells[index]):
            yield from _state(cells[index], metric, severity, for_s, actions, row)


def _promise(cell: str, metric: str) -> bool:
    """Whether a cell beneath a severity is a bare time, promised to a customer or plan: no threshold."""
    first = next(find_durations(cell), None)
    return metric_of(metric) is None and first is not None and first.start == 0


def _state(
    cell: str, metric: str, severity: str | None, for_s: float | None, actions: tuple[str, ...], row: Block
) -> Iterator[Threshold]:
    state, held, subject = state_of(cell)
    if state and len(cell.split()) <= 8:
        yield Threshold(
            line=row.line,
            role="alert",
            subject=subject or metric,
            op="is",
            state=state,
            for_s=held or for_s,
            severity=severity,
            actions=actions,
            source="table",
            text=" | ".join(c.text for c in row.children),
        )


def _cell_severity(cells: list[str], columns: _Columns, table: TableAt) -> str | None:
    if columns.severity is not None and columns.severity < len(cells):
        cell = cells[columns.severity]
        return severity_code(cell) or severity_word(cell)
    return severity_of(table.context)


def _cell(cell: str, metric: str, upward: bool, *, loose: bool) -> Iterator[Comparison]:
    """Read the comparisons of a cell; a bare figure takes its direction from the row."""
    found = find_comparisons(cell)
    if found:
        yield from (c for c in found if not (c.ranged and c.unit is None and not loose))
        return
    if not loose or not _DIRECT.match(cell):
        return
    start = re.search(r"\d", cell)
    quantity = read_quantity(cell, start.start()) if start else None
    if quantity is None or (len(cell) > quantity.end + 30):
        return
    op: Operator = ">" if upward else "<"
    bare = find_comparisons(f"{metric} {op} {cell[start.start() if start else 0 :]}")
    yield from bare[:1]


def _direction(columns: _Columns, cells: list[str], metric: str) -> bool:
    """Say whether rising values are the bad ones, by the order of the bands, else by the metric."""
    values: list[float] = []
    for index, (_role, _severity) in sorted(columns.bands.items(), key=lambda band: _gravity(band[1])):
        if index < len(cells):
            start = re.search(r"\d", cells[index])
            quantity = read_quantity(cells[index], start.start()) if start else None
            if quantity is not None:
                values.append(quantity.value)
    if len(values) > 1 and values[0] != values[-1]:
        return values[-1] > values[0]
    known = metric_of(metric)
    return known is None or known.bad == "high"


def _gravity(band: tuple[str, str | None]) -> int:
    role, severity = band
    if role == "objective":
        return 0
    order = ("info", "low", "minor", "P4", "P3", "medium", "warning", "P2", "high", "major", "P1", "critical", "P0")
    return 1 + (order.index(severity) if severity in order else 6)


def _role(table: TableAt, comparison: Comparison, subject: str) -> str:
    title = " ".join(table.header).lower()
    if _OBJECTIVE.search(title) and not _CONDITION.search(title):
        return "objective"
    known = metric_of(subject)
    near = " ".join(table.context[:2]).lower()
    if known is not None and re.search(r"\b(?:slo|sla|objective|target)s?\b", near):
        return "alert" if (comparison.op in (">", ">=")) == (known.bad == "high") else "objective"
    return "alert"


def _threshold(
    comparison: Comparison,
    metric: str,
    role: str,
    severity: str | None,
    for_s: float | None,
    actions: tuple[str, ...],
    row: Block,
    cell: str,
) -> Threshold:
    own = comparison.subject.strip(" (`*:")
    named = own and re.search(r"[A-Za-z\u3040-\uffef]{2}", own) and metric not in own and metric.casefold() != own.casefold()
    subject = (f"{metric}: {own}" if metric else own) if named else metric or own
    return Threshold(
        line=row.line,
        role="objective" if role == "objective" else "alert",
        subject=clean(subject) or subject,
        metric=canonical_metric(subject),
        statistic=comparison.statistic or statistic_of(f"{metric} {cell}"),
        op=comparison.op,
        value=comparison.value,
        unit=comparison.unit or counted_unit(comparison, subject),
        for_s=comparison.for_s if comparison.for_s is not None else for_s,
        severity=severity if role == "alert" else None,
        actions=actions if role == "alert" else (),
        source="table",
        text=" | ".join(c.text for c in row.children),
    )
