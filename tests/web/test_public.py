"""The public's page as anybody reads it, its feeds and JSON, and who asks to be told of its news."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import feedparser
import html5lib
import httpx
import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select
from tests.web.conftest import INCIDENT, NOW, StandingClock, site_of

from watchkeeper.actions import links, public
from watchkeeper.app import App
from watchkeeper.base.errors import InputError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import StatusPage
from watchkeeper.people.identity import Actor
from watchkeeper.plugins.apprise.notifier import AppriseNotifier
from watchkeeper.store.database import Database
from watchkeeper.tell.ledger import outbox
from watchkeeper.tell.outbox import send_waiting
from watchkeeper.tell.public import ledger
from watchkeeper.tell.public.model import Post
from watchkeeper.web.public import Kept

ANNA = Actor("anna", ("responder",))
OWNER = Actor("olga", ("owner",))


class Mailbox:
    """What a real SMTP server took in."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        return "250 taken"

    def texts(self) -> list[str]:
        found = []
        for mail in self.mails:
            part = next(each for each in mail.walk() if each.get_content_type() == "text/plain") if mail.is_multipart() else mail
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append(payload.decode())
        return found


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=0)
    controller.port = _free_port()
    controller.start()
    yield box, controller.port
    controller.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def shown(app: App, visitor: httpx.AsyncClient) -> App:
    """The shop with a page for the public."""
    config = StatusPage("The <b>shop</b>", address="https://status.shop.example/status", components={"Web application": "Shop"})
    app.estate = replace(app.estate, statuspage=config)
    site_of(app).state.public = Kept()
    return app


def look_again(app: App) -> None:
    site_of(app).state.public = Kept()


async def test_without_the_table_nothing_of_it_is_there(app: App, visitor: httpx.AsyncClient) -> None:
    site_of(app).state.public = Kept()
    for path in ("/status", "/status/feed.atom", "/api/v2/summary.json", "/api/v1/status"):
        assert (await visitor.get(path)).status_code == 404, path


async def test_anybody_reads_how_it_stands_and_nothing_of_the_team(shown: App, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/status")
    assert answer.status_code == 200
    assert "Nothing works." in answer.text
    assert "Problem with Shop" in answer.text
    assert "<script" not in answer.text
    assert "The &lt;b&gt;shop&lt;/b&gt;" in answer.text
    for inner in ("connection refused", INCIDENT[:3] + "ident ", "anna", "Critical", "supervisorctl"):
        assert inner not in answer.text
    assert len(answer.content) <= 30_000
    html5lib.HTMLParser(strict=True).parse(answer.content, transport_encoding="utf-8")


async def test_a_page_of_many_components_over_ninety_days_stays_small(shown: App, visitor: httpx.AsyncClient) -> None:
    names = {f"Component {number}": f"Part {number}" for number in range(12)}
    config = StatusPage("Shop", components={"Web application": "Shop", **names})
    shown.estate = replace(shown.estate, statuspage=config)
    look_again(shown)
    answer = await visitor.get("/status")
    assert answer.text.count("<svg") == 13
    assert len(answer.content) <= 30_000


async def test_a_reader_who_has_it_already_is_sent_nothing(shown: App, visitor: httpx.AsyncClient) -> None:
    first = await visitor.get("/status")
    assert "public, max-age=" in first.headers["cache-control"]
    again = await visitor.get("/status", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_it_is_read_from_the_rows_once_in_ten_seconds(shown: App, visitor: httpx.AsyncClient, clock: StandingClock) -> None:
    await visitor.get("/status")
    await public.post(shown, ANNA, INCIDENT, "identified", "A disk is full.")
    assert "A disk is full." not in (await visitor.get("/status")).text
    clock.at += timedelta(seconds=11)
    assert "A disk is full." in (await visitor.get("/status")).text


async def test_clients_of_statuspage_read_its_json(shown: App, visitor: httpx.AsyncClient) -> None:
    found = (await visitor.get("/api/v2/summary.json")).json()
    assert found["status"] == {"indicator": "critical", "description": "Major Service Outage"}
    assert [each["status"] for each in found["components"]] == ["major_outage"]
    incident = found["incidents"][0]
    assert (incident["id"], incident["status"], incident["impact"]) == (INCIDENT, "investigating", "major")
    assert incident["incident_updates"][0]["body"] == "We are looking into a problem with Shop."
    for name in ("status", "components", "incidents", "scheduled-maintenances"):
        answer = await visitor.get(f"/api/v2/{name}.json")
        assert answer.json()["page"]["name"] == "The <b>shop</b>"
        assert answer.headers["access-control-allow-origin"] == "*"
    assert (await visitor.get("/api/v2/nothing.json")).status_code == 404
    brief = (await visitor.get("/api/v1/status")).json()
    assert (brief["status"], brief["components"], brief["open_incidents"]) == ("outage", {"Shop": "outage"}, 1)


@pytest.mark.parametrize("kind", ["atom", "rss"])
async def test_readers_of_feeds_read_it(shown: App, visitor: httpx.AsyncClient, kind: str) -> None:
    await public.post(shown, ANNA, INCIDENT, "identified", "A disk & 1 < 2 cables are \x0bfull.")
    look_again(shown)
    answer = await visitor.get(f"/status/feed.{kind}")
    read = feedparser.parse(answer.content)
    assert not read.bozo, read.get("bozo_exception")
    assert read.version == {"atom": "atom10", "rss": "rss20"}[kind]
    assert [entry.title for entry in read.entries] == ["Problem with Shop (identified)", "Problem with Shop (investigating)"]
    assert len({entry.id for entry in read.entries}) == 2
    assert read.entries[0].link == f"https://status.shop.example/status#{INCIDENT}"


async def test_its_own_address_opens_the_page_and_not_the_console(shown: App, visitor: httpx.AsyncClient) -> None:
    from watchkeeper.web.site import create_site

    site = create_site(shown)
    transport = httpx.ASGITransport(site, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://status.shop.example") as reader:
        assert (await reader.get("/status")).status_code == 200
        assert (await reader.get("/api/v2/summary.json")).status_code == 200
        assert (await reader.get("/sign-in")).status_code == 421
        assert (await reader.get("/api/v1/overview")).status_code == 421


async def test_maintenance_is_announced_goes_on_and_is_over_by_itself(
    shown: App, visitor: httpx.AsyncClient, clock: StandingClock
) -> None:
    made = await public.announce(shown, ANNA, "New disks", NOW + timedelta(hours=2), timedelta(hours=1), components=("Shop",))
    look_again(shown)
    assert re.search(r"New disks</h3><span class=\"is\">Scheduled", (await visitor.get("/status")).text)
    clock.at = NOW + timedelta(hours=2, minutes=1)
    assert re.search(r"New disks</h3><span class=\"is\">In progress", (await visitor.get("/status")).text)
    found = (await visitor.get("/api/v2/summary.json")).json()
    assert [each["status"] for each in found["scheduled_maintenances"]] == ["in_progress"]
    assert found["components"][0]["status"] == "under_maintenance"
    clock.at = NOW + timedelta(hours=3)
    assert "New disks" not in (await visitor.get("/status")).text
    with pytest.raises(Exception, match="not over"):
        await public.withdraw(shown, ANNA, made.id)


@pytest.mark.parametrize("text", ["", "We lost {{count}} orders.", "Back at [TIME].", "XXX orders", "Wait <name>.", "x" * 5001])
async def test_words_with_a_slot_left_open_are_not_put_out(shown: App, text: str) -> None:
    with pytest.raises(InputError):
        await public.post(shown, ANNA, INCIDENT, "identified", text)
    assert shown.database.read_now(lambda c: ledger.read_posts(c, [INCIDENT])) == []


async def test_announcing_for_a_component_that_is_not_there_says_which_are(shown: App) -> None:
    with pytest.raises(InputError) as refused:
        await public.announce(shown, ANNA, "New disks", NOW, timedelta(hours=1), components=("Shpo",))
    assert refused.value.hint == "Its components: Shop."


# --- who asks to be told


async def send(app: App) -> int:
    lines, outsider = (lambda notice: links.lines_for(app, notice)), (lambda person: public.outsider(app, person))
    return await send_waiting(app.database, app.clock, AppriseNotifier(), app.estate, links=lines, outsider=outsider)


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
async def test_who_asks_by_mail_is_told_only_after_saying_so_twice(
    shown: App, visitor: httpx.AsyncClient, mailbox: tuple[Mailbox, int], clock: StandingClock
) -> None:
    box, port = mailbox
    mail = Secret(f"mailto://127.0.0.1:{port}?from=status@shop.example&mode=insecure", "STATUS_MAIL")
    shown.estate = replace(shown.estate, statuspage=replace(shown.estate.statuspage, mail=mail))  # type: ignore[type-var]
    look_again(shown)
    assert "Be told by mail" in (await visitor.get("/status")).text
    answer = await visitor.post("/status/subscribe", data={"address": "Carla@mail.test"})
    assert "Look into your mail" in answer.text
    assert await send(shown) == 1
    link = re.search(r"https://status\.shop\.example(/status/confirm/\S+)", box.texts()[0])
    assert link is not None
    assert box.mails[0]["To"] == "carla@mail.test"
    assert link[1].rsplit("/", 1)[1] not in str(shown.database.read_now(lambda c: c.execute(select(outbox)).all()))

    await public.post(shown, ANNA, INCIDENT, "identified", "Too early for her.")
    await public.tell_news(shown)
    await send(shown)
    assert len(box.mails) == 1

    assert (await visitor.get(link[1])).status_code == 200
    assert shown.database.read_now(lambda c: ledger.read_subscribers(c)) == []
    assert "from now on" in (await visitor.post(link[1])).text
    clock.at += timedelta(minutes=1)
    await public.post(shown, ANNA, INCIDENT, "monitoring", "The disk has room again.")
    assert await public.tell_news(shown) == 1
    assert await public.tell_news(shown) == 0
    assert await send(shown) == 1
    assert "The disk has room again." in box.texts()[1]
    assert "Too early" not in box.texts()[1]

    left = re.search(r"https://status\.shop\.example(/status/leave/\S+)", box.texts()[1])
    assert left is not None
    await visitor.post(left[1])
    clock.at += timedelta(minutes=1)
    await public.post(shown, ANNA, INCIDENT, "resolved", "It is over.")
    await public.tell_news(shown)
    assert await send(shown) == 0


async def test_asking_says_nothing_about_who_is_known_and_floods_nobody(
    shown: App, visitor: httpx.AsyncClient, clock: StandingClock
) -> None:
    config = replace(shown.estate.statuspage, mail=Secret("mailto://127.0.0.1:1?from=a@b.example", "STATUS_MAIL"))  # type: ignore[type-var]
    shown.estate = replace(shown.estate, statuspage=config)
    first = await visitor.post("/status/subscribe", data={"address": "carla@mail.test"})
    second = await visitor.post("/status/subscribe", data={"address": "CARLA@mail.test"})
    assert first.text == second.text
    waiting = select(outbox.c.id).where(outbox.c.kind == "confirm")
    assert len(shown.database.read_now(lambda c: c.execute(waiting).all())) == 1
    for number in range(public.MOST_UNCONFIRMED - 1):
        await public.subscribe_by_mail(shown, f"victim{number}@mail.test")
    assert (await visitor.post("/status/subscribe", data={"address": "one-more@mail.test"})).status_code == 409
    clock.at += timedelta(hours=1, seconds=1)
    assert (await visitor.post("/status/subscribe", data={"address": "one-more@mail.test"})).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "",
        "carla",
        "carla@localhost",
        "a@b.example?to=c@d.example",
        "a@b.example,c@d.example",
        "x y@b.example",
        "a@b.example\nBcc: c",
    ],
)
async def test_what_is_no_address_is_not_written_to(shown: App, visitor: httpx.AsyncClient, address: str) -> None:
    config = replace(shown.estate.statuspage, mail=Secret("mailto://127.0.0.1:1?from=a@b.example", "STATUS_MAIL"))  # type: ignore[type-var]
    shown.estate = replace(shown.estate, statuspage=config)
    assert (await visitor.post("/status/subscribe", data={"address": address})).status_code == 400
    assert shown.database.read_now(lambda c: ledger.read_subscribers(c, confirmed=False)) == []


async def test_another_site_cannot_have_somebody_subscribed(shown: App, visitor: httpx.AsyncClient) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert (await visitor.post("/status/subscribe", data={"address": "a@b.example"}, headers=headers)).status_code == 403


async def test_each_piece_of_news_is_told_once_whoever_tells_it(shown: App, clock: StandingClock) -> None:
    for number in range(3):
        await public.subscribe_endpoint(shown, OWNER, f"https://example.com/hook/{number}")
    clock.at += timedelta(seconds=5)
    await public.post(shown, ANNA, INCIDENT, "identified", "A disk is full.")
    for _ in range(3):
        await public.tell_news(shown)
    mine = select(outbox.c.person).where(outbox.c.kind == "public")
    assert len(shown.database.read_now(lambda c: c.execute(mine).all())) == 3


async def test_news_of_yesterday_are_not_told(shown: App, clock: StandingClock) -> None:
    await public.subscribe_endpoint(shown, OWNER, "https://example.com/hook")
    old = Post(INCIDENT, NOW + timedelta(seconds=1), "identified", "Long ago.", "anna")
    shown.database.write_now(lambda c: ledger.add_post(c, old))
    clock.at = NOW + timedelta(hours=25)
    assert await public.tell_news(shown) == 0


async def test_its_files_stand_on_any_web_host(shown: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchkeeper.actions.views.public import public_page
    from watchkeeper.web import feeds
    from watchkeeper.web.public import render

    page = await public_page(shown)
    made = render(page, alone=True)
    html5lib.HTMLParser(strict=True).parse(made)
    assert 'href="feed.atom"' in made
    assert "<form" not in made
    assert json.loads(json.dumps(feeds.summary(page)))["page"]["url"] == "https://status.shop.example/status"


async def test_a_busy_day_costs_the_database_little(
    shown: App, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    original = Database.read

    async def counted(self: Database, work: Any) -> Any:
        nonlocal reads
        reads += 1
        return await original(self, work)

    monkeypatch.setattr(Database, "read", counted)  # not of the one at hand: on PostgreSQL other tests share it
    for _ in range(50):
        await visitor.get("/status")
        await visitor.get("/api/v2/summary.json")
    assert reads == 1
