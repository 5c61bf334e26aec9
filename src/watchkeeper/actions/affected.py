"""Who and what an incident affected, counted by the estate's own commands: a number a name, in the timeline and the review.

The numbers are for the team; what the public is told of them somebody writes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions.acts import no_incident
from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.model import Affected, SignalConfig
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.people.identity import Actor
from watchkeeper.plugins.command.probe import CommandProbe

KIND = "affected"


async def count(app: App, actor: Actor, incident_id: str) -> list[str]:
    """Count what an incident affected until now, or until it was over; gives a sentence a count."""
    require(actor, "count")
    if not app.estate.affected:
        hint = "Add [affected.orders] with a command that prints their number: see docs/guide/incidents.md."
        raise ConfigError("watchkeeper.toml counts nothing.", hint=hint, code="WK450")
    now = app.clock.now()
    incident = await app.database.read(lambda c: incidents.get_incident(c, incident_id))
    if incident is None:
        raise no_incident(incident_id)
    until = min(incident.recovered_at or incident.resolved_at or now, now)
    counted = [(each, *await _counted(app, each, incident, until)) for each in app.estate.affected.values()]

    def work(connection: Connection) -> list[str]:
        said = []
        for each, number, sentence in counted:
            incidents.add_entry(connection, incident_id, now, KIND, actor.name, sentence, {"name": each.name, "number": number})
            said.append(sentence)
        return said

    return await done_by(app, actor, "count", work)


async def _counted(app: App, rule: Affected, incident: Incident, until: datetime) -> tuple[float | None, str]:
    """Run one command; gives the number, None where there is none, and the sentence."""
    options = {"command": rule.command}
    config = SignalConfig(rule.name, "command", rule.line, None, 0.0, timeout_s=rule.timeout_s, options=options)
    # a span has a beginning and an end, however short it was
    span = {"SINCE": incident.began_at.isoformat(), "UNTIL": max(until, incident.began_at + timedelta(seconds=1)).isoformat()}
    look = await CommandProbe(config, app.estate, span).look()
    status, number = look.values.get("exit", 0.0), look.values.get("value")
    if look.problem or status or number is None:
        ended = f"it ended with status {status:g}" if status else "it printed no number"
        return None, f"{rule.name} could not be counted: {look.problem or ended}."
    span_said = f"between {incident.began_at:%Y-%m-%d %H:%M:%S} and {until:%H:%M:%S} UTC"
    return number, f"{rule.name}: {number:,.0f} {span_said}."
