"""Where jobs say that they ran: /ping/KEY and, behind it, /start, /fail, /log or an exit status, as those who ping know it.

The key is all that is asked for. GET and HEAD ping as well as POST does, since a job may have nothing but wget. What is sent
along is kept up to its last words and shown beside the signal.
"""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from watchkeeper.actions import arriving
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound, Transient
from watchkeeper.watch.arrivals import PingKind

router = APIRouter(prefix="/ping")
METHODS = ["GET", "HEAD", "POST"]


@router.api_route("/{key}", methods=METHODS, include_in_schema=False)
async def succeeded(request: Request, key: str, rid: str = "") -> PlainTextResponse:
    """Take in that a job succeeded."""
    return await _take(request, key, "success", 0, rid)


@router.api_route("/{key}/{what}", methods=METHODS, include_in_schema=False)
async def said(request: Request, key: str, what: str, rid: str = "") -> PlainTextResponse:
    """Take in that a job began, failed, has something to say, or ended with an exit status."""
    if what in ("start", "fail", "log"):
        return await _take(request, key, cast(PingKind, what), None, rid)
    if len(what) <= 3 and what.isascii() and what.isdecimal() and int(what) <= 255:
        return await _take(request, key, "fail" if int(what) else "success", int(what), rid)
    return PlainTextResponse("There is start, fail, log, or an exit status up to 255.\n", 400)


async def _take(request: Request, key: str, kind: PingKind, exit_status: int | None, rid: str) -> PlainTextResponse:
    app: App = request.app.state.watchkeeper
    note = (await request.body()).decode(errors="replace") if request.method == "POST" else ""
    try:
        await arriving.ping(app, key, kind, exit_status=exit_status, run=rid, note=note)
    except NotFound:
        return PlainTextResponse("No job has this key.\n", 404)
    except Transient:
        return PlainTextResponse("Not just now; try again.\n", 503)
    return PlainTextResponse("OK\n")
