"""`watchkeeper why` gives each decision its sentence, within eighty columns, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from watchkeeper import cli
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert, Silence
from watchkeeper.app import App, open_app
from watchkeeper.base.clock import SystemClock
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.model import Sample, Standing

BOOK = """# Shop

## Components

- **Shop**: FastAPI
- **Database**: PostgreSQL 16

### Dependencies

- Shop → Database

## Alerts

### Critical alerts (SEV1)

- Shop response time > 2 s for 5 minutes
- Database is down
- Moon phase > 3

## Objectives

- Uptime > 99.9%
"""
TOML = """[service]
name = "shop"
runbook = "runbook.md"

[signals.shop]
kind = "http"
component = "Shop"
url = "http://127.0.0.1:1/"
hysteresis = "5%"
[signals.shop.metrics]
"Shop response time" = "seconds"

[signals.database]
kind = "tcp"
component = "Database"
address = "127.0.0.1:1"
"""
SLOW = "shop-response-time-above-2-seconds-sev1"


@pytest.fixture
def app(tmp_path: Path) -> App:
    (tmp_path / "runbook.md").write_text(BOOK)
    (tmp_path / "watchkeeper.toml").write_text(TOML)
    app = open_app(tmp_path / "watchkeeper.toml")
    now = SystemClock().now()
    key = next(bound.key for bound in app.bindings.bound if bound.reading == "seconds" and bound.budget is None)
    alert = Alert("alt_1", key, "Shop response time", "Shop", "SEV1", now - timedelta(minutes=9), now, None, 3.1, "Shop is slow.")

    def work(connection) -> None:  # type: ignore[no-untyped-def]
        for turn in range(8):
            at = now - timedelta(seconds=15 * (8 - turn))
            watch.write_sample(connection, Sample("shop", at, 0.1, {"up": 1.0, "seconds": 2.5 + turn / 10}, None, "200 OK"))
        standing = Standing(key, "firing", now, now, 3.2, now, "Shop response time is 3.2 s (> 2 s) for 6 min: firing")
        watch.save_standings(connection, [("shop", standing)])
        watch.add_flip(connection, "pending", standing)
        alerts.raise_alert(connection, alert)

    app.database.write_now(work)
    return app


@pytest.fixture
def said(app: App, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def ask(*what: str) -> str:
        assert cli.execute(["why", *what, "--config", str(app.estate.path)]) == 0
        return capsys.readouterr().out

    return ask


def test_a_threshold_is_told_with_all_that_decides_it(said: Callable[..., str]) -> None:
    text = said("response time")
    assert max(len(line) for line in text.splitlines()) <= 80
    flat = " ".join(text.split())
    for part in (
        "Shop response time [SEV1]: firing",
        "now Shop response time is 3.2 s (> 2 s) for 6 min: firing (since ",
        "threshold runbook.md:16: Shop response time > 2 s for 5 minutes",
        "reading seconds of shop, watchkeeper.toml:11.",
        "window It must be breached for 5 min without a break.",
        "damping It fired once within 30 min; from 3 times on it must be well for 5 min. Well again only 0.05 of the limit",
        "3.2 s",
        "2.8 s",
        "alert alt_1: fired",
        "open. Shop is slow.",
        "inhibition ",
    ):
        assert part in flat, text
    assert "2.7 s" not in flat


def test_an_alert_is_found_by_its_id_and_says_what_holds_it_back(app: App, said: Callable[..., str]) -> None:
    now = app.clock.now()
    silence = Silence("sil_1", "anna", "Rebuilding the index", now, now + timedelta(hours=2), component="Shop")
    app.database.write_now(lambda c: alerts.add_silence(c, silence, None))
    flat = " ".join(said("alt_1").split())
    assert "silence Shop response time is silenced by anna for another 2 h: Rebuilding the index" in flat
    assert "inhibition" not in flat


def test_an_incident_and_what_explains_an_alert_are_named(app: App, said: Callable[..., str]) -> None:
    now = app.clock.now()
    incident = Incident("inc_1", "shop", "The database is down", "SEV1", "open", "Database", now, now)
    app.database.write_now(lambda c: (incidents.open_incident(c, incident), alerts.attach(c, "alt_1", "inc_1", "Database")))
    flat = " ".join(said("alt_1").split())
    assert "inhibition It is explained by Database, on which Shop depends in the book's diagram." in flat
    assert "incident inc_1: The database is down: open" in flat
    told = said("inc_1")
    assert told.startswith("The database is down: open.")
    assert "alt_1" in told


def test_a_signal_says_what_it_saw_and_what_it_decides(said: Callable[..., str]) -> None:
    flat = " ".join(said("shop").split())
    assert "shop (http, watchkeeper.toml:5) is looked at every 15 s;" in flat
    assert "it saw 2 readings (200 OK)." in flat
    assert "Error budget of Uptime > 99.9 %: unwatched" in flat
    assert "Uptime: kept now Uptime is to be > 99.9 % and is 100 % over the last hour: kept." in flat


def test_what_waits_says_what_would_bind_it(said: Callable[..., str]) -> None:
    assert "waits No signal has a metric named 'Moon phase'." in " ".join(said("Moon phase").split())


def test_the_json_twin_has_the_same(said: Callable[..., str]) -> None:
    [found] = json.loads(said("response time", "--format", "json"))["thresholds"]
    assert (found["state"], found["where"], found["signal"], len(found["samples"])) == ("firing", "runbook.md:16", "shop", 5)
    assert found["alerts"][0]["id"] == "alt_1"


def test_nothing_of_that_name_is_an_error(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["why", "tea", "--config", str(app.estate.path)]) != 0
    assert "WK206" in capsys.readouterr().err


def test_signals_says_what_waits_with_the_lines_that_would_bind_it(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["signals", "--config", str(app.estate.path)]) == 0
    text = capsys.readouterr().out
    assert "not watched: line 18: No signal has a metric named 'Moon phase'." in text
    assert '[signals.moon-phase.metrics]\n    "Moon phase" = "value"' in text
    assert "kept     Uptime > 99.9%" in text
    assert cli.execute(["signals", "--format", "json", "--config", str(app.estate.path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["add"][0] for each in found["unbound"]] == ["[signals.moon-phase]"]
    assert {each["state"] for each in found["objectives"]} == {"kept"}
