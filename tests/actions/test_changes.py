"""What was changed outside of incidents: told, read from a real git repository, seen at our own files, done by our runs."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from watchkeeper.actions import changes
from watchkeeper.actions.releases import FeedError, read_releases
from watchkeeper.app import App
from watchkeeper.base.errors import ConfigError, InputError
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Bindings, ChangeSource, Estate, ReleaseFeed
from watchkeeper.incident import changes as rows
from watchkeeper.incident.model import ChangeEvent, Incident
from watchkeeper.people.identity import Actor
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.testing import FakeClock

BOT = Actor("deploy-bot", ("responder",), "token")


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    config = tmp_path / "watchkeeper.toml"
    config.write_text("one")
    estate = Estate(config, "shop", tmp_path / "runbook.md")
    return App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop", digest="one"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip


def git(folder: Path, *words: str, at: datetime | None = None) -> None:
    who = {"GIT_AUTHOR_NAME": "Ana\x1b[31m", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "Ana", "GIT_COMMITTER_EMAIL": "a@b"}
    when = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()} if at else {}
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, env={"PATH": "/usr/bin:/bin", **who, **when})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def suspects(app: App, began_at: datetime, *components: str) -> list[ChangeEvent]:
    incident = Incident("inc-1", "shop", "Shop is down", "P1", "open", None, began_at, began_at)
    return app.database.read_now(lambda c: changes.suspects_of(c, app, incident, components))


async def test_a_program_tells_of_a_deployment_once(app: App) -> None:
    for _ in range(2):
        await changes.note_change(app, BOT, "Released  2.4.1", component="Shop", link="https://ci.example/7", key="build-7")
    [event] = await changes.list_changes(app, timedelta(hours=1))
    assert (event.sentence, event.kind, event.actor, event.link) == (
        "Released 2.4.1",
        "deployment",
        "deploy-bot",
        "https://ci.example/7",
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sentence": " "}, "needs to be said in words"),
        ({"sentence": "x", "link": "javascript:alert(1)"}, "no address of a page"),
        ({"sentence": "x", "at": datetime.fromisoformat("2100-01-01T00:00:00+00:00")}, "cannot lie in the future"),
    ],
)
async def test_what_cannot_be_kept_is_refused(app: App, more: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        await changes.note_change(app, BOT, **more)  # type: ignore[arg-type]


async def test_commits_are_suspects_of_what_breaks_within_a_day(app: App, repository: Path) -> None:
    now = app.clock.now()
    for number, age in enumerate((timedelta(hours=30), timedelta(hours=3), timedelta(minutes=5))):
        git(repository, "commit", "-q", "--allow-empty", "-m", f"Change {number}\n\nbody", at=now - age)
    source = ChangeSource("shop", 1, repository, "main", "Shop")
    app.estate = replace(app.estate, changes={"shop": source})
    watch = changes.ChangeWatch(app)
    assert await watch.look() == 4  # two commits of the day, and the first sight of our own files
    assert await watch.look() == 0
    assert [event.sentence[:14] for event in suspects(app, now)] == ["shop: Change 2", "shop: Change 1"]
    assert suspects(app, now + timedelta(hours=48)) == []


async def test_our_own_files_count_from_the_second_time_on(app: App) -> None:
    watch = changes.ChangeWatch(app)
    await watch.look()
    assert suspects(app, app.clock.now()) == []
    app.book = replace(app.book, digest="two")
    app.estate.path.write_text("two")
    await watch.look()
    assert sorted(event.kind for event in suspects(app, app.clock.now())) == ["configuration", "runbook"]


async def test_what_cannot_be_read_is_said_and_holds_nothing_up(app: App, repository: Path, tmp_path: Path) -> None:
    gone = ChangeSource("gone", 1, tmp_path / "nowhere")
    git(repository, "commit", "-q", "--allow-empty", "-m", "First", at=app.clock.now())
    app.estate = replace(app.estate, changes={"gone": gone, "shop": ChangeSource("shop", 2, repository)})
    assert await changes.ChangeWatch(app).look() == 3


async def test_a_repository_runs_nothing_of_its_own(app: App, repository: Path, tmp_path: Path) -> None:
    git(repository, "commit", "-q", "--allow-empty", "-m", "First", at=app.clock.now())
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for name in ("gpg.program", "core.fsmonitor", "core.pager", "pager.log", "diff.external"):
        git(repository, "config", name, str(trap))
    git(repository, "config", "log.showSignature", "true")
    assert len(changes.read_commits(ChangeSource("shop", 1, repository), app.clock.now() - timedelta(hours=1))) == 1
    assert not (tmp_path / "sprung").exists()


def test_changes_of_the_incidents_own_components_come_first() -> None:
    began = datetime.fromisoformat("2026-06-01T12:00:00+00:00")
    known = [
        ChangeEvent("a", began - timedelta(minutes=1), "deployment", "Mailer 3", component="Mailer"),
        ChangeEvent("b", began - timedelta(hours=2), "deployment", "Shop 2", component="Shop"),
        ChangeEvent("c", began + timedelta(minutes=1), "deployment", "The repair", component="Shop"),
        ChangeEvent("d", began - timedelta(hours=25), "deployment", "Long ago", component="Shop"),
    ]
    assert [event.id for event in rows.suspects(known, began, ["Shop"])] == ["b", "a"]


def test_repositories_are_read_from_the_file(tmp_path: Path) -> None:
    path, service = tmp_path / "watchkeeper.toml", '[service]\nname = "shop"\nrunbook = "r.md"\n'
    path.write_text(f'{service}[changes.shop]\nrepository = "../shop"\nbranch = "origin/main"\n')
    source = load_estate(path, {}).changes["shop"]
    assert isinstance(source, ChangeSource)
    assert (source.repository, source.branch) == ((tmp_path / "../shop").resolve(), "origin/main")
    path.write_text(f'{service}[changes.shop]\nrepository = "."\nbranch = "--output=/etc/passwd"\n')
    with pytest.raises(ConfigError, match="is no branch"):
        load_estate(path, {})


async def test_a_subject_with_other_ends_of_lines_is_one_commit(app: App, repository: Path) -> None:
    git(repository, "commit", "-q", "--allow-empty", "-m", "Odd\u2028subject\x1f of\x0b a\x1c commit", at=app.clock.now())
    git(repository, "commit", "-q", "--allow-empty", "-m", "Next", at=app.clock.now())
    found = changes.read_commits(ChangeSource("shop", 1, repository), app.clock.now() - timedelta(hours=1))
    assert sorted(event.sentence.rsplit(" (", 1)[0] for event in found) == ["shop: Next", "shop: Odd subject of a commit"]


async def test_our_own_file_that_cannot_be_read_for_once_is_no_change(app: App) -> None:
    watch = changes.ChangeWatch(app)
    await watch.look()
    app.estate.path.rename(app.estate.path.with_suffix(".away"))
    assert await watch.look() == 0
    app.estate.path.with_suffix(".away").rename(app.estate.path)
    assert await watch.look() == 0


async def test_looking_where_nothing_is_new_writes_nothing(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = changes.ChangeWatch(app)
    await watch.look()

    async def refuse(*_: object) -> None:
        raise AssertionError("something was written")

    monkeypatch.setattr(type(app.database), "write", refuse)
    assert await watch.look() == 0


class Store(ThreadingHTTPServer):
    """A real server on loopback that answers as it is told, and counts."""

    status, body, asked = 200, b"", 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/lookup?bundleId=com.example.shop"


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Store)
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/javascript; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def looked_up(version: str, at: datetime) -> bytes:
    """Give an answer in the shape of the App Store's public look-up."""
    page = "https://apps.example/app/id1?uo=4"
    found = {"kind": "software", "bundleId": "com.example.shop", "trackName": "Shop", "trackViewUrl": page, "version": version,
             "currentVersionReleaseDate": f"{at:%Y-%m-%dT%H:%M:%SZ}", "minimumOsVersion": "15.0"}  # fmt: skip
    return json.dumps({"resultCount": 1, "results": [found]}).encode()


async def test_a_release_in_a_store_is_a_suspect_and_the_store_is_asked_seldom(app: App, store: Store) -> None:
    now = app.clock.now()
    app.estate = replace(app.estate, changes={"ios": ReleaseFeed("ios", 1, store.address, "iOS app")})
    watch = changes.ChangeWatch(app)
    store.body = looked_up("4.1", now - timedelta(days=80))
    await watch.look()
    assert suspects(app, now, "iOS app") == [], "it was given out long before"
    store.body = looked_up("4.2", now - timedelta(minutes=5))
    await watch.look()
    assert store.asked == 1
    app.clock.move(1801.0)  # type: ignore[attr-defined]
    for _ in range(3):
        await watch.look()
    assert store.asked == 2
    [found] = suspects(app, app.clock.now(), "iOS app")
    assert (found.kind, found.sentence, found.at) == ("release", "ios: 4.2 was released.", now - timedelta(minutes=5))
    assert (found.component, found.link) == ("iOS app", "https://apps.example/app/id1?uo=4")


@pytest.mark.parametrize(("status", "body"), [(503, b""), (200, b"<html>"), (200, b"{}"), (200, b"x" * 1_000_001)])
async def test_a_feed_that_cannot_be_read_is_said_and_holds_nothing_up(
    app: App, store: Store, status: int, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store.status, store.body = status, body
    app.estate = replace(app.estate, changes={"ios": ReleaseFeed("ios", 1, store.address)})
    assert await changes.ChangeWatch(app).look() == 2  # the runbook and the file, seen for the first time
    assert "The releases of ios cannot be read: " in caplog.text


def test_any_json_is_read_by_pointers_and_atom_as_it_is() -> None:
    own = ReleaseFeed("android", 1, "https://ci.example", None, "/data/releases", "/name", "/when/at", "/page")
    body = {"data": {"releases": [
        {"name": "7.0", "when": {"at": "2026-06-01T12:00:00+02:00"}, "page": "javascript:alert(1)"},
        {"name": "6.9", "when": {"at": "soon"}}, {"name": {}, "when": {"at": "2026-06-01"}}, None,
    ]}}  # fmt: skip
    [found] = read_releases(own, json.dumps(body).encode())
    assert (found.id, found.at.hour, found.link) == ("release/android/7.0", 10, "")
    entry = "<entry><title>v7.0</title><updated>2026-06-02T10:00:00Z</updated><published>2026-06-01T10:00:00Z</published>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}<link href="https://ci.example/7"/></entry><entry/></feed>'
    [found] = read_releases(own, feed.encode())
    assert (found.id, found.at.day, found.link) == ("release/android/v7.0", 1, "https://ci.example/7")
    with pytest.raises(FeedError, match="definitions"):
        read_releases(own, f'<!DOCTYPE feed [<!ENTITY a "b">]>{feed}'.encode())


def test_feeds_are_read_from_the_file(tmp_path: Path) -> None:
    path, service = tmp_path / "watchkeeper.toml", '[service]\nname = "shop"\nrunbook = "r.md"\n'
    path.write_text(f'{service}[changes.ios]\nfeed = "https://store.example/lookup?id=1"\ncomponent = "App"\nevery = "2h"\n')
    feed = load_estate(path, {}).changes["ios"]
    assert isinstance(feed, ReleaseFeed)
    assert (feed.component, feed.every_s, feed.version) == ("App", 7200.0, "/version")
    for wrong, said in (('feed = "ftp://x"', "is no address"), ('feed = "https://x"\nversion = "version"', "is no JSON pointer"),
                        ('feed = "https://x"\nbranch = "main"', "branch")):  # fmt: skip
        path.write_text(f"{service}[changes.ios]\n{wrong}\n")
        with pytest.raises(ConfigError, match=said):
            load_estate(path, {})
