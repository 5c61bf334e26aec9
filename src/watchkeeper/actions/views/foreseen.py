"""What starting a procedure now would come to, act by act: the plan, and what policy, brakes and estate say of it."""

from __future__ import annotations

from sqlalchemy import Connection

from watchkeeper.actions import acts
from watchkeeper.app import App
from watchkeeper.incident.model import Incident
from watchkeeper.people.identity import Actor
from watchkeeper.run.facts import World, gather
from watchkeeper.run.fold import begin
from watchkeeper.run.foresee import Foresight, foresee
from watchkeeper.run.model import Plan, Run


def foreseen(
    connection: Connection, app: App, actor: Actor, plan: Plan, incident: Incident | None = None
) -> dict[str, Foresight]:
    """Foresee every act of a plan, as if an actor started it now, for an incident or for none."""
    now = app.clock.now()
    incident_id, severity, component = (incident.id, incident.severity, incident.cause) if incident else (None, None, None)
    target = acts.target_of(app)
    run = begin(Run("", plan, incident_id, severity, component, actor.name, now, target=target, person=actor.person))
    return foresee(run, gather(connection, run, World(app.estate, app.bindings, app.book.severities), now), now)
