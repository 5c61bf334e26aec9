"""A private incident is one that does not exist, by every page, route and feed, for whom it does not concern."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import insert
from tests.api.test_every_route import ALL, bearer

from watchkeeper.actions import acts, assigning, by_hand, following_up, public
from watchkeeper.actions.chat import Said, command
from watchkeeper.alert.ledger import alerts
from watchkeeper.app import App
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Chat, Person, StatusPage
from watchkeeper.incident.ledger import list_incidents
from watchkeeper.learn.ledger import Review, save_review
from watchkeeper.people.identity import Actor
from watchkeeper.run.ledger import append_event, create_run
from watchkeeper.run.plan import plan
from watchkeeper.tell.model import Message
from watchkeeper.tell.outbox import write_notices
from watchkeeper.web import public as public_page
from watchkeeper.web.site import printed_address

MARK = "Zanzibar"
TITLE = f"{MARK} keys were copied"
OPEN = "inc-01k9x3h8v2-7dq4mz"
OWNER = Actor("anna", ("owner",), "password", "192.0.2.7", "anna")
VERA = Actor("vera", ("operator",), "password", "192.0.2.8", "vera")
PEOPLE = {
    "anna": Person("anna", "Anna", 1, notify=("json://127.0.0.1/anna",), access={"*": "owner"}),
    "ben": Person("ben", "Ben", 2, notify=("json://127.0.0.1/ben",), access={"*": "responder"}),
    "vera": Person("vera", "Vera", 3, notify=("json://127.0.0.1/vera",), access={"*": "operator"}, chat=("U0VERA",)),
}
#: addresses that take another's id than an incident's, a run's, an act's or a follow-up's are asked for with these
FILL = {"procedure_id": "web-application-is-down", "where": "runbook.md:1", "what": "web", "name": "summary", "kind": "atom"}


@dataclass
class Hidden:
    """What there is of the private incident."""

    incident: str
    run: str
    alert: str
    follow_up: str

    def fill(self, path: str, what: str = "") -> str:
        mine = FILL | {"incident_id": self.incident, "run_id": self.run, "act_key": "1.1", "follow_up_id": self.follow_up}
        mine |= {"what": what} if what else {}
        return re.sub(r"\{(\w+)(:path)?\}", lambda match: mine.get(match[1], "none"), path)


@pytest.fixture
async def hidden(app: App, visitor: httpx.AsyncClient) -> Hidden:
    """An incident with all that can hang on one, beside the one that everybody sees."""
    app.estate = replace(app.estate, people=PEOPLE, statuspage=StatusPage("Our shop", components={"Web application": "Shop"}))
    site = visitor._transport.app  # type: ignore[attr-defined]
    site.state.public = public_page.Kept()
    made = await by_hand.open_incident(app, OWNER, TITLE, "Critical", "Web application", f"{MARK} 1", private=True)
    mine = Hidden(made.id, "run-01k9x3hc00-pr1vat", "alt-01k9x3hc00-pr1vat", "")
    now = app.clock.now()
    row = {"key": app.bindings.bound[0].key, "subject": TITLE, "component": "Web application", "severity": "Critical"}
    row |= {"breached_at": now, "fired_at": now, "sentence": f"{MARK} 2", "incident_id": made.id, "lead": 1, "id": mine.alert}

    def work(connection):  # type: ignore[no-untyped-def]
        connection.execute(insert(alerts).values(**row))
        steps = plan(app.book, app.book.procedures[0])
        create_run(connection, mine.run, now, steps, actor=f"{MARK} 3", target="local", incident_id=made.id)
        append_event(connection, mine.run, now, "started", f"{MARK} 3", body={"sentence": f"{MARK} 4"})
        asked = {"question": "approve", "sentence": f"{MARK} 5", "digests": {}}
        append_event(connection, mine.run, now, "asked", "automation", steps.acts[0].key, asked)
        write_notices(connection, now, "initial", made, [PEOPLE["ben"]], Message(TITLE, f"{MARK} 6"))
        save_review(connection, Review(made.id, now, "reviews/x.md", f"# {TITLE}", {"recovery_s": 1_000_000.0}))

    await app.database.write(work)
    await acts.note(app, OWNER, made.id, f"{MARK} 7")
    await assigning.assign(app, OWNER, made.id, "scribe", "ben")
    mine.follow_up = (await following_up.add(app, OWNER, made.id, f"{MARK} 8", "ben", "1d")).id
    await by_hand.relate_to(app, OWNER, OPEN, made.id, f"{MARK} 9")
    return mine


async def signed_in(visitor: httpx.AsyncClient, app: App, name: str, role: str) -> httpx.AsyncClient:
    visitor.cookies.clear()
    await visitor.get(printed_address(app, "127.0.0.1", 8421, name, role=role).removeprefix("http://127.0.0.1:8421"))
    return visitor


def every_get() -> list[str]:
    """Give the paths of all pages, routes and feeds, those for everybody too."""
    for_all = [route.path for route in public_page.router.routes if isinstance(route, APIRoute) and "GET" in route.methods]
    return sorted({path for method, path in ALL if method == "GET"} | set(for_all))


GETS = every_get()


def asked(path: str, hidden: Hidden) -> list[str]:
    """Give the ways in which a path is asked for what is hidden."""
    if path.endswith("/why/{what:path}"):
        return [hidden.fill(path, each) for each in (hidden.incident, hidden.alert, "web", "Error rate")]
    ways = [hidden.fill(path)]
    if "{incident_id}" in path:
        ways.append(hidden.fill(path.replace("{incident_id}", OPEN)))
    if path.endswith("/incidents"):
        ways += [f"{ways[0]}?q=copied", f"{ways[0]}?before={hidden.incident}"]
    if path.startswith("/status/feed"):
        ways.append("/status/feed.rss")
    if path.endswith(("/measures", "/measures.csv")):
        ways += [f"{ways[0]}?by={by}" for by in ("cause", "procedure", "month", "person", "service")]
    return ways


@pytest.mark.parametrize("path", GETS)
async def test_who_may_not_see_it_finds_it_nowhere(visitor: httpx.AsyncClient, app: App, hidden: Hidden, path: str) -> None:
    await signed_in(visitor, app, "vera", "operator")
    headers = bearer(app, "operator") if path.startswith("/api/v1/") and path != "/api/v1/status" else {}
    other = Hidden("inc-01k9x3h8v2-000000", "run-01k9x3hc00-000000", "alt-01k9x3hc00-000000", "fup-01k9x3hc00-000000")
    for address, elsewhere in zip(asked(path, hidden), asked(path, other), strict=True):
        answer = await visitor.get(address, headers=headers)
        none = await visitor.get(elsewhere, headers=headers)
        assert answer.status_code in (200, 400, 404), (address, answer.status_code, answer.text[:300])
        said, expected = answer.text, none.text
        for mine, others in ((hidden.incident, other.incident), (hidden.run, other.run), (hidden.alert, other.alert)):
            said, expected = said.replace(mine, others), expected.replace(mine, others)
        assert MARK not in answer.text, address
        if hidden.incident in address or hidden.run in address or hidden.alert in address:
            assert (answer.status_code, said) == (none.status_code, expected), address
        else:
            assert hidden.incident not in answer.text, address
            assert hidden.run not in answer.text, address


async def test_who_may_see_it_finds_it_where_it_belongs(visitor: httpx.AsyncClient, app: App, hidden: Hidden) -> None:
    """What the test above looks for is there: without this it could not fail."""
    for name, role in (("anna", "owner"), ("ben", "responder")):
        await signed_in(visitor, app, name, role)
        for path in (
            "/", "/incidents", "/incidents?q=copied", f"/incidents/{hidden.incident}", "/runs", f"/runs/{hidden.run}", "/ledger",
            "/reviews", f"/reviews/{hidden.incident}", f"/reviews/{hidden.incident}.md", f"/incidents/{OPEN}",
            f"/api/v1/why/{hidden.incident}", f"/api/v1/why/{hidden.alert}", f"/api/v1/incidents/{hidden.incident}/followups",
            f"/api/v1/runs/{hidden.run}/news",
        ):  # fmt: skip
            answer = await visitor.get(path)
            assert answer.status_code == 200, (path, answer.text[:300])
            assert MARK in answer.text, (name, path)
    await signed_in(visitor, app, "anna", "owner")
    assert f"/incidents/{hidden.incident}" in (await visitor.get("/measures")).text


async def test_it_is_counted_without_a_name(visitor: httpx.AsyncClient, app: App, hidden: Hidden) -> None:
    await signed_in(visitor, app, "vera", "operator")
    groups = (await visitor.get("/api/v1/measures?by=cause")).json()["groups"]
    [private] = [each for each in groups if each["group"] == "private"]
    assert (private["incidents"], private["longest_s"], private["longest_id"]) == (1, 1_000_000.0, None)


async def test_its_counts_stand_on_no_page_of_who_may_not_see_it(visitor: httpx.AsyncClient, app: App, hidden: Hidden) -> None:
    seen = {}
    for name, role in (("vera", "operator"), ("anna", "owner")):
        await signed_in(visitor, app, name, role)
        frame = (await visitor.get("/api/v1/overview")).json()["frame"]
        seen[name] = (frame["open_incidents"], frame["asking"])
    assert seen["anna"] == (seen["vera"][0] + 1, seen["vera"][1] + 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("acknowledge", {}), ("notes", {"text": "x"}), ("updates", {"text": "x"}), ("resolve", {"why": "x"}),
        ("severity", {"severity": "High", "why": "x"}), ("private", {"why": "x", "private": False}),
        ("merge", {"other": OPEN}), ("split", {"alerts": ["alt-01k9x3hc00-pr1vat"]}), ("related", {"other": OPEN}),
        ("roles", {"role": "scribe", "person": "vera"}), ("tasks", {"task": "1/1"}), ("posts", {"text": "x"}),
        ("followups", {"text": "x", "owner": "ben"}),
    ],
)  # fmt: skip
async def test_nothing_can_be_done_to_it_either(
    visitor: httpx.AsyncClient, app: App, hidden: Hidden, path: str, body: dict[str, object]
) -> None:
    headers, none = bearer(app, "operator"), "inc-01k9x3h8v2-000000"
    mine = await visitor.post(f"/api/v1/incidents/{hidden.incident}/{path}", json=body, headers=headers)
    other = await visitor.post(f"/api/v1/incidents/{none}/{path}", json=body, headers=headers)
    assert mine.status_code == other.status_code == 404
    assert mine.text.replace(hidden.incident, none) == other.text
    into = await visitor.post(f"/api/v1/incidents/{OPEN}/merge", json={"other": hidden.incident}, headers=headers)
    assert into.status_code == 404
    ours = {"act": "1.1", "answer": "skip"}
    assert (await visitor.post(f"/api/v1/runs/{hidden.run}/answers", json=ours, headers=headers)).status_code == 404
    begun = {"procedure": "web-application-is-down", "incident": hidden.incident}
    assert (await visitor.post("/api/v1/runs", json=begun, headers=headers)).status_code == 404


async def test_a_chat_does_not_tell_of_it(app: App, hidden: Hidden) -> None:
    chat = Chat("ops", 9, Secret("xoxb-1-2-abcdefghijklmnop", "T"), Secret("8f742231b10e8888abcd99yyyzzz85a5", "S"), (), "")
    said = Said(chat, "U0VERA", "C1")
    assert MARK not in await command(app, said, "list")
    assert await command(app, said, f"ack {hidden.incident}") == (
        f"There is no incident {hidden.incident}. `list` shows what is open."
    )
    assert MARK not in await command(app, said, f"note {hidden.incident} hello")


async def test_the_public_hears_of_it_only_by_an_explicit_word(visitor: httpx.AsyncClient, app: App, hidden: Hidden) -> None:
    headers, where = bearer(app, "owner"), f"/api/v1/incidents/{hidden.incident}/posts"
    refused = await visitor.post(where, json={"text": "We rotate keys."}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "WK451")
    assert await public.tell_news(app) == 1  # of the other one
    assert (await visitor.get("/api/v2/incidents.json")).text.count("We rotate keys.") == 0
    visitor._transport.app.state.public = public_page.Kept()  # type: ignore[attr-defined]
    said = {"text": "We rotate keys.", "although_private": True}
    assert (await visitor.post(where, json=said, headers=headers)).status_code == 201
    told = (await visitor.get("/api/v2/incidents.json")).text
    assert "We rotate keys." in told
    assert MARK not in told


async def test_what_was_published_before_it_became_private_is_taken_off_the_page(visitor: httpx.AsyncClient, app: App) -> None:
    app.estate = replace(app.estate, statuspage=StatusPage("Our shop", components={"Web application": "Shop"}))
    await public.post(app, OWNER, OPEN, "investigating", "We look into it.")
    site = visitor._transport.app  # type: ignore[attr-defined]
    for private in (False, True):
        if private:
            app.clock.at += timedelta(minutes=1)  # type: ignore[attr-defined]
            await by_hand.keep_private(app, OWNER, OPEN, "It was an attack.")
        site.state.public = public_page.Kept()
        for path in ("/status", "/status/feed.atom", "/status/feed.rss", "/api/v2/summary.json"):
            assert ("We look into it." in (await visitor.get(path)).text) is not private, path
        shown = (await visitor.get("/api/v2/summary.json")).json()
        assert [each["status"] for each in shown["components"]] == ["operational" if private else "major_outage"]


async def test_who_opens_one_or_makes_one_private_goes_on_seeing_it(visitor: httpx.AsyncClient, app: App, hidden: Hidden) -> None:
    made = await by_hand.open_incident(app, VERA, "Leaked credentials", "High")
    assert made.is_private  # by itself, by its title
    await signed_in(visitor, app, "vera", "operator")
    assert (await visitor.get(f"/incidents/{made.id}")).status_code == 200
    await by_hand.keep_private(app, VERA, OPEN, "It may have been an attack.")
    assert (await visitor.get(f"/incidents/{OPEN}")).status_code == 200
    await by_hand.keep_private(app, VERA, OPEN, "It was a disk.", private=False)
    with pytest.raises(Exception, match="There is no incident"):
        await by_hand.keep_private(app, VERA, hidden.incident, "x", private=False)
    shown = app.database.read_now(list_incidents)
    assert {each.id for each in shown if each.is_private} == {made.id, hidden.incident}


async def test_the_console_makes_it_private_and_shows_it_again(visitor: httpx.AsyncClient, app: App) -> None:
    await signed_in(visitor, app, "anna", "owner")
    csrf = (await visitor.get("/")).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    for private in ("yes", "no"):
        said = {"csrf": csrf, "private": private, "why": "An attack, perhaps."}
        assert (await visitor.post(f"/incidents/{OPEN}/private", data=said)).status_code == 303
        assert (await visitor.get(f"/api/v1/incidents/{OPEN}")).json()["private"] is (private == "yes")
        assert ("Show to all" in (await visitor.get(f"/incidents/{OPEN}")).text) is (private == "yes")
    opened = {"csrf": csrf, "title": "Odd mails", "severity": "High", "private": "yes"}
    answer = await visitor.post("/incidents", data=opened)
    assert (await visitor.get(f"/api/v1{answer.headers['location']}")).json()["private"] is True
