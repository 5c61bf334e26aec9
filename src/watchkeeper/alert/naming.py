"""What of the book an alert of others speaks of: which threshold, which component, and with which of the book's severities. Pure.

A report and what the book says enter, a Named with its sentence leaves. A sender's word for how grave it is stays its own word
where the book does not define it: nothing is mapped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from watchkeeper.alert.model import Named, Report
from watchkeeper.base.words import likeness, nearest, words
from watchkeeper.book.model import Book, Threshold
from watchkeeper.estate.model import Bindings, Hook
from watchkeeper.people.gravity import severity_of

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-/.:]+")
#: words of an alert's name that say nothing about what is wrong
_EMPTY = frozenset(
    {"alert", "alarm", "is", "too", "high", "low", "many", "much", "critical", "warning", "has", "usage", "rate", "on"}
)
_COMPARISON = re.compile(r"\s*[(:]?\s*(?:[<>]=?|==|!=|≥|≤)\s*[$\d].*$|\s+(?:for|within)\s+\d.*$", re.IGNORECASE)
#: a label names a component only where at least half of the words are the same
LIKE_ENOUGH = 0.5
_REMEMBERED = 10_000


def split(name: str) -> str:
    """Give the words of an alert's name as they are written apart.

    >>> split("PostgreSQLDown"), split("HighErrorRate"), split("redis_memory-high")
    ('PostgreSQL Down', 'High Error Rate', 'redis memory high')
    """
    return " ".join(_HUMP.sub(" ", name).split())


class Names:
    """What the book calls its parts and its thresholds, to be asked for each alert of others."""

    def __init__(self, book: Book, bindings: Bindings) -> None:
        self._book = book
        self._thresholds = {key: t for key, t in bindings.thresholds.items() if t.role == "alert"}
        self._where = {bound.key: bound.component for bound in bindings.bound}
        self._said = {key: _ways(t) for key, t in self._thresholds.items()}
        self._components: dict[str, set[frozenset[str]]] = {}
        for name in _parts(book, bindings):
            self._components.setdefault(name, set()).add(words(name))
        for part in book.components:
            if part.technology:
                self._components[part.name].add(words(re.sub(r"\s+v?\d[\d.]*$", "", part.technology)))
        self._known: dict[tuple[str, ...], Named] = {}

    def find(self, report: Report, hook: Hook) -> Named:
        """Say what a report is about; asked again for one like it, the answer is remembered."""
        own = tuple(report.labels.get(label, "") for label in hook.component_labels)
        key = (hook.name, report.name, report.severity or "", report.component or "", *own)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._find(report, hook, [report.component or "", *own])
        return self._known[key]

    def _find(self, report: Report, hook: Hook, labels: Iterable[str]) -> Named:
        key = self._threshold(hook.alerts.get(report.name, report.name), report.severity)
        threshold = self._thresholds.get(key) if key else None
        component = hook.component or self._component(report.name, labels)
        if component is None and key is not None and threshold is not None:
            component = self._where.get(key) or self._component(threshold.subject, ())
        severity, sentence = self._severity(report, hook, threshold)
        if report.name in hook.alerts and threshold is None:
            sentence = f"{sentence} [hooks.{hook.name}.alerts] names “{hook.alerts[report.name]}”, which the book does not have."
        subject = threshold.subject if threshold else split(report.name) if report.name.isidentifier() else report.name
        return Named(subject, component, severity, key, sentence)

    def _severity(self, report: Report, hook: Hook, threshold: Threshold | None) -> tuple[str | None, str]:
        if threshold is not None and threshold.severity:
            return threshold.severity, f"The book's “{threshold.subject}” (line {threshold.line}) gives it {threshold.severity}."
        if report.severity is None:
            return None, f"{hook.name} gives it no severity, and neither does the book."
        found = severity_of(self._book, report.severity)
        if found is not None:
            return found.code, f"{hook.name} calls it {report.severity}, as the book does."
        return report.severity, f"{hook.name} calls it “{report.severity}”, a severity that the book does not define."

    def _threshold(self, name: str, severity: str | None) -> str | None:
        """Find the one threshold that is called so; of several alike the one of the sender's severity."""
        wanted = _bare(words(split(name)))
        found = [key for key, ways in self._said.items() if wanted and wanted in ways]
        if len(found) > 1 and severity is not None:
            same = severity_of(self._book, severity)
            codes = {severity.casefold(), same.code.casefold() if same else ""}
            found = [key for key in found if (self._thresholds[key].severity or "-").casefold() in codes]
        return found[0] if len(found) == 1 else None

    def _component(self, name: str, labels: Iterable[str]) -> str | None:
        """Find the component that a label names, else the one whose whole name stands in the alert's."""
        for label in filter(None, labels):
            component = nearest(split(label), self._components)
            if component and max(likeness(words(split(label)), n) for n in self._components[component]) >= LIKE_ENOUGH:
                return component
        said = words(split(name))
        fits = {c: max((len(n) for n in ways if n <= said), default=0) for c, ways in self._components.items()}
        best = max(fits.values(), default=0)
        found = [component for component, size in fits.items() if size == best > 0]
        return found[0] if len(found) == 1 else None


def _parts(book: Book, bindings: Bindings) -> Iterable[str]:
    yield from (part.name for part in book.components)
    for arrow in book.dependencies:
        yield from (arrow.source, arrow.needs)
    yield from (bound.component for bound in bindings.bound if bound.component)


def _ways(threshold: Threshold) -> set[frozenset[str]]:
    """Give the sets of words by which an alert may call a threshold."""
    subject = _bare(words(_COMPARISON.sub("", threshold.subject)))
    state = _bare(words(threshold.state)) if threshold.state else frozenset()
    return {subject, subject | state} - {frozenset()}


def _bare(said: frozenset[str]) -> frozenset[str]:
    return said - _EMPTY


def fits_labels(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Tell whether labels have all these values, case ignored."""
    return all(labels.get(name, "").casefold() == value.casefold() for name, value in wanted.items())
