"""Signing in by a password: in one's own name, with what watchkeeper.toml gives, slower with each wrong one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from watchkeeper.actions.people import drop_password_of, end_sessions, members, set_password
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.estate.model import Person, Role
from watchkeeper.people.identity import Actor
from watchkeeper.people.ledger import guesses, passwords
from watchkeeper.store.ledger import entries

WORD, RUN = "correct horse battery staple", "run-01k9x3hb0c-2m5r8t"
OWNER = Actor("carla", ("owner",), "terminal", "this machine")


def listed(name: str, role: Role | None, **more: Any) -> Person:
    return Person(name, name.title(), 3, access={"shop": role} if role else {}, **more)


@pytest.fixture
async def people(app: App) -> App:
    """Anna may answer, Vera looks, Ned is only told; each has the same password."""
    cast = (listed("anna", "responder", email="anna@shop.example"), listed("vera", "viewer"), listed("ned", None))
    app.estate = replace(app.estate, people={person.id: person for person in cast})
    for name in ("anna", "vera", "ned"):
        await set_password(app, OWNER, name, WORD)
    return app


async def enter(client: httpx.AsyncClient, name: str = "anna", word: str = WORD) -> httpx.Response:
    return await client.post("/sign-in/password", data={"name": name, "password": word})


def acts_of(app: App) -> list[Any]:
    return list(app.database.read_now(lambda c: c.execute(select(entries).order_by(entries.c.seq)).all()))


@pytest.mark.parametrize("name", ["anna", "ANNA", "anna@shop.example"])
async def test_a_person_comes_in_by_id_or_address_as_themselves(visitor: httpx.AsyncClient, people: App, name: str) -> None:
    answer = await enter(visitor, name)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert '<span class="name">anna</span>' in (await visitor.get("/")).text
    row = acts_of(people)[-1]
    assert (row.actor, row.act, row.body["origin"]) == ("anna", "sign in", {"by": "password", "from": "127.0.0.1"})


async def test_a_cookie_is_for_https_alone_where_people_come_by_https(visitor: httpx.AsyncClient, people: App) -> None:
    values = dict(people.settings.values) | {"public_url": "https://watch.shop.example"}
    people.settings = replace(people.settings, values=values)
    for host, secure in (("watch.shop.example", True), ("127.0.0.1:8421", False)):
        form = {"name": "anna", "password": WORD}
        origin = f"{'https' if secure else 'http'}://{host}"
        answer = await visitor.post("/sign-in/password", data=form, headers={"host": host, "origin": origin})
        assert ("Secure" in answer.headers["set-cookie"]) is secure, host


@pytest.mark.parametrize(
    ("name", "word"), [("anna", "wrong"), ("dora", WORD), ("ned", WORD), ("", ""), ("anna", ""), ("x" * 1999, WORD)]
)
async def test_what_is_wrong_is_not_said_apart(visitor: httpx.AsyncClient, people: App, name: str, word: str) -> None:
    answer = await enter(visitor, name, word)
    assert answer.status_code == 403
    assert "That name and password do not belong together." in answer.text
    assert "set-cookie" not in answer.headers


async def test_each_more_wrong_password_waits_longer_and_the_right_one_is_not_tried_meanwhile(
    visitor: httpx.AsyncClient, people: App, clock: Any
) -> None:
    for _ in range(6):
        assert (await enter(visitor, word="wrong")).status_code == 403
    held = await enter(visitor)
    assert (held.status_code, "this one was not tried" in held.text, "Wait 1 s" in held.text) == (429, True, True)
    clock.at += timedelta(seconds=2)
    assert (await enter(visitor, word="wrong")).status_code == 403
    clock.at += timedelta(seconds=1)
    assert (await enter(visitor)).status_code == 429
    clock.at += timedelta(seconds=1)
    assert (await enter(visitor)).status_code == 303
    # the right one ends it, and the ledger kept one line of it all
    assert people.database.read_now(lambda c: c.execute(select(guesses.c.key)).scalars().all()) == ["address:127.0.0.1"]
    assert [row.subject for row in acts_of(people) if row.act == "sign-in held back"] == ["person:anna"]


async def test_many_guesses_at_once_gain_nothing(visitor: httpx.AsyncClient, people: App) -> None:
    answers = await asyncio.gather(*(enter(visitor, word=f"guess {n}") for n in range(12)))
    tried = [answer.status_code for answer in answers].count(403)
    assert tried == 6
    assert {answer.status_code for answer in answers} == {403, 429}


async def test_an_address_that_tries_everybody_waits_and_others_do_not(
    visitor: httpx.AsyncClient, people: App, caller: Callable[[str], httpx.AsyncClient]
) -> None:
    codes = [(await enter(visitor, f"person{n}", "wrong")).status_code for n in range(23)]
    assert codes == [403] * 21 + [429] * 2
    async with caller("192.0.2.44") as elsewhere:
        assert (await enter(elsewhere)).status_code == 303


async def test_a_stranger_locks_nobody_out_of_the_other_doors(visitor: httpx.AsyncClient, people: App) -> None:
    from watchkeeper.web.site import printed_address

    for _ in range(9):
        await enter(visitor, word="wrong")
    path = printed_address(people, "127.0.0.1", 8421, "anna").removeprefix("http://127.0.0.1:8421")
    assert (await visitor.get(path)).status_code == 303


async def test_a_viewer_looks_and_changes_nothing_and_is_told_why(visitor: httpx.AsyncClient, people: App) -> None:
    await enter(visitor, "vera")
    text = (await visitor.get("/")).text
    before = len(acts_of(people))
    csrf = text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    for path in ("/halt", f"/runs/{RUN}/cancel"):
        answer = await visitor.post(path, data={"csrf": csrf, "why": "x"})
        assert (answer.status_code, "it takes a responder" in answer.text) == (403, True)
    assert len(acts_of(people)) == before


async def test_a_role_that_is_taken_away_is_gone_at_the_next_click(visitor: httpx.AsyncClient, people: App) -> None:
    await enter(visitor)
    assert (await visitor.get("/")).status_code == 200
    people.estate = replace(people.estate, people={"anna": listed("anna", None)})
    assert (await visitor.get("/")).headers["location"] == "/sign-in"
    people.estate = replace(people.estate, people={})
    assert (await visitor.get("/api/v1/overview")).status_code == 401


async def test_an_owner_ends_the_sessions_of_one_and_of_all(visitor: httpx.AsyncClient, people: App) -> None:
    await enter(visitor)
    assert [(m.id, m.role, len(m.sessions)) for m in await members(people, OWNER)] == [
        ("anna", "responder", 1), ("vera", "viewer", 0), ("ned", None, 0),
    ]  # fmt: skip
    assert await end_sessions(people, OWNER, "anna@shop.example", "left") == 1
    assert (await visitor.get("/")).headers["location"] == "/sign-in"
    await enter(visitor, "vera")
    assert await end_sessions(people, OWNER, None, "to be sure") == 1
    assert [(row.subject, row.why) for row in acts_of(people)[-3:] if row.act == "sessions ended"] == [
        ("anna", "left"), ("everybody", "to be sure"),
    ]  # fmt: skip


async def test_a_password_is_never_kept_and_can_be_taken_away(visitor: httpx.AsyncClient, people: App) -> None:
    kept = people.database.read_now(lambda c: str(c.execute(select(passwords)).all()) + str(acts_of(people)))
    assert WORD not in kept
    await drop_password_of(people, OWNER, "anna", "has a provider now")
    assert (await enter(visitor)).status_code == 403
    with pytest.raises(NotFound):
        await drop_password_of(people, OWNER, "anna")
    with pytest.raises(NotFound):
        await set_password(people, OWNER, "dora", WORD)


async def test_another_site_signs_nobody_in(visitor: httpx.AsyncClient, people: App) -> None:
    form = {"name": "anna", "password": WORD}
    answer = await visitor.post("/sign-in/password", data=form, headers={"origin": "https://elsewhere.example"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
