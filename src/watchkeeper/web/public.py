"""The page for the public: open to everybody, plain HTML, the same for all who read it within some seconds.

`/status` is the page, `/status/feed.atom` and `/status/feed.rss` its feeds, `/api/v2/*.json` what clients of Statuspage read.
Without [statuspage] in watchkeeper.toml none of it is there.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from watchkeeper.actions import public
from watchkeeper.actions.views.public import public_page, the_page_of
from watchkeeper.base.errors import NotFound
from watchkeeper.tell.public.model import PublicPage
from watchkeeper.web import feeds
from watchkeeper.web.forms import Text
from watchkeeper.web.pages import TheApp, templates

router = APIRouter(include_in_schema=False)

#: how old what is shown may be, in seconds
FRESH_S = 10.0
#: what a page of ours carries that stands alone: its style is in it
HEADERS = {
    "cache-control": f"public, max-age={FRESH_S:.0f}",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
Token = Annotated[str, Path(max_length=100)]


@dataclass
class Kept:
    """The page as it was last read, and what was made of it."""

    page: PublicPage | None = None
    made: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def render(page: PublicPage, *, alone: bool = False) -> str:
    """Give the page as HTML; `alone`: for another web host, without what only we can answer."""
    return templates.get_template("public.html").render(page=page, alone=alone)


KINDS: dict[str, tuple[str, Callable[[PublicPage], str]]] = {
    "index.html": ("text/html; charset=utf-8", render),
    "feed.atom": ("application/atom+xml; charset=utf-8", feeds.atom),
    "feed.rss": ("application/rss+xml; charset=utf-8", feeds.rss),
    "status": ("application/json", lambda page: json.dumps(feeds.brief(page), ensure_ascii=False)),
}


def as_json(name: str) -> Callable[[PublicPage], str]:
    """Give what makes one of Statuspage's files."""
    return lambda page: json.dumps(feeds.JSON[name](page), ensure_ascii=False)


@router.get("/status")
async def page(request: Request, app: TheApp) -> Response:
    """How it stands, for everybody."""
    return await _answer(request, app, "index.html", *KINDS["index.html"])


@router.get("/status/feed.{kind}")
async def feed(request: Request, app: TheApp, kind: str) -> Response:
    """The page's news."""
    name = f"feed.{kind}"
    if name not in KINDS:
        raise NotFound("There is nothing at this address.", code="WK200")
    return await _answer(request, app, name, *KINDS[name])


@router.get("/api/v1/status")
async def brief(request: Request, app: TheApp) -> Response:
    """The whole in one look."""
    return await _answer(request, app, "status", *KINDS["status"])


@router.get("/api/v2/{name}.json")
async def statuspage(request: Request, app: TheApp, name: str) -> Response:
    """What clients of Statuspage read."""
    if name not in feeds.JSON:
        raise NotFound("There is nothing at this address.", code="WK200")
    answer = await _answer(request, app, f"v2/{name}", "application/json", as_json(name))
    answer.headers["access-control-allow-origin"] = "*"  # badges are pages of others that read it
    return answer


async def _answer(request: Request, app: TheApp, name: str, kind: str, make: Callable[[PublicPage], str]) -> Response:
    the_page_of(app)
    kept: Kept = request.app.state.public
    async with kept.lock:
        now = app.clock.now()
        if kept.page is None or not 0 <= (now - kept.page.at).total_seconds() < FRESH_S:
            kept.page, kept.made = await public_page(app), {}
        if name not in kept.made:
            made = make(kept.page).encode()
            kept.made[name] = (made, f'"{hashlib.sha256(made).hexdigest()[:20]}"')
    body, etag = kept.made[name]
    headers = {**HEADERS, "etag": etag}
    if etag in [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


# --- those who ask to be told


@router.post("/status/subscribe")
async def subscribe(app: TheApp, address: Text = "") -> Response:
    """Somebody asks to be told by mail."""
    await public.subscribe_by_mail(app, address)
    return _said(app, "Look into your mail", "We have sent you a link. Once you follow it and confirm, you are told.")


@router.get("/status/confirm/{token}")
async def look_at_confirm(app: TheApp, token: Token) -> Response:
    """Ask whether they mean it; following a link alone changes nothing, for mail scanners follow links."""
    await public.by_token(app, token)
    return _said(app, "Be told of its news?", "A mail comes whenever something is said here.", "Yes, tell me")


@router.post("/status/confirm/{token}")
async def confirm(app: TheApp, token: Token) -> Response:
    """They mean it."""
    await public.confirm(app, token)
    return _said(app, "You are told from now on", "Each mail has a link by which you are told no more.")


@router.get("/status/leave/{token}")
async def look_at_leave(app: TheApp, token: Token) -> Response:
    """Ask whether they mean it."""
    return _said(app, "Be told no more?", "We forget your address then.", "Forget my address")


@router.post("/status/leave/{token}")
async def leave(app: TheApp, token: Token) -> Response:
    """They want to be told no more."""
    await public.leave(app, token)
    return _said(app, "You are told no more", "Your address is forgotten.")


def _said(app: TheApp, heading: str, text: str, button: str = "") -> Response:
    title = the_page_of(app).title
    made = templates.get_template("public_said.html").render(title=title, heading=heading, text=text, button=button)
    return HTMLResponse(made, headers={**HEADERS, "cache-control": "no-store", "referrer-policy": "no-referrer"})
