"""Answering from a notice, without signing in: the signed link is who asks.

GET shows what the link does and never does it: mail scanners and previews open every link. POST does it, once. No session and so
no CSRF token: the link itself is what no other site can know.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from watchkeeper.actions import links
from watchkeeper.actions.callers import address_of
from watchkeeper.web.forms import Text
from watchkeeper.web.pages import TheApp, page

router = APIRouter(include_in_schema=False)
LinkText = Annotated[str, Path(max_length=2000)]


@router.get("/link/{link}")
async def look_at_link(request: Request, app: TheApp, link: LinkText) -> Response:
    """Show what a link does."""
    view = await links.look_at(app, link)
    return page("link.html", request, None, view, now=app.clock.now(), done=None)


@router.post("/link/{link}")
async def use_link(
    request: Request, app: TheApp, link: LinkText, answer: Text = "", why: Text = "", confirm: Text = ""
) -> Response:
    """Do it."""
    view = await links.use(app, link, answer, address_of(request), why, confirm)
    return page("link.html", request, None, view, now=app.clock.now(), done=answer)
