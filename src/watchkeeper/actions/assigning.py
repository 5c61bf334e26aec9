"""Roles in an incident and the tasks of its phases: given and ticked off by somebody, with a line in the timeline."""

from __future__ import annotations

from sqlalchemy import Connection

from watchkeeper.actions import acts
from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import roles
from watchkeeper.people.access import find_person
from watchkeeper.people.identity import Actor
from watchkeeper.store import ledger


async def assign(app: App, actor: Actor, incident_id: str, role: str, person: str) -> str:
    """Give somebody a role in an incident; says who has it now."""
    require(actor, "note")
    known = role.strip().casefold()
    if known not in roles.ROLES:
        raise InputError(f"{role!r} is no role of an incident.", hint=f"There are: {', '.join(roles.ROLES)}.", code="WK169")
    found = find_person(app.estate, person)
    if found is None:
        raise NotFound(f"Nobody of watchkeeper.toml is {person!r}.", hint="`watchkeeper people` lists them.", code="WK210")
    now = app.clock.now()

    def work(connection: Connection) -> str:
        incident = incidents.get_incident(connection, incident_id)
        if incident is None:
            raise acts.no_incident(incident_id)
        if incident.status == "resolved":
            raise Conflict(f"“{incident.title}” is over: nobody needs a role in it.", code="WK337")
        before = roles.assign(connection, incident_id, known, found.id, now)
        instead = f", instead of {before}" if before and before != found.id else ""
        sentence = f"{found.name} is {known} now{instead}."
        incidents.add_entry(connection, incident_id, now, "role", actor.name, sentence, {"role": known, "person": found.id})
        ledger.append(connection, now, actor.name, "incident.assign", incident_id, why=sentence)
        return sentence

    return await done_by(app, actor, "note", work)


async def tick_task(app: App, actor: Actor, incident_id: str, task: str) -> str:
    """Note that a task of a phase is done, once; says which."""
    require(actor, "note")
    now = app.clock.now()

    def work(connection: Connection) -> str:
        incident = incidents.get_incident(connection, incident_id)
        if incident is None:
            raise acts.no_incident(incident_id)
        listed = {each.key: each for phase in roles.phases_of(connection, app.book.phases, incident, now) for each in phase.tasks}
        if task not in listed:
            hint = f"There are: {', '.join(listed) or 'none'}."
            raise NotFound(f"The book has no task {task!r} for this incident.", hint=hint, code="WK211")
        sentence = f"Done: {listed[task].text}"
        if roles.tick(connection, incident_id, task, actor.name, now):
            incidents.add_entry(connection, incident_id, now, "task", actor.name, sentence, {"task": task})
        return sentence

    return await done_by(app, actor, "note", work)
