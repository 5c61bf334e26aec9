"""Two people are two people, whichever door each comes in by; one person who comes in by three is one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from watchkeeper.actions import acts
from watchkeeper.actions.tokens import give_token
from watchkeeper.api.routes import router as api
from watchkeeper.app import App, furnish, open_app
from watchkeeper.base.errors import InputError, Refused
from watchkeeper.cli.options import me
from watchkeeper.people.identity import Actor, user_here
from watchkeeper.run.ledger import load_run
from watchkeeper.run.model import Run
from watchkeeper.store.ledger import entries
from watchkeeper.web.site import create_site, printed_address

HERE = "http://127.0.0.1:8421"
RUNBOOK = """\
# The shop

## Cart is full

1. Drop the old carts:

   ```bash
   rm -r old-carts
   ```
"""
CONFIG = f"""\
[service]
name = "shop"
runbook = "runbook.md"

[targets.local]
kind = "shell"

[people.anna]
name = "Anna"
email = "anna@shop.example"
logins = ["{user_here()}"]
access = "owner"

[people.ben]
name = "Ben"
access = {{ shop = "operator" }}

[people.vera]
name = "Vera"
access = "responder"

[policy]
two_people = ["destroy"]
"""
ANNA = Actor("anna", ("owner",), "password", "192.0.2.7", person="anna")
NAMED = {"why": "they are old", "confirm": "Cart is full"}
APPROVE = {"act": "1.1", "answer": "approve", **NAMED}


@dataclass
class Shop:
    """A shop whose runbook drops something, with the doors to its Watchkeeper."""

    app: App
    folder: Path
    client: httpx.AsyncClient

    async def start(self, actor: Actor = acts.OURSELVES) -> str:
        run_id = await acts.start_run(self.app, actor, "cart-is-full")
        await self.drive(run_id)
        return run_id

    async def drive(self, run_id: str) -> Run:
        interpreter = self.app.interpreter
        assert interpreter is not None
        while await interpreter.advance(run_id):
            pass
        run = self.app.database.read_now(lambda c: load_run(c, run_id))
        assert run is not None
        return run

    def dropped(self) -> bool:
        return not (self.folder / "old-carts").exists()

    async def sign_in(self, name: str) -> dict[str, str]:
        """Sign in to the console; gives the form's own field."""
        self.client.cookies.clear()
        await self.client.get(printed_address(self.app, "127.0.0.1", 8421, name).removeprefix(HERE))
        return {"csrf": (await self.client.get("/")).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]}

    async def by_console(self, name: str, run_id: str) -> httpx.Response:
        return await self.client.post(f"/runs/{run_id}/answer", data=APPROVE | await self.sign_in(name))

    async def by_token(self, program: str, run_id: str, person: str) -> httpx.Response:
        token = await give_token(self.app, ANNA, program, "operator", timedelta(days=1), person=person)
        headers = {"authorization": f"Bearer {token}"}
        self.client.cookies.clear()
        return await self.client.post(f"/api/v1/runs/{run_id}/answers", json=APPROVE, headers=headers)


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.delenv("WATCHKEEPER_DATABASE_URL", raising=False)
    (tmp_path / "runbook.md").write_text(RUNBOOK)
    (tmp_path / "watchkeeper.toml").write_text(CONFIG)
    (tmp_path / "old-carts").mkdir()
    app = open_app(tmp_path / "watchkeeper.toml")
    furnish(app)
    site = create_site(app, [api])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url=HERE) as client:
        yield Shop(app, tmp_path, client)
    await app.close()


async def test_two_people_by_two_doors_let_it_run(shop: Shop) -> None:
    run_id = await shop.start()
    assert (await shop.by_console("anna", run_id)).status_code == 303
    assert (await shop.drive(run_id)).acts["1.1"].state == "asking"
    assert not shop.dropped()
    assert (await shop.by_token("ci", run_id, "ben")).status_code == 204
    run = await shop.drive(run_id)
    assert shop.dropped(), run.sentence
    assert run.acts["1.1"].approvers == ("anna", "ben")
    rows = shop.app.database.read_now(lambda c: c.execute(entries.select().where(entries.c.act == "run approved")).all())
    assert [(row.actor, row.body["origin"]) for row in rows] == [
        ("anna", {"by": "printed address", "from": "127.0.0.1"}),
        ("ci", {"by": "token ci", "from": "127.0.0.1", "person": "ben"}),
    ]


async def test_one_person_by_console_token_and_terminal_is_one(shop: Shop) -> None:
    run_id = await shop.start()
    await shop.by_console("anna", run_id)
    await shop.drive(run_id)
    console = await shop.by_console("anna", run_id)
    assert (console.status_code, "anna approved it already" in console.text) == (403, True)
    by_address = await shop.by_console("anna@shop.example", run_id)
    assert by_address.status_code == 403
    token = await shop.by_token("deploy", run_id, "anna")
    assert (token.status_code, token.json()["code"]) == (403, "WK326")
    with pytest.raises(Refused, match="anna approved it already"):
        await acts.answer(shop.app, me(shop.app), run_id, "1.1", "approve", **NAMED)
    await shop.drive(run_id)
    assert not shop.dropped()


async def test_who_started_it_is_one_of_the_two(shop: Shop) -> None:
    run_id = await shop.start(Actor("nightly", ("operator",), "token nightly", person="anna"))
    await shop.by_console("anna", run_id)
    await shop.drive(run_id)
    assert not shop.dropped()
    await shop.by_console("ben", run_id)
    await shop.drive(run_id)
    assert shop.dropped()


async def test_people_who_are_not_listed_count_as_one(shop: Shop) -> None:
    run_id = await shop.start()
    assert (await shop.by_console("carla", run_id)).status_code == 303
    await shop.drive(run_id)
    assert (await shop.by_console("dora", run_id)).status_code == 403
    await shop.drive(run_id)
    assert not shop.dropped()


async def test_a_responder_cannot_let_it_run_by_any_door(shop: Shop) -> None:
    run_id = await shop.start()
    token = await give_token(shop.app, ANNA, "robot", "responder", timedelta(days=1))
    answer = await shop.client.post(f"/api/v1/runs/{run_id}/answers", json=APPROVE, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "WK323")
    with pytest.raises(Refused, match="it takes an operator"):
        await acts.answer(shop.app, Actor("vera", ("responder",)), run_id, "1.1", "approve", **NAMED)


@pytest.mark.parametrize("given", [{}, {"why": "old"}, {"confirm": "Cart is full"}, {"why": "old", "confirm": "cart is full"}])
async def test_the_terminal_types_the_name_and_says_why_too(shop: Shop, given: dict[str, str]) -> None:
    run_id = await shop.start()
    with pytest.raises(InputError):
        await acts.answer(shop.app, me(shop.app), run_id, "1.1", "approve", **given)


@pytest.mark.parametrize("name", ["automation", "Automation", "ben", "anna@shop.example", user_here()])
async def test_no_token_takes_the_name_of_a_person_or_of_automation(shop: Shop, name: str) -> None:
    with pytest.raises(InputError, match="is the name of somebody else"):
        await give_token(shop.app, ANNA, name, "operator", timedelta(days=1))


async def test_the_environment_makes_nobody_somebody_else(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(variable, "ben")
    assert me(shop.app).name == "anna"
