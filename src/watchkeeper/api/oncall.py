"""The JSON API of who is on call: the page's twin, overrides, swaps, notes, pages by hand, and calendars."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from watchkeeper.actions import oncall as acts
from watchkeeper.actions.views.oncall import OnCallView, who_is_on_call
from watchkeeper.api.routes import PROBLEMS, Caller, TheApp, Why, caller
from watchkeeper.people.model import Change, Handover

router = APIRouter(prefix="/api/v1", dependencies=[Depends(caller)], responses=PROBLEMS)
Name = Annotated[str, Field(max_length=100)]
RotaName = Annotated[str, Field(max_length=100, description="Left out: the only one there is.")]


class OverrideBody(Why):
    """Who is on call instead, from when until when."""

    rota: RotaName = ""
    person: Name
    instead_of: str | None = Field(
        None, max_length=100, description="Only while this person would be on call; else whoever it is."
    )
    begins_at: AwareDatetime | None = Field(None, description="Left out: now.")
    ends_at: AwareDatetime


class SwapBody(Why):
    """Who exchanges a shift with whom: of either the one that goes on at an instant, or the next after it."""

    rota: RotaName = ""
    first: Name
    second: Name
    first_on: AwareDatetime | None = Field(None, description="Left out: now.")
    second_on: AwareDatetime | None = Field(None, description="Left out: now.")


class HandoverBody(BaseModel):
    """A note for who is on call next."""

    rota: RotaName = ""
    text: str = Field(max_length=20_000)


class PageBody(BaseModel):
    """Whom to page, and what to say."""

    whom: str = Field(max_length=200, description="A person, a role of the runbook or a rota.")
    text: str = Field(max_length=5000)


class TestBody(BaseModel):
    """Whose addresses to try."""

    people: list[Name] = Field(default_factory=list, max_length=200, description="Left out: everybody's.")


class CalendarBody(BaseModel):
    """Whose calendar."""

    subject: str = Field(max_length=100, description="A person or a rota.")


class CalendarMade(BaseModel):
    """Where the calendar is; it is shown this once."""

    path: str


@router.get("/oncall")
async def on_call(app: TheApp, at: Annotated[AwareDatetime | None, Query(description="Left out: now.")] = None) -> OnCallView:
    """Show who is on call at an instant and who is next, the shifts ahead, changes, notes, and how each person is reached."""
    return await who_is_on_call(app, at)


@router.post("/oncall/overrides", status_code=201)
async def override(app: TheApp, actor: Caller, body: OverrideBody) -> Change:
    """Have somebody be on call for a span."""
    rota, begins = body.rota, body.begins_at or app.clock.now()
    return await acts.override(app, actor, rota, body.person, begins, body.ends_at, body.why, body.instead_of)


@router.post("/oncall/swaps", status_code=201)
async def swap(app: TheApp, actor: Caller, body: SwapBody) -> list[Change]:
    """Have two people exchange a shift each."""
    return list(await acts.swap(app, actor, body.rota, body.first, body.second, body.first_on, body.second_on, body.why))


@router.post("/oncall/changes/{change_id}/end")
async def take_back(app: TheApp, actor: Caller, change_id: str, body: Why) -> list[Change]:
    """Take an override or a swap back, from now on."""
    return await acts.take_back(app, actor, change_id, body.why)


@router.post("/oncall/notes", status_code=201)
async def leave_note(app: TheApp, actor: Caller, body: HandoverBody) -> Handover:
    """Leave a note for who is on call next."""
    return await acts.leave_note(app, actor, body.rota, body.text)


@router.post("/oncall/calendars", status_code=201)
async def give_calendar(app: TheApp, actor: Caller, body: CalendarBody) -> CalendarMade:
    """Make the address of a person's or a rota's iCalendar feed; the one before it opens nothing any more."""
    return CalendarMade(path=await acts.give_calendar(app, actor, body.subject))


@router.post("/pages", status_code=201)
async def page(app: TheApp, actor: Caller, body: PageBody) -> acts.Paged:
    """Page a person, or whoever a role or a rota means now."""
    return await acts.page(app, actor, body.whom, body.text)


@router.post("/pages/test")
async def try_pages(app: TheApp, actor: Caller, body: TestBody) -> list[acts.Tried]:
    """Send a test page to every address of some people, and say which of them took it."""
    return await acts.try_pages(app, actor, body.people)
