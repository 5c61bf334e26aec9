"""`probes_per_s`: HTTP probes on one core, each on a new connection, judged and stored, beside aiohttp alone asking the same.

`probes_beside_blackbox_per_s` is the same figure of ours beside Debian's blackbox_exporter, which is asked for as many probes at
a time, on one core as well. It judges and stores nothing: that is for a Prometheus to do.

The real watcher looks at 64 signals as often as it can; what counts is complete answers on disk. Both sides are held on one core,
which they fill, and take turns; a second is one of processor time, so that neighbours on that core are not counted as slowness.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from urllib.parse import quote

import aiohttp
import peers
import psutil
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
        exporter = _blackbox_rate(folder, url, core)
    value, beside = median(ours), median(theirs)
    name = "blackbox_exporter" if exporter else f"blackbox_exporter: {peers.NOT_HERE}"
    ahead = exporter is None or value >= exporter
    return [
        Row("probes_per_s", value, "/s", f"≥ {GOAL:,.0f} /s", value >= GOAL, "aiohttp alone", beside),
        Row("probes_beside_blackbox_per_s", value, "/s", "ahead of it", ahead, name, exporter),
    ]


def _blackbox_rate(folder: Path, url: str, core: int) -> float | None:
    """Give probes a second of processor time of a blackbox_exporter on one core; None where it is not installed."""
    program = peers.find(peers.BLACKBOX)
    if program is None:
        return None
    say("blackbox_exporter")
    # we are on that core too: what counts is its own processor time, and asking it takes none of that
    one_core = {**os.environ, "GOMAXPROCS": "1"}
    with peers.blackbox(program, folder, env=one_core) as (address, child):
        exporter = psutil.Process(child.pid)
        for thread in exporter.threads():
            os.sched_setaffinity(thread.id, {core})
        free = set(range(os.cpu_count() or 1)) - {core}
        if free:
            for thread in os.listdir("/proc/self/task"):
                os.sched_setaffinity(int(thread), free)
        probe = f"http://{address}/probe?module=http_2xx&target={quote(url, safe='')}"
        asyncio.run(_ask_for(probe, 0.5))
        before = sum(exporter.cpu_times()[:2])
        answered = asyncio.run(_ask_for(probe, WINDOW_S))
        return answered / (sum(exporter.cpu_times()[:2]) - before)


async def _ask_for(url: str, seconds: float) -> int:
    """Ask again and again on connections that stay open; gives how many probes there were."""
    done = 0

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.perf_counter() < until:
            async with session.get(url) as response:
                if b"probe_success 1" in await response.read():
                    done += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(ask(session) for _ in range(SIGNALS)))
    return done


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
