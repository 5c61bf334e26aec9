"""The site: pages, forms and whatever routers it is given, behind one door, with one way to say that something went wrong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from watchkeeper import __version__
from watchkeeper.actions.callers import NOT_SIGNED_IN, one_time_token
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound, Refused, Transient, WatchkeeperError
from watchkeeper.people.identity import user_here
from watchkeeper.web import answering, entering, forms, oncall, pages, pinging
from watchkeeper.web import public as public_page
from watchkeeper.web.door import Door

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[WatchkeeperError], int], ...] = (
    (NotFound, 404),
    (Refused, 403),
    (Conflict, 409),
    (InputError, 400),
    (Transient, 503),
)
HEADINGS = {
    400: "That cannot be used",
    401: "Nobody is signed in",
    403: "That is not allowed",
    404: "There is no such page",
    405: "That is not done this way",
    409: "Somebody was there first",
    422: "That cannot be used",
    503: "Not just now",
}
WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - named to be left out


def create_site(app: App, routers: Sequence[APIRouter] = (), host: str = "", public: str = "") -> FastAPI:
    """Make the ASGI application; `host` is where it listens, `public` the address under which people reach it, if another."""
    site = FastAPI(title="Watchkeeper", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    site.state.watchkeeper = app
    site.state.public = public_page.Kept()
    ours = (pages, oncall, forms, entering, answering, pinging, public_page)
    for router in (*(module.router for module in ours), *routers):
        site.include_router(router)
    site.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    site.add_exception_handler(WatchkeeperError, _on_ours)
    site.add_exception_handler(RequestValidationError, _on_validation)
    site.add_exception_handler(HTTPException, _on_http)
    site.add_exception_handler(Exception, _on_any)
    status = app.estate.statuspage.address if app.estate.statuspage else ""
    site.add_middleware(Door, own=[] if host in WILDCARDS else [host], public=public, status=status)
    return site


def printed_address(app: App, host: str, port: int, actor: str | None = None, role: str = "owner") -> str:
    """Give the address to open in a browser, with a token that opens one session; for the person who started us unless said."""
    token = one_time_token(app, actor or user_here(), role)
    public = app.settings.text("public_url").rstrip("/")
    return f"{public or plain_address(host, port)}/sign-in?{urlencode({'token': token}, quote_via=quote)}"


def plain_address(host: str, port: int) -> str:
    """Give the address at which a console listens, as a browser on the same machine opens it."""
    shown = "127.0.0.1" if host in WILDCARDS else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


async def _on_ours(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, WatchkeeperError)
    if problem.code == NOT_SIGNED_IN:
        if _wants_json(request):
            return _answer(request, 401, problem)
        return RedirectResponse("/sign-in", 303)
    status = next((status for kind, status in STATUS if isinstance(problem, kind)), 500)
    return _answer(request, status, problem)


async def _on_validation(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError)
    first = problem.errors()[0] if problem.errors() else {"loc": (), "msg": "it is not what was expected"}
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return _answer(request, 422, InputError(f"{field or 'The request'} cannot be used: {first['msg']}.", code="WK140"))


async def _on_http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    code = "WK200" if problem.status_code == 404 else "WK141"
    message = "There is nothing at this address." if problem.status_code == 404 else f"{problem.detail}."
    return _answer(request, problem.status_code, WatchkeeperError(message, code=code))


async def _on_any(request: Request, problem: Exception) -> Response:
    log.error("A page failed.", exc_info=problem, extra={"action": "page_failed", "path": request.url.path})
    ours = WatchkeeperError("Something went wrong inside Watchkeeper.", hint="Its log says what. Watching goes on.", code="WK000")
    return _answer(request, 500, ours)


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/hooks/")) or request.url.path == "/metrics"


def _answer(request: Request, status: int, problem: WatchkeeperError) -> Response:
    if _wants_json(request):
        return JSONResponse(problem.as_dict(), status)
    heading = HEADINGS.get(status, "Something went wrong")
    return pages.page(
        "error.html", request, None, status=status, heading=heading, problem=problem.as_dict() | {"code": problem.code}
    )
