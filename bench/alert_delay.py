"""`alert_delay_p95_ms`: from the end of the look that decides until the alert's row is committed.

The real loop runs with its watcher, grouping, incidents and notices on SQLite, and a hundred other signals are looked at each
second. Prometheus with Alertmanager would be the peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from row import Row, percentile, say
from sqlalchemy import func, select

from watchkeeper.alert.ledger import alerts
from watchkeeper.app import App, interpreter_of
from watchkeeper.base.clock import SystemClock
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Estate, Person, Policy, SignalConfig
from watchkeeper.loop import Loop
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.testing import DirectEngine, RecordingNotifier, book_from
from watchkeeper.watch.probe import Look

ALERTS = 60
OTHERS = 100
LIMIT_MS = 50.0
RUNBOOK = """
    # Shop runbook

    ## Severities

    | Severity | Criteria | Response time |
    |----------|----------|---------------|
    | SEV1 | Customers are affected | 5 minutes |

    ## Escalation

    1. On-call engineer (immediately)

    ## Alerts

    ### Critical alerts (SEV1)

    - shop is down
    """


class Switched:
    """A probe that sees what it is told to see, and remembers when it last said so."""

    readings: ClassVar[Mapping[str, str]] = {"up": "1 or 0"}
    options: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.up = True
        self.seen_down_at: float | None = None

    async def look(self) -> Look:
        """Look."""
        if not self.up and self.seen_down_at is None:
            self.seen_down_at = time.perf_counter()
        return Look({"up": float(self.up)})

    async def close(self) -> None:
        """Hold nothing."""


class Timed(Loop):
    """The loop, noting when it committed an alert."""

    committed: tuple[int, float] = (0, 0.0)

    async def react(self) -> None:
        """React, and see afterwards whether there is an alert more."""
        await super().react()
        at = time.perf_counter()
        count = await self.app.database.read(lambda c: c.execute(select(func.count()).select_from(alerts)).scalar())
        if count and count > self.committed[0]:
            self.committed = (count, at)


def measure(folder: Path) -> list[Row]:
    """Break one signal again and again while the loop runs."""
    database = open_database("", folder)
    migrate(database)
    delays = asyncio.run(_delays(database, folder))
    value = percentile(delays, 0.95)
    peer = shutil.which("prometheus") and shutil.which("alertmanager")
    beside = "Prometheus + Alertmanager: here, but not asked" if peer else "Prometheus + Alertmanager: not here"
    return [Row("alert_delay_p95_ms", value, "ms", f"≤ {LIMIT_MS:g} ms", value <= LIMIT_MS, beside)]


async def _delays(database: Database, folder: Path) -> list[float]:
    """Give the milliseconds that each alert took."""
    probe = Switched()
    app = _app(database, folder, book_from(RUNBOOK), probe)
    loop = Timed(app)
    running = asyncio.create_task(loop.run())
    chance = random.Random(7)
    found: list[float] = []
    try:
        await asyncio.sleep(2.5)
        for number in range(1, ALERTS + 1):
            say(f"alert {number} of {ALERTS}")
            await asyncio.sleep(chance.uniform(0.05, 0.35))
            probe.seen_down_at, probe.up = None, False
            async with asyncio.timeout(10.0):
                while loop.committed[0] < number:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            assert probe.seen_down_at is not None
            found.append((loop.committed[1] - probe.seen_down_at) * 1000)
            probe.up = True
            async with asyncio.timeout(10.0):
                while await database.read(lambda c: c.execute(select(alerts.c.id).where(alerts.c.ended_at.is_(None))).first()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await app.close()
    return found


def _app(database: Database, folder: Path, book: Book, probe: Switched) -> App:
    others = {f"other-{n}": SignalConfig(f"other-{n}", "switched", 1, every_s=1.0) for n in range(OTHERS)}
    shop = SignalConfig("shop", "switched", 1, component="shop", every_s=0.1, metrics={"shop": "up"})
    estate = Estate(
        folder / "watchkeeper.toml",
        "shop",
        folder / "runbook.md",
        signals={"shop": shop, **others},
        people={"anna": Person("anna", "Anna", 1, ("on-call engineer",), ("json://anna",))},
        policy=Policy(hold_s=0.2),
    )
    bindings = bind(book, estate)
    if [bound.signal for bound in bindings.bound] != ["shop"]:
        raise RuntimeError(f"The runbook's threshold is not bound: {bindings}")
    app = App(load_settings({}), SystemClock(), folder, database, estate, book, bindings, Scrubber(), "bench")
    app.probes = {"shop": probe, **{name: Switched() for name in others}}
    app.notifier = RecordingNotifier()
    app.engine = DirectEngine()
    app.interpreter = interpreter_of(app)
    return app
