"""Alerts that others send to two workers of one PostgreSQL: taken once, and while it is away not said to be taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from own_postgres import Server

from watchkeeper.alert.ledger import list_alerts
from watchkeeper.api.hooks import router as hooks
from watchkeeper.app import App
from watchkeeper.base.clock import SystemClock
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Alerting, Bindings, Estate, Hook
from watchkeeper.settings import load_settings
from watchkeeper.store.database import open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.web.site import create_site

TOKEN = "a-token-that-the-sender-shows"
pytestmark = pytest.mark.slow


def body(*names: str, status: str = "firing") -> dict[str, object]:
    ends = {"endsAt": "2026-03-14T10:05:00Z"} if status == "resolved" else {}
    return {
        "status": status,
        "alerts": [
            {"status": status, "fingerprint": name, "labels": {"alertname": "Down", "instance": name},
             "startsAt": "2026-03-14T10:00:00Z", **ends}
            for name in names
        ],
    }  # fmt: skip


@pytest.fixture
async def workers(server: Server, tmp_path: Path) -> AsyncIterator[list[tuple[httpx.AsyncClient, App]]]:
    url = server.create()
    made = []
    async with AsyncExitStack() as stack:
        for name in ("one", "two"):
            database = open_database(url, tmp_path)
            stack.callback(database.close)
            migrate(database)
            hook = Hook("am", "alertmanager", token=Secret(TOKEN, "token"))
            estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", alerting=Alerting({"am": hook}))
            app = App(
                settings=load_settings({}), clock=SystemClock(), state=tmp_path, database=database, estate=estate,
                book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(), owner=name,
            )  # fmt: skip
            transport = httpx.ASGITransport(create_site(app, [hooks]))
            made.append((await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://wk")), app))
        yield made


async def test_two_workers_take_the_same_alerts_once(workers: list[tuple[httpx.AsyncClient, App]]) -> None:
    names = [f"host-{n}" for n in range(60)]
    posts = []
    for turn in range(12):
        client, _ = workers[turn % 2]
        some = names[turn * 3 :] + names[: turn * 3]  # each in another order, as different senders of one cluster would
        posts.append(client.post(f"/hooks/am/{TOKEN}", json=body(*some)))
    answers = await asyncio.gather(*posts)
    assert [answer.status_code for answer in answers] == [200] * 12
    assert sum(answer.json()["opened"] for answer in answers) == 60
    found = workers[0][1].database.read_now(lambda c: list_alerts(c, 1000))
    assert sorted(alert.key for alert in found) == sorted(f"am:{name}" for name in names)


async def test_while_the_database_is_away_nothing_is_said_to_be_taken(
    workers: list[tuple[httpx.AsyncClient, App]], server: Server
) -> None:
    client, app = workers[0]
    assert (await client.post(f"/hooks/am/{TOKEN}", json=body("a"))).status_code == 200
    server.stop("immediate")
    try:
        for _ in range(2):
            answer = await client.post(f"/hooks/am/{TOKEN}", json=body("a", "b"))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    finally:
        server.start()
    answer = await client.post(f"/hooks/am/{TOKEN}", json=body("a", "b"))
    assert (answer.status_code, answer.json()["opened"], answer.json()["again"]) == (200, 1, 1)
    assert (await client.post(f"/hooks/am/{TOKEN}", json=body("a", "b", status="resolved"))).json()["ended"] == 2
    assert len(app.database.read_now(lambda c: list_alerts(c, 10))) == 2
