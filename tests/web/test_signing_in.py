"""Nothing is shown and nothing is done without identity, and a printed address opens one session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select

from watchkeeper.app import App
from watchkeeper.people.ledger import sessions
from watchkeeper.store.ledger import entries
from watchkeeper.web.site import printed_address

PORT = 8421
HERE = f"http://127.0.0.1:{PORT}"
INCIDENT, RUN = "inc-01k9x3h8v2-7dq4mz", "run-01k9x3hb0c-2m5r8t"
PAGES = [
    "/", "/incidents", f"/incidents/{INCIDENT}", "/runs", f"/runs/{RUN}", f"/runs/{RUN}/acts/1.1/output.txt", "/book", "/signals",
    "/procedures/web-application-is-down", "/ledger", "/reviews",
    "/reviews/inc-01k9w0000a-past01", "/reviews/inc-01k9w0000a-past01.md",
]  # fmt: skip
POSTS = [
    "/halt", "/unhalt", "/sign-out", f"/incidents/{INCIDENT}/acknowledge", f"/incidents/{INCIDENT}/note",
    f"/incidents/{INCIDENT}/resolve", f"/incidents/{INCIDENT}/start", f"/runs/{RUN}/answer", f"/runs/{RUN}/cancel",
    "/procedures/web-application-is-down/start",
]  # fmt: skip


def path_of(app: App, actor: str = "anna") -> str:
    return printed_address(app, "127.0.0.1", PORT, actor).removeprefix(HERE)


async def test_no_page_is_shown_to_a_stranger(visitor: httpx.AsyncClient) -> None:
    for path in PAGES:
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/sign-in", ""), path


async def test_nothing_is_done_for_a_stranger(visitor: httpx.AsyncClient, app: App) -> None:
    before = app.database.read_now(lambda c: c.execute(select(entries.c.seq)).all())
    form = {"csrf": "guess", "why": "a trick", "text": "x", "procedure": "web-application-is-down"}
    for path in POSTS:
        answer = await visitor.post(path, data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path
    assert app.database.read_now(lambda c: c.execute(select(entries.c.seq)).all()) == before


async def test_a_printed_address_opens_a_session(visitor: httpx.AsyncClient, app: App) -> None:
    answer = await visitor.get(path_of(app))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"watchkeeper-{PORT}=")
    for part in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert part in cookie
    assert "anna" in (await visitor.get("/")).text


async def test_a_printed_address_opens_only_one(visitor: httpx.AsyncClient, app: App) -> None:
    path = path_of(app)
    await visitor.get(path)
    visitor.cookies.clear()
    answer = await visitor.get(path)
    assert answer.status_code == 403
    assert "used already" in answer.text
    assert "set-cookie" not in answer.headers


async def test_who_is_signed_in_spends_no_token(anna: httpx.AsyncClient, app: App) -> None:
    path = path_of(app, "ben")
    assert (await anna.get(path)).headers["location"] == "/"
    anna.cookies.clear()
    assert (await anna.get(path)).status_code == 303
    assert "ben" in (await anna.get("/")).text


async def test_a_token_may_be_pasted_alone_or_with_its_address(visitor: httpx.AsyncClient, app: App) -> None:
    for shown in (path_of(app).partition("token=")[2], HERE + path_of(app)):
        visitor.cookies.clear()
        assert (await visitor.post("/sign-in", data={"token": shown})).status_code == 303
        assert (await visitor.get("/")).status_code == 200


async def test_a_guessed_token_opens_nothing(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post("/sign-in", data={"token": "<script>guess</script>"})
    assert answer.status_code == 403
    assert "<script>guess" not in answer.text


async def test_a_session_ends_by_itself(anna: httpx.AsyncClient, clock: Any) -> None:
    clock.at += timedelta(hours=11, minutes=59)
    assert (await anna.get("/")).status_code == 200
    clock.at += timedelta(minutes=1)
    assert (await anna.get("/")).headers["location"] == "/sign-in"


async def test_signing_out_ends_the_session_and_not_only_the_cookie(anna: httpx.AsyncClient, csrf: str, app: App) -> None:
    kept = dict(anna.cookies)
    assert (await anna.post("/sign-out", data={"csrf": csrf})).headers["location"] == "/sign-in"
    anna.cookies.update(kept)
    assert (await anna.get("/")).headers["location"] == "/sign-in"
    assert app.database.read_now(lambda c: c.execute(select(sessions)).all()) == []


async def test_an_address_for_every_listener_says_where_to_look(app: App) -> None:
    assert printed_address(app, "0.0.0.0", 80, "anna").startswith("http://127.0.0.1:80/sign-in?token=")
    assert printed_address(app, "::1", 80, "anna").startswith("http://[::1]:80/sign-in?token=")
