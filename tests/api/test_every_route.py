"""No route is forgotten: each one of the site asks who comes, and each one that changes something asks what they may."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from watchkeeper.api.incidents import router as incident_routes
from watchkeeper.api.metrics import router as metrics
from watchkeeper.api.oncall import router as on_call
from watchkeeper.api.routes import router as api
from watchkeeper.app import App
from watchkeeper.people.identity import make_token
from watchkeeper.store.ledger import entries
from watchkeeper.web import answering, entering, forms, oncall, pages, pinging

SAFE = {"GET", "HEAD"}
#: the ways in, which are for who has not come in yet, and the way out
OPEN = {"/sign-in", "/sign-in/password", "/sign-in/provider", entering.BACK, "/link/{link}", "/sign-out"}
#: where jobs come, who show the key of their signal
OPEN |= {"/ping/{key}", "/ping/{key}/{what}"}
#: the address itself is what lets a calendar in
OPEN |= {"/calendar/{token}.ics"}
FILL = {"run_id": "run-01k9x3hb0c-2m5r8t", "incident_id": "inc-01k9x3h8v2-7dq4mz", "act_key": "3.1"}


def routes() -> list[tuple[str, str]]:
    """Give (method, path) of every route."""
    routers = (
        pages.router,
        oncall.router,
        forms.router,
        entering.router,
        answering.router,
        pinging.router,
        api,
        incident_routes,
        on_call,
        metrics,
    )
    made = [route for router in routers for route in router.routes]
    found = {(method, route.path) for route in made if isinstance(route, APIRoute) for method in route.methods}
    return sorted((method, path) for method, path in found if path not in OPEN)


def fill(path: str) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda match: FILL.get(match[1], "web-application-is-down"), path)


ALL = routes()
CHANGES = [(method, path) for method, path in ALL if method not in SAFE]
ANYTHING: dict[str, Any] = {
    "why": "x", "text": "x", "procedure": "web-application-is-down", "act": "3.1", "answer": "skip", "command": "runbook.md:1",
    "lasts_s": 3600, "title": "New disks", "begins_at": "2030-01-01T00:00:00Z",
    "person": "anna", "first": "anna", "second": "ben", "ends_at": "2026-11-22T09:00Z", "subject": "anna",
    "whom": "anna", "sentence": "Released 2.4.1", "role": "scribe", "task": "1/1",
    "severity": "P1", "other": "inc-2", "alerts": ["alt-1"], "owner": "anna",
}  # fmt: skip


def rows(app: App) -> int:
    return len(app.database.read_now(lambda c: c.execute(entries.select()).all()))


def bearer(app: App, role: str, scopes: frozenset[str] | None = None) -> dict[str, str]:
    now = app.clock.now()
    token = app.database.write_now(lambda c: make_token(c, now, "vera", "api", timedelta(days=1), role, scopes=scopes))
    return {"authorization": f"Bearer {token}"}


def test_the_routes_are_found() -> None:
    assert len(CHANGES) >= 20
    assert {path for _, path in ALL} >= {"/", "/runs/{run_id}/answer", "/api/v1/halt", "/api/v1/ledger"}


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_no_route_is_open_to_a_stranger(visitor: httpx.AsyncClient, app: App, method: str, path: str) -> None:
    before = rows(app)
    answer = await visitor.request(method, fill(path), **({} if method in SAFE else {"data": ANYTHING}))
    assert answer.status_code in (401, 303), (answer.status_code, answer.text[:200])
    if answer.status_code == 303:
        assert answer.headers["location"] == "/sign-in"
    assert rows(app) == before


@pytest.mark.parametrize(("method", "path"), [each for each in CHANGES if each[1].startswith("/api/")])
@pytest.mark.parametrize("narrowed", [False, True])
async def test_a_viewer_changes_nothing_by_any_route(
    visitor: httpx.AsyncClient, app: App, method: str, path: str, narrowed: bool
) -> None:
    before = rows(app)
    headers = bearer(app, "owner", frozenset({"look"})) if narrowed else bearer(app, "viewer")
    answer = await visitor.request(method, fill(path), json=ANYTHING, headers=headers)
    assert answer.status_code == 403, (answer.status_code, answer.text[:200])
    assert rows(app) == before


@pytest.mark.parametrize(("method", "path"), [each for each in ALL if each[0] == "GET" and each[1].startswith("/api/")])
async def test_a_token_that_may_only_act_reads_nothing(visitor: httpx.AsyncClient, app: App, method: str, path: str) -> None:
    answer = await visitor.get(fill(path), headers=bearer(app, "owner", frozenset({"halt"})))
    assert (answer.status_code, answer.json()["code"]) == (403, "WK323")


@pytest.mark.parametrize(("method", "path"), [each for each in CHANGES if not each[1].startswith("/api/")])
async def test_a_viewer_at_the_console_changes_nothing_by_any_form(
    visitor: httpx.AsyncClient, app: App, method: str, path: str
) -> None:
    from watchkeeper.web.site import printed_address

    address = printed_address(app, "127.0.0.1", 8421, "vera", role="viewer")
    await visitor.get(address.removeprefix("http://127.0.0.1:8421"))
    csrf = (await visitor.get("/")).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    before = rows(app)
    answer = await visitor.post(fill(path), data=ANYTHING | {"csrf": csrf})
    assert answer.status_code == 403, (answer.status_code, answer.text[:300])
    assert rows(app) == before
