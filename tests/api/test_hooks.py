"""Deliveries over HTTP: who may send, what is answered, what is too much, and that nothing is said to be taken that is not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import importlib.util
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from watchkeeper.actions.sns import Sns
from watchkeeper.alert.ledger import alerts, list_alerts, reports
from watchkeeper.alert.model import Alert
from watchkeeper.api import hooks
from watchkeeper.app import App, furnish_probes
from watchkeeper.base.errors import ConfigError, Transient
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.book.model import Book, Threshold
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Alerting, Bindings, Estate, Hook, SignalConfig
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import entries
from watchkeeper.testing import FakeClock
from watchkeeper.watch.arrivals import read_deliveries
from watchkeeper.watch.ledger import read_standings
from watchkeeper.watch.watcher import Watcher
from watchkeeper.web.site import create_site

_spec = importlib.util.spec_from_file_location("senders", Path(__file__).parents[1] / "alert" / "test_senders.py")
assert _spec is not None
assert _spec.loader is not None
senders = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(senders)

TOKEN = Secret("a-token-of-the-sender", "token")
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
HOOKS = {
    "prom": Hook("prom", "alertmanager", token=TOKEN),
    "slow": Hook("slow", "alertmanager", token=TOKEN, rate=2),
    "pd": Hook("pd", "pagerduty", token=TOKEN, rate=3),
    "sentry": Hook("sentry", "sentry", secret=TOKEN),
    "both": Hook("both", "grafana", token=TOKEN, secret=Secret("another-secret-of-it", "secret")),
    "aws": Hook("aws", "cloudwatch", token=TOKEN, topics=(TOPIC,)),
}
COUNTED = ("deliveries", "refused", "wrong_token", "unreadable")
PROM = senders.alertmanager_body()


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", alerting=Alerting(HOOKS))
    return App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(estate.secrets()), owner="test",
    )  # fmt: skip


@pytest.fixture
async def site(app: App) -> AsyncIterator[httpx.AsyncClient]:
    made = create_site(app, [hooks.router])
    # the name by which a sender on another machine knows us is none of ours
    transport = httpx.ASGITransport(made, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://watch.internal:8080") as client:
        client.site = made  # type: ignore[attr-defined]
        yield client


def all_alerts(app: App) -> list[Alert]:
    return app.database.read_now(lambda c: list_alerts(c, 1000))


def acts(app: App) -> list[str]:
    return [row.act for row in app.database.read_now(lambda c: c.execute(select(entries.c.act)).all())]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"/hooks/prom/{TOKEN.reveal()}", {}),
        ("/hooks/prom", {"authorization": f"Bearer {TOKEN.reveal()}"}),
        ("/hooks/prom", {"x-watchkeeper-token": TOKEN.reveal()}),
        ("/hooks/prom", {"authorization": "Basic " + base64.b64encode(f"am:{TOKEN.reveal()}".encode()).decode()}),
    ],
)
async def test_a_sender_shows_its_token(site: httpx.AsyncClient, app: App, path: str, headers: dict[str, str]) -> None:
    answer = await site.post(path, json=PROM, headers=headers)
    assert (answer.status_code, answer.json()["opened"]) == (200, 1)
    assert (await site.post(path, json=PROM, headers=headers)).json()["again"] == 1
    assert len(all_alerts(app)) == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/hooks/prom", {}),
        ("/hooks/prom/wrong", {}),
        ("/hooks/prom/", {"authorization": "Bearer "}),
        ("/hooks/none/" + TOKEN.reveal(), {}),
        ("/hooks/prom", {"authorization": "Basic ===="}),
        ("/hooks/pd/v2/enqueue", {}),
        ("/hooks/sentry/" + TOKEN.reveal(), {}),
        ("/hooks/sentry", {"sentry-hook-signature": "0" * 64}),
        ("/hooks/both/" + TOKEN.reveal(), {}),
    ],
)
async def test_strangers_are_all_answered_alike(site: httpx.AsyncClient, app: App, path: str, headers: dict[str, str]) -> None:
    answer = await site.post(path, json=PROM, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "WK342")
    assert TOKEN.reveal() not in answer.text
    assert all_alerts(app) == []


async def test_a_signed_body_is_taken_and_no_other(site: httpx.AsyncClient) -> None:
    body = json.dumps({"action": "created", "data": {"issue": {"id": "1", "title": "Boom"}}}).encode()
    signed = hmac.new(TOKEN.reveal().encode(), body, hashlib.sha256).hexdigest()
    headers = {"sentry-hook-signature": signed, "sentry-hook-resource": "issue"}
    assert (await site.post("/hooks/sentry", content=body, headers=headers)).json()["opened"] == 1
    assert (await site.post("/hooks/sentry", content=body + b" ", headers=headers)).status_code == 403


async def test_pagerdutys_clients_hear_what_they_expect(site: httpx.AsyncClient, app: App) -> None:
    event = {"routing_key": TOKEN.reveal(), "event_action": "trigger", "dedup_key": "a/b",
             "payload": {"summary": "It is down", "source": "srv", "severity": "critical"}}  # fmt: skip
    answer = await site.post("/hooks/pd/v2/enqueue", json=event)
    assert answer.status_code == 202
    assert answer.json() == {"status": "success", "message": "Event processed", "dedup_key": "a/b"}
    wrong = await site.post("/hooks/pd/v2/enqueue", json=event | {"event_action": "shout"})
    assert (wrong.status_code, wrong.json()["status"]) == (400, "invalid event")
    assert (await site.post("/hooks/pd", json={**event, "event_action": "acknowledge"})).status_code == 202
    assert (await site.post("/hooks/pd", json={**event, "event_action": "resolve"})).status_code == 202
    assert [alert.ended_at is not None for alert in all_alerts(app)] == [True]
    late = await site.post("/hooks/pd", json=event)
    assert (late.status_code, late.headers["retry-after"]) == (429, "20")


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[" * 100_000, b'{"alerts": 3}', b"[]", b"\xff\xfe", b'{"alerts": [' + b"9" * 5000 + b"]}", b"null"],
)
async def test_what_cannot_be_read_is_refused_in_a_sentence(site: httpx.AsyncClient, app: App, body: bytes) -> None:
    answer = await site.post(f"/hooks/prom/{TOKEN.reveal()}", content=body)
    assert answer.status_code in (200, 400)
    assert answer.status_code == 200 or answer.json()["code"] in ("WK163", "WK165")
    assert len(all_alerts(app)) == (answer.status_code == 200)


async def test_too_much_is_said_to_be_too_much(site: httpx.AsyncClient, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/hooks/prom/{TOKEN.reveal()}"
    monkeypatch.setattr(hooks, "MOST_ALERTS", 2)
    many = {**PROM, "alerts": PROM["alerts"] * 3}
    assert (await site.post(path, json=many)).status_code == 413
    for bomb in (b"[" + b"[]," * 600_000 + b"1]", b"[" + b"1," * 1_600_000 + b"1]"):
        assert (await site.post(path, content=bomb)).status_code == 413
    monkeypatch.setattr(hooks, "MOST_BYTES", 1000)
    assert (await site.post(path, content=b" " * 1001)).status_code == 413

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    assert (await site.post(path, content=trickle())).status_code == 413
    monkeypatch.setattr(hooks, "MOST_AT_ONCE", 10)
    busy = await site.post(path, json={"alerts": []})
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
    assert all_alerts(app) == []


async def counted(app: App, number: int) -> None:
    """Let the clock go on until so many refused deliveries of prom are on disk."""
    for _ in range(1_000):
        found = app.database.read_now(read_deliveries).get("prom")
        if found is not None and found.refused == number:
            return
        await app.clock.advance(0.2)  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
    raise AssertionError(f"{number} were never counted: {found}")


async def test_what_a_sender_delivers_and_what_is_refused_is_a_signal_and_raises_an_alert(
    site: httpx.AsyncClient, app: App
) -> None:
    readings = {"prom deliveries": "age_seconds", "refused deliveries": "refused"}
    signal = SignalConfig("prom-health", "deliveries", 3, metrics=readings, options={"sender": "prom", "window": "10 minutes"})
    refused = Threshold(line=3, role="alert", subject="Refused deliveries", op=">", value=2.0, severity="SEV2")
    silent = Threshold(line=4, role="alert", subject="prom deliveries", op=">", value=1.0, unit="days")
    app.book = Book(title="Shop", service="shop", thresholds=(refused, silent))
    app.estate = replace(app.estate, signals={"prom-health": signal})
    app.bindings = bind(app.book, app.estate)
    furnish_probes(app)
    first = await app.probes["prom-health"].look()
    assert (first.values, first.detail) == (dict.fromkeys(COUNTED, 0.0), "prom delivered nothing yet")
    assert (await site.post(f"/hooks/prom/{TOKEN.reveal()}", json=PROM)).status_code == 200
    for _ in range(3):
        assert (await site.post("/hooks/prom/not-its-token", json=PROM)).status_code == 403
    assert (await site.post("/hooks/nobody/x", json=PROM)).status_code == 403
    assert (await site.post(f"/hooks/prom/{TOKEN.reveal()}", content=b"no json")).status_code == 400
    await counted(app, 4)
    watcher = Watcher(app.database, app.clock, app.estate, app.bindings, app.probes, lambda: None)
    sample = await watcher.look_once("prom-health")
    wanted = {"deliveries": 1.0, "refused": 4.0, "wrong_token": 3.0, "unreadable": 1.0}
    assert {name: value for name, value in sample.values.items() if name != "age_seconds"} == wanted
    assert 0 < sample.values["age_seconds"] < 300
    assert sample.detail.endswith("4 refused within 10 min: 3 without the right token or signature, 1 that could not be read")
    standings = app.database.read_now(read_standings)
    assert {key: standing.state for key, standing in standings.items()} == {
        "refused-deliveries-above-2-sev2": "firing",
        "prom-deliveries-above-1-days": "ok",
    }
    # after a restart what is within the window is not forgotten for the newest of each
    furnish_probes(app)
    assert (await app.probes["prom-health"].look()).values["refused"] == 2.0
    await app.clock.advance(700)  # type: ignore[attr-defined]
    assert (await watcher.look_once("prom-health")).values["refused"] == 0.0
    assert app.database.read_now(read_standings)["refused-deliveries-above-2-sev2"].state == "ok"


async def test_a_stranger_who_knocks_without_end_costs_one_write_a_second(
    site: httpx.AsyncClient, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    submit = type(app.database)._submit_write

    def counting(self: Database, work: Any) -> Any:
        nonlocal writes
        writes += 1
        return submit(self, work)

    monkeypatch.setattr(type(app.database), "_submit_write", counting)
    for _ in range(50):
        await site.post("/hooks/prom/not-its-token", json=PROM)
    await counted(app, 50)
    assert writes <= 2


def test_a_sender_that_is_not_there_is_an_error(app: App) -> None:
    app.estate = replace(app.estate, signals={"x": SignalConfig("x", "deliveries", 3, options={"sender": "nobody"})})
    with pytest.raises(ConfigError, match=r"signals\.x\.sender is 'nobody'"):
        furnish_probes(app)


async def test_a_sender_has_a_rate(site: httpx.AsyncClient, app: App) -> None:
    path = f"/hooks/slow/{TOKEN.reveal()}"
    assert [(await site.post(path, json=PROM)).status_code for _ in range(3)] == [200, 200, 503]
    await app.clock.advance(31)  # type: ignore[attr-defined]
    assert (await site.post(path, json=PROM)).status_code == 200


async def test_what_is_not_on_disk_is_not_said_to_be_taken(
    site: httpx.AsyncClient, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Database, work: Any) -> Any:
        raise Transient("The database is away.", code="WK411")

    with monkeypatch.context() as patched:
        patched.setattr(type(app.database), "_submit_write", away)
        answer = await site.post(f"/hooks/prom/{TOKEN.reveal()}", json=PROM)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert all_alerts(app) == []
    assert (await site.post(f"/hooks/prom/{TOKEN.reveal()}", json=PROM)).json()["opened"] == 1


async def test_many_at_once_of_the_same_are_one(site: httpx.AsyncClient, app: App) -> None:
    path = f"/hooks/prom/{TOKEN.reveal()}"
    answers = await asyncio.gather(*(site.post(path, json=PROM) for _ in range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
    assert len(all_alerts(app)) == 1
    assert app.database.read_now(lambda c: c.execute(select(reports.c.times)).scalar()) == 12


async def test_what_a_sender_left_out_itself_is_said(site: httpx.AsyncClient) -> None:
    answer = await site.post(f"/hooks/prom/{TOKEN.reveal()}", json={**PROM, "truncatedAlerts": 7})
    assert answer.json()["sentences"] == ["prom left out 7 alerts of this delivery by itself: its max_alerts is too low."]


class Amazon:
    """SNS as far as we ask it: its certificate, and its confirmation."""

    def __init__(self, pem: bytes) -> None:
        self.pem = pem
        self.asked: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.pem


async def test_sns_is_believed_by_its_signature_alone(site: httpx.AsyncClient, app: App) -> None:
    key, pem = senders.own_certificate(app.clock.now())
    amazon = Amazon(pem)
    site.site.state.intake = hooks.Intake(app, Sns(amazon.fetch))  # type: ignore[attr-defined]
    path = f"/hooks/aws/{TOKEN.reveal()}"

    async def send(message: dict[str, Any]) -> httpx.Response:
        return await site.post(path, content=json.dumps(message), headers={"content-type": "text/plain"})

    alarm = senders.sign(key, senders.cloudwatch_body("ALARM", SignatureVersion="2"))
    assert (await send(alarm)).json()["opened"] == 1
    assert (await send(alarm)).json()["opened"] == 0
    assert len(amazon.asked) == 1
    elsewhere = senders.sign(key, senders.cloudwatch_body("ALARM", SigningCertURL="https://evil.test/x.pem"))
    assert (await send(elsewhere)).status_code == 403
    assert len(amazon.asked) == 1
    assert (await send(alarm | {"Message": "{}"})).json()["code"] == "WK343"
    other = senders.sign(key, senders.cloudwatch_body("ALARM", TopicArn="arn:aws:sns:eu-central-1:666:evil"))
    assert (await send(other)).status_code == 403
    assert len(all_alerts(app)) == 1
    assert acts(app) == []


async def test_a_topic_is_confirmed_only_where_an_owner_names_it(site: httpx.AsyncClient, app: App) -> None:
    key, pem = senders.own_certificate(app.clock.now())
    amazon = Amazon(pem)
    site.site.state.intake = hooks.Intake(app, Sns(amazon.fetch))  # type: ignore[attr-defined]

    def asking(topic: str, url: str) -> dict[str, Any]:
        return {
            "Type": "SubscriptionConfirmation", "MessageId": "m", "Token": "t", "TopicArn": topic, "Message": "You have chosen …",
            "SubscribeURL": url, "Timestamp": "2026-03-14T10:00:00.000Z", "SignatureVersion": "1",
            "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/Service.pem",
        }  # fmt: skip

    async def send(message: dict[str, Any]) -> httpx.Response:
        return await site.post(f"/hooks/aws/{TOKEN.reveal()}", content=json.dumps(message))

    good = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    assert (await send(asking(TOPIC, good) | {"Signature": ""})).status_code == 403
    assert (await send(senders.sign(key, asking(TOPIC, "https://evil.test/")))).status_code == 403
    for _ in range(3):
        waits = await send(senders.sign(key, asking("arn:aws:sns:eu-central-1:666:other", good)))
        assert "an owner adds it" in waits.json()["said"]
    assert good not in amazon.asked
    assert (await send(senders.sign(key, asking(TOPIC, good)))).json()["said"].endswith("was confirmed for aws, which names it.")
    assert amazon.asked[-1] == good
    gone = senders.sign(key, asking(TOPIC, good) | {"Type": "UnsubscribeConfirmation"})
    assert "sends nothing any more" in (await send(gone)).json()["said"]
    assert acts(app) == ["hook asks", "hook confirmed", "hook left"]
    assert app.database.read_now(lambda c: c.execute(select(func.count()).select_from(alerts)).scalar()) == 0


async def test_strangers_take_no_room_from_senders(site: httpx.AsyncClient, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MOST_AT_ONCE", 4 * hooks.MOST_BYTES)
    release = asyncio.Event()

    async def trickle() -> AsyncIterator[bytes]:
        await release.wait()
        yield b"{}"

    strangers = [asyncio.create_task(site.post("/hooks/sentry", content=trickle())) for _ in range(6)]
    await asyncio.sleep(0.05)
    try:
        assert (await site.post(f"/hooks/prom/{TOKEN.reveal()}", json=PROM)).status_code == 200
    finally:
        release.set()
    assert {(await each).status_code for each in strangers} == {403, 503}


async def test_a_key_that_is_no_text_is_answered_all_the_same(site: httpx.AsyncClient) -> None:
    event = b'{"routing_key": "%s", "event_action": "trigger", "dedup_key": "a\\ud800", ' % TOKEN.reveal().encode()
    event += b'"payload": {"summary": "It is down", "source": "srv", "severity": "critical"}}'
    answer = await site.post("/hooks/pd/v2/enqueue", content=event)
    assert (answer.status_code, answer.json()["dedup_key"]) == (202, "a?")
