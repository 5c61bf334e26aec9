"""A link in a notice answers once, in its person's name, for exactly what its person saw; looking at it does nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from people_cast import ANNA, HERE, Shop

from watchkeeper.actions import acts, links
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound, Refused
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.loop import Loop
from watchkeeper.people.links import KEY_AGE, KEY_FILE, Link, read, read_keys, sign, void_links
from watchkeeper.people.permission import LEAST
from watchkeeper.run.ledger import load_run
from watchkeeper.store.ledger import entries
from watchkeeper.tell.ledger import list_notices, outbox
from watchkeeper.tell.model import Message
from watchkeeper.tell.outbox import write_notices

KEYS = ("old key", "new key")
NAMED = {"why": "they are old", "confirm": "Cart is full"}


class Post:
    """What arrives at people's addresses."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str]] = []

    async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
        self.arrived.append((address, body))

    def link_to(self, person: str) -> str | None:
        """Give the text of the newest link that a person got."""
        found = [re.search(r"/link/(\S+)", body) for address, body in self.arrived if person in address]
        return next((match[1] for match in reversed(found) if match), None)


@pytest.fixture
def post(shop: Shop) -> Post:
    shop.app.notifier = made = Post()
    shop.app.address = HERE
    return made


async def ask(shop: Shop, told: tuple[str, ...] = ("vera",)) -> str:
    """Have an incident whose run asks to drop something, and tell people of it as the loop does."""
    app, now = shop.app, shop.app.clock.now()
    people = tuple(app.estate.people[name] for name in told)
    incident = Incident("inc-1", "shop", "The cart is full", "P1", "open", None, now, now, procedure_id="cart-is-full")

    def work(connection: Any) -> None:
        incidents.open_incident(connection, incident)
        write_notices(connection, now, "initial", incident, people, Message("Full", "The cart is full."), 1)

    app.database.write_now(work)
    run_id = await acts.start_run(app, acts.OURSELVES, "cart-is-full", "inc-1")
    await tell(shop, run_id)
    return run_id


async def tell(shop: Shop, run_id: str) -> None:
    """Carry the run on, tell of what it asks, and send."""
    await shop.drive(run_id)
    loop = Loop(shop.app)
    incident = shop.app.database.read_now(lambda c: incidents.get_incident(c, "inc-1"))
    assert incident is not None
    await loop.attend(incident)
    await loop.tell()


def rows(app: App) -> list[Any]:
    return list(app.database.read_now(lambda c: c.execute(entries.select().order_by(entries.c.seq)).all()))


# --- what is signed


@pytest.fixture
def link(now: Any) -> Link:
    return Link("a1", "answer", "run-1", "anna", "shop", now + timedelta(hours=1), "1.1", "d" * 32, now)


def test_a_link_says_what_was_signed_by_any_key_that_is_kept(link: Link, now: Any) -> None:
    assert read(KEYS, sign(KEYS, link), now) == link
    assert read(KEYS, sign(KEYS[:1], link), now) == link
    with pytest.raises(Refused, match="none of ours"):
        read(KEYS[1:], sign(KEYS[:1], link), now)


@pytest.mark.parametrize("late", [timedelta(hours=1), timedelta(days=9)])
def test_a_link_grows_too_old(link: Link, now: Any, late: timedelta) -> None:
    with pytest.raises(Refused) as caught:
        read(KEYS, sign(KEYS, link), now + late)
    assert caught.value.code == "WK325"


def test_no_letter_of_a_link_can_be_another(link: Link, now: Any) -> None:
    text = sign(KEYS, link)
    for place in range(len(text)):
        # the last letter of the signature carries bits that base64 leaves open, so that another may mean the same
        other = "A" if text[place] not in "AB" else "Q"
        forged = text[:place] + other + text[place + 1 :]
        if place < len(text) - 1:
            with pytest.raises(Refused, match="none of ours"):
                read(KEYS, forged, now)
    for nonsense in ("", ".", text[:-1] + "é", text * 20, text.partition(".")[0], "WyJhIl0.x"):
        with pytest.raises(Refused):
            read(KEYS, nonsense, now)


def test_the_key_is_for_its_owner_alone_is_followed_and_can_be_forgotten(tmp_path: Any, link: Link, now: Any) -> None:
    first = read_keys(tmp_path, now)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert read_keys(tmp_path, now) == first
    text = sign(first, link)
    followed = read_keys(tmp_path, now + KEY_AGE + timedelta(days=1))
    assert (len(followed), followed[0]) == (2, first[0])
    assert read(followed, text, now) == link
    void_links(tmp_path, now)
    with pytest.raises(Refused):
        read(read_keys(tmp_path, now), text, now)
    assert read_keys(tmp_path, now, "shared by all workers") == ("shared by all workers",)


# --- who gets one


async def test_who_may_approve_gets_a_link_and_who_may_not_gets_none(shop: Shop, post: Post) -> None:
    await ask(shop)
    asked = [body for address, body in post.arrived if "rm -r" in body]
    assert len(asked) == 3  # vera was told, and since she may not approve it, those who may are asked beside her
    assert post.link_to("vera") is not None  # of the first notice, to take the incident
    assert [person for person in ("anna", "ben", "vera") if any("Answer:" in b and person in a for a, b in post.arrived)] == [
        "anna", "ben",
    ]  # fmt: skip


async def test_no_link_is_stored_or_shown(shop: Shop, post: Post) -> None:
    await ask(shop)
    assert post.link_to("anna")
    kept = shop.app.database.read_now(lambda c: str(c.execute(outbox.select()).all()))
    assert "/link/" not in kept
    await shop.sign_in("vera")
    assert "/link/" not in (await shop.client.get("/incidents/inc-1")).text
    shown = shop.app.database.read_now(lambda c: list_notices(c, "inc-1"))
    assert {notice.kind for notice in shown} == {"initial", "ask"}


async def test_notices_carry_no_links_where_they_are_switched_off_or_nobody_listens(shop: Shop, post: Post) -> None:
    estate = shop.app.estate
    shop.app.estate = replace(estate, access=replace(estate.access, links_s=0.0))
    await ask(shop)
    shop.app.estate, shop.app.address = estate, ""
    await Loop(shop.app).tell()
    assert post.arrived
    assert all("/link/" not in body for _, body in post.arrived)


# --- using one


async def test_looking_at_a_link_shows_what_would_run_and_does_nothing(shop: Shop, post: Post) -> None:
    run_id = await ask(shop)
    text, before = post.link_to("ben"), len(rows(shop.app))
    for _ in range(3):  # a mail scanner, a preview, and ben
        seen = await shop.client.get(f"/link/{text}")
        assert seen.status_code == 200
        assert "set-cookie" not in seen.headers
    assert (await shop.client.head(f"/link/{text}")).status_code in (200, 405)
    for said in ("Ben", "rm -r old-carts", "Cart is full", "destroy", 'name="confirm"'):
        assert said in seen.text
    assert len(rows(shop.app)) == before
    assert (await shop.drive(run_id)).acts["1.1"].state == "asking"
    assert not shop.dropped()


async def test_two_links_of_two_people_let_it_run_and_the_ledger_says_so(shop: Shop, post: Post) -> None:
    run_id = await ask(shop)
    first = await shop.client.post(f"/link/{post.link_to('ben')}", data={"answer": "approve", **NAMED})
    assert (first.status_code, "Done: Ben" in first.text) == (200, True)
    await tell(shop, run_id)
    assert not shop.dropped()
    again = [body for address, body in post.arrived if "ben" in address and "Answer:" in body]
    assert len(again) == 1  # who approved is told that it asks again, and gets no second link
    second = await shop.client.post(f"/link/{post.link_to('anna')}", data={"answer": "approve", **NAMED})
    assert second.status_code == 200
    await shop.drive(run_id)
    assert shop.dropped()
    approved = [row for row in rows(shop.app) if row.act == "run approved"]
    assert [(row.actor, row.why, row.body["origin"]) for row in approved] == [
        ("ben", "they are old", {"by": "link", "from": "127.0.0.1"}),
        ("anna", "they are old", {"by": "link", "from": "127.0.0.1"}),
    ]


async def test_a_link_is_good_once_even_for_two_at_the_same_time(shop: Shop, post: Post) -> None:
    await ask(shop)
    text = post.link_to("ben")
    assert text is not None
    import asyncio

    calls = [shop.client.post(f"/link/{text}", data={"answer": "approve", **NAMED}) for _ in range(4)]
    codes = [answer.status_code for answer in await asyncio.gather(*calls)]
    assert sorted(codes)[0] == 200
    assert all(code in (403, 409) for code in sorted(codes)[1:])
    assert len([row for row in rows(shop.app) if row.act == "run approved"]) == 1
    assert (await shop.client.get(f"/link/{text}")).status_code in (403, 409)


@pytest.mark.parametrize("wrong", [{"confirm": ""}, {"confirm": "carts"}, {"why": ""}, {"answer": "happened"}, {"answer": ""}])
async def test_what_is_missing_is_said_and_does_not_spend_the_link(shop: Shop, post: Post, wrong: dict[str, str]) -> None:
    await ask(shop)
    text, given = post.link_to("ben"), {"answer": "approve", **NAMED}
    assert (await shop.client.post(f"/link/{text}", data=given | wrong)).status_code == 400
    assert (await shop.client.post(f"/link/{text}", data=given)).status_code == 200


async def test_a_link_is_void_once_something_else_would_run(shop: Shop, post: Post) -> None:
    run_id = await ask(shop)
    text = post.link_to("ben")
    assert text is not None
    await acts.answer(shop.app, ANNA, run_id, "1.1", "approve", **NAMED)
    await tell(shop, run_id)  # it asks for a second person now: another question, with another link
    with pytest.raises(Conflict) as caught:
        await links.use(shop.app, text, "approve", "192.0.2.9", **NAMED)
    assert caught.value.code == "WK336"
    later = post.link_to("ben")
    assert later != text
    await links.use(shop.app, later or "", "approve", "192.0.2.9", **NAMED)
    await shop.drive(run_id)
    assert shop.dropped()


async def test_a_link_is_void_when_its_person_may_not_any_more(shop: Shop, post: Post) -> None:
    run_id = await ask(shop)
    text = post.link_to("ben") or ""
    estate = shop.app.estate
    ben = estate.people["ben"]
    for people in ({"anna": estate.people["anna"]}, estate.people | {"ben": replace(ben, access={"till": "owner"})}):  # type: ignore[operator]
        shop.app.estate = replace(estate, people=people)
        with pytest.raises(Refused):
            await links.use(shop.app, text, "approve", "", **NAMED)
    shop.app.estate = replace(estate, people=estate.people | {"ben": replace(ben, access={"shop": "viewer"})})  # type: ignore[operator]
    with pytest.raises(Refused) as caught:
        await links.use(shop.app, text, "approve", "", **NAMED)
    assert caught.value.code == "WK323"
    await shop.drive(run_id)
    assert not shop.dropped()


async def test_a_link_of_another_service_or_to_nothing_opens_nothing(shop: Shop, post: Post) -> None:
    run_id = await ask(shop)
    now = shop.app.clock.now()
    asked = shop.app.database.read_now(lambda c: load_run(c, run_id))
    assert asked is not None
    good = Link("x", "answer", run_id, "ben", "shop", now + timedelta(hours=1), "1.1", "", asked.acts["1.1"].asked_at)
    for changed, problem in (
        (replace(good, service="till"), Refused),
        (replace(good, person="mallory"), Refused),
        (replace(good, subject="run-0"), NotFound),
        (replace(good, act="9.9"), NotFound),
        (replace(good, digest="f" * 32), Conflict),
        (replace(good, asked_at=None), Conflict),
    ):
        text = sign(links.keys(shop.app, now), changed)
        with pytest.raises(problem):
            await links.look_at(shop.app, text)
        with pytest.raises(problem):
            await links.use(shop.app, text, "approve", "", **NAMED)


async def test_an_incident_is_taken_by_a_link_in_its_persons_name(shop: Shop, post: Post) -> None:
    await ask(shop)
    text = next(m[1] for a, b in post.arrived if "vera" in a and (m := re.search(r"Take it: \S+/link/(\S+)", b)))
    assert "take this incident" in (await shop.client.get(f"/link/{text}")).text
    assert (await shop.client.post(f"/link/{text}", data={"answer": "acknowledge"})).status_code == 200
    incident = shop.app.database.read_now(lambda c: incidents.get_incident(c, "inc-1"))
    assert incident is not None
    assert incident.acknowledged_by == "vera"
    assert (await shop.client.post(f"/link/{text}", data={"answer": "acknowledge"})).status_code == 403
    with pytest.raises(InputError):
        await links.use(shop.app, post.link_to("ben") or "", "acknowledge", "")


async def test_an_owner_voids_all_links_at_once(shop: Shop, post: Post) -> None:
    await ask(shop)
    await links.void_links(shop.app, ANNA, "a phone was lost")
    assert (await shop.client.get(f"/link/{post.link_to('ben')}")).status_code == 403
    assert rows(shop.app)[-1].act == "links voided"
    assert LEAST["end sessions"] == "owner"


async def test_a_page_elsewhere_cannot_use_a_link_that_leaked(shop: Shop, post: Post) -> None:
    await ask(shop)
    answer = await shop.client.post(
        f"/link/{post.link_to('ben')}", data={"answer": "approve", **NAMED}, headers={"origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 403
