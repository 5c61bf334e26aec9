"""A shop with a small runbook, an incident and a run, behind a console that nobody serves."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import async_playwright
from sqlalchemy import Connection, insert
from tests.web.browsing import CHROMIUM, FLAGS, Console

from watchkeeper.alert.ledger import alerts
from watchkeeper.api.incidents import router as incident_routes
from watchkeeper.api.metrics import router as metrics
from watchkeeper.api.oncall import router as on_call
from watchkeeper.api.routes import router as api
from watchkeeper.app import App
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import (
    Book,
    Command,
    Condition,
    Contact,
    Escalation,
    Expectation,
    Finding,
    Procedure,
    Severity,
    Step,
    Template,
    Threshold,
    Unread,
)
from watchkeeper.estate.ledger import remember_book
from watchkeeper.estate.model import Bindings, Bound, Estate, Policy, SignalConfig, Unbound
from watchkeeper.incident.ledger import add_entry, incidents
from watchkeeper.learn.ledger import reviews
from watchkeeper.run.ledger import append_event, create_run
from watchkeeper.run.plan import plan
from watchkeeper.settings import load_settings
from watchkeeper.store import ledger
from watchkeeper.store.database import Database
from watchkeeper.tell.ledger import outbox
from watchkeeper.watch.ledger import standings, write_samples
from watchkeeper.watch.model import Sample
from watchkeeper.web.site import create_site, printed_address

NOW = datetime(2026, 11, 22, 3, 12, 5, tzinfo=UTC)
PORT = 8421
HERE = f"http://127.0.0.1:{PORT}"
INCIDENT, RUN = "inc-01k9x3h8v2-7dq4mz", "run-01k9x3hb0c-2m5r8t"
HOSTILE = '<script>alert("x")</script> & "friends"'

SOURCE = """\
# The shop

Anna is on call; Ben leads. <script>alert("from the runbook")</script>

## Severities

| Severity | Meaning | Response |
| --- | --- | --- |
| Critical | customers cannot buy | 15 minutes |
| High | some cannot | 1 hour |

## Escalation

1. On-call engineer at once
2. Team lead after 15 minutes

## Alerts

- Error rate > 5% for 2 minutes (Critical)
- Web application is down (Critical)
- Queue length > 500 (High)
- Disk usage > 85% (High)

## Web application is down

The shop does not answer.

1. Look at the process:

   ```bash
   supervisorctl status web
   tail -n 50 logs/web.log
   ```

2. If the process is stopped, start it:

   ```bash
   supervisorctl restart web
   ```

3. If the database is full, drop what is old:

   ```bash
   psql -c "DELETE FROM carts WHERE created < now() - interval '90 days'"
   ```

4. Check that it answers:

   ```bash
   curl -fsS http://127.0.0.1/health
   ```

[a link](javascript:alert(1)) ![a picture](https://elsewhere.example/pixel.png)

Make sure the flux capacitor is aligned.

> Resolved: {{service}} is well again since {{time}}.
"""


class StandingClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def line(words: str) -> int:
    return next(n for n, text in enumerate(SOURCE.splitlines(), 1) if words in text)


def _command(words: str, risk: str, because: str, **more: object) -> Command:
    text = SOURCE.splitlines()[line(words) - 1].strip()
    return Command(line=line(words), text=text, risk=risk, because=because, tools=(text.split()[0],), **more)  # type: ignore[arg-type]


def make_book() -> Book:
    critical, high = ({"role": "alert", "severity": severity} for severity in ("Critical", "High"))
    look = _command("supervisorctl status", "read", "supervisorctl status only looks.")
    stopped = Expectation(kind="shows", any_of=("STOPPED", "EXITED"), text="shows STOPPED or EXITED", line=line("If the process"))
    steps = (
        Step(n=1, line=line("Look at the process"), text="Look at the process", phase="diagnose",
             commands=(look, _command("tail -n", "read", "tail only reads a file."))),
        Step(n=2, line=line("If the process"), text="start it", phase="act", when="the process is stopped",
             condition=Condition(line=line("If the process"), text="the process is stopped", command=look, test=stopped),
             commands=(_command("supervisorctl restart", "change", "supervisorctl restart stops and starts a process."),)),
        Step(n=3, line=line("If the database"), text="drop what is old", phase="act", when="the database is full",
             condition=Condition(line=line("If the database"), text="the database is full"),
             commands=(_command("DELETE FROM", "destroy", "DELETE removes rows for good."),)),
        Step(n=4, line=line("Check that it"), text="Check that it answers", phase="verify",
             commands=(_command("curl -fsS", "read", "curl without a method only reads."),)),
    )  # fmt: skip
    return Book(
        title="The shop",
        service="shop",
        digest="4b1f" * 16,
        severities=(
            Severity(line=line("| Critical"), code="Critical", criteria=("customers cannot buy",), respond_within_s=900),
            Severity(line=line("| High"), code="High", respond_within_s=3600),
        ),
        escalation=(
            Escalation(line=line("1. On-call"), level=1, role="On-call engineer", after_s=0),
            Escalation(line=line("2. Team lead"), level=2, role="Team lead", after_s=900),
        ),
        contacts=(Contact(line=line("Anna is"), role="On-call engineer", email="anna@shop.example"),),
        thresholds=(
            Threshold(line=line("Error rate"), subject="Error rate", op=">", value=5.0, unit="percent", for_s=120, **critical),  # type: ignore[arg-type]
            Threshold(line=line("- Web app"), subject="Web application", op="is", state="down", **critical),  # type: ignore[arg-type]
            Threshold(line=line("Queue length"), subject="Queue length", op=">", value=500.0, unit="count", **high),  # type: ignore[arg-type]
            Threshold(line=line("Disk usage"), subject="Disk usage", op=">", value=85.0, unit="percent", **high),  # type: ignore[arg-type]
        ),
        procedures=(
            Procedure(
                id="web-application-is-down", title="Web application is down", line=line("## Web application"), end_line=65,
                kind="emergency", symptoms=("The shop does not answer.",), steps=steps,
            ),
        ),
        templates=(Template(line=line("> Resolved"), name="resolution", body="Resolved", placeholders=("{{service}}",)),),
        findings=(
            Finding(line=line("DELETE FROM"), rule="no-limit", class_="danger", severity="warning", end_line=line("DELETE FROM"),
                    message="It deletes without a limit and locks the table for as long as it takes."),
        ),
        unread=(Unread(line=line("flux"), text="Make sure the flux capacitor is aligned.", why="No check is given for it."),),
    )  # fmt: skip


def make_bindings(book: Book) -> Bindings:
    error, down, queue, disk = book.thresholds
    return Bindings(
        bound=(
            Bound("error-rate", error, "web", "error_rate", "Web application", "The words are the same."),
            Bound("web-down", down, "web", "up", "Web application", "The words are the same."),
            Bound("queue-length", queue, "queue", "length", "Workers", "The words are the same."),
        ),
        unbound=(Unbound("disk-usage", disk, "No signal gives a disk usage: bind one in watchkeeper.toml."),),
    )


def fill(connection: Connection, app: App) -> None:
    """Write an hour of samples, an incident in the middle and a run that asks."""
    remember_book(connection, NOW - timedelta(hours=2), app.book.digest, "shop", "/srv/shop/runbook.md", SOURCE)
    broken_at = NOW - timedelta(seconds=95)
    seen: list[Sample] = []
    for ago in (*range(3600, 120, -120), *range(120, -1, -15)):
        at, broken = NOW - timedelta(seconds=ago), ago <= 95
        wave = abs((ago // 120) % 10 - 5) / 5
        values = {"up": 0.0 if broken else 1.0, "error_rate": 34.0 if broken else 0.4 + wave * 0.8}
        detail = "connection refused" if broken else "200 OK"
        seen.append(Sample("web", at, 0.012, values, detail=detail))
        problem = "The broker does not answer: timed out after 5 s." if ago <= 30 else None
        readings = {} if problem else {"length": 40 + wave * 120}
        seen.append(Sample("queue", at, 0.004, readings, problem))
    write_samples(connection, seen)
    for key, signal, state, since, value, sentence in (
        ("error-rate", "web", "pending", broken_at, 34.0, "34 % is above 5 %, for 1 min 35 s of the 2 min it must hold."),
        ("web-down", "web", "firing", broken_at, 0.0, "It has not answered for 1 min 35 s: connection refused."),
        ("queue-length", "queue", "blind", NOW - timedelta(seconds=30), None, "The broker does not answer: timed out after 5 s."),
    ):
        row = {"key": key, "signal": signal, "state": state, "since": since, "breached_since": since, "value": value}
        connection.execute(insert(standings).values(**row, at=NOW, sentence=sentence))
    _incident(connection, app, broken_at)
    _run(connection, app, broken_at + timedelta(seconds=14))


def _incident(connection: Connection, app: App, began: datetime) -> None:
    opened = began + timedelta(seconds=12)
    common = {"service": "shop", "severity": "Critical", "book": app.book.digest}
    connection.execute(insert(incidents).values(
        id=INCIDENT, title="Web application is down", status="open", cause="Web application", began_at=began, opened_at=opened,
        procedure_id="web-application-is-down",
        because="“Web application is down” is chosen because its title names the threshold that fires.", **common,
    ))  # fmt: skip
    past = NOW - timedelta(days=1, hours=3)
    connection.execute(insert(incidents).values(
        id="inc-01k9w0000a-past01", title=f"Past {HOSTILE}", status="resolved", cause="Workers", began_at=past, because="",
        opened_at=past + timedelta(seconds=11), acknowledged_at=past + timedelta(seconds=40), acknowledged_by="ben",
        recovered_at=past + timedelta(minutes=3), resolved_at=past + timedelta(minutes=4), **common,
    ))  # fmt: skip
    markdown = f"# Review: workers were dead\n\n{HOSTILE}\n\n| Promise | Measured |\n| --- | --- |\n| RTO 15 min | 4 min |\n"
    measures = {"detection_s": 11.0, "recovery_s": 180.0}
    about = {"incident_id": "inc-01k9w0000a-past01", "at": past, "path": "r.md"}
    connection.execute(insert(reviews).values(**about, markdown=markdown, measures=measures))
    alert = {"key": "web-down", "subject": "Web application", "component": "Web application", "severity": "Critical"}
    connection.execute(insert(alerts).values(
        id="alr-1", breached_at=began, fired_at=opened, value=0.0, sentence="It does not answer: connection refused.",
        incident_id=INCIDENT, **alert,
    ))  # fmt: skip
    for seconds, kind, actor, sentence, body in (
        (12, "alert", "automation", "Web application is down: connection refused.", {}),
        (12, "opened", "automation", "Opened as Critical: the book calls Web application Critical.", {}),
        (13, "told", "automation", "Anna was told by json.", {}),
        (14, "run", "automation", "Started “Web application is down”: its title names the threshold.", {"run_id": RUN}),
        (31, "note", "anna", HOSTILE, {}),
    ):
        add_entry(connection, INCIDENT, began + timedelta(seconds=seconds), kind, actor, sentence, body)
    connection.execute(insert(outbox).values(
        id=f"{INCIDENT}/initial/1/anna", incident_id=INCIDENT, person="anna", kind="initial",
        subject="Critical: Web application is down",
        body="The shop does not answer since 03:10. Watchkeeper carries out “Web application is down”.", state="sent", tries=1,
        at=opened, next_at=opened, sent_at=opened + timedelta(seconds=1), channel="json",
    ))  # fmt: skip


def _run(connection: Connection, app: App, began: datetime) -> None:
    made = plan(app.book, app.book.procedures[0])
    about = {"incident_id": INCIDENT, "component": "Web application", "severity": "Critical"}
    create_run(connection, RUN, began, made, actor="automation", target="local", **about)
    append_event(connection, RUN, began, "started", "automation", body={"sentence": "Its title names the threshold that fires."})
    at = began
    for act in made.acts:
        at += timedelta(seconds=1)
        if act.phase == "verify":
            return
        if act.kind == "command" and act.risk == "destroy":
            why = "It can destroy something, so a named person decides."
            asked = {"question": "approve", "sentence": why, "digests": {act.key: "d"}}
            append_event(connection, RUN, at, "asked", "automation", act.key, asked)
            return
        append_event(connection, RUN, at, "intent", "automation", act.key, {"attempt": 1})
        outcome = {
            "result": "ok", "exit_status": 0, "started_at": at.isoformat(),
            "ended_at": (at + timedelta(milliseconds=420)).isoformat(),
            "output": f"web                              STOPPED   Nov 22 03:10 AM\n{HOSTILE}\n" if act.kind == "command" else "",
            "sentence": "It ended with 0." if act.kind == "command" else "The output shows STOPPED.",
            "holds": True if act.kind == "condition" else None,
        }  # fmt: skip
        append_event(connection, RUN, at + timedelta(milliseconds=420), "outcome", "automation", act.key, {"outcome": outcome})


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def app(database: Database, tmp_path: Path, clock: StandingClock) -> App:
    return make_app(database, tmp_path, clock)


def make_app(database: Database, folder: Path, clock: StandingClock) -> App:
    book = make_book()
    signals = {
        "web": SignalConfig("web", "http", 3, "Web application", 15.0, shown={"url": "http://127.0.0.1:$SHOP_PORT/health"}),
        "queue": SignalConfig("queue", "redis", 9, "Workers", 15.0, shown={"url": "redis://127.0.0.1:$REDIS_PORT/0"}),
    }
    estate = Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", signals=signals, policy=Policy(mode="act"))
    made = App(
        settings=load_settings({}),
        clock=clock,
        state=folder,
        database=database,
        estate=estate,
        book=book,
        bindings=make_bindings(book),
        scrubber=Scrubber(),
        owner="test",
    )
    database.write_now(lambda connection: fill(connection, made))
    database.write_now(lambda connection: ledger.append(connection, NOW, "anna", "acknowledge", INCIDENT, why=HOSTILE))
    return made


_sites: list[FastAPI] = []


def site_of(app: App) -> FastAPI:
    """Give the one site of the suite with this test's app behind it: making its routes takes longer than a test."""
    if not _sites:
        _sites.append(
            create_site(app, [api, incident_routes, on_call, metrics], "watch.lan", public="https://watch.shop.example")
        )
    _sites[0].state.watchkeeper = app
    return _sites[0]


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody whose browser found the console and who has not signed in."""
    transport = httpx.ASGITransport(site_of(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client


@pytest.fixture
async def anna(app: App, visitor: httpx.AsyncClient) -> httpx.AsyncClient:
    """Anna, who opened the printed address."""
    answer = await visitor.get(printed_address(app, "127.0.0.1", PORT, "anna").removeprefix(HERE))
    assert answer.status_code == 303
    return visitor


async def csrf_of(client: httpx.AsyncClient) -> str:
    text = (await client.get("/")).text
    return text.split('name="csrf" value="', 1)[1].split('"', 1)[0]


@pytest.fixture
async def csrf(anna: httpx.AsyncClient) -> str:
    return await csrf_of(anna)


@pytest.fixture
def caller(app: App) -> Callable[[str], httpx.AsyncClient]:
    """Give a maker of browsers at other addresses."""

    def make(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(site_of(app), raise_app_exceptions=False, client=(address, 4321))
        return httpx.AsyncClient(transport=transport, base_url=HERE)

    return make


@pytest.fixture
async def console(app: App) -> AsyncIterator[Console]:
    if CHROMIUM is None:
        missing = pytest.fail if os.environ.get("WATCHKEEPER_TEST_EVERYTHING") == "1" else pytest.skip
        missing("missing here: chromium")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        create_site(app, [api, incident_routes, on_call]), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        made = Console(await browser.new_page(), f"http://127.0.0.1:{port}", server)
        made.page.on("console", lambda m: made.complaints.append(m.text) if m.type == "error" else None)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        await made.page.goto(printed_address(app, "127.0.0.1", port, "anna"))
        yield made
        await browser.close()
    server.should_exit = True
    await serving
    listener.close()
