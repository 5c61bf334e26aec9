"""`incidents_list_ms`, `incident_page_ms`, `incidents_search_ms`: the console over 10,000 incidents and a million lines.

Each incident has three alerts and a run that changed something; the newest lie close together, so that each is suspected by the
next. The store is filled directly, the pages are asked for through the site in this process, so that the network is no part of
it; each figure is the 95th percentile. SQLite here; `WATCHKEEPER_BENCH_DATABASE_URL` names an empty PostgreSQL to measure that
instead.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from row import Row, say
from sqlalchemy import Connection, insert, text

from watchkeeper.alert.ledger import alerts
from watchkeeper.alert.model import Alert
from watchkeeper.app import App
from watchkeeper.base.clock import SystemClock
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.reader import read_source
from watchkeeper.estate.model import Bindings, Estate
from watchkeeper.incident.ledger import incidents, timeline
from watchkeeper.run.fold import outcome_to_json
from watchkeeper.run.ledger import append_event, create_run, write_intent, write_outcome
from watchkeeper.run.model import Outcome
from watchkeeper.run.plan import plan
from watchkeeper.settings import load_settings
from watchkeeper.store.database import open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.web.site import create_site, printed_address

INCIDENTS, LINES, ALERTS = 10_000, 100, 3
ROUNDS = 40
PAGE_MS, SEARCH_MS = 50.0, 200.0
WORDS = ("checkout", "database", "replica", "queue", "certificate", "search", "payment", "worker", "cache", "disk")
PORT = 8765
RUNBOOK = """# Shop

## Escalation

1. On-call engineer (immediately)

## The shop is down

Common causes:
- The last deployment brought a fault
- The database is down

1. Restart it:

```bash
systemctl restart shop
```
"""


def measure(folder: Path) -> list[Row]:
    """Fill the store, then ask for each page again and again."""
    url = os.environ.get("WATCHKEEPER_BENCH_DATABASE_URL", "")
    database = open_database(url, folder)
    migrate(database)
    started = time.perf_counter()
    for begin in range(0, INCIDENTS, 500):
        database.write_now(lambda c, begin=begin: _fill(c, begin, min(begin + 500, INCIDENTS)))
        say(f"{begin + 500:,} incidents")
    if url:
        database.write_now(lambda c: c.execute(text("ANALYZE")))
    say(f"filled in {time.perf_counter() - started:.0f} s")
    app = App(
        settings=load_settings({}), clock=SystemClock(), state=folder, database=database,
        estate=Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md"), book=read_source("runbook.md", RUNBOOK),
        bindings=Bindings(), scrubber=Scrubber(), owner="bench",
    )  # fmt: skip
    found = asyncio.run(_ask(app))
    kind = "PostgreSQL" if url else "SQLite"
    database.close()
    return [
        Row(f"{name}_ms", value, "ms", f"≤ {limit:g} p95", value <= limit, f"{kind}, {INCIDENTS:,} incidents")
        for name, value, limit in (
            ("incidents_list", found["list"], PAGE_MS),
            ("incident_page", found["page"], PAGE_MS),
            ("incidents_search", found["search"], SEARCH_MS),
        )
    ]


async def _ask(app: App) -> dict[str, float]:
    transport = httpx.ASGITransport(create_site(app, [], "127.0.0.1"))
    base = f"http://127.0.0.1:{PORT}"
    async with httpx.AsyncClient(transport=transport, base_url=base, follow_redirects=True, timeout=60) as browser:
        await browser.get(printed_address(app, "127.0.0.1", PORT).removeprefix(base))
        paths = {
            "list": ["/incidents", f"/incidents?before={_id(5000)}"],
            "page": [f"/incidents/{_id(number)}" for number in (9_999, 5_000, 17)],
            "search": ["/incidents?q=payment", "/incidents?q=line+37+of+incident+4321", "/incidents?q=nothingofthesort"],
        }
        return {name: await _p95(browser, which) for name, which in paths.items()}


async def _p95(browser: httpx.AsyncClient, paths: list[str]) -> float:
    took = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        answer = await browser.get(paths[number % len(paths)])
        took.append(1000 * (time.perf_counter() - started))
        assert answer.status_code == 200, (paths[number % len(paths)], answer.status_code)
    return sorted(took)[int(0.95 * len(took)) - 1]


def _id(number: int) -> str:
    return f"inc-{number:010}-aaaaaa"


def _began_at(number: int) -> datetime:
    """Spread the incidents over 400 days, but let the last 200 fall on one."""
    now = datetime.now(UTC)
    left = INCIDENTS - number
    return now - timedelta(minutes=7 * left) if left <= 200 else now - timedelta(days=1, minutes=57 * left)


def _fill(connection: Connection, begin: int, end: int) -> None:
    book = read_source("runbook.md", RUNBOOK)
    planned = plan(book, book.procedures[-1])
    changing = next(act for act in planned.acts if act.mutating)
    outcome = Outcome("ok", 0)
    made, lines, fired = [], [], []
    for number in range(begin, end):
        at = _began_at(number)
        word = WORDS[number % len(WORDS)]
        over = number < INCIDENTS - 20
        made.append(
            {
                "id": _id(number), "service": "shop", "title": f"The {word} is down ({number})", "severity": f"P{number % 4}",
                "status": "resolved" if over else "open", "cause": word, "began_at": at, "opened_at": at,
                "acknowledged_at": at if over else None, "acknowledged_by": "anna" if over else None,
                "recovered_at": at + timedelta(minutes=9) if over else None,
                "resolved_at": at + timedelta(minutes=10) if over else None,
                "procedure_id": planned.procedure_id, "because": f"“The {word} is down” speaks of {word}.", "book": "d" * 64,
            }
        )  # fmt: skip
        lines += [
            {
                "incident_id": _id(number), "seq": line + 1, "at": at + timedelta(seconds=5 * line), "kind": "note",
                "actor": "automation", "sentence": f"This is line {line} of incident {number}: the {word} was looked at again.",
                "body": {},
            }
            for line in range(LINES)
        ]  # fmt: skip
        run_id, ended_at = f"run-{number:010}-aaaaaa", at + timedelta(minutes=8)
        create_run(connection, run_id, at, planned, actor="automation", target="local", incident_id=_id(number), component=word)
        append_event(connection, run_id, at, "started")
        write_intent(connection, run_id, changing.key, 1, "bench", "boot", "d" * 64, changing.risk, at)
        write_outcome(connection, run_id, changing.key, 1, outcome, ended_at)
        append_event(connection, run_id, at, "intent", act=changing.key, body={"attempt": 1})
        append_event(connection, run_id, ended_at, "outcome", act=changing.key, body={"outcome": outcome_to_json(outcome)})
        append_event(connection, run_id, ended_at, "ended", body={"state": "succeeded", "sentence": "It was carried out."})
        alert = Alert("", "", "The shop is down", word, "critical", at, at, ended_at, 1.0, "It does not answer.", _id(number))
        fired += [
            asdict(replace(alert, id=f"alt-{number:010}-{each}", key=f"rule-{each}", ended_at=ended_at if over else None))
            for each in range(ALERTS)
        ]
    connection.execute(insert(incidents), made)
    connection.execute(insert(alerts), fired)
    connection.execute(insert(timeline), lines)
