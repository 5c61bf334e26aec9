"""How long it took, beside what the book promises.

An incident with its alerts, timeline and runs enters; seconds leave, and for each promise of the book a sentence that says
whether it was kept. What did not happen has no measure: None, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.alert.model import Alert
from watchkeeper.base.durations import format_duration
from watchkeeper.base.words import likeness, words
from watchkeeper.book.model import Book, Recovery, Threshold
from watchkeeper.estate.hours import USUAL, Office
from watchkeeper.incident.model import Entry, Incident
from watchkeeper.incident.rules import IMMEDIATELY_S, respond_within
from watchkeeper.people.gravity import gravity, severity_of
from watchkeeper.run.model import Run


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise of the book held against what was measured; `kept` is None where there is nothing to hold."""

    name: str
    promised_s: float | None
    measured_s: float | None
    kept: bool | None
    sentence: str


def measure(
    incident: Incident, alerts: Sequence[Alert], entries: Sequence[Entry] = (), runs: Sequence[Run] = ()
) -> dict[str, float | None]:
    """Give the times of an incident in seconds, each from the instant that its name is usually counted from."""
    fired = min((a.fired_at for a in alerts), default=None)
    told = min((e.at for e in entries if e.kind == "told"), default=None)
    started = min((r.started_at for r in runs), default=None)
    by_person = incident.acknowledged_at if incident.acknowledged_by != "automation" else None
    answered = min((at for at in (by_person, started) if at is not None), default=None)
    return {
        "detection_s": _between(incident.began_at, fired),
        "opening_s": _between(fired, incident.opened_at),
        "telling_s": _between(incident.opened_at, told),
        "acknowledge_s": _between(incident.opened_at, by_person),
        "response_s": _between(incident.opened_at, answered),
        "recovery_s": _between(incident.began_at, incident.recovered_at),
        "resolution_s": _between(incident.began_at, incident.resolved_at),
    }


def promises(
    book: Book,
    incident: Incident,
    measures: Mapping[str, float | None],
    thresholds: Sequence[Threshold] = (),
    office: Office = USUAL,
) -> list[Promise]:
    """Hold the measures against the book: the response time of the severity, and the recovery time objective."""
    return [
        _response(book, incident, measures.get("response_s"), thresholds, office),
        _recovery(book, incident, measures.get("recovery_s")),
    ]


def _response(book: Book, incident: Incident, measured: float | None, thresholds: Sequence[Threshold], office: Office) -> Promise:
    found = respond_within(book, incident, thresholds, office)
    if found is None:
        named = incident.severity or "an incident without a severity"
        return Promise("response", None, measured, None, f"The book promises no response time for {named}.")
    promised, source = found
    kept = measured is not None and measured <= (promised or IMMEDIATELY_S)
    within = f"within {format_duration(promised)}" if promised else "at once"
    took = "nobody and nothing responded" if measured is None else f"it took {format_duration(measured)}"
    return Promise("response", promised, measured, kept, f"A response was promised {within} ({source}); {took}.")


def _recovery(book: Book, incident: Incident, measured: float | None) -> Promise:
    objectives = [r for r in book.recovery if r.kind == "rto"]
    if not objectives:
        return Promise("recovery", None, measured, None, "The book promises no recovery time.")
    found = _objective(objectives, book, incident)
    if found is None:
        named = ", ".join(r.subject or "all" for r in objectives)
        return Promise("recovery", None, measured, None, f"None of the book's recovery times ({named}) is for this.")
    took = "it has not recovered" if measured is None else f"it took {format_duration(measured)}"
    kept = measured is not None and measured <= found.seconds
    subject = found.subject or "all"
    sentence = f"Recovery was promised within {format_duration(found.seconds)} ({subject}, line {found.line}); {took}."
    return Promise("recovery", found.seconds, measured, kept, sentence)


def _objective(objectives: Sequence[Recovery], book: Book, incident: Incident) -> Recovery | None:
    """Find the recovery time of an incident: by its component, else by its severity, else the one that is for everything."""
    severity = severity_of(book, incident.severity)
    grave = ["critical"] if incident.severity and gravity(book, incident.severity) == 0 else []
    named = [
        n for n in (severity.code if severity else None, severity.name if severity else None, incident.severity, *grave) if n
    ]
    for names in ([incident.cause or ""], named, [incident.service]):
        scored = [(max((likeness(words(n), words(r.subject)) for n in names if n), default=0.0), r) for r in objectives]
        best = max((score for score, _ in scored), default=0.0)
        if best:
            return min((r for score, r in scored if score == best), key=lambda r: r.seconds)
    general = [
        r
        for r in objectives
        if not words(r.subject) - {"rto", "recovery", "time", "objective", "overall", "all", "full", "system"}
    ]
    return min(general, key=lambda r: r.seconds) if general else None


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())
