"""`probes_per_s`: HTTP probes on one core, each on a new connection, judged and stored, beside aiohttp alone asking the same.

The real watcher looks at 64 signals as often as it can; what counts is complete answers on disk. Both sides are held on one core,
which they fill, and take turns; a second is one of processor time, so that neighbours on that core are not counted as slowness.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

import aiohttp
from local_server import serving
from row import Row, median, say
from sqlalchemy import func, select

from watchkeeper.base.clock import SystemClock
from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bindings, Bound, Estate, SignalConfig
from watchkeeper.plugins.http.probe import HttpProbe
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.watch.ledger import samples
from watchkeeper.watch.watcher import Watcher

SIGNALS = 64
WINDOW_S = 3.0
WARM_S = 2.5
TURNS = 3
GOAL = 2000.0


def measure(folder: Path) -> list[Row]:
    """Let the watcher and aiohttp take turns against one server."""
    database = open_database("", folder)
    migrate(database)
    with serving() as url, contextlib.ExitStack() as after:
        after.callback(database.close)
        core = max(os.sched_getaffinity(0))
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), {core})
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(TURNS):
            say(f"turn {number + 1} of {TURNS}")
            theirs.append(asyncio.run(_aiohttp_rate(url)))
            ours.append(asyncio.run(_watch_rate(database, folder, url)))
    value, beside = median(ours), median(theirs)
    return [Row("probes_per_s", value, "/s", f"≥ {GOAL:,.0f} /s", value >= GOAL, "aiohttp alone", beside)]


async def _watch_rate(database: Database, folder: Path, url: str) -> float:
    """Let the watcher run; gives complete answers on disk a second of processor time."""
    names = [f"shop-{number}" for number in range(SIGNALS)]
    threshold = Threshold(line=1, role="alert", subject="response time", op=">", value=5.0, unit="seconds")
    signals = {name: SignalConfig(name, "http", 1, every_s=0.001, timeout_s=5.0, options={"url": url}) for name in names}
    bindings = Bindings(tuple(Bound(name, threshold, name, "seconds", None, "") for name in names))
    estate = Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", signals=signals)
    probes = {name: HttpProbe(signal, estate) for name, signal in signals.items()}
    watching = asyncio.create_task(Watcher(database, SystemClock(), estate, bindings, probes, lambda: None).run())
    try:
        await asyncio.sleep(WARM_S)
        since, busy_s = SystemClock().now(), time.process_time()
        await asyncio.sleep(WINDOW_S)
        until, busy_s = SystemClock().now(), time.process_time() - busy_s
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        for probe in probes.values():
            await probe.close()
    whole = select(func.count()).where(samples.c.detail == "200 OK", samples.c.at >= since, samples.c.at < until)
    return (await database.read(lambda c: c.execute(whole).scalar()) or 0) / busy_s


async def _aiohttp_rate(url: str) -> float:
    """Ask with aiohttp alone, as many at a time; gives answers a second of processor time."""
    answered = 0

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal answered
        while time.perf_counter() < until:
            async with session.get(url) as response:
                await response.read()
            answered += 1

    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        busy_s = time.process_time()
        until = time.perf_counter() + WINDOW_S
        await asyncio.gather(*(ask(session) for _ in range(SIGNALS)))
        return answered / (time.process_time() - busy_s)
