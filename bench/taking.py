"""`alerts_per_s`: alerts taken from Alertmanager's webhook in batches of 100 over 8 connections, on disk before the answer.

`watchkeeper serve` runs in a process of its own with its loop, on SQLite; the first half of the alerts is new, the second the
same again. Beside it Debian's Alertmanager takes the same batches through its API, into memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from row import Row, say

ALERTS, BATCH, CONNECTIONS = 20_000, 100, 8
GOAL = 2_500
TOKEN = "the-token-of-the-benchmark"
TOML = """
[service]
name = "shop"
runbook = "runbook.md"

[variables]
HOOK_TOKEN = { env = "BENCH_TOKEN", secret = true }

[hooks.prom]
kind = "alertmanager"
token = "$HOOK_TOKEN"
"""
RUNBOOK = "# Shop\n\n## Escalation\n\n1. On-call engineer (immediately)\n"


def measure(folder: Path) -> list[Row]:
    """Send the same alerts to both, each twice."""
    alerts = [_alert(n) for n in range(ALERTS)]
    pieces = [alerts[begin : begin + BATCH] for begin in range(0, ALERTS, BATCH)]
    webhooks = [
        json.dumps({"version": "4", "groupKey": "{}:{alertname=PortDown}", "status": "firing", "alerts": p}) for p in pieces
    ]
    with _watchkeeper(folder) as address:
        value = asyncio.run(_rate(f"{address}/hooks/prom/{TOKEN}", webhooks, "Watchkeeper"))
    if shutil.which("prometheus-alertmanager") is None:
        return [Row("alerts_per_s", value, "/s", f"≥ {GOAL:,}", value >= GOAL, "Alertmanager: not here")]
    posted = [json.dumps([{k: a[k] for k in ("labels", "annotations", "startsAt", "generatorURL")} for a in p]) for p in pieces]
    with _alertmanager(folder) as address:
        peer = asyncio.run(_rate(f"{address}/api/v2/alerts", posted, "Alertmanager"))
    return [Row("alerts_per_s", value, "/s", f"≥ {GOAL:,}", value >= GOAL, "Alertmanager, memory only", peer)]


def _alert(number: int) -> dict[str, object]:
    return {
        "status": "firing", "startsAt": "2026-03-14T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": f"{number:016x}",
        "labels": {"alertname": "PortDown", "instance": f"port-{number}:9100", "job": "node", "switch": f"sw{number % 40}",
                   "severity": "critical", "region": "eu-central-1"},
        "annotations": {"summary": f"Port {number} is down", "runbook_url": "https://runbooks.test/port-down"},
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up+%3D%3D+0",
    }  # fmt: skip


async def _rate(url: str, bodies: list[str], who: str) -> float:
    """Send all bodies twice over a few connections; gives the alerts a second that were answered with 2xx."""
    waiting = [body.encode() for body in (*bodies, *bodies)][::-1]
    number = len(waiting)

    async def sender(session: aiohttp.ClientSession) -> None:
        while waiting:
            body = waiting.pop()
            if len(waiting) % 50 == 0:
                say(f"{who}: {number - len(waiting)} of {number} batches")
            async with session.post(url, data=body, headers={"content-type": "application/json"}) as answer:
                said = await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{who} answered {answer.status}: {said[:300]!r}")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        started = time.perf_counter()
        await asyncio.gather(*(sender(session) for _ in range(CONNECTIONS)))
        return number * BATCH / (time.perf_counter() - started)


@contextlib.contextmanager
def _watchkeeper(folder: Path) -> Iterator[str]:
    (folder / "watchkeeper.toml").write_text(TOML)
    (folder / "runbook.md").write_text(RUNBOOK)
    log, port = folder / "serve.log", _free_port()
    with log.open("w") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", "watchkeeper", "serve", "--port", str(port)],
            cwd=folder, env={**os.environ, "BENCH_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}, stdout=said, stderr=said,
        )  # fmt: skip
    try:
        _until(lambda: re.search("Console: ", log.read_text()) is not None, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(child)


@contextlib.contextmanager
def _alertmanager(folder: Path) -> Iterator[str]:
    config, log, port = folder / "alertmanager.yml", folder / "alertmanager.log", _free_port()
    config.write_text("route:\n  receiver: none\nreceivers:\n  - name: none\n")
    with log.open("w") as said:
        child = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder / 'alertmanager'}",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
            cwd=folder, stdout=said, stderr=said,
        )  # fmt: skip
    try:
        _until(lambda: _listens(port), log)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(child)


def _until(look: object, log: Path) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        if callable(look) and look():
            return
        time.sleep(0.05)
    raise RuntimeError(f"It did not come up: {log.read_text()[-500:]}")


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(15)
        return
    child.kill()
    child.wait(5)
