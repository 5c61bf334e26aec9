"""Read thresholds from definitions of monitoring systems: Prometheus rules, PromQL, Datadog, CloudWatch, Kubernetes HPA.

The definitions need not be valid YAML: people shorten and bend them in runbooks, so their lines are read, not their tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from watchkeeper.base.durations import parse_duration
from watchkeeper.book.model import Comparison as Operator
from watchkeeper.book.model import Threshold
from watchkeeper.book.read.comparisons import find_comparisons
from watchkeeper.book.read.metric_names import canonical_metric, statistic_of
from watchkeeper.book.read.passages import Passages, clean
from watchkeeper.book.read.promql import read_expression
from watchkeeper.book.read.severity_words import severity_code, severity_labels, severity_of, severity_word
from watchkeeper.text.blocks import Block, Section

_FIELD = re.compile(r"^(?P<indent>\s*)(?P<dash>-\s+)?[\"']?(?P<key>[A-Za-z_][\w-]*)[\"']?\s*:\s*(?P<value>.*?)\s*$")
_DATADOG = re.compile(
    r"(?P<statistic>avg|max|min|sum)\s*\(\s*last_(?P<window>\d+[smhd])\s*\)\s*:\s*"
    r"(?P<query>\S+(?:[ \t]+[^\s<>]\S*)*)\s*(?P<op>>=|<=|>|<)\s*(?P<value>-?\d{1,15}(?:\.\d{1,9})?)"
)
_CLOUDWATCH_OP = {
    "greaterthanthreshold": ">",
    "greaterthanorequaltothreshold": ">=",
    "lessthanthreshold": "<",
    "lessthanorequaltothreshold": "<=",
}
_CLOUD_FIELD = re.compile(
    r"(?:--|\b)(?P<key>threshold|comparison[-_]?operator|metric[-_]?name|period|evaluation[-_]?periods|statistic|"
    r"alarm[-_]?name|unit)\b[\"']?\s*[=: ]\s*[\"']?(?P<value>[\w./-]+)",
    re.IGNORECASE,
)
#: what stands for a text on the lines below
_BLOCK = frozenset({"|", ">", "|-", ">-", "|+", ">+", ""})
_LONGEST_MESSAGE = 2_000
_YAMLISH = frozenset({"yaml", "yml", "", "json", "text", "prometheus", "rules", "hcl", "terraform", "tf", "bash", "sh", "shell"})


def read_monitors(passages: Passages) -> Iterator[Threshold]:
    """Read the thresholds of every fence that defines monitors."""
    labels = severity_labels(passages)
    for block, section, under in passages.fences:
        text = block.text
        own = (labels[id(section)],) if id(section) in labels else ()
        context = (*own, *reversed(under), section.title, *reversed(section.path))
        if "last_" in text and _DATADOG.search(text):
            yield from _datadog(block, context)
        elif "expr" in text and re.search(r"^\s*-?\s*[\"']?expr[\"']?\s*:", text, re.MULTILINE):
            yield from _prometheus(block, context)
        elif "HorizontalPodAutoscaler" in text or "averageUtilization" in text:
            yield from _autoscaler(block)
        elif block.info in ("promql", "metricsql", "logql"):
            yield from _promql(block, section, context)
        elif (
            block.info in _YAMLISH and "comparison" in text.lower() and re.search(r"comparison[-_]?operator", text, re.IGNORECASE)
        ):
            yield from _cloudwatch(block, context)


@dataclass(slots=True)
class _Rule:
    name: str = ""
    expression: str = ""
    line: int = 0
    hold: float | None = None
    severity: str | None = None
    summary: str = ""


def _prometheus(block: Block, context: tuple[str, ...]) -> Iterator[Threshold]:
    rules: list[_Rule] = []
    gathering: tuple[_Rule, int] | None = None
    for offset, row in enumerate(block.text.split("\n")):
        match = _FIELD.match(row)
        if gathering is not None:
            rule, indent = gathering
            if (
                row.strip()
                and (len(row) - len(row.lstrip())) > indent
                and not (match and match["key"] in ("for", "labels", "annotations", "severity"))
            ):
                rule.expression += "\n" + row
                rule.line = rule.line or block.line + offset
                continue
            gathering = None
        if match is None:
            continue
        key, value = match["key"], match["value"].strip("\"'") if match["key"] != "expr" else match["value"]
        if key in ("alert", "record") or (key == "expr" and (not rules or rules[-1].expression)):
            rules.append(_Rule())
        if not rules:
            continue
        rule = rules[-1]
        if key == "alert":
            rule.name = value
        elif key == "record":
            rule.name = ""
        elif key == "expr":
            rule.line = block.line + offset
            if value in ("|", ">", "|-", ">-", ""):
                gathering = (rule, len(match["indent"]))
            else:
                rule.expression = value.strip("\"'") if value[:1] in "\"'" and value[-1:] == value[:1] else value
                gathering = (rule, len(match["indent"]) + len(match["dash"] or ""))
        elif key == "for":
            rule.hold = parse_duration(value)
        elif key == "severity":
            rule.severity = severity_code(value) or severity_word(value) or value.lower()
        elif key in ("summary", "description"):
            rule.summary = rule.summary or value
    for rule in rules:
        yield from _rule(rule, context)


def _rule(rule: _Rule, context: tuple[str, ...]) -> Iterator[Threshold]:
    found = read_expression(rule.expression)
    severity = rule.severity or severity_of(context)
    for expression in found:
        subject = f"{rule.name}: {expression.metric}" if rule.name and expression.metric else rule.name or expression.metric
        yield Threshold(
            line=rule.line,
            role="alert",
            subject=subject,
            metric=canonical_metric(f"{_words(rule.name)} {expression.metric}") or expression.metric or None,
            statistic=statistic_of(rule.expression),
            op=expression.op,
            value=expression.value,
            unit=expression.unit,
            for_s=rule.hold,
            severity=severity,
            source="promql",
            group=f"{rule.line}" if len(found) > 1 else None,
            group_by="and" if re.search(r"\band\b", rule.expression) else "or",
            text=" ".join(rule.expression.split()),
            message=rule.summary[:_LONGEST_MESSAGE] if rule.summary not in _BLOCK else None,
        )


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)


def _promql(block: Block, section: Section, context: tuple[str, ...]) -> Iterator[Threshold]:
    comment = ""
    for offset, row in enumerate(block.text.split("\n")):
        if row.lstrip().startswith("#"):
            comment = row.lstrip("# ").strip()
            continue
        for expression in read_expression(row):
            subject = comment or re.sub(r"^\d+(?:\.\d+)*[.)]?\s*", "", clean(section.title)) or expression.metric
            yield Threshold(
                line=block.line + offset,
                role="alert",
                subject=f"{subject}: {expression.metric}",
                metric=canonical_metric(subject) or expression.metric,
                statistic=statistic_of(row),
                op=expression.op,
                value=expression.value,
                unit=expression.unit,
                severity=severity_of(context),
                source="promql",
                text=" ".join(row.split()),
            )
        if row.strip():
            comment = ""


def _datadog(block: Block, context: tuple[str, ...]) -> Iterator[Threshold]:
    rows = block.text.split("\n")
    starts = [n for n, row in enumerate(rows) if _DATADOG.search(row)]
    names = [n for n, row in enumerate(rows) if re.match(r"\s*(?:-\s+)?[\"']?name[\"']?\s*:", row)]
    for index, at in enumerate(starts):
        match = _DATADOG.search(rows[at])
        if match is None:
            continue
        name_at = max((n for n in names if n < at), default=at)
        end = min((n for n in names if n > at), default=starts[index + 1] if index + 1 < len(starts) else len(rows))
        body = "\n".join(rows[name_at:end])
        name = _FIELD.match(rows[name_at])
        subject = name["value"].strip("\"',") if name and name["key"] == "name" else match["query"]
        query = re.sub(r"\{[^}]*\}", "", match["query"])
        percent = re.search(r"\{\{\s*value\s*\}\}\s*%", body) or re.search(r"percent|_pct|utilization", query)
        tag = re.search(r"severity\s*:\s*[\"']?(\w+)", body)
        yield Threshold(
            line=block.line + at,
            role="alert",
            subject=f"{subject}: {query}",
            metric=canonical_metric(f"{subject} {query}"),
            statistic=match["statistic"] if match["statistic"] in ("avg", "max") else None,
            op=cast(Operator, match["op"]),
            value=float(match["value"]),
            unit="percent" if percent else None,
            for_s=parse_duration(match["window"]),
            severity=(severity_code(tag[1]) or severity_word(tag[1]) or tag[1].lower()) if tag else severity_of(context),
            source="datadog",
            text=rows[at].strip(),
            message=_message(rows[name_at:end]),
        )


def _message(rows: list[str]) -> str | None:
    """Read what a monitor says: on the line of its key, or indented below it."""
    for at, row in enumerate(rows):
        field = _FIELD.match(row)
        if field is None or field["key"] != "message":
            continue
        value = field["value"].rstrip(",")
        if value not in _BLOCK:
            return value.strip("\"'").replace("\\n", "\n")[:_LONGEST_MESSAGE] or None
        indent = len(field["indent"]) + len(field["dash"] or "")
        found = []
        for below in rows[at + 1 :]:
            if below.strip() and len(below) - len(below.lstrip()) <= indent:
                break
            found.append(below.strip())
        return "\n".join(found).strip()[:_LONGEST_MESSAGE] or None
    return None


def _cloudwatch(block: Block, context: tuple[str, ...]) -> Iterator[Threshold]:
    fields: dict[str, tuple[str, int]] = {}
    for offset, row in enumerate(block.text.split("\n")):
        for match in _CLOUD_FIELD.finditer(row):
            key = re.sub(r"[-_]", "", match["key"].lower())
            if (
                key in fields
                and key in ("alarmname", "metricname", "threshold")
                and {"threshold", "comparisonoperator"} <= fields.keys()
            ):
                yield from _alarm(fields, block, context)
                fields = {}
            fields.setdefault(key, (match["value"], block.line + offset))
    yield from _alarm(fields, block, context)


def _alarm(fields: dict[str, tuple[str, int]], block: Block, context: tuple[str, ...]) -> Iterator[Threshold]:
    op = _CLOUDWATCH_OP.get(fields.get("comparisonoperator", ("", 0))[0].lower())
    value, line = fields.get("threshold", ("", block.line))
    if op is None or not re.fullmatch(r"-?\d{1,15}(?:\.\d{1,9})?", value):
        return
    metric = fields.get("metricname", ("", 0))[0]
    name = fields.get("alarmname", (metric, 0))[0]
    period, times = fields.get("period", ("", 0))[0], fields.get("evaluationperiods", ("1", 0))[0]
    hold = float(period) * float(times) if re.fullmatch(r"[0-9]{1,7}", period) and re.fullmatch(r"[0-9]{1,4}", times) else None
    words = f"{_words(metric)} {name}"
    unit = "percent" if re.search(r"utilization|percent", metric, re.IGNORECASE) else None
    if unit is None and find_comparisons(f"{words} > {value}"):
        unit = find_comparisons(f"{words} > {value}")[0].unit
    yield Threshold(
        line=line,
        role="alert",
        subject=f"{name}: {metric}" if metric and metric != name else name or metric,
        metric=canonical_metric(words),
        statistic=None,
        op=cast(Operator, op),
        value=float(value),
        unit=unit,
        for_s=hold,
        severity=severity_of((name, *context)),
        source="cloudwatch",
        text=f"{metric} {op} {value}",
    )


def _autoscaler(block: Block) -> Iterator[Threshold]:
    resource = ""
    target = ""
    for offset, row in enumerate(block.text.split("\n")):
        match = _FIELD.match(row)
        if match is None:
            continue
        if match["key"] == "name":
            resource = match["value"]
            target = target or resource
        elif match["key"] in ("averageUtilization", "targetCPUUtilizationPercentage") and re.fullmatch(
            r"[0-9]{1,6}", match["value"]
        ):
            subject = "cpu" if match["key"].startswith("targetCPU") else resource
            yield Threshold(
                line=block.line + offset,
                role="objective",
                subject=f"{subject} utilization of {target}",
                metric=canonical_metric(subject),
                statistic="avg",
                op="<=",
                value=float(match["value"]),
                unit="percent",
                source="kubernetes",
                text=f"{subject} averageUtilization {match['value']}",
            )
