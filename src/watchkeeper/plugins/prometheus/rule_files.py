"""A Prometheus rule file from a book: each threshold as an alerting rule, and what cannot be one with the reason. Pure.

A threshold that a signal decides is a rule over our own /metrics; one that the book itself gives in PromQL is that very
expression. What Watchkeeper does beyond that (hysteresis, flapping, a look at the deciding instant) Prometheus has no words for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.base.durations import format_duration
from watchkeeper.base.yaml import comment, dump
from watchkeeper.book.model import Book, Threshold
from watchkeeper.estate.model import Bindings, Bound
from watchkeeper.incident.rules import quantity
from watchkeeper.people.gravity import in_order, severity_of
from watchkeeper.plugins.prometheus import own
from watchkeeper.watch.burning import pairs

#: what a rule over a blind threshold waits, so that a restart of Watchkeeper is no alert
BLIND_FOR = "1m"
#: without our page for so long, nothing of ours can fire
GONE_FOR = "2m"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file: its text, its rules, and (line, sentence) of what is not in it."""

    text: str
    rules: tuple[dict[str, Any], ...]
    left_out: tuple[tuple[int, str], ...] = ()
    expressions: tuple[str, ...] = field(default=())


def rule_file(book: Book, bindings: Bindings, service: str, runbook: Path) -> RuleFile:
    """Write the rule file of a book as it is bound."""
    bound = {item.key: item for item in bindings.bound}
    rules = [_rule(book, item, bound, service, runbook) for item in bindings.bound]
    own_words, left_out = _in_promql(book, bindings, service, runbook)
    ours = list(_about_ourselves(book, service))
    groups = [
        {"name": f"{service}: thresholds of the runbook", "rules": rules},
        {"name": f"{service}: PromQL of the runbook", "rules": own_words},
        {"name": f"{service}: Watchkeeper itself", "rules": ours},
    ]
    every = [*rules, *own_words, *ours]
    head = f"Alerting rules of {runbook.name} ({service}), written by `watchkeeper export prometheus`.\n"
    head += "The metrics are those of Watchkeeper's /metrics; expressions of the runbook are taken as they are."
    text = comment(head) + dump({"groups": [group for group in groups if group["rules"]]})
    if left_out:
        text += comment(f"Not here ({len(left_out)}):")
        text += "".join(comment(f"  {runbook.name}:{line}: {sentence}") for line, sentence in left_out)
    return RuleFile(text, tuple(every), tuple(left_out), tuple(rule["expr"] for rule in every))


def severity_word(book: Book, severity: str | None) -> str | None:
    """Give a severity in the book's own code where the book defines it, else in its word."""
    defined = severity_of(book, severity)
    return defined.code if defined is not None else severity


def label_text(value: str) -> str:
    """Give a word as a rule's label has it, where Prometheus would take {{ for a template."""
    return own.label(_template_free(value))


def _rule(book: Book, item: Bound, bound: Mapping[str, Bound], service: str, runbook: Path) -> dict[str, Any]:
    others = [bound[key] for key in item.together_with if key in bound]
    expression = own.breach_of(service, item)
    if item.budget is not None:
        expression = own.burning_of(service, item, pairs(item.budget))
    elif others:
        parts = [own.breach_of(service, each) for each in (item, *others)]
        expression = " and on() ".join(f"({part})" for part in parts)
    more = {"component": item.component, "signal": item.signal, "threshold": item.key}
    return _alerting(book, item.threshold, expression, own.hold_of(item), service, runbook, more)


def _alerting(
    book: Book, threshold: Threshold, expression: str, hold_s: float, service: str, runbook: Path, more: Mapping[str, str | None]
) -> dict[str, Any]:
    labels = {"service": service, "severity": severity_word(book, threshold.severity), **more}
    said = _says(threshold)
    annotations = {
        "summary": f"{_template_free(threshold.subject)}: {said}",
        "description": f"The runbook says: {_template_free(threshold.text or threshold.subject)}. Now {{{{ $value }}}}.",
        "runbook": f"{threshold.file or runbook.name}:{threshold.line}",
    }
    if threshold.actions:
        annotations["actions"] = _template_free("; ".join(threshold.actions))
    rule: dict[str, Any] = {"alert": alert_name(more.get("threshold") or threshold.subject), "expr": expression}
    if hold_s:
        rule["for"] = own.seconds(hold_s)
    rule["labels"] = {name: label_text(value) for name, value in labels.items() if value}
    rule["annotations"] = annotations
    return rule


def alert_name(key: str) -> str:
    """Give the name of a threshold's rule: its words in capitals.

    >>> alert_name("error-rate-above-5-percent-p1")
    'ErrorRateAbove5PercentP1'
    """
    joined = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", key) if part)
    return joined if joined[:1].isalpha() else f"Threshold{joined}"


def _in_promql(book: Book, bindings: Bindings, service: str, runbook: Path) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """Give the rules of expressions that the book itself states, once each, and what is left out."""
    rules: dict[tuple[int, str], dict[str, Any]] = {}
    left_out: list[tuple[int, str]] = []
    for item in bindings.unbound:
        threshold = item.threshold
        if threshold.source == "promql" and _is_promql(threshold.text):
            key = (threshold.line, threshold.text)
            more = {"threshold": item.key}
            found = _alerting(book, threshold, threshold.text, threshold.for_s or 0.0, service, runbook, more)
            rules.setdefault(key, found)
        elif threshold.source == "promql":
            left_out.append((threshold.line, f"{threshold.subject}: its expression has a hole for somebody to fill."))
        else:
            left_out.append((threshold.line, item.sentence))
    burning = {item.objective for item in bindings.bound if item.objective is not None}
    for threshold in book.thresholds:
        if threshold.role == "objective" and threshold not in burning:
            left_out.append(
                (threshold.line, f"{threshold.subject} {_says(threshold)} is an objective: missing it alerts nobody.")
            )
    return list(rules.values()), sorted(set(left_out))


def _is_promql(text: str) -> bool:
    """Tell whether an expression can be PromQL at all: brackets close, and no placeholder or template is in it."""
    if not text or re.search(r"\$\w|\$\{|<[A-Za-z][\w-]*>|\{\{|\}\}|…|\.\.\.", text):
        return False
    depth: list[str] = []
    quoted = re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", '""', text)
    for sign in quoted:
        if sign in "([{":
            depth.append(sign)
        elif sign in ")]}" and (not depth or depth.pop() != {")": "(", "]": "[", "}": "{"}[sign]):
            return False
    return not depth and quoted.count('"') % 2 == 0 and "'" not in quoted


def _about_ourselves(book: Book, service: str) -> Iterator[dict[str, Any]]:
    """Give the rules that no silence of ours may hide: we see nothing, or nobody sees us."""
    gravest = next((severity.code for severity in in_order(book.severities)), "critical")
    blind = own.series(own.STATE, {"service": service, "state": "blind"})
    yield {
        "alert": "WatchkeeperBlind",
        "expr": f"{blind} == 1",
        "for": BLIND_FOR,
        "labels": {"service": label_text(service), "severity": label_text(gravest)},
        "annotations": {
            "summary": "{{ $labels.threshold }} cannot be judged: no reading",
            "description": "`watchkeeper why {{ $labels.threshold }}` says why. No data is never well.",
        },
    }
    yield {
        "alert": "WatchkeeperGone",
        "expr": f"absent({own.series(own.BUILD, {'service': service})})",
        "for": GONE_FOR,
        "labels": {"service": label_text(service), "severity": label_text(gravest)},
        "annotations": {
            "summary": f"Watchkeeper of {_template_free(service)} is not seen",
            "description": "Prometheus reads no /metrics of it, so that none of its thresholds can fire here.",
        },
    }


def _says(threshold: Threshold) -> str:
    if threshold.op == "is":
        said = f"is {threshold.state or 'down'}"
    else:
        statistic = f"{threshold.statistic} " if threshold.statistic else ""
        said = f"{statistic}{threshold.op} {quantity(threshold.value, threshold.unit)}"
    return f"{said} for {format_duration(threshold.for_s)}" if threshold.for_s else said


def _template_free(text: str) -> str:
    """Keep words of the book from being taken for a template of Prometheus."""
    return " ".join(text.split()).replace("{{", "{ {")
