"""The page of who is on call with its forms, and the calendars to which people subscribe."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response

from watchkeeper.actions import oncall as acts
from watchkeeper.actions.permission import require
from watchkeeper.actions.views.oncall import who_is_on_call
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.people.identity import Session
from watchkeeper.web.forms import Person, Text, back_to
from watchkeeper.web.pages import API, SeenApp, SignedIn, TheApp, page

router = APIRouter(include_in_schema=False)
HERE = "/oncall"


@router.get(HERE)
async def on_call(request: Request, app: SeenApp, session: SignedIn, at: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Who is on call, now or at a time in UTC."""
    return await _page(request, app, session, at=at)


@router.post("/oncall/override")
async def override(
    app: SeenApp,
    person: Person,
    rota: Text = "",
    who: Text = "",
    instead_of: Text = "",
    begins: Text = "now",
    ends: Text = "",
    why: Text = "",
) -> Response:
    """Have somebody be on call for a span."""
    require(person, "override")
    found, now = acts.rota_of(app, rota), app.clock.now()
    first = acts.instant(begins or "now", found.zone, now)
    await acts.override(app, person, found.name, who, first, acts.instant(ends, found.zone, first), why, instead_of or None)
    return back_to(HERE)


@router.post("/oncall/swap")
async def swap(
    app: SeenApp,
    person: Person,
    rota: Text = "",
    first: Text = "",
    second: Text = "",
    first_on: Text = "now",
    second_on: Text = "now",
    why: Text = "",
) -> Response:
    """Have two people exchange a shift each."""
    require(person, "override")
    found, now = acts.rota_of(app, rota), app.clock.now()
    times = [acts.instant(text or "now", found.zone, now) for text in (first_on, second_on)]
    await acts.swap(app, person, found.name, first, second, times[0], times[1], why)
    return back_to(HERE)


@router.post("/oncall/changes/{change_id}/end")
async def take_back(app: SeenApp, person: Person, change_id: str, why: Text = "") -> Response:
    """Take an override or a swap back."""
    await acts.take_back(app, person, change_id, why)
    return back_to(HERE)


@router.post("/oncall/note")
async def leave_note(app: SeenApp, person: Person, rota: Text = "", text: Text = "") -> Response:
    """Leave a note for who is next."""
    await acts.leave_note(app, person, rota, text)
    return back_to(HERE)


@router.post("/oncall/page")
async def page_somebody(
    request: Request, app: SeenApp, session: SignedIn, person: Person, whom: Text = "", text: Text = ""
) -> Response:
    """Page somebody by hand."""
    return await _page(request, app, session, (await acts.page(app, person, whom, text)).sentence)


@router.post("/oncall/test/{who}")
async def try_page(request: Request, app: SeenApp, session: SignedIn, person: Person, who: str) -> Response:
    """Send a test page to every address of a person."""
    tried = await acts.try_pages(app, person, [who])
    return await _page(request, app, session, " ".join(each.sentence for each in tried))


@router.post("/oncall/calendar")
async def give_calendar(request: Request, app: SeenApp, session: SignedIn, person: Person, subject: Text = "") -> Response:
    """Make the address of a calendar; it stands in the answer alone, once."""
    path = await acts.give_calendar(app, person, subject)
    address = f"{app.address or str(request.base_url).rstrip('/')}{path}"
    return await _page(request, app, session, f"The calendar of {subject}, shown this once: {address}")


@router.get("/calendar/{token}.ics")
async def calendar(app: TheApp, token: Annotated[str, Path(max_length=100)]) -> Response:
    """Give a calendar to whoever knows its address."""
    try:
        body = await acts.calendar(app, token)
    except NotFound:
        return PlainTextResponse("There is no such calendar.\n", 404)
    return Response(body, media_type="text/calendar; charset=utf-8", headers={"cache-control": "private, max-age=300"})


async def _page(request: Request, app: App, session: Session, said: str = "", at: str = "") -> Response:
    when = acts.instant(at, "UTC", app.clock.now()) if at.strip() else None
    twin = f"{API}/oncall" + (f"?at={quote(when.isoformat())}" if when else "")
    return page("oncall.html", request, session, await who_is_on_call(app, when), here=HERE, twin=twin, said=said, asked=at)
