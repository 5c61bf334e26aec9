"""A broken switch: thousands of alerts of as many names at once through the real server become one incident, and none is lost."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import httpx
import psutil
import pytest

T = TypeVar("T")
SOAK = os.environ.get("WATCHKEEPER_TEST_SOAK") == "1"
ALERTS = 100_000 if SOAK else 5_000
BATCH, CONNECTIONS = 100, 8
TOKEN = "a-switch-that-breaks-sends-this"
#: what the process may need at its most; what it needs when idle is about a third of it
MOST_MB = 500

TOML = """
[service]
name = "shop"
runbook = "runbook.md"

[variables]
HOOK_TOKEN = { env = "STORM_TOKEN", secret = true }

[hooks.prom]
kind = "alertmanager"
token = "$HOOK_TOKEN"
"""
RUNBOOK = """
# Shop

## Severities

| Severity | Criteria | Response time |
|----------|----------|---------------|
| SEV1 | Customers are affected | 5 minutes |

## Escalation

1. On-call engineer (immediately)
"""


class Served:
    """A Watchkeeper in a process of its own, to which an Alertmanager may send."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "STORM_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}
        for name in ("WATCHKEEPER_STATE", "WATCHKEEPER_DATABASE_URL"):
            self.environment.pop(name, None)
        (folder / "watchkeeper.toml").write_text(TOML)
        (folder / "runbook.md").write_text(RUNBOOK)
        with (folder / "serve.log").open("w") as log:
            call = [sys.executable, "-m", "watchkeeper", "serve", "--port", "0"]
            self.process = subprocess.Popen(call, cwd=folder, env=self.environment, stdout=log, stderr=log)
        said = self.until(lambda: re.search(r"Console: (http://[^/]+)/", (folder / "serve.log").read_text()))
        self.address = said[1]
        told = self.cli("token", "make", "reader", "--role", "viewer")
        token = next(word for word in told.split() if len(word) > 30)
        self.client = httpx.Client(base_url=f"{self.address}/api/v1", headers={"authorization": f"Bearer {token}"}, timeout=30)

    def cli(self, *arguments: str) -> str:
        call = [sys.executable, "-m", "watchkeeper", *arguments]
        done = subprocess.run(
            call, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    def until(self, look: Callable[[], T | None], within_s: float = 120) -> T:
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            if found := look():
                return found
            time.sleep(0.1)
        raise AssertionError((self.folder / "serve.log").read_text()[-3000:])

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.stop()


def batch(begin: int, status: str) -> bytes:
    """A hundred alerts as Alertmanager sends them, each of a name of its own."""
    alerts = [
        {
            "status": status, "fingerprint": f"{n:016x}", "startsAt": "2026-03-14T10:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-03-14T10:05:00Z",
            "labels": {"alertname": f"PortDown{n}", "instance": f"port-{n}", "switch": "sw1", "severity": "page"},
            "annotations": {"summary": f"Port {n} of sw1 is down"}, "generatorURL": "http://prom/graph",
        }
        for n in range(begin, begin + BATCH)
    ]  # fmt: skip
    return json.dumps({"version": "4", "status": status, "alerts": alerts}).encode()


async def send(address: str, status: str) -> int:
    """Send all of it over a few connections, again where 503 asks for that; gives how many were taken."""
    waiting = list(range(0, ALERTS, BATCH))
    taken = 0

    async def sender(session: aiohttp.ClientSession) -> None:
        nonlocal taken
        while waiting:
            body = batch(waiting.pop(), status)
            while True:
                async with session.post(f"{address}/hooks/prom/{TOKEN}", data=body) as answer:
                    if answer.status == 200:
                        said = await answer.json()
                        taken += said["taken"]
                        break
                    assert answer.status == 503, await answer.text()
                    await asyncio.sleep(float(answer.headers["retry-after"]))

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(sender(session) for _ in range(CONNECTIONS)))
    return taken


def test_a_storm_is_one_incident_and_the_console_stays_usable(served: Served) -> None:
    assert asyncio.run(send(served.address, "firing")) == ALERTS
    [line] = served.until(lambda: served.get("/incidents")["incidents"])

    def whole() -> Any:
        view = served.get(f"/incidents/{line['id']}")
        return view if view["alerts_total"] == ALERTS else None

    view = served.until(whole)
    assert view["title"].startswith("Storm of alerts from prom")
    assert (view["alerts_open"], len(view["alerts"])) == (ALERTS, 50)
    assert len(view["timeline"]) < 60
    last = served.get(f"/incidents/{line['id']}?skip={ALERTS - 10}")["alerts"]
    assert len(last) == 10
    assert not {a["id"] for a in last} & {a["id"] for a in view["alerts"]}
    assert asyncio.run(send(served.address, "firing")) == ALERTS
    assert served.get(f"/incidents/{line['id']}")["alerts_total"] == ALERTS
    assert asyncio.run(send(served.address, "resolved")) == ALERTS
    served.until(lambda: served.get(f"/incidents/{line['id']}")["status"] == "recovered")
    assert served.get(f"/incidents/{line['id']}")["alerts_open"] == 0
    assert len(served.get("/incidents")["incidents"]) == 1
    peak = max(psutil.Process(served.process.pid).memory_info().rss, _peak(served.process.pid))
    assert peak / 1e6 < MOST_MB, f"{peak / 1e6:.0f} MB"


def _peak(pid: int) -> int:
    """Give the most memory that a process ever had, as Linux keeps it."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else 0
