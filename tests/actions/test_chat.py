"""Chats: an incident's channel is written as its timeline goes on, and what people say and press there is done as they."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from aiohttp import web
from sqlalchemy import Connection
from tests.actions.slack_stand_in import TOKEN, SlackStandIn

from watchkeeper.actions import acts, by_hand, chat
from watchkeeper.api.chat import router
from watchkeeper.app import App
from watchkeeper.base.errors import ConfigError, Transient
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.book.model import Book
from watchkeeper.book.reader import read_source
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Bindings, Chat, Estate, Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, roles
from watchkeeper.incident.model import Incident
from watchkeeper.people.identity import Actor
from watchkeeper.run.ledger import append_event, create_run, load_run
from watchkeeper.run.model import Run
from watchkeeper.run.plan import plan
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.tell.chat import ledger as rows
from watchkeeper.tell.model import Message
from watchkeeper.tell.outbox import write_notices
from watchkeeper.testing import FakeClock
from watchkeeper.web.site import create_site

SIGNING = Secret("8f742231b10e8888abcd99yyyzzz85a5", "SLACK_SIGNING_SECRET")
ANNA = Person("anna", "Anna", 3, notify=("json://127.0.0.1/anna",), chat=("U0ANNA",), access={"*": "responder"})
TRIGGERS = itertools.count()
VERA = Person("vera", "Vera", 4, chat=("U0VERA",), access={"*": "viewer"})


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    made = SlackStandIn()
    runner = web.AppRunner(made.site())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}/api"  # type: ignore[attr-defined]
    yield made
    await runner.cleanup()
    assert made.wrong == []


@pytest.fixture
def app(database: Database, tmp_path: Path, slack: SlackStandIn) -> App:
    ops = Chat("ops", 9, Secret(TOKEN, "TOKEN"), SIGNING, ("P1",), slack.address)  # type: ignore[attr-defined]
    estate = Estate(tmp_path / "w.toml", "shop", tmp_path / "r.md", people={"anna": ANNA, "vera": VERA}, chats={"ops": ops})
    return App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip


@pytest.fixture
def incident(app: App) -> Incident:
    now = app.clock.now()
    made = Incident("inc-01m8dc0r72-sdckrw", "shop", "Shop <down> & out", "P1", "open", "Shop", now, now)
    app.database.write_now(lambda c: incidents.open_incident(c, made))
    app.database.write_now(lambda c: incidents.add_entry(c, made.id, now, "opened", "automation", "An incident was opened."))
    app.database.write_now(lambda c: write_notices(c, now, "initial", made, [ANNA], Message("Down", "It is down.")))
    return made


@pytest.fixture
async def writer(app: App) -> AsyncIterator[chat.ChatWriter]:
    made = chat.ChatWriter(app)
    yield made
    await made.close()


async def test_an_incident_has_a_channel_that_follows_its_timeline(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    assert await writer.write() == 1
    [channel] = slack.channels.values()
    assert channel["name"] == "inc-sdckrw-shop-down-out"
    assert channel["members"] == {"U0ANNA"}
    assert channel["topic"] == "P1 · open · Shop <down> & out"
    assert slack.texts()[0].startswith("[P1] Shop &lt;down&gt; &amp; out (service shop).")
    [acknowledge] = slack.messages[0]["blocks"][1]["elements"]
    assert acknowledge["value"] == f"acknowledge|{incident.id}"
    assert await writer.write() == 0
    app.database.write_now(lambda c: lifecycle.acknowledge(c, app.clock.now(), incident.id, "anna"))
    assert await writer.write() == 1
    assert slack.texts()[1].startswith("anna took the incident")
    assert channel["topic"] == "P1 · acknowledged · anna has it · Shop <down> & out"


async def test_a_severity_that_is_not_named_gets_no_channel(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    app.database.write_now(lambda c: incidents.update_incident(c, incident.id, severity="P3"))
    assert await writer.write() == 0
    assert slack.channels == {}


async def test_a_death_between_acceptance_and_record_repeats_one_message_and_says_so(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    await writer.write()
    known = app.database.read_now(lambda c: rows.read_channel(c, incident.id, "ops"))
    assert known is not None
    app.database.write_now(lambda c: lifecycle.acknowledge(c, app.clock.now(), incident.id, "anna"))
    app.database.write_now(lambda c: rows.update_channel(c, incident.id, "ops", begun=known.written + 1))
    await writer.write()
    assert slack.texts()[-1].endswith("(This may be a repeat.)")


async def test_a_channel_that_a_dead_predecessor_made_is_found_again(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    for name in ("general", "random", "inc-sdckrw-shop-down-out"):
        slack._conversations_create({"name": name})
    assert await writer.write() == 1
    assert [message["channel"] for message in slack.messages] == ["C00000002"]


async def test_what_passes_is_tried_again_and_what_does_not_is_left_alone_for_a_while(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    slow = web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "30"})
    refused = {"ok": False, "error": "missing_scope", "needed": "channels:manage"}
    slack.answers["conversations.create"] = [slow, web.Response(status=503), refused]
    assert [await writer.write() for _ in range(3)] == [0, 0, 0]
    assert await writer.write() == 0  # refused: for five minutes nobody asks
    app.clock.move(timedelta(minutes=6).total_seconds())  # type: ignore[attr-defined]
    assert await writer.write() == 1


async def test_a_channel_that_refuses_holds_no_other_incident_up(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    later = replace(incident, id="inc-01m8dc0r73-aaaaaa", title="Mail is down")
    app.database.write_now(lambda c: incidents.open_incident(c, later))
    app.database.write_now(lambda c: incidents.add_entry(c, later.id, later.opened_at, "opened", "automation", "Opened."))
    slack.answers["chat.postMessage"] = [{"ok": False, "error": "is_archived"}]
    assert await writer.write() == 1
    assert len(slack.messages) == 1
    assert await writer.write() == 0


async def test_a_question_that_a_death_left_half_asked_is_marked_as_a_repeat(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = read_source("r.md", "# Shop\n\n## Restart\n\n1. Restart it:\n\n```bash\nsystemctl restart shop\n```\n")
    planned, now = plan(book, book.procedures[0]), app.clock.now()
    act = planned.acts[-1]

    def ask(connection: Connection) -> Run | None:
        create_run(connection, "run-1", now, planned, actor="automation", target="local", incident_id=incident.id)
        append_event(connection, "run-1", now, "started")
        append_event(connection, "run-1", now, "asked", act=act.key, body={"question": "approve", "sentence": "It changes."})
        return load_run(connection, "run-1")

    await writer.write()
    assert app.database.write_now(ask) is not None
    taken = rows.take_event

    def die(connection: Connection, event_id: str, at: datetime) -> bool:
        if event_id.startswith("asked/") and not event_id.endswith("/begun"):
            raise Transient("The process is gone.")
        return taken(connection, event_id, at)

    with monkeypatch.context() as dying:
        dying.setattr(rows, "take_event", die)
        assert await writer.write() == 0
    assert await writer.write() == 1
    questions = [text for text in slack.texts() if text.startswith("Question")]
    assert [text.endswith("(This may be a repeat.)") for text in questions] == [False, True]
    assert await writer.write() == 0


async def test_a_private_incident_has_a_private_channel_for_those_whom_it_concerns(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    ben = Person("ben", "Ben", 5, notify=("json://127.0.0.1/ben",), chat=("U0BEN",), access={"*": "responder"})
    app.estate = replace(app.estate, people={**app.estate.people, "ben": ben})
    by = Actor("anna", ("responder",), "chat ops", "", "anna")
    await by_hand.keep_private(app, by, incident.id, "Somebody took keys.")
    assert await writer.write() > 0
    [channel] = slack.channels.values()
    assert (channel["name"], channel["private"], channel["members"]) == ("inc-sdckrw-private", True, {"U0ANNA"})
    assert any("Somebody took keys." in text for text in slack.texts())
    app.database.write_now(lambda c: roles.assign(c, incident.id, "scribe", "ben", app.clock.now()))
    await acts.note(app, by, incident.id, "Keys are rotated.")
    await writer.write()
    assert channel["members"] == {"U0ANNA", "U0BEN"}


async def test_an_incident_that_becomes_private_goes_on_in_a_private_channel_and_says_what_stays(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.write()
    [old] = slack.channels
    by = Actor("anna", ("responder",), "chat ops", "", "anna")
    await by_hand.keep_private(app, by, incident.id, "Somebody took keys.")
    add = rows.add_channel

    def die(*given: Any) -> None:
        raise Transient("The process is gone.")

    with monkeypatch.context() as dying:
        dying.setattr(rows, "add_channel", die)
        assert await writer.write() == 0
    assert rows.add_channel is add
    assert await writer.write() > 0
    assert [channel["private"] for channel in slack.channels.values()] == [False, True]  # a dead predecessor's is found again
    by_channel = {name: [m["text"] for m in slack.messages if m["channel"] == name] for name in slack.channels}
    assert by_channel[old][-1] == chat.LEFT
    assert not any("keys" in text for text in by_channel[old])
    [new] = [name for name in slack.channels if name != old]
    while await writer.write():
        pass
    by_channel = {name: [m["text"] for m in slack.messages if m["channel"] == name] for name in slack.channels}
    assert any("public channel stays as it is" in text for text in by_channel[new])
    entries = app.database.read_now(lambda c: incidents.read_timeline(c, incident.id))
    assert [entry.kind for entry in entries].count("moved") == 1
    await by_hand.keep_private(app, by, incident.id, "It was a test.", private=False)
    await writer.write()
    assert len(slack.channels) == 2  # it goes on where it is: what was said there in private stays there


async def test_an_archived_public_channel_holds_the_private_one_up_no_longer(
    app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    await writer.write()
    by = Actor("anna", ("responder",), "chat ops", "", "anna")
    await by_hand.keep_private(app, by, incident.id, "Somebody took keys.")
    slack.answers["chat.postMessage"] = [{"ok": False, "error": "is_archived"}]
    assert await writer.write() > 0
    assert [channel["private"] for channel in slack.channels.values()] == [False, True]


# --- what people say and press


def signed(app: App, body: bytes, secret: Secret = SIGNING, age_s: float = 0.0) -> dict[str, str]:
    at = str(int(app.clock.now().timestamp() - age_s))
    digest = hmac.new(secret.reveal().encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={digest}"}


@pytest.fixture
async def site(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_site(app, [router]))
    async with httpx.AsyncClient(transport=transport, base_url="http://watch.example.com") as client:
        yield client


async def say(site: httpx.AsyncClient, app: App, text: str, user: str = "U0ANNA", channel: str = "D1") -> str:
    sent = {"command": "/watchkeeper", "text": text, "user_id": user, "channel_id": channel, "trigger_id": str(next(TRIGGERS))}
    body = urlencode(sent).encode()
    answer = await site.post("/chat/ops/command", content=body, headers=signed(app, body))
    assert answer.status_code == 200
    assert answer.json()["response_type"] == "ephemeral"
    said: str = answer.json()["text"]
    return said


def standing(app: App, incident: Incident) -> Incident:
    found = app.database.read_now(lambda c: incidents.get_incident(c, incident.id))
    assert found is not None
    return found


async def test_the_slash_command(site: httpx.AsyncClient, app: App, incident: Incident) -> None:
    assert await say(site, app, "list") == "inc-01m8dc0r72-sdckrw  P1  Shop &lt;down&gt; &amp; out (open)"
    assert await say(site, app, f"ack {incident.id} on it") == "You have “Shop &lt;down&gt; &amp; out” now."
    assert standing(app, incident).acknowledged_by == "anna"
    assert await say(site, app, f"note {incident.id} the disk is full") == "Written down."
    assert await say(site, app, f"update {incident.id} we empty it") == "Anna will be told."
    assert await say(site, app, f"severity {incident.id} P2 one shop only") == "“Shop &lt;down&gt; &amp; out” is P2."
    assert "needs words" in await say(site, app, f"severity {incident.id} P1")
    assert await say(site, app, f"private {incident.id} an attack") == "“Shop &lt;down&gt; &amp; out” is private."
    assert (await say(site, app, f"public {incident.id} none")).endswith("is seen by everybody who may look.")
    opened = await say(site, app, "open P3 The lamp flickers")
    assert opened.startswith("“The lamp flickers” is open: inc-")
    assert "is closed" in await say(site, app, f"resolve {opened.rpartition(' ')[2].rstrip('.')} it does not")
    assert "needs words" in await say(site, app, "open P3")
    assert "needs a reason" in await say(site, app, f"resolve {incident.id}")
    assert await say(site, app, f"resolve {incident.id} emptied it") == "“Shop &lt;down&gt; &amp; out” is closed."
    assert await say(site, app, "list") == "Nothing is open."
    assert "no rota" in await say(site, app, "oncall")
    assert "There is no incident inc-9" in await say(site, app, "ack inc-9")
    assert "is no word that Watchkeeper knows" in await say(site, app, f"explode {incident.id}")
    assert "`list`" in await say(site, app, "")


@pytest.mark.parametrize("user", ["U0STRANGER", "U0VERA", ""])
async def test_who_may_not_changes_nothing(site: httpx.AsyncClient, app: App, incident: Incident, user: str) -> None:
    said = await say(site, app, f"ack {incident.id}", user)
    assert "does not know you" in said or "may not do this" in said
    assert standing(app, incident).status == "open"


async def press(site: httpx.AsyncClient, app: App, value: str, user: str = "U0ANNA") -> str:
    payload = {"type": "block_actions", "user": {"id": user}, "channel": {"id": "C1"}, "actions": [{"value": value}]}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    answer = await site.post("/chat/ops/action", content=body, headers=signed(app, body))
    assert answer.status_code == 200
    said: str = answer.json()["text"]
    return said


async def test_a_button_takes_the_incident_once(site: httpx.AsyncClient, app: App, incident: Incident) -> None:
    assert await press(site, app, f"acknowledge|{incident.id}") == "You have “Shop &lt;down&gt; &amp; out” now."
    assert standing(app, incident).acknowledged_by == "anna"
    assert await press(site, app, "acknowledge|inc-9") == "There is no incident inc-9. `watchkeeper incident list` shows them."
    assert await press(site, app, "nonsense") == "This button is not ours any more."


async def hear(site: httpx.AsyncClient, app: App, text: str, channel: str, event_id: str, **more: Any) -> int:
    about = {"type": "message", "user": "U0ANNA", "channel": channel, "text": text, **more}
    body = json.dumps({"type": "event_callback", "event_id": event_id, "event": about}).encode()
    return (await site.post("/chat/ops/event", content=body, headers=signed(app, body))).status_code


async def test_what_is_written_in_the_channel_is_a_note_once_and_ack_takes_it(
    site: httpx.AsyncClient, app: App, incident: Incident, writer: chat.ChatWriter, slack: SlackStandIn
) -> None:
    await writer.write()
    [channel] = slack.channels
    assert await hear(site, app, "The disk is full", channel, "Ev1") == 200
    app.clock.move(1)  # type: ignore[attr-defined]
    assert await hear(site, app, "The disk is full", channel, "Ev1") == 200  # Slack sends again what it got no answer to
    assert await hear(site, app, "elsewhere", "C9", "Ev2") == 200
    assert await hear(site, app, "by a bot", channel, "Ev3", bot_id="B1") == 200
    notes = [e.sentence for e in app.database.read_now(lambda c: incidents.read_timeline(c, incident.id)) if e.kind == "note"]
    assert notes == ["The disk is full"]
    assert await hear(site, app, "ack", channel, "Ev4") == 200
    assert standing(app, incident).acknowledged_by == "anna"
    await writer.write()
    assert not any("The disk is full" in text for text in slack.texts()), "what was said here is not said here again"


async def test_slack_asks_whether_we_are_there(site: httpx.AsyncClient, app: App) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()
    answer = await site.post("/chat/ops/event", content=body, headers=signed(app, body))
    assert answer.json() == {"challenge": "3eZbrw1aB"}


async def test_what_slack_did_not_sign_or_somebody_recorded_is_refused(
    site: httpx.AsyncClient, app: App, incident: Incident
) -> None:
    body = urlencode({"text": f"ack {incident.id}", "user_id": "U0ANNA"}).encode()
    good = signed(app, body)
    for headers in ({}, signed(app, body, Secret("another-secret", "X")), signed(app, body, age_s=301), signed(app, body + b"x"),
                    {**good, "x-slack-request-timestamp": "1e9"}):  # fmt: skip
        assert (await site.post("/chat/ops/command", content=body, headers=headers)).status_code == 403
    assert (await site.post("/chat/other/command", content=body, headers=good)).status_code == 403
    assert (await site.post("/chat/ops/command", content=body, headers=good)).status_code == 200
    assert (await site.post("/chat/ops/command", content=body, headers=good)).status_code == 403
    transport = httpx.ASGITransport(create_site(app, [router]))
    async with httpx.AsyncClient(transport=transport, base_url="http://watch.example.com") as started_again:
        assert (await started_again.post("/chat/ops/command", content=body, headers=good)).status_code == 403
    huge = b"x" * 300_000
    assert (await site.post("/chat/ops/command", content=huge, headers=signed(app, huge))).status_code == 400


def test_a_chat_is_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "watchkeeper.toml"
    service, variables = '[service]\nname = "shop"\nrunbook = "r.md"\n', "[variables]\n"
    variables += "".join(f'{name} = {{ env = "{name}", secret = true }}\n' for name in "TS")
    chat_ = '[chat.ops]\nkind = "slack"\ntoken = "$T"\nsigning_secret = "$S"\nseverities = ["P1"]\n'
    text = service + variables + chat_
    path.write_text(text)
    estate = load_estate(path, {"T": TOKEN, "S": SIGNING.reveal()})
    assert estate.chats["ops"].severities == ("P1",)
    assert {secret.reveal() for secret in estate.secrets()} >= {TOKEN, SIGNING.reveal()}
    path.write_text(text + 'api = "http://slack.example/api"\n')
    with pytest.raises(ConfigError, match="in the clear"):
        load_estate(path, {"T": TOKEN, "S": SIGNING.reveal()})
    path.write_text(text.replace('"$T"', '"xoxb-plain"'))
    with pytest.raises(ConfigError):
        load_estate(path, {"S": SIGNING.reveal()})


def test_the_names_of_channels_are_such_as_slack_takes(incident: Incident) -> None:
    from watchkeeper.tell.chat.rules import channel_name

    long = replace(incident, title="Ж" * 10 + "x" * 200)
    assert len(channel_name(long)) <= 80
