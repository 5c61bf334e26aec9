"""What a run would do is shown at every door, and what it changed is put back by a run of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from watchkeeper import cli
from watchkeeper.actions import acts, effects
from watchkeeper.actions.tokens import give_token
from watchkeeper.api.routes import router as api
from watchkeeper.app import App, furnish, open_app
from watchkeeper.base.errors import Conflict, NotFound, Refused
from watchkeeper.people.identity import Actor
from watchkeeper.run.ledger import load_run, read_events
from watchkeeper.run.model import Run
from watchkeeper.store.ledger import entries
from watchkeeper.web.site import create_site

HERE = "http://127.0.0.1:8421"
RUNBOOK = """\
# The shop

## Bad release

1. Go back to the last image:

   ```bash
   sed -i 's/shop:2/shop:1/' compose.yml
   ```

2. Turn the new checkout off:

   ```bash
   sed -i 's/checkout: on/checkout: off/' flags.yml
   ```

3. Start it again:

   ```bash
   ./start.sh
   ```
"""
CONFIG = """\
[service]
name = "shop"
runbook = "runbook.md"

[targets.local]
kind = "shell"
"""
ANNA = Actor("anna", ("owner",), "password", "192.0.2.7", person="anna")
COMPOSE, FLAGS = "web:\n  image: shop:2\nworker:\n  image: shop:2\n", "checkout: on\n"


@dataclass
class Shop:
    """A shop with a bad release, and a program that asks its Watchkeeper over HTTP."""

    app: App
    folder: Path
    client: httpx.AsyncClient

    async def drive(self, run_id: str) -> Run:
        assert self.app.interpreter is not None
        while await self.app.interpreter.advance(run_id):
            pass
        run = self.app.database.read_now(lambda c: load_run(c, run_id))
        assert run is not None
        return run

    async def failed(self) -> str:
        """Carry the procedure out until its third step fails."""
        run_id = await acts.start_run(self.app, ANNA, "bad-release")
        await self.drive(run_id)
        await acts.answer(self.app, ANNA, run_id, "1.1", "approve", "looks right")
        run = await self.drive(run_id)
        if run.acts["3.1"].question == "approve":
            await acts.answer(self.app, ANNA, run_id, "3.1", "approve", "try", confirm=run.plan.title)
            run = await self.drive(run_id)
        assert (run.state, run.acts["3.1"].question) == ("asking", "failed")
        return run_id

    def read(self) -> tuple[str, str]:
        return (self.folder / "compose.yml").read_text(), (self.folder / "flags.yml").read_text()


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.delenv("WATCHKEEPER_DATABASE_URL", raising=False)
    (tmp_path / "runbook.md").write_text(RUNBOOK)
    (tmp_path / "watchkeeper.toml").write_text(CONFIG)
    (tmp_path / "compose.yml").write_text(COMPOSE)
    (tmp_path / "flags.yml").write_text(FLAGS)
    (tmp_path / "start.sh").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "start.sh").chmod(0o755)
    app = open_app(tmp_path / "watchkeeper.toml")
    furnish(app)
    token = await give_token(app, ANNA, "bot", "operator", timedelta(days=1))
    site = create_site(app, [api])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=site), base_url=HERE, headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield Shop(app, tmp_path, client)
    await app.close()


async def test_a_plan_is_looked_at_without_doing_any_of_it(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(shop.folder)]
    assert await asyncio.to_thread(cli.execute, ["run", "plan", "bad-release", "--preview", *config]) == 0
    said = capsys.readouterr().out
    assert "effect: Rewrites 2 image lines of compose.yml; image: shop:2 → image: shop:1; image: shop:2 → image: shop:1." in said
    assert "effect: No preview is known for this command." in said
    answer = await shop.client.post("/api/v1/previews", json={"procedure": "bad-release"})
    assert answer.json()["2.1"]["sentence"] == "Rewrites 1 checkout line of flags.yml; checkout: on → checkout: off."
    assert shop.read() == (COMPOSE, FLAGS)


async def test_the_question_shows_the_effect_at_every_door(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = await acts.start_run(shop.app, ANNA, "bad-release")
    await shop.drive(run_id)
    view = (await shop.client.get(f"/api/v1/runs/{run_id}")).json()
    effect = view["steps"][0]["acts"][0]["effect"]
    assert effect["sentence"].startswith("Rewrites 2 image lines of compose.yml")
    assert effect["way_back"].startswith("Way back: echo ")
    assert await asyncio.to_thread(cli.execute, ["run", "show", run_id, "--config", str(shop.folder)]) == 0
    assert "effect: Rewrites 2 image lines" in capsys.readouterr().out


async def test_a_failure_offers_the_way_back_and_it_goes_back_exactly(shop: Shop) -> None:
    run_id = await shop.failed()
    run = await shop.drive(run_id)
    offered = f"3 changes began; `watchkeeper run undo {run_id}` puts 2 of them back."
    assert run.acts["3.1"].sentence.endswith(offered)
    assert shop.read() == (COMPOSE.replace("shop:2", "shop:1"), "checkout: off\n")
    started = await shop.client.post(f"/api/v1/runs/{run_id}/undo", json={"why": "wrong release"})
    assert started.status_code == 201
    undo_id = started.json()["run"]
    assert (await shop.drive(run_id)).state == "cancelled"
    asked = await shop.drive(undo_id)
    assert [(act.kind, act.text.split(":")[0]) for act in asked.plan.acts] == [
        ("manual", "Take back 3.1"),
        ("command", "Take back 2.1"),
        ("command", "Take back 1.1"),
    ]
    assert asked.state == "asking"
    assert shop.read()[1] == "checkout: off\n"
    for key in ("2.1", "3.1"):
        if (await shop.drive(undo_id)).acts[key].state == "asking":
            await acts.answer(shop.app, ANNA, undo_id, key, "approve", "yes", confirm=asked.plan.title)
    done = await shop.drive(undo_id)
    assert done.state == "succeeded"
    assert shop.read() == (COMPOSE, FLAGS)
    ended = [e for e in shop.app.database.read_now(lambda c: read_events(c, run_id)) if e.kind == "ended"]
    assert ended[0].body["offer"] == offered
    rows = shop.app.database.read_now(lambda c: c.execute(entries.select().where(entries.c.subject == undo_id)).all())
    assert "run started" in [row.act for row in rows]


async def test_one_act_alone_is_put_back(shop: Shop) -> None:
    run_id = await shop.failed()
    undo_id = await effects.undo_run(shop.app, ANNA, run_id, "1.1", "only the image")
    await shop.drive(run_id)
    run = await shop.drive(undo_id)
    [asking] = [key for key, standing in run.acts.items() if standing.state == "asking"]
    await acts.answer(shop.app, ANNA, undo_id, asking, "approve", "yes", confirm=run.plan.title)
    assert (await shop.drive(undo_id)).state == "succeeded"
    assert shop.read() == (COMPOSE, "checkout: off\n")


async def test_what_cannot_be_taken_back_says_why(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await effects.undo_run(shop.app, ANNA, "run-none")
    run_id = await acts.start_run(shop.app, ANNA, "bad-release")
    with pytest.raises(Conflict, match="is under way"):
        await effects.undo_run(shop.app, ANNA, run_id)
    await shop.drive(run_id)
    with pytest.raises(Refused, match="changed nothing"):
        await effects.undo_run(shop.app, ANNA, run_id)
    with pytest.raises(Refused, match="may not"):
        await effects.undo_run(shop.app, Actor("vera", ("viewer",), "password", "192.0.2.8"), run_id)


async def test_the_command_line_starts_the_way_back(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = await shop.failed()
    assert await asyncio.to_thread(cli.execute, ["run", "undo", run_id, "3.1", "--config", str(shop.folder)]) != 0
    assert "Nothing of run" in capsys.readouterr().err
    assert await asyncio.to_thread(cli.execute, ["run", "undo", run_id, "--config", str(shop.folder), "-m", "back"]) == 0
    assert "Started run-" in capsys.readouterr().out
    assert json.loads((await shop.client.get("/api/v1/runs")).text)["runs"][0]["title"] == "Way back of “Bad release”"
