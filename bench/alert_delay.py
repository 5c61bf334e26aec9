"""`alert_delay_p95_ms`: from the end of the look that decides until the alert's row is committed.

The real loop runs with its watcher, grouping, incidents and notices on SQLite, and a hundred other signals are looked at each
second. Beside it Debian's Prometheus, blackbox_exporter and Alertmanager, tuned to one second, watch the same parts at the same
time by the same rule: one bad look is an alert. Theirs counts from the timestamp of the scrape that decides to the webhook.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import peers
from breaking_server import breaking
from row import Row, percentile, say
from sqlalchemy import Connection, select

from watchkeeper.alert.ledger import alerts
from watchkeeper.app import App, interpreter_of
from watchkeeper.base.clock import SystemClock
from watchkeeper.base.secrets import Scrubber
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Estate, Person, Policy, SignalConfig
from watchkeeper.loop import Loop
from watchkeeper.plugins.http.probe import HttpProbe
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.testing import DirectEngine, RecordingNotifier, book_from
from watchkeeper.watch.ledger import samples
from watchkeeper.watch.probe import Look

ALERTS = 40
OTHERS = 100
#: a part is whole again when so many others have broken, which is long enough for either side
BROKEN_AT_ONCE = 6
EVERY_S = 1.0
LIMIT_MS = 50.0
HEAD = """# Shop runbook

## Severities

| Severity | Criteria | Response time |
|----------|----------|---------------|
| SEV1 | Customers are affected | 5 minutes |

## Escalation

1. On-call engineer (immediately)

## Alerts

### Critical alerts (SEV1)

"""


class Quiet:
    """A probe that always sees the same."""

    readings: ClassVar[Mapping[str, str]] = {"up": "1 or 0"}
    options: ClassVar[Mapping[str, str]] = {}

    async def look(self) -> Look:
        """Look."""
        return Look({"up": 1.0})

    async def close(self) -> None:
        """Hold nothing."""


class Timed(Loop):
    """The loop, noting when it had committed each alert."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.committed: dict[str, float] = {}

    async def react(self) -> None:
        """React, and see afterwards which alerts are there."""
        await super().react()
        at = time.time()
        for signal in await self.app.database.read(lambda c: list(c.execute(select(alerts.c.component)).scalars())):
            self.committed.setdefault(signal, at)


@dataclass(frozen=True)
class Peer:
    """A Prometheus that watches the same parts, and where what it tells is heard."""

    prometheus: str
    server: str

    def delays(self, parts: int) -> list[float]:
        """Give the milliseconds from each deciding scrape's timestamp to the webhook."""
        with urllib.request.urlopen(f"{self.server}/heard", timeout=10) as answer:
            heard: dict[str, float] = {}
            for instance, at in json.load(answer):
                heard.setdefault(instance, at)
        found = []
        for number in range(parts):
            instance = f"{self.server}/part/{number}"
            series = peers.query(self.prometheus, f'probe_success{{instance="{instance}"}}[10m]')
            bad = [float(at) for each in series for at, value in each["values"] if value == "0"]
            if bad and instance in heard:
                found.append((heard[instance] - min(bad)) * 1000)
        return found


def measure(folder: Path) -> list[Row]:
    """Break one part after the other while both watch."""
    database = open_database("", folder)
    migrate(database)
    with breaking() as server, _peer(folder, server) as peer:
        ours = asyncio.run(_delays(database, folder, server))
        theirs = peer.delays(ALERTS) if peer else []
    value = percentile(ours, 0.95)
    beside = "Prometheus + blackbox_exporter + Alertmanager at 1 s"
    if not theirs:
        return [Row("alert_delay_p95_ms", value, "ms", f"≤ {LIMIT_MS:g} ms", value <= LIMIT_MS, f"{beside}: {peers.NOT_HERE}")]
    return [Row("alert_delay_p95_ms", value, "ms", f"≤ {LIMIT_MS:g} ms", value <= LIMIT_MS, beside, percentile(theirs, 0.95))]


@contextlib.contextmanager
def _peer(folder: Path, server: str) -> Iterator[Peer | None]:
    programs = [peers.find(names) for names in (peers.PROMETHEUS, peers.BLACKBOX, peers.ALERTMANAGER)]
    if not all(programs):
        yield None
        return
    prometheus, blackbox, alertmanager = (str(program) for program in programs)
    say("starting Prometheus, blackbox_exporter and Alertmanager")
    urls = [f"{server}/part/{number}" for number in range(ALERTS)]
    rules = {"groups": [{"name": "parts", "rules": [{"alert": "Down", "expr": "probe_success == 0"}]}]}
    with (
        peers.blackbox(blackbox, folder) as (exporter, _),
        peers.alertmanager(alertmanager, folder, f"{server}/hook") as manager,
    ):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager]}]}]},
            "scrape_configs": [peers.through_blackbox(exporter, urls, "1s")],
        }
        with peers.prometheus(prometheus, folder, config, rules) as (address, _):
            yield Peer(address, server)


async def _delays(database: Database, folder: Path, server: str) -> list[float]:
    """Give the milliseconds that each of our alerts took."""
    app = _app(database, folder, server)
    loop = Timed(app)
    running = asyncio.create_task(loop.run())
    chance = random.Random(7)
    try:
        await asyncio.sleep(4.0)
        for number in range(ALERTS):
            say(f"alert {number + 1} of {ALERTS}")
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            await asyncio.to_thread(_post, f"{server}/break/{number}")
            if number >= BROKEN_AT_ONCE:
                await asyncio.to_thread(_post, f"{server}/mend/{number - BROKEN_AT_ONCE}")
        async with asyncio.timeout(30.0):
            while len(loop.committed) < ALERTS:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(3.0)
        decided = await database.read(_decided)
        return [(loop.committed[name] - decided[name]) * 1000 for name in loop.committed]
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await app.close()


def _decided(connection: Connection) -> dict[str, float]:
    """Give when the first bad look at each part was complete."""
    found: dict[str, float] = {}
    for row in connection.execute(select(samples).order_by(samples.c.at)):
        if row.readings.get("up") == 0:
            found.setdefault(row.signal, row.at.timestamp())
    return found


def _post(address: str) -> None:
    urllib.request.urlopen(urllib.request.Request(address, data=b"", method="POST"), timeout=10).close()


def _app(database: Database, folder: Path, server: str) -> App:
    names = [f"part-{number}" for number in range(ALERTS)]
    book = book_from(HEAD + "\n".join(f"- {name} is down" for name in names) + "\n")
    parts = {
        name: SignalConfig(
            name,
            "http",
            1,
            name,
            every_s=EVERY_S,
            timeout_s=5.0,
            metrics={name: "up"},
            options={"url": f"{server}/part/{number}"},
        )
        for number, name in enumerate(names)
    }
    others = {f"other-{number}": SignalConfig(f"other-{number}", "quiet", 1, every_s=1.0) for number in range(OTHERS)}
    people = {"anna": Person("anna", "Anna", 1, ("on-call engineer",), ("json://anna",))}
    toml, runbook = folder / "watchkeeper.toml", folder / "runbook.md"
    estate = Estate(toml, "shop", runbook, signals={**parts, **others}, people=people, policy=Policy(hold_s=0.2))
    bindings = bind(book, estate)
    if sorted(bound.signal for bound in bindings.bound) != sorted(names):
        raise RuntimeError(f"The runbook's thresholds are not bound: {bindings.unbound}")
    app = App(load_settings({}), SystemClock(), folder, database, estate, book, bindings, Scrubber(), "bench")
    app.probes = {name: HttpProbe(signal, estate) for name, signal in parts.items()} | {name: Quiet() for name in others}
    app.notifier = RecordingNotifier()
    app.engine = DirectEngine()
    app.interpreter = interpreter_of(app)
    return app
