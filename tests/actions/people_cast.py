"""A shop whose runbook drops something, with every door to its Watchkeeper: console, API, terminal and links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from watchkeeper.actions import acts
from watchkeeper.actions.tokens import give_token
from watchkeeper.app import App
from watchkeeper.people.identity import Actor, user_here
from watchkeeper.run.ledger import load_run
from watchkeeper.run.model import Run
from watchkeeper.web.site import printed_address

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
notify = ["json://127.0.0.1/anna"]
email = "anna@shop.example"
logins = ["{user_here()}"]
access = "owner"

[people.ben]
name = "Ben"
notify = ["json://127.0.0.1/ben"]
access = {{ shop = "operator" }}

[people.vera]
name = "Vera"
notify = ["json://127.0.0.1/vera"]
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
