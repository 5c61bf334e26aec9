"""The sign-in page and its doors: the printed address, a password, a provider. Each sets the cookie of one session."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from watchkeeper.actions.callers import address_of, cookie_name, session_for, sign_in
from watchkeeper.actions.entering import ERRAND_LIFETIME, arrive, depart, new_browser, sign_in_by_password
from watchkeeper.app import App
from watchkeeper.base.errors import Refused, Transient, WatchkeeperError
from watchkeeper.people.access import with_access
from watchkeeper.people.identity import Session
from watchkeeper.web.forms import Text, back_to
from watchkeeper.web.pages import TheApp, page

router = APIRouter(include_in_schema=False)
BACK = "/sign-in/provider/back"
Word = Annotated[str, Form(max_length=2_000)]


@router.get("/sign-in")
async def sign_in_page(request: Request, app: TheApp, token: str = "") -> Response:
    """Open a session by the printed address, or ask how to sign in. Who is signed in already spends nothing."""
    try:
        await session_for(app, request.cookies.get(cookie_name(request.url.port)))
    except Refused:
        return await _by_token(request, app, token) if token else _ask(request, app)
    return back_to("/")


@router.post("/sign-in")
async def sign_in_form(request: Request, app: TheApp, token: Text = "") -> Response:
    """Open a session by a pasted token; the token itself is what no other site can know."""
    return await _by_token(request, app, token.rpartition("token=")[2])


@router.post("/sign-in/password")
async def sign_in_with_password(request: Request, app: TheApp, name: Word = "", password: Word = "") -> Response:
    """Open a session by a password."""
    try:
        return _entered(request, app, await sign_in_by_password(app, name, password, address_of(request)))
    except Refused as problem:
        return _ask(request, app, problem, 429 if problem.code == "WK327" else 403)


@router.get("/sign-in/provider")
async def go_to_provider(request: Request, app: TheApp) -> Response:
    """Send the browser to the provider, tied to it by a cookie."""
    browser = new_browser()
    try:
        answer = RedirectResponse(await depart(app, _origin(request) + BACK, browser), 303)
    except (Refused, Transient) as problem:
        return _ask(request, app, problem, 503)
    _set_cookie(answer, request, _errand_name(request), browser, ERRAND_LIFETIME, path=BACK)
    return answer


@router.get(BACK)
async def back_from_provider(request: Request, app: TheApp) -> Response:
    """Open a session for who comes back from the provider."""
    browser = request.cookies.get(_errand_name(request), "")
    try:
        session = await arrive(app, dict(request.query_params), _origin(request) + BACK, browser, address_of(request))
    except (Refused, Transient) as problem:
        return _ask(request, app, problem, 503 if isinstance(problem, Transient) else 403)
    answer = _entered(request, app, session)
    answer.delete_cookie(_errand_name(request), path=BACK)
    return answer


async def _by_token(request: Request, app: App, token: str) -> Response:
    try:
        return _entered(request, app, await sign_in(app, token, address_of(request)))
    except Refused as problem:
        return _ask(request, app, problem, 403)


def _ask(request: Request, app: App, problem: WatchkeeperError | None = None, status: int = 200) -> Response:
    oidc = app.estate.access.oidc
    doors = {"provider": oidc.name if oidc else None, "passwords": bool(with_access(app.estate))}
    return page("signin.html", request, None, status=status, problem=problem, **doors)


def _entered(request: Request, app: App, session: Session) -> Response:
    answer = back_to("/")
    lifetime = timedelta(seconds=app.estate.access.session_s)
    _set_cookie(answer, request, cookie_name(request.url.port), session.cookie, lifetime, path="/")
    return answer


def _set_cookie(answer: Response, request: Request, name: str, value: str, lifetime: timedelta, path: str) -> None:
    # Lax and not Strict: people come from a link in a notice or from the provider, and no GET of ours changes anything
    ours = {"httponly": True, "secure": _is_https(request), "path": path}
    answer.set_cookie(name, value, max_age=int(lifetime.total_seconds()), samesite="lax", **ours)  # type: ignore[arg-type]


def _errand_name(request: Request) -> str:
    return f"{cookie_name(request.url.port)}-errand"


def _public(request: Request) -> str | None:
    """Give the address under which people reach us, where this request came by it."""
    app: App = request.app.state.watchkeeper
    public = app.settings.text("public_url").rstrip("/")
    return public if public and urlsplit(public).netloc.casefold() == request.url.netloc.casefold() else None


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https" or (_public(request) or "").startswith("https:")


def _origin(request: Request) -> str:
    return _public(request) or f"{request.url.scheme}://{request.url.netloc}"
