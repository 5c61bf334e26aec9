"""Follow-ups: kept with an owner and a day, taken once to a tracker, asked for once a day while they are late."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from watchkeeper.actions import by_hand, following_up
from watchkeeper.app import App
from watchkeeper.base.errors import ConfigError, InputError, NotFound
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.book.model import Book
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Bindings, Estate, Person, Tracker
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.people.identity import Actor
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.tell.ledger import list_notices
from watchkeeper.testing import FakeClock

ANNA = Person("anna", "Anna", 3, notify=("json://127.0.0.1/anna",))
BY = Actor("anna", ("responder",), "password")
TOKEN = Secret("ghp_abcdefghijklmnop", "TOKEN")


@dataclass
class Shelf:
    """A tracker that keeps what was sent, with the headers, and answers as it is told to."""

    address: str = ""
    answers: list[web.Response] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.sent.append((request.path, await request.json(), dict(request.headers)))
        return self.answers.pop(0) if self.answers else web.json_response({}, status=201)


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    kept, site = Shelf(), web.Application()
    site.router.add_post("/{rest:.*}", kept.take)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kept.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield kept
    await runner.cleanup()


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    estate = Estate(tmp_path / "w.toml", "shop", tmp_path / "r.md", people={"anna": ANNA})
    made = App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip
    now = made.clock.now()
    over = Incident("inc-1", "shop", "The disk was full", "P2", "resolved", "Disk", now, now, resolved_at=now)
    database.write_now(lambda c: incidents.open_incident(c, over))
    return made


def kept_by(app: App, tracker: Tracker) -> None:
    app.estate = replace(app.estate, trackers={tracker.name: tracker})


async def test_one_is_kept_and_done_once(app: App) -> None:
    one = await following_up.add(app, BY, "inc-1", "Give the disk  more room", "Anna", "14d")
    assert (one.text, one.owner, one.tracker) == ("Give the disk more room", "anna", None)
    assert [each.id for each in await following_up.listed(app, open_only=True)] == [one.id]
    first = await following_up.finish(app, BY, one.id, "twice as large")
    app.clock.move(60)  # type: ignore[attr-defined]
    assert (await following_up.finish(app, BY, one.id)).done_at == first.done_at
    assert await following_up.listed(app, open_only=True) == []
    lines = [e.sentence for e in app.database.read_now(lambda c: incidents.read_timeline(c, "inc-1"))]
    assert lines[0].startswith("To do: Give the disk more room (Anna, by ")
    assert lines[1] == "Done: Give the disk more room twice as large"


@pytest.mark.parametrize(
    ("incident", "text", "owner", "due", "error"),
    [
        ("inc-1", " ", "anna", "14d", InputError),
        ("inc-1", "x", "nobody", "14d", NotFound),
        ("inc-1", "x", "anna", "soon", InputError),
        ("inc-1", "x", "anna", "", InputError),
        ("inc-9", "x", "anna", "14d", NotFound),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    app: App, incident: str, text: str, owner: str, due: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await following_up.add(app, BY, incident, text, owner, due)
    assert await following_up.listed(app) == []


def test_a_day_ends_in_the_zone_of_the_service() -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    in_berlin = following_up.due_at("2026-12-24", "Europe/Berlin", now)
    assert in_berlin.astimezone(UTC) == datetime(2026, 12, 24, 22, 59, 59, tzinfo=UTC)
    assert following_up.due_at("2 weeks", "UTC", now) == now + timedelta(days=14)


async def test_github_gets_an_issue_in_its_own_form_once(app: App, shelf: Shelf) -> None:
    kept_by(app, Tracker("ops", "github", 3, shelf.address, "shop/ops", token=TOKEN, labels=("incident",)))
    shelf.answers = [web.json_response({"html_url": "https://github.example/shop/ops/issues/7"}, status=201)]
    one = await following_up.add(app, BY, "inc-1", "Give the disk more room", "anna", "2026-12-24")
    assert await following_up.export_waiting(app) == 1
    assert await following_up.export_waiting(app) == 0
    [(path, sent, headers)] = shelf.sent
    assert path == "/repos/shop/ops/issues"
    assert (sent["title"], sent["labels"]) == ("Give the disk more room", ["incident"])
    assert "“The disk was full” (inc-1)" in sent["body"]
    assert "Owner: Anna. Due: 2026-12-24." in sent["body"]
    assert headers["Authorization"] == f"Bearer {TOKEN.reveal()}"
    [kept] = await following_up.listed(app, "inc-1")
    assert (kept.id, kept.link) == (one.id, "https://github.example/shop/ops/issues/7")


async def test_of_a_private_incident_nothing_goes_to_a_tracker_until_it_is_shown(app: App, shelf: Shelf) -> None:
    kept_by(app, Tracker("ops", "github", 3, shelf.address, "shop/ops", token=TOKEN))
    shelf.answers = [web.json_response({"html_url": "https://github.example/shop/ops/issues/7"}, status=201)]
    await by_hand.keep_private(app, BY, "inc-1", "An attack, perhaps.")
    await following_up.add(app, BY, "inc-1", "Rotate the keys", "anna", "2026-12-24")
    assert await following_up.export_waiting(app) == 0
    assert shelf.sent == []
    await by_hand.keep_private(app, BY, "inc-1", "It was the disk.", private=False)
    assert await following_up.export_waiting(app) == 1


async def test_jira_gets_a_task_with_its_day(app: App, shelf: Shelf) -> None:
    kept_by(app, Tracker("jira", "jira", 3, shelf.address, "OPS", "anna@shop.example", TOKEN))
    shelf.answers = [web.json_response({"id": "10000", "key": "OPS-24"}, status=201)]
    await following_up.add(app, BY, "inc-1", "Give the disk more room", "anna", "2026-12-24")
    assert await following_up.export_waiting(app) == 1
    [(path, sent, headers)] = shelf.sent
    assert path == "/rest/api/2/issue"
    assert sent["fields"]["project"] == {"key": "OPS"}
    assert (sent["fields"]["duedate"], sent["fields"]["issuetype"]) == ("2026-12-24", {"name": "Task"})
    assert base64.b64decode(headers["Authorization"].split()[1]).decode() == f"anna@shop.example:{TOKEN.reveal()}"
    assert [each.link for each in await following_up.listed(app)] == [f"{shelf.address}/browse/OPS-24"]


async def test_what_passes_is_tried_again_and_marked_and_what_never_will_is_not(app: App, shelf: Shelf) -> None:
    kept_by(app, Tracker("hook", "webhook", 3, f"{shelf.address}/todo"))
    shelf.answers = [web.Response(status=503), web.Response(status=204), web.Response(status=404)]
    await following_up.add(app, BY, "inc-1", "Give the disk more room", "anna", "14d")
    assert [await following_up.export_waiting(app) for _ in range(3)] == [0, 1, 0]
    assert [sent["repeat"] for _, sent, _ in shelf.sent] == [False, True]
    await following_up.add(app, BY, "inc-1", "Another", "anna", "15d")
    assert [await following_up.export_waiting(app) for _ in range(3)] == [0, 0, 0]
    assert len(shelf.sent) == 3
    assert [each.problem for each in await following_up.listed(app)] == [None, "hook answered 404. There is no such project."]


async def test_who_is_late_hears_of_it_once_a_day_in_business_hours(app: App) -> None:
    await following_up.add(app, BY, "inc-1", "Give the disk more room", "anna", "1d")
    heard = []
    start = datetime(2026, 3, 16, 0, 0, tzinfo=UTC)  # a Monday
    for hours in range(0, 24 * 3, 3):
        now = start + timedelta(hours=hours)
        new = app.database.write_now(lambda c, now=now: following_up.nag(c, app, now))
        heard += [now] * len(new)
    assert heard == [start + timedelta(days=day, hours=9) for day in range(3)]
    subjects = [notice.subject for notice in app.database.read_now(list_notices)]
    assert sorted(subjects) == [f"Late by {n} day{'s' if n > 1 else ''}: Give the disk more room" for n in (2, 3, 4)]


CONFIG = '[service]\nname = "shop"\nrunbook = "r.md"\n[variables]\nT = { env = "T", secret = true }\n[tracker.ops]\n'


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('kind = "github"\nproject = "ops"\ntoken = "$T"', "is no project of github"),
        ('kind = "github"\nproject = "a/b"', "takes nothing without a token"),
        ('kind = "github"\nproject = "a/b"\ntoken = "plain-words"', "TOKEN|secret|plain"),
        ('kind = "webhook"\nurl = "http://todo.example/x"', "in the clear"),
        ('kind = "jira"\nurl = "https://x.example"\nproject = "OPS"\ntoken = "$T"\nuser = "a"\nextra = 1', "extra"),
    ],
)
def test_a_tracker_that_could_not_work_is_refused(tmp_path: Path, table: str, said: str) -> None:
    path = tmp_path / "watchkeeper.toml"
    path.write_text(CONFIG + table)
    with pytest.raises(ConfigError, match=said):
        load_estate(path, {"T": TOKEN.reveal()})


def test_a_tracker_is_read_and_its_token_is_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "watchkeeper.toml"
    path.write_text(CONFIG + 'kind = "github"\nproject = "shop/ops"\ntoken = "$T"\nlabels = ["incident"]')
    estate = load_estate(path, {"T": TOKEN.reveal()})
    tracker = estate.trackers["ops"]
    assert (tracker.url, tracker.project, tracker.labels) == ("https://api.github.com", "shop/ops", ("incident",))
    assert TOKEN.reveal() in [secret.reveal() for secret in estate.secrets()]
