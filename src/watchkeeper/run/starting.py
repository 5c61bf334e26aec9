"""Starting a run: its row, its plan and the event "started", in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from watchkeeper.alert.ledger import labels_of_alerts
from watchkeeper.base.errors import Refused
from watchkeeper.base.ids import new_id
from watchkeeper.incident.model import Incident
from watchkeeper.run.ledger import append_event, check_halt, create_run
from watchkeeper.run.model import Plan, Run
from watchkeeper.run.values.inputs import name_of
from watchkeeper.store import ledger


def start_run(
    connection: Connection,
    now: datetime,
    plan: Plan,
    incident: Incident | None,
    actor: str,
    target: str,
    *,
    component: str | None = None,
    why: str = "",
    person: str = "",
    inputs: Mapping[str, str] | None = None,
    like: Run | None = None,
    id: str = "",
) -> str:
    """Start a run of a plan and give its id; refused for automation while a halt stands.

    `person` is as whom the actor counts; `inputs` are values that they gave, checked before; `like` is a run whose values this
    one takes over; `id` is a new id where the caller made it.
    """
    if actor == "automation":
        check_halt(connection)
    if not plan.acts:
        raise Refused(f"“{plan.title}” has nothing to carry out.", code="WK302")
    run_id = id or new_id("run", now)
    cause = component or (incident.cause if incident else None)
    about = {"incident_id": incident.id if incident else None, "severity": incident.severity if incident else None}
    create_run(connection, run_id, now, plan, actor=actor, target=target, component=cause, **about)
    body: dict[str, Any] = {"procedure": plan.procedure_id, "title": plan.title, "book": plan.book, "sentence": why}
    if person:
        body["person"] = person
    given = {**(like.given if like else {}), **(inputs or {})}
    labels = like.labels if like else labels_of(connection, incident, cause)
    left = {"carried": dict(like.carried), "folder": like.folder} if like else {}
    body |= {name: value for name, value in {"inputs": given, "labels": dict(labels), **left}.items() if value}
    append_event(connection, run_id, now, "started", actor, body=body)
    ledger.append(connection, now, actor, "run started", run_id, why=why, body={**body, **about, "target": target})
    return run_id


def labels_of(connection: Connection, incident: Incident | None, component: str | None) -> dict[str, str]:
    """Give what an incident says, by the names that inputs have: of its alerts' labels those on which all of them agree."""
    said = {"component": component}
    if incident is None:
        return {name: value for name, value in said.items() if value}
    said |= {"severity": incident.severity, "incident": incident.id, "incident_id": incident.id}
    heard: dict[str, set[str]] = {}
    for labels in labels_of_alerts(connection, incident.id):
        for label, value in labels.items():
            heard.setdefault(name_of(label), set()).add(value)
    agreed = {name: values.pop() for name, values in heard.items() if len(values) == 1}
    return {name: value for name, value in (agreed | said).items() if value}
