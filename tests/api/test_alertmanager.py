"""Debian's Alertmanager sends to a Watchkeeper that listens: its alert fires, and is over, once each and in its own words."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from tests.conftest import need

from watchkeeper.alert.ledger import list_alerts
from watchkeeper.alert.model import Alert
from watchkeeper.api.hooks import router as hooks
from watchkeeper.app import App
from watchkeeper.base.clock import SystemClock
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Alerting, Bindings, Estate, Hook
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.web.site import create_site

TOKEN = "a-token-that-alertmanager-shows"
CONFIG = """
route:
  receiver: watchkeeper
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: watchkeeper
    webhook_configs:
      - url: http://127.0.0.1:{port}/hooks/am
        send_resolved: true
        max_alerts: {most}
        http_config: {{ authorization: {{ credentials: {token} }} }}
"""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to pytest."""
        yield


@pytest.fixture
async def listening(database: Database, tmp_path: Path) -> AsyncIterator[tuple[App, int]]:
    hook = Hook("am", "alertmanager", token=Secret(TOKEN, "token"))
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", alerting=Alerting({"am": hook}))
    app = App(
        settings=load_settings({}), clock=SystemClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_site(app, [hooks]), log_level="warning", lifespan="off")
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield app, int(listener.getsockname()[1])
    server.should_exit = True
    await serving
    listener.close()


@contextlib.contextmanager
def alertmanager(folder: Path, port: int, most: int) -> Iterator[str]:
    """Debian's Alertmanager that sends to us."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    (folder / "alertmanager.yml").write_text(CONFIG.format(port=port, token=TOKEN, most=most))
    call = ["prometheus-alertmanager", f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'am'}",
            f"--web.listen-address=127.0.0.1:{own}", "--cluster.listen-address="]  # fmt: skip
    with (folder / "alertmanager.log").open("w") as log:
        child = subprocess.Popen(call, cwd=folder, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{own}"
    finally:
        child.terminate()
        child.wait(20)


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not look():
            await asyncio.sleep(0.1)


async def post(address: str, names: list[str], began: datetime, ended: datetime | None = None) -> None:
    """Send alerts to Alertmanager as Prometheus does."""
    ends = {"endsAt": ended.isoformat()} if ended else {}
    alerts = [
        {"labels": {"alertname": "DiskFull", "instance": name, "severity": "page"}, "annotations": {"summary": f"{name} is full"},
         "startsAt": began.isoformat(), "generatorURL": "http://prometheus/graph", **ends}
        for name in names
    ]  # fmt: skip
    async with asyncio.timeout(30), httpx.AsyncClient() as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.post(f"{address}/api/v2/alerts", json=alerts)
                assert answer.status_code == 200, answer.text
                return
            await asyncio.sleep(0.1)


async def test_what_alertmanager_sends(listening: tuple[App, int], tmp_path: Path) -> None:
    need(shutil.which("prometheus-alertmanager") is not None, "prometheus-alertmanager (Debian's package)")
    app, port = listening

    def rows() -> list[Alert]:
        return app.database.read_now(lambda c: list_alerts(c, 100))

    began = datetime.now(UTC) - timedelta(seconds=20)
    with alertmanager(tmp_path, port, most=3) as address:
        await post(address, ["web-1", "web-2"], began)
        await until(lambda: len(rows()) == 2)
        assert {alert.sentence.split(". ")[0] for alert in rows()} == {"am says: web-1 is full", "am says: web-2 is full"}
        assert {alert.severity for alert in rows()} == {"page"}
        assert all(abs((alert.breached_at - began).total_seconds()) < 0.01 for alert in rows())
        await post(address, ["web-1"], began, ended=datetime.now(UTC))
        await until(lambda: [alert.ended_at is not None for alert in rows()].count(True) == 1)
        await post(address, ["web-1"], datetime.now(UTC))
        await until(lambda: len(rows()) == 3)
        assert sorted(alert.key for alert in rows() if alert.ended_at is None) == sorted({alert.key for alert in rows()})
