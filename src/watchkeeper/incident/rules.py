"""What an incident is called, how grave it is, and which promises of the book run on it.

Alerts, thresholds and the book enter; words, severities and clocks leave. The book's severities are never mapped onto others: a
word that the book does not define stays as it is and counts as less grave than those that it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from watchkeeper.alert.model import Alert
from watchkeeper.base.durations import find_durations, format_duration
from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Threshold
from watchkeeper.estate.hours import USUAL, Office
from watchkeeper.estate.model import Route
from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.people.gravity import gravity, severity_of
from watchkeeper.people.ladder import rungs

#: a promise to respond "immediately" is late after this long: less cannot be told from the time it takes to read
IMMEDIATELY_S = 60.0

#: states that need no verb: "backup failed", "checkout outage"
_DEEDS = frozenset({"failed", "fails", "detected", "outage", "breach"})
_PLURALS = ("workers", "servers", "services", "nodes", "replicas", "instances", "pods", "jobs", "queues", "backups", "payments")
_UPDATE = re.compile(r"\bupdat|aktualis|mise à jour|actualiza|atualiza|aktualizac|\bstatus\b|更新|업데이트", re.IGNORECASE)
_EVERY = re.compile(r"\bevery|\bwithin|\balle\b|\binnerhalb|\btoutes les|\bcada\b|\bco\b|ごと|每", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Called:
    """A severity and the sentence why it is that one."""

    severity: str | None
    sentence: str


def call(book: Book, alerts: Sequence[Alert]) -> Called:
    """Give the severity of an incident: the highest of its alerts, in the book's own code where it defines one.

    What follows from the cause counts as well: where the book calls a site that is down P1, it is, whatever took it down.
    """
    gravest = min(alerts, key=lambda a: (gravity(book, a.severity), a.explained_by is not None, a.fired_at, a.id), default=None)
    if gravest is None or gravest.severity is None:
        sent = gravest is not None and gravest.source is not None
        return Called(None, f"Neither the book nor {gravest.source} gives it a severity." if gravest and sent else
                      "The book gives these thresholds no severity.")  # fmt: skip
    defined = severity_of(book, gravest.severity)
    if gravest.source is not None and gravest.threshold is None:
        known = "as the book does" if defined else "a severity that the book does not define"
        named = defined.code if defined else gravest.severity
        return Called(named, f"{gravest.source} calls {gravest.subject} {gravest.severity}, {known}.")
    if defined is None:
        return Called(gravest.severity, f"The book calls {gravest.subject} {gravest.severity}, a word that it does not define.")
    named = f"{defined.code} ({defined.name})" if defined.name and defined.name != defined.code else defined.code
    return Called(defined.code, f"The book calls {gravest.subject} {named}.")


def title(alerts: Sequence[Alert], thresholds: Mapping[str, Threshold], book: Book) -> str:
    """Say in words what is wrong: the gravest alert of the cause, a state before a number."""
    causes = [a for a in alerts if a.explained_by is None] or list(alerts)

    def weight(alert: Alert) -> tuple[int, bool, bool, str]:
        threshold = thresholds.get(alert.rule)
        return gravity(book, alert.severity), threshold is None, threshold is not None and threshold.op != "is", alert.id

    leading = min(causes, key=weight)
    if leading.source is not None and leading.grouped == f"{leading.source}:storm":
        return f"Storm of alerts from {leading.source}, {leading.subject} among them"
    return one_title(leading, thresholds.get(leading.rule))


def one_title(alert: Alert, threshold: Threshold | None) -> str:
    """Say in words what one alert means: "Shop application is down", "error rate 31 % > 5 % (Shop application)"."""
    subject = " ".join(alert.subject.split())
    if threshold is None:
        return _capital(subject)
    if threshold.op == "is":
        state = threshold.state or "down"
        thing = _without(subject, state) or alert.component or subject
        if alert.component and (words(thing) <= words(alert.component) or words(alert.component) <= words(thing)):
            thing = alert.component
        return _capital(f"{thing} {_verb(thing, state)}{state}")
    bare = _without_comparison(subject)
    value = f" {quantity(alert.value, threshold.unit)}" if alert.value is not None else ""
    where = f" ({alert.component})" if alert.component and not words(alert.component) <= words(bare) else ""
    return f"{bare}{value} {threshold.op} {quantity(threshold.value, threshold.unit)}{where}"


def _verb(thing: str, state: str) -> str:
    if state in _DEEDS:
        return ""
    return "are " if thing.casefold().endswith(_PLURALS) else "is "


def _without(subject: str, state: str) -> str:
    pattern = rf"\s*[-–—:,]?\s*\b(?:(?:is|are|was|has|have)\s+)?{re.escape(state)}\b.*$"
    return re.sub(pattern, "", subject, flags=re.IGNORECASE).strip()


def _without_comparison(subject: str) -> str:
    return re.sub(r"\s*[(:]?\s*(?:[<>]=?|==|!=|≥|≤)\s*[$\d].*$", "", subject).strip() or subject


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def quantity(value: float | None, unit: str | None) -> str:
    """Say a value with its unit as a person would.

    >>> quantity(31.0, "percent"), quantity(0.25, "seconds"), quantity(2e9, "bytes"), quantity(5000.0, None)
    ('31 %', '250 ms', '2 GB', '5000')
    """
    if value is None:
        return "no value"
    if unit == "seconds":
        return format_duration(value)
    if unit == "bytes":
        for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.0f} bytes"
    plain = f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
    suffix = {"percent": " %", "per_second": "/s", "per_minute": "/min", "per_hour": "/h", "days": " days"}.get(unit or "", "")
    return plain + suffix


def update_every_s(book: Book) -> tuple[float, int] | None:
    """Find how often the book promises an update while an incident is open, with the line; None where it does not say."""
    texts = [(line, t.line) for t in book.templates for line in t.body.splitlines()]
    texts += [(task, p.line) for p in book.phases for task in p.tasks]
    for text, line in texts:
        if _UPDATE.search(text) and _EVERY.search(text):
            found = next(find_durations(text), None)
            if found is not None and found.high_s >= 60:
                return found.high_s, line
    return None


def respond_within(
    book: Book, incident: Incident, thresholds: Sequence[Threshold] = (), office: Office = USUAL
) -> tuple[float, str] | None:
    """Give the shortest response time promised for an incident, and by whom; None where nothing is promised.

    A promise in business days lasts to the end of that day, as the service's hours and holidays have it.
    """
    severity = severity_of(book, incident.severity)
    promised = [(t.respond_within_s, f"line {t.line}") for t in thresholds if t.respond_within_s is not None]
    if severity is not None and severity.respond_within_s is not None:
        promised.append((severity.respond_within_s, f"{severity.code}, line {severity.line}"))
    elif severity is not None and severity.respond_within_days is not None:
        by = office.ends_after(incident.opened_at, severity.respond_within_days)
        days = "the next business day" if severity.respond_within_days == 1 else f"{severity.respond_within_days} business days"
        if by is not None:
            promised.append(((by - incident.opened_at).total_seconds(), f"{severity.code}, line {severity.line}: {days}"))
    return min(promised, default=None)


def ladder(book: Book, incident: Incident, route: Route | None = None) -> list[ClockRun]:
    """Give the rungs of an incident; a route tells its own people at once in the place of the first."""
    start, levels = incident.opened_at, rungs(book, incident.severity)
    found = [ClockRun("rung", start + timedelta(seconds=r.after_s), r.sentence, r.role, r.level) for r in levels]
    if route is None or not route.tell:
        return found
    first = min(r.level for r in levels)
    told = f"The route {route.name} (line {route.line} of watchkeeper.toml) tells {{}} at once, instead of the first rung."
    return [run for run in found if run.level != first] + [
        ClockRun("rung", start, told.format(each), each, first) for each in route.tell
    ]


def clocks(
    book: Book,
    incident: Incident,
    thresholds: Sequence[Threshold] = (),
    route: Route | None = None,
    repeat_s: float | None = None,
    office: Office = USUAL,
) -> list[ClockRun]:
    """Give the promises that run on an incident from its opening: the rungs of the ladder, the response, the next update.

    `repeat_s` is how often it is said again where the book promises no updates.
    """

    def at(seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    start = incident.opened_at
    found = ladder(book, incident, route)
    respond = respond_within(book, incident, thresholds, office)
    if respond is not None:
        seconds, source = respond
        within = f"within {format_duration(seconds)}" if seconds else f"at once, so within {format_duration(IMMEDIATELY_S)}"
        sentence = f"The book promises a response {within} ({source})."
        found.append(ClockRun("respond", start + at(seconds or IMMEDIATELY_S), sentence))
    update = update_every_s(book)
    if update is not None:
        seconds, line = update
        sentence = f"The book promises an update every {format_duration(seconds)} (line {line})."
        found.append(ClockRun("update", start + at(seconds), sentence))
    elif repeat_s is not None:
        sentence = f"watchkeeper.toml has it said again every {format_duration(repeat_s)} while it is open."
        found.append(ClockRun("update", start + at(repeat_s), sentence))
    return sorted(found, key=lambda c: (c.due_at, c.kind, c.level))
