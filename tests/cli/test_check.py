"""`watchkeeper check`: one look at everything, a table that fits, and an exit status that says it all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from watchkeeper.alert.ledger import alerts
from watchkeeper.app import open_app
from watchkeeper.cli import execute
from watchkeeper.incident.ledger import incidents
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.past.history import sum_up

RUNBOOK = """# Shop

## Severities

| Severity | Criteria | Response time |
|----------|----------|---------------|
| SEV1 | Customers are affected | 5 minutes |

## Alerts

### Critical alerts (SEV1)

- Shop application is down for 12 seconds
- Payment gateway is down
- average queue length > 50 for 5 minutes
- moon phase > 3
"""
TOML = """
[service]
name = "shop"
runbook = "runbook.md"
[signals.shop]
kind = "tcp"
component = "Shop application"
address = "127.0.0.1:{port}"
metrics = {{ "Shop application" = "up" }}
[signals.gateway]
kind = "command"
component = "Payment gateway"
command = "{gateway}"
timeout = "300ms"
metrics = {{ "Payment gateway" = "up" }}
[signals.queue]
kind = "command"
command = "echo {queue}"
metrics = {{ "queue length" = "value" }}
{more}
"""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def make(tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give a caller of `check` on an estate: exit status and what was printed."""
    monkeypatch.delenv("WATCHKEEPER_DATABASE_URL", raising=False)

    def call(*arguments: str, gateway: str = "true", queue: str = "3", at: int | None = None, more: str = "") -> tuple[int, str]:
        (tmp_path / "runbook.md").write_text(RUNBOOK)
        (tmp_path / "watchkeeper.toml").write_text(TOML.format(port=at or port, gateway=gateway, queue=queue, more=more))
        capsys.readouterr()
        status = execute(["check", "--config", str(tmp_path), *arguments])
        return status, capsys.readouterr().out

    return call


def rows(tmp_path: Path, work: Callable[[Connection, Any], None]) -> None:
    app = open_app(tmp_path / "watchkeeper.toml")
    app.database.write_now(lambda c: work(c, app.clock.now()))
    while app.database.write_now(sum_up):
        pass
    app.database.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found: int = listener.getsockname()[1]
    return found


def test_all_is_well(make: Callable[..., Any]) -> None:
    status, out = make()
    assert status == 0, out
    assert "3 are well." in out
    assert "Alerts, 24 h:      none" in out
    assert "1 of the runbook's thresholds" in out
    assert make("--strict")[0] == 2


def test_what_is_over_its_limit_is_bad_even_before_its_time_is_up(make: Callable[..., Any]) -> None:
    status, out = make(at=free_port())
    assert status == 1
    assert "over" in out
    assert "connection refused" in " ".join(out.split())
    status, out = make(gateway="false")
    assert (status, "FIRING" in out) == (1, True)


def test_what_cannot_be_seen_is_blind_and_what_is_bad_goes_before_it(make: Callable[..., Any]) -> None:
    status, out = make(queue="nothing")
    assert (status, "BLIND" in out) == (2, True)
    assert make(queue="nothing", gateway="false")[0] == 1


def test_a_hanging_probe_ends_with_its_timeout(make: Callable[..., Any]) -> None:
    began = time.monotonic()
    status, out = make(gateway="sleep 60")
    assert status in (1, 2)
    assert "300 ms" in out or "0.3 s" in out
    assert time.monotonic() - began < 30


def test_json_says_the_same(make: Callable[..., Any]) -> None:
    status, out = make("--format", "json", gateway="false")
    found = json.loads(out)
    assert (status, found["exit_status"], found["verdict"]) == (1, 1, "bad")
    states = {line["signal"]: line["state"] for line in found["lines"]}
    assert states == {"gateway": "firing", "queue": "ok", "shop": "ok"}
    assert found["waiting"] == 1


def test_nothing_is_written_of_a_look(make: Callable[..., Any], tmp_path: Path) -> None:
    make(gateway="false")
    app = open_app(tmp_path / "watchkeeper.toml")
    assert app.database.read_now(watch.latest_samples) == {}
    assert app.database.read_now(watch.read_standings) == {}
    app.database.close()


def test_what_a_running_watchkeeper_knows_counts(make: Callable[..., Any], tmp_path: Path) -> None:
    make()

    def known(connection: Connection, now: Any) -> None:
        watch.write_samples(
            connection, [Sample("queue", now - timedelta(seconds=age), 0.1, {"value": 90.0}) for age in range(400, 0, -10)]
        )
        breached = now - timedelta(seconds=60)
        standing = Standing("shop-application-is-down-sev1", "firing", breached, breached, 0.0, now, "It is down: firing")
        watch.save_standings(connection, [("shop", standing)])

    rows(tmp_path, known)
    status, out = make("--format", "json", at=free_port())
    found = {line["signal"]: line for line in json.loads(out)["lines"]}
    assert status == 1
    assert found["queue"]["state"] == "firing", "the average of five minutes, not this look"
    assert found["shop"]["state"] == "firing"
    assert found["shop"]["since"] is not None


def test_the_day_the_backup_and_what_is_open_are_told(make: Callable[..., Any], tmp_path: Path) -> None:
    more = """
[signals.backup]
kind = "command"
command = "echo 7200"
component = "Nightly backup"
metrics = { "backup age" = "value" }
"""
    make(more=more)

    def past(connection: Connection, now: Any) -> None:
        about = {"subject": "x", "component": None, "sentence": "", "breached_at": now, "value": 1.0}
        for number, (severity, ago, silenced) in enumerate((("SEV1", 1, None), ("SEV2", 3, "sil-1"), ("SEV1", 30, None))):
            fired = {"severity": severity, "fired_at": now - timedelta(hours=ago), "silenced_by": silenced}
            connection.execute(insert(alerts).values(id=f"a{number}", key=f"k{number}", **fired, **about))
        opened = {"title": "Shop \x1b[2J is down", "status": "open", "severity": "SEV1", "began_at": now, "opened_at": now}
        connection.execute(insert(incidents).values(id="inc-1", service="shop", because="", book="d", **opened))
        looked = [now - timedelta(seconds=age) for age in range(3600, 0, -30)]
        watch.write_samples(connection, [Sample("queue", at, 0.1, {"value": 1.0, "errors_per_minute": 4.0}) for at in looked])

    rows(tmp_path, past)
    status, out = make(more=more)
    assert status == 1, "an incident is open"
    assert "Alerts, 24 h:      2 (SEV1 1, SEV2 1); 1 held back by silences" in out
    assert "queue 2" in out.split("Log errors, 24 h:")[1].splitlines()[0]
    assert "backup" in out.split("Last backup:")[1].splitlines()[0]
    assert "Shop \\x1b[2J is down: open" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_line_is_longer_than_the_terminal(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out = make("--sentences", gateway="false", queue="nothing", at=free_port())
    assert max(map(len, out.splitlines())) <= min(width, 160)
    heads = next(line for line in out.splitlines() if line.startswith("STATE")).split()
    assert ("SIGNAL" in heads) == (width >= 100)


@pytest.mark.slow
def test_beside_a_watchkeeper_that_runs_it_takes_rates_from_it(make: Callable[..., Any], tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("")
    more = f"""
[signals.app-log]
kind = "logs"
files = ["{log}"]
every = "1s"
"""
    make(more=more)
    environment = {key: value for key, value in os.environ.items() if key != "WATCHKEEPER_DATABASE_URL"}
    command = [sys.executable, "-m", "watchkeeper", "serve", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as served:
        try:
            assert served.stdout is not None
            assert any(line.startswith("Console:") for line in served.stdout)
            end = time.monotonic() + 40
            while time.monotonic() < end:
                with log.open("a") as writing:
                    writing.write("2026-01-01 ERROR it broke\n")
                status, out = make("--format", "json", more=more)
                logs = json.loads(out)["logs"]
                if logs and logs[0]["most_per_minute"] > 0:
                    break
                time.sleep(0.1)
            assert logs[0]["signal"] == "app-log"
            assert status == 0, out
        finally:
            served.send_signal(signal.SIGTERM)
            served.wait(20)
