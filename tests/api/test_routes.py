"""The API shows what the pages show, does what their forms do, and has one shape of error."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from pydantic import TypeAdapter
from sqlalchemy import select

from watchkeeper.actions.views import why as reasons
from watchkeeper.app import App
from watchkeeper.people.identity import TokenKind, make_token
from watchkeeper.people.permission import Role
from watchkeeper.store.ledger import entries

INCIDENT, RUN = "inc-01k9x3h8v2-7dq4mz", "run-01k9x3hb0c-2m5r8t"
READS = [
    "/overview", "/incidents", f"/incidents/{INCIDENT}", "/runs", f"/runs/{RUN}", "/book", "/procedures/web-application-is-down",
    "/signals", "/why/error rate", "/ledger", "/reviews", "/reviews/inc-01k9w0000a-past01", "/openapi.json",
]  # fmt: skip
WRITES: list[tuple[str, dict[str, str]]] = [
    ("/halt", {"why": "the storm"}),
    ("/unhalt", {"why": "over"}),
    (f"/incidents/{INCIDENT}/acknowledge", {}),
    (f"/incidents/{INCIDENT}/notes", {"text": "seen"}),
    (f"/incidents/{INCIDENT}/resolve", {"why": "a test"}),
    ("/runs", {"procedure": "web-application-is-down", "incident": INCIDENT}),
    (f"/runs/{RUN}/answers", {"act": "3.1", "answer": "skip"}),
    (f"/runs/{RUN}/cancel", {"why": "by hand"}),
]


def bearer(app: App, kind: TokenKind = "api", role: Role = "owner") -> dict[str, str]:
    now = app.clock.now()
    token = app.database.write_now(lambda c: make_token(c, now, "deployer", kind, timedelta(days=30), role))
    return {"authorization": f"Bearer {token}"}


def actors(app: App) -> list[str]:
    return list(app.database.read_now(lambda c: c.execute(select(entries.c.actor).order_by(entries.c.seq)).scalars().all()))


async def test_a_stranger_reads_nothing(visitor: httpx.AsyncClient) -> None:
    for path in READS:
        answer = await visitor.get(f"/api/v1{path}")
        assert answer.status_code == 401, path
        assert set(answer.json()) == {"code", "message", "hint", "where"}


async def test_a_person_and_a_program_read_the_same(anna: httpx.AsyncClient, app: App) -> None:
    by_cookie = [await anna.get(f"/api/v1{path}") for path in READS]
    anna.cookies.clear()
    program = bearer(app)
    for path, seen in zip(READS, by_cookie, strict=True):
        by_token = await anna.get(f"/api/v1{path}", headers=program)
        assert seen.status_code == by_token.status_code == 200, path
        assert seen.json() == by_token.json()


@pytest.mark.parametrize("headers", [{}, {"x-csrf": ""}, {"x-csrf": "guess"}])
async def test_a_cookie_alone_changes_nothing(anna: httpx.AsyncClient, app: App, headers: dict[str, str]) -> None:
    before = actors(app)
    for path, body in WRITES:
        answer = await anna.post(f"/api/v1{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "WK322"), path
    assert actors(app) == before


@pytest.mark.parametrize(("path", "body"), WRITES)
async def test_a_person_acts_with_the_sessions_token(
    anna: httpx.AsyncClient, app: App, csrf: str, path: str, body: dict[str, str]
) -> None:
    before = len(actors(app))
    answer = await anna.post(f"/api/v1{path}", json=body, headers={"x-csrf": csrf})
    assert answer.status_code in (200, 201, 204), answer.text
    assert set(actors(app)[before:]) <= {"anna"}


@pytest.mark.parametrize(("path", "body"), WRITES)
async def test_a_program_acts_in_its_own_name(visitor: httpx.AsyncClient, app: App, path: str, body: dict[str, str]) -> None:
    before = len(actors(app))
    answer = await visitor.post(f"/api/v1{path}", json=body, headers=bearer(app))
    assert answer.status_code in (200, 201, 204), answer.text
    assert set(actors(app)[before:]) <= {"deployer"}


@pytest.mark.parametrize(("path", "body"), WRITES)
async def test_a_viewers_token_reads_and_changes_nothing(
    visitor: httpx.AsyncClient, app: App, path: str, body: dict[str, str]
) -> None:
    before = actors(app)
    headers = bearer(app, role="viewer")
    answer = await visitor.post(f"/api/v1{path}", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "WK323"), path
    assert "it takes a" in answer.json()["message"]
    assert actors(app) == before
    assert (await visitor.get("/api/v1/overview", headers=headers)).status_code == 200


@pytest.mark.parametrize("what", ["Error rate", "web", INCIDENT])
async def test_why_gives_what_the_command_gives(anna: httpx.AsyncClient, app: App, what: str) -> None:
    found = await reasons.why(app, what)
    answer = await anna.get(f"/api/v1/why/{what}")
    assert answer.status_code == 200
    assert answer.json() == TypeAdapter(reasons.Explained).dump_python(found, mode="json")
    assert found.thresholds or found.incident


async def test_why_of_nothing_is_not_found_and_of_everything_is_bounded(anna: httpx.AsyncClient, app: App) -> None:
    answer = await anna.get("/api/v1/why/the%20moon/full")
    assert (answer.status_code, answer.json()["code"]) == (404, "WK206")
    [bound, *_] = app.bindings.bound
    many = tuple(replace(bound, key=f"{bound.key}-{number}") for number in range(250))
    app.bindings = replace(app.bindings, bound=many)
    answer = await anna.get(f"/api/v1/why/{bound.threshold.subject}")
    assert (len(answer.json()["thresholds"]), answer.json()["more"]) == (100, 150)


async def test_a_responder_pulls_the_brake_and_only_an_operator_lifts_it(visitor: httpx.AsyncClient, app: App) -> None:
    responder, operator = bearer(app, role="responder"), bearer(app, role="operator")
    assert (await visitor.post("/api/v1/halt", json={"why": "odd"}, headers=responder)).status_code == 200
    assert (await visitor.post("/api/v1/unhalt", json={}, headers=responder)).json()["code"] == "WK323"
    assert (await visitor.post("/api/v1/unhalt", json={}, headers=operator)).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"authorization": "Bearer guess"}, {"authorization": "Bearer "}, {"authorization": "Basic eDp5"}]
)
async def test_a_wrong_token_opens_nothing(visitor: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await visitor.get("/api/v1/overview", headers=headers)).status_code == 401


async def test_a_printed_token_is_no_token_for_programs(visitor: httpx.AsyncClient, app: App) -> None:
    assert (await visitor.get("/api/v1/overview", headers=bearer(app, "once"))).status_code == 401


async def test_a_wrong_token_is_not_helped_by_a_cookie(anna: httpx.AsyncClient) -> None:
    assert (await anna.get("/api/v1/overview", headers={"authorization": "Bearer guess"})).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/incidents/none", None, 404),
        ("GET", "/nothing", None, 404),
        ("GET", "/ledger?before=x", None, 422),
        ("DELETE", "/overview", None, 405),
        ("POST", "/runs", {}, 422),
        ("POST", "/runs", {"procedure": "nothing like it"}, 404),
        ("POST", f"/incidents/{INCIDENT}/resolve", {}, 400),
        ("POST", f"/runs/{RUN}/answers", {"act": "1.1", "answer": "approve"}, 409),
        ("POST", f"/runs/{RUN}/answers", {"act": "3.1", "answer": "yes"}, 400),
    ],
)
async def test_every_error_has_one_shape(
    visitor: httpx.AsyncClient, app: App, method: str, path: str, body: dict[str, str] | None, status: int
) -> None:
    answer = await visitor.request(method, f"/api/v1{path}", json=body, headers=bearer(app))
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert set(problem) == {"code", "message", "hint", "where"}
    assert problem["code"].startswith("WK")
    assert problem["message"].endswith(".")


async def test_the_description_names_every_route_and_the_error(anna: httpx.AsyncClient) -> None:
    described = (await anna.get("/api/v1/openapi.json")).json()
    assert described["info"]["title"] == "Watchkeeper"
    assert {path.removeprefix("/api/v1") for path in described["paths"]} >= {
        "/overview",
        "/runs",
        "/runs/{run_id}/answers",
        "/halt",
    }
    assert all(path.startswith("/api/v1/") for path in described["paths"])
    assert set(described["components"]["schemas"]["Problem"]["properties"]) == {"code", "message", "hint", "where"}


async def test_one_command_of_the_book_is_started_by_its_line(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    command = app.book.procedures[0].steps[0].commands[0]
    headers = {"x-csrf": csrf}
    answer = await anna.post("/api/v1/runs/command", json={"command": str(command.line), "why": "a look"}, headers=headers)
    assert answer.status_code == 201, answer.text
    shown = (await anna.get(f"/api/v1/runs/{answer.json()['run']}")).json()
    (step,) = shown["steps"]
    assert [act["command"] for act in step["acts"]] == [command.text]
    nowhere = await anna.post("/api/v1/runs/command", json={"command": "runbook.md:1"}, headers=headers)
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "WK214")
