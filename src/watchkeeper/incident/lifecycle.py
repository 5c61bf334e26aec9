"""The life of an incident after it was opened: taken by somebody, recovered, red again, over.

Each function changes rows, writes the timeline and the ledger in the caller's transaction, and changes nothing when there is
nothing to change.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import NotFound
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import timers
from watchkeeper.incident.model import Incident
from watchkeeper.store import ledger

log = logging.getLogger(__name__)

AUTOMATION = "automation"


def acknowledge(connection: Connection, now: datetime, incident_id: str, actor: str, why: str = "") -> Incident:
    """Take an incident. A person stops the ladder; automation does not, because nobody would know if it failed."""
    incident = _load(connection, incident_id)
    taken_by_person = incident.acknowledged_by not in (None, AUTOMATION)
    if incident.status == "resolved" or incident.acknowledged_by == actor or (actor == AUTOMATION and taken_by_person):
        return incident
    after = format_duration((now - incident.opened_at).total_seconds())
    if actor == AUTOMATION:
        sentence = "A procedure is being carried out; the ladder goes on until a person takes the incident."
    else:
        timers.stop_clocks(connection, incident_id, ("rung", "respond"))
        sentence = f"{actor} took the incident after {after}; nobody else is called."
    values: dict[str, Any] = {"acknowledged_by": actor}
    if not taken_by_person:
        values["acknowledged_at"] = now
    if incident.status == "open":
        values["status"] = "acknowledged"
    return _change(connection, now, incident_id, "acknowledge", "acknowledged", actor, sentence, why, values)


def recovered(connection: Connection, now: datetime, incident_id: str, healthy_since: datetime, sentence: str) -> Incident:
    """Say that all thresholds are healthy again; the incident is held open until that has lasted."""
    incident = _load(connection, incident_id)
    if incident.status in ("recovered", "resolved"):
        return incident
    since = max(healthy_since, incident.began_at)
    values = {"status": "recovered", "recovered_at": since}
    return _change(connection, now, incident_id, "recovered", "recovered", AUTOMATION, sentence, "", values)


def reopen(connection: Connection, now: datetime, incident_id: str, sentence: str, actor: str = AUTOMATION) -> Incident:
    """Take a recovered incident back, because something of it is red again."""
    incident = _load(connection, incident_id)
    if incident.status != "recovered":
        return incident
    values = {"status": "acknowledged" if incident.acknowledged_by else "open", "recovered_at": None}
    return _change(connection, now, incident_id, "reopen", "reopened", actor, sentence, "", values)


def resolve(connection: Connection, now: datetime, incident_id: str, actor: str, why: str = "") -> Incident:
    """Close an incident, by a verdict or by a person's word; its clocks stop."""
    incident = _load(connection, incident_id)
    if incident.status == "resolved":
        return incident
    timers.stop_clocks(connection, incident_id)
    lasted = format_duration((now - incident.began_at).total_seconds())
    by = "Resolved" if actor == AUTOMATION else f"{actor} closed the incident"
    sentence = f"{by} {lasted} after it began{': ' + why.strip() if why.strip() else '.'}"
    values = {"status": "resolved", "resolved_at": now}
    return _change(connection, now, incident_id, "resolve", "resolved", actor, sentence, why, values)


def say_severity(connection: Connection, now: datetime, before: Incident, severity: str | None, actor: str, why: str) -> None:
    """Write down that an incident is graver or less grave than before, who says so and why."""
    body = {"from": before.severity, "to": severity}
    sentence = f"The incident is now {severity}; it was {before.severity or 'without a severity'}. {why}"
    incidents.add_entry(connection, before.id, now, "severity", actor, sentence, body)
    ledger.append(connection, now, actor, "incident.severity", before.id, why=why, body=body)


def set_private(connection: Connection, now: datetime, incident_id: str, private: bool, actor: str, why: str) -> Incident:
    """Let only those whom an incident concerns see it from now on, or everybody again."""
    incident = _load(connection, incident_id)
    if incident.is_private == private:
        return incident
    hidden = "The incident is private from now on: only those whom it concerns see it, and owners."
    sentence = f"{hidden if private else 'The incident is private no longer: everybody who may look here sees it.'} {why}".strip()
    values = {"private_at": now if private else None}
    kind = "private" if private else "shown"
    return _change(connection, now, incident_id, kind, kind, actor, sentence, why, values)


def private_by_itself(connection: Connection, now: datetime, incident_id: str, why: str | None) -> None:
    """Make an incident private for a reason of its own, where there is one and nobody has said before that all may see it."""
    if why is not None and not incidents.has_kind(connection, incident_id, "shown"):
        set_private(connection, now, incident_id, True, AUTOMATION, why)


def choose_procedure(connection: Connection, now: datetime, incident_id: str, procedure_id: str | None, because: str) -> Incident:
    """Write down which procedure was chosen for an incident and why, or why none."""
    values = {"procedure_id": procedure_id, "because": because}
    return _change(connection, now, incident_id, "choose", "chosen", AUTOMATION, because, because, values)


def _change(
    connection: Connection,
    now: datetime,
    incident_id: str,
    act: str,
    kind: str,
    actor: str,
    sentence: str,
    why: str,
    values: dict[str, Any],
) -> Incident:
    incidents.update_incident(connection, incident_id, **values)
    incidents.add_entry(connection, incident_id, now, kind, actor, sentence, {"why": why} if why else None)
    ledger.append(connection, now, actor, f"incident.{act}", incident_id, why=why or sentence)
    log.info("%s", sentence, extra={"action": f"incident_{act}", "incident": incident_id})
    return _load(connection, incident_id)


def _load(connection: Connection, incident_id: str) -> Incident:
    incident = incidents.get_incident(connection, incident_id)
    if incident is None:
        raise NotFound(f"There is no incident {incident_id}.", hint="`watchkeeper incident list` shows them.", code="WK201")
    return incident
