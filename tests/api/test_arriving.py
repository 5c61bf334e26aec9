"""Pings and pushes come in over the site, are on disk before they are answered, and are what the probes then see."""

from __future__ import annotations

import doctest
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from watchkeeper.actions import arriving
from watchkeeper.app import App
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.estate import plugins
from watchkeeper.estate.model import SignalConfig
from watchkeeper.people.identity import make_token
from watchkeeper.plugins.push import probe as push_probe
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import entries
from watchkeeper.testing import FakeClock
from watchkeeper.watch.arrivals import forget_arrivals, pushed
from watchkeeper.watch.probe import Look

KEY = "backup-key-0123456789"
Looks = Callable[[str], Awaitable[Look]]


@pytest.fixture
def fake(app: App) -> FakeClock:
    """The shop with a job and a signal that programs push to, on a clock of the test's own."""
    made = FakeClock(app.clock.now())
    backup = {"key": KEY, "period": "1 day", "grace": "1h"}
    mail = {"key": Secret("mail-key-0123456789"), "cron": "* * * * *"}
    signals = {
        "backup": SignalConfig("backup", "heartbeat", 3, "Backup", 1200.0, options=backup),
        "mail": SignalConfig("mail", "heartbeat", 5, options=mail),
        "sales": SignalConfig("sales", "push", 9, options={"fresh": "2 minutes", "counters": ["refused"]}),
    }
    app.estate = replace(app.estate, signals={**app.estate.signals, **signals})
    app.clock, app.scrubber = made, Scrubber(["pass-word-1"])
    return made


@pytest.fixture
def look(app: App, fake: FakeClock) -> Looks:
    probes: dict[str, Any] = {}

    async def look_at(name: str) -> Look:
        if name not in probes:
            signal = app.estate.signals[name]
            probes[name] = plugins.load(plugins.SIGNALS, signal.kind)(signal, app.estate)
            probes[name].attach(app.database, app.clock)
        found: Look = await probes[name].look()
        return found

    return look_at


def bearer(app: App, role: str = "responder", scopes: frozenset[str] | None = frozenset({"push"})) -> dict[str, str]:
    now = app.clock.now()
    token = app.database.write_now(lambda c: make_token(c, now, "till", "api", timedelta(days=30), role, scopes=scopes))
    return {"authorization": f"Bearer {token}"}


async def test_a_job_that_pings_as_those_of_healthchecks_do(visitor: httpx.AsyncClient, fake: FakeClock, look: Looks) -> None:
    assert "no ping came yet" in ((await look("backup")).problem or "")
    for path, method in (("/start", "GET"), ("/log", "POST")):
        answer = await visitor.request(method, f"/ping/{KEY}{path}", content=b"copying")
        assert (answer.status_code, answer.text) == (200, "OK\n")
    fake.move(90)
    assert (await look("backup")).values["running_seconds"] == 90.0
    await visitor.post(f"/ping/{KEY}/0", content=b"done with pass-word-1")
    first = await look("backup")
    assert (first.values["up"], first.values["ran_seconds"], first.values["exit"]) == (1.0, 90.0, 0.0)
    fake.move(3600)
    await visitor.post(f"/ping/{KEY}/3", content=b"tar: full disk \0 pass-word-1")
    failed = await look("backup")
    assert (failed.values["up"], failed.values["run_ok"], failed.values["exit"]) == (0.0, 0.0, 3.0)
    assert "exit status 3: tar: full disk" in failed.detail
    assert "pass-word-1" not in failed.detail
    await visitor.head(f"/ping/{KEY}")
    assert (await look("backup")).values["up"] == 1.0


async def test_a_secret_that_the_cut_goes_through_is_not_kept_in_part(
    visitor: httpx.AsyncClient, fake: FakeClock, look: Looks
) -> None:
    await visitor.post(f"/ping/{KEY}/fail", content=b"pass-word-1" + b"x" * (arriving.MOST_NOTE - 5))
    assert "rd-1" not in (await look("backup")).detail


async def test_runs_that_overlap_are_told_apart_by_their_ids(visitor: httpx.AsyncClient, fake: FakeClock, look: Looks) -> None:
    await visitor.get(f"/ping/{KEY}/start?rid=a")
    fake.move(10)
    await visitor.get(f"/ping/{KEY}/start?rid=b")
    fake.move(20)
    await visitor.get(f"/ping/{KEY}?rid=b")
    seen = (await look("backup")).values
    assert (seen["ran_seconds"], seen["running_seconds"]) == (20.0, 30.0)
    for number in range(100):
        await visitor.get(f"/ping/{KEY}/start?rid={number}")


@pytest.mark.parametrize(
    ("path", "status"),
    [("none-of-these-keys", 404), (f"{KEY}/later", 400), (f"{KEY}/256", 400), (f"{KEY}/{'0' * 5000}", 400), ("%00", 404)],
)
async def test_what_is_no_ping(visitor: httpx.AsyncClient, fake: FakeClock, app: App, path: str, status: int) -> None:
    assert (await visitor.get(f"/ping/{path}")).status_code == status
    assert (await visitor.post("/ping/mail-key-0123456789", content=b"x" * 2_000_000)).status_code == 413
    assert (await visitor.get("/ping/mail-key-0123456789")).status_code == 200


async def test_a_ping_is_kept_and_time_without_us_is_not_held_against_the_job(
    visitor: httpx.AsyncClient, fake: FakeClock, look: Looks
) -> None:
    await visitor.get(f"/ping/{KEY}")
    assert (await look("backup")).values["up"] == 1.0
    for _ in range(70):
        fake.move(1200)
        seen = await look("backup")
    fake.move(7200)  # nobody looks while the next ping is due
    blind = await look("backup")
    assert seen.values["up"] == 1.0
    assert "may have come while nobody listened" in (blind.problem or "")
    for _ in range(72 + 4):
        fake.move(1200)
        await look("backup")
    assert (await look("backup")).values["up"] == 0.0


async def test_numbers_that_a_program_pushes(visitor: httpx.AsyncClient, app: App, fake: FakeClock, look: Looks) -> None:
    headers = bearer(app)
    assert (await look("sales")).problem == "nothing was pushed yet"
    body = {"values": {"orders_per_hour": 12, "zero": 0}, "added": {"paid": 3}, "key": "a"}
    for taken in (True, False):
        assert (await visitor.post("/api/v1/push/sales", json=body, headers=headers)).json() == {"taken": taken}
    seen = (await look("sales")).values
    assert seen == {"orders_per_hour": 12.0, "zero": 0.0, "paid": 3.0, "refused": 0.0, "age_seconds": 0.0}
    fake.move(10)
    await visitor.post("/api/v1/push/sales", json=body | {"key": "b"}, headers=headers)
    assert (await look("sales")).values["paid_per_s"] == 0.3
    fake.move(5)
    assert (await look("sales")).values["paid_per_s"] == 0.0  # nothing was added since
    late = {"values": {"orders_per_hour": 99}, "at": (fake.now() - timedelta(minutes=1)).isoformat()}
    await visitor.post("/api/v1/push/sales", json=late, headers=headers)
    assert (await look("sales")).values["orders_per_hour"] == 12.0
    fake.move(95)
    await visitor.post("/api/v1/push/sales", json={"values": {"zero": 1}}, headers=headers)
    fake.move(30)
    stale = await look("sales")
    assert ("orders_per_hour" in stale.values, stale.values["zero"], stale.values["age_seconds"]) == (False, 1.0, 30.0)
    assert "orders_per_hour is 2 min 10 s old" in stale.detail
    fake.move(3600)
    assert "nothing was pushed for 1 h" in ((await look("sales")).problem or "")
    assert app.database.read_now(lambda c: c.execute(entries.select().where(entries.c.actor == "till")).all()) == []


async def test_a_page_of_metrics_is_a_push(visitor: httpx.AsyncClient, app: App, fake: FakeClock, look: Looks) -> None:
    headers = bearer(app) | {"content-type": "text/plain", "idempotency-key": "1"}
    page = '# TYPE orders_total counter\norders_total{shop="a b",x="\\""} %d\n# TYPE queue gauge\nqueue 4\nnothing NaN\n# EOF\n'
    assert (await visitor.post("/api/v1/push/sales/metrics", content=page % 5, headers=headers)).json() == {"taken": True}
    assert (await visitor.post("/api/v1/push/sales/metrics", content=page % 9, headers=headers)).json() == {"taken": False}
    first = (await look("sales")).values
    assert first == {'orders_total{shop="a b",x="\\""}': 5.0, "queue": 4.0, "refused": 0.0, "age_seconds": 0.0}
    fake.move(10)
    headers["idempotency-key"] = "2"
    await visitor.post("/api/v1/push/sales/metrics", content=page % 25, headers=headers)
    assert (await look("sales")).values['orders_per_s{shop="a b",x="\\""}'] == 2.0


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("sales", '{"values": {}}', "WK177"),
        ("sales", '{"values": {"a": NaN}}', "WK177"),
        ("sales", '{"values": {"a": 1}, "at": "2020-01-01T00:00:00Z"}', "WK177"),
        ("sales", '{"values": {"a": 1}, "at": "2099-01-01T00:00:00Z"}', "WK177"),
        ("sales", '{"values": {"a\\u0000": 1}}', "WK177"),
        ("sales", '{"values": {"": 1}}', "WK177"),
        ("sales", '{"values": {"a": "many"}}', "WK140"),
        ("sales", '{"values": [1]}', "WK140"),
        ("sales/metrics", "this is no metric", "WK177"),
        ("sales/metrics", "\n".join(f'a{{n="{n}"}} 1' for n in range(600)), "WK177"),
        ("web", '{"values": {"a": 1}}', "WK217"),
        ("nothing", '{"values": {"a": 1}}', "WK217"),
    ],
)
async def test_what_cannot_be_pushed(
    visitor: httpx.AsyncClient, app: App, fake: FakeClock, path: str, content: str, code: str
) -> None:
    headers = bearer(app) | {"content-type": "application/json"}
    answer = await visitor.post(f"/api/v1/push/{path}", content=content, headers=headers)
    assert answer.json()["code"] == code
    assert app.database.read_now(lambda c: c.execute(pushed.select()).all()) == []


async def test_names_without_end_are_turned_away_whole(
    visitor: httpx.AsyncClient, app: App, fake: FakeClock, look: Looks
) -> None:
    headers = bearer(app)
    answers = []
    for part in range(3):
        body = {"values": {f"n{part * 400 + n}": n for n in range(400)}}
        answers.append((await visitor.post("/api/v1/push/sales", json=body, headers=headers)).status_code)
    assert answers == [200, 200, 400]
    assert len((await look("sales")).values) == 802


async def test_what_is_old_goes_by_retention(visitor: httpx.AsyncClient, app: App, fake: FakeClock, look: Looks) -> None:
    await visitor.get(f"/ping/{KEY}")
    await visitor.post("/api/v1/push/sales", json={"values": {"a": 1}}, headers=bearer(app))
    fake.move(86_400)
    app.database.write_now(lambda c: forget_arrivals(c, ["backup", "sales"], fake.now()))
    assert (await look("sales")).problem == "nothing was pushed yet"
    assert (await look("backup")).values["up"] == 1.0
    app.database.write_now(lambda c: forget_arrivals(c, ["sales"], fake.now()))
    assert "no ping came yet" in ((await look("backup")).problem or "")


async def test_while_our_database_is_away_a_job_is_asked_to_try_again(
    visitor: httpx.AsyncClient, app: App, fake: FakeClock, look: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchkeeper.base.errors import Transient

    async def away(self: Database, work: Any) -> None:
        raise Transient("The database cannot be reached.")

    monkeypatch.setattr(Database, "write", away)
    monkeypatch.setattr(Database, "read", away)
    assert (await visitor.get(f"/ping/{KEY}")).status_code == 503
    for name in ("backup", "sales"):
        assert "our own database is away" in ((await look(name)).problem or "")


def test_the_examples_in_the_docstrings() -> None:
    for module in (arriving, push_probe):
        assert doctest.testmod(module).failed == 0
