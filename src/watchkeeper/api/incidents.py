"""The JSON API of what people do about incidents: take, tell, open, raise, merge, split, relate, give roles, close."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from watchkeeper.actions import acts, affected, assigning, by_hand, following_up
from watchkeeper.api.routes import PROBLEMS, Caller, NoteBody, Said, TheApp, Why, caller
from watchkeeper.incident.model import Entry, Incident
from watchkeeper.learn.follow_up import FollowUp

router = APIRouter(prefix="/api/v1/incidents", dependencies=[Depends(caller)], responses=PROBLEMS)


class OpenBody(Why):
    """An incident of which no threshold tells."""

    title: str = Field(max_length=500)
    severity: str = Field("", max_length=50, description="As the runbook writes it; it must be given where the runbook has any.")
    component: str = Field("", max_length=200, description="What is taken for the cause.")
    private: bool = Field(False, description="Only those whom it concerns see it.")


class PrivateBody(BaseModel):
    """Who may see it, and the reason."""

    why: str = Field(max_length=20_000)
    private: bool = Field(True, description="Only those whom it concerns; false: everybody again.")


class SeverityBody(BaseModel):
    """Another severity, and the reason."""

    severity: str = Field(max_length=50)
    why: str = Field(max_length=20_000)


class OtherBody(Why):
    """Another incident."""

    other: str = Field(max_length=40, description="Its id.")


class SplitBody(Why):
    """Which alerts get an incident of their own."""

    alerts: list[str] = Field(max_length=1000, description="Their ids.")


class RoleBody(BaseModel):
    """Who has which role."""

    role: str = Field(max_length=40, description="commander, communicator or scribe.")
    person: str = Field(max_length=100)


class TaskBody(BaseModel):
    """A task of a phase."""

    task: str = Field(max_length=200, description="Its key, as the incident shows it.")


class FollowUpBody(BaseModel):
    """What somebody is to do."""

    text: str = Field(max_length=2000)
    owner: str = Field(max_length=100, description="One of [people].")
    due: str = Field("14d", max_length=20, description="A day, 2026-12-24, or how far ahead, 14d.")


class Told(BaseModel):
    """Who is told."""

    people: list[str]


@router.post("", status_code=201)
async def open_incident(app: TheApp, actor: Caller, body: OpenBody) -> Incident:
    """Open an incident by hand."""
    return await by_hand.open_incident(app, actor, body.title, body.severity, body.component, body.why, private=body.private)


@router.post("/{incident_id}/private")
async def keep_private(app: TheApp, actor: Caller, incident_id: str, body: PrivateBody) -> Incident:
    """Let only those whom it concerns see an incident, or everybody again; needs a reason."""
    return await by_hand.keep_private(app, actor, incident_id, body.why, private=body.private)


@router.post("/{incident_id}/acknowledge")
async def acknowledge(app: TheApp, actor: Caller, incident_id: str, body: Why) -> Incident:
    """Take an incident."""
    return await acts.acknowledge(app, actor, incident_id, body.why)


@router.post("/{incident_id}/resolve")
async def resolve(app: TheApp, actor: Caller, incident_id: str, body: Why) -> Incident:
    """Close an incident by hand; needs a reason."""
    return await acts.resolve(app, actor, incident_id, body.why)


@router.post("/{incident_id}/notes")
async def note(app: TheApp, actor: Caller, incident_id: str, body: NoteBody) -> Entry:
    """Write a line into the timeline."""
    return await acts.note(app, actor, incident_id, body.text)


@router.post("/{incident_id}/updates")
async def tell_update(app: TheApp, actor: Caller, incident_id: str, body: NoteBody) -> Told:
    """Tell those who know of an incident how it stands."""
    return Told(people=list(await by_hand.tell_update(app, actor, incident_id, body.text)))


@router.post("/{incident_id}/affected")
async def count_affected(app: TheApp, actor: Caller, incident_id: str) -> Said:
    """Count who and what an incident affected, by the commands of [affected]."""
    return Said(sentence=" ".join(await affected.count(app, actor, incident_id)))


@router.post("/{incident_id}/severity")
async def set_severity(app: TheApp, actor: Caller, incident_id: str, body: SeverityBody) -> Incident:
    """Make an incident graver or less grave; needs a reason."""
    return await by_hand.set_severity(app, actor, incident_id, body.severity, body.why)


@router.post("/{incident_id}/merge")
async def merge(app: TheApp, actor: Caller, incident_id: str, body: OtherBody) -> Incident:
    """Merge an incident into another one, which goes on."""
    return await by_hand.merge(app, actor, incident_id, body.other, body.why)


@router.post("/{incident_id}/split", status_code=201)
async def split(app: TheApp, actor: Caller, incident_id: str, body: SplitBody) -> Incident:
    """Give some alerts of an incident an incident of their own."""
    return await by_hand.split(app, actor, incident_id, body.alerts, body.why)


@router.post("/{incident_id}/related", status_code=204)
async def relate(app: TheApp, actor: Caller, incident_id: str, body: OtherBody) -> None:
    """Keep that two incidents hang together."""
    await by_hand.relate_to(app, actor, incident_id, body.other, body.why)


@router.get("/{incident_id}/followups")
async def list_follow_ups(app: TheApp, incident_id: str) -> list[FollowUp]:
    """List what is to be done after an incident."""
    return await following_up.listed(app, incident_id)


@router.post("/{incident_id}/followups", status_code=201)
async def add_follow_up(app: TheApp, actor: Caller, incident_id: str, body: FollowUpBody) -> FollowUp:
    """Write down what somebody is to do by when."""
    return await following_up.add(app, actor, incident_id, body.text, body.owner, body.due)


@router.post("/{incident_id}/followups/{follow_up_id}/done")
async def finish_follow_up(app: TheApp, actor: Caller, incident_id: str, follow_up_id: str, body: Why) -> FollowUp:
    """Note that it is done."""
    return await following_up.finish(app, actor, follow_up_id, body.why)


@router.post("/{incident_id}/roles")
async def assign(app: TheApp, actor: Caller, incident_id: str, body: RoleBody) -> Said:
    """Give somebody a role in an incident: commander, communicator or scribe."""
    return Said(sentence=await assigning.assign(app, actor, incident_id, body.role, body.person))


@router.post("/{incident_id}/tasks")
async def tick_task(app: TheApp, actor: Caller, incident_id: str, body: TaskBody) -> Said:
    """Note that a task of a phase of the runbook is done."""
    return Said(sentence=await assigning.tick_task(app, actor, incident_id, body.task))
