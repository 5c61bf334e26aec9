"""/metrics: who may read it, what is on it, and that Debian's Prometheus reads it and judges by what was exported."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn
from tests.conftest import need
from tests.plugins.debian_prometheus import prometheus

from watchkeeper.actions.views.metrics import MOST_OF_A_SIGNAL, readings_shown
from watchkeeper.api.metrics import router as metrics
from watchkeeper.app import App
from watchkeeper.people.identity import make_token
from watchkeeper.plugins.grafana import dashboards
from watchkeeper.plugins.prometheus.exposition import read_exposition
from watchkeeper.plugins.prometheus.rule_files import rule_file
from watchkeeper.settings import load_settings
from watchkeeper.watch.ledger import write_sample
from watchkeeper.watch.model import Sample
from watchkeeper.web.site import create_site


def token(app: App, scopes: frozenset[str] | None = None) -> str:
    now = app.clock.now()
    return app.database.write_now(lambda c: make_token(c, now, "prom", "api", timedelta(days=1), "viewer", scopes=scopes))


async def text_of(visitor: httpx.AsyncClient, app: App) -> str:
    answer = await visitor.get("/metrics", headers={"authorization": f"Bearer {token(app)}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


async def test_it_wants_a_token_like_all_else(visitor: httpx.AsyncClient, app: App) -> None:
    answer = await visitor.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (401, "WK320")
    narrowed = {"authorization": f"Bearer {token(app, frozenset({'halt'}))}"}
    assert (await visitor.get("/metrics", headers=narrowed)).status_code == 403


async def test_this_machine_alone_may_be_let_in_without(caller: Callable[[str], httpx.AsyncClient], app: App) -> None:
    app.settings = load_settings({}, metrics_open="loopback")
    async with caller("127.0.0.1") as here, caller("192.0.2.9") as there:
        assert (await here.get("/metrics")).status_code == 200
        assert (await here.get("/metrics", headers={"x-forwarded-for": "192.0.2.9"})).status_code == 401
        assert (await there.get("/metrics")).status_code == 401
        assert (await here.get("/api/v1/overview")).status_code == 401


def value(text: str, name: str, **labels: str) -> float:
    """Give the value of the one series with these labels, whatever else it has."""
    wanted = {f'{key}="{said}"' for key, said in labels.items()}
    lines = [each for each in text.splitlines() if each.startswith(f"{name}{{") and all(part in each for part in wanted)]
    assert len(lines) == 1, (name, labels, lines)
    return float(lines[0].rsplit(" ", 1)[1])


async def test_it_says_what_is_seen_and_how_we_are(visitor: httpx.AsyncClient, app: App) -> None:
    text = await text_of(visitor, app)
    assert read_exposition(text, {"watchkeeper_signal_value"}, 10_000) is not None
    assert value(text, "watchkeeper_signal_value", signal="web", reading="error_rate", component="Web application") == 34
    assert value(text, "watchkeeper_signal_up", signal="queue", component="Workers", service="shop") == 0
    assert 'signal="queue"' not in "".join(each for each in text.splitlines() if each.startswith("watchkeeper_signal_value"))
    assert value(text, "watchkeeper_threshold_state", threshold="web-down", severity="Critical", state="firing") == 1
    assert value(text, "watchkeeper_threshold_state", threshold="web-down", state="ok") == 0
    assert value(text, "watchkeeper_threshold_state", threshold="queue-length", severity="High", state="blind") == 1
    assert value(text, "watchkeeper_threshold_limit", threshold="queue-length") == 500
    assert value(text, "watchkeeper_incidents_open", severity="Critical") == 1
    assert value(text, "watchkeeper_incidents_open", severity="High") == 0
    assert value(text, "watchkeeper_runs", state="asking") == 1
    for name, number in (("outbox_waiting", 0), ("ledger_head", 1), ("halted", 0), ("loop_lag_seconds", 0), ("build_info", 1)):
        assert value(text, f"watchkeeper_{name}", service="shop") == number


async def test_an_old_reading_is_not_shown_as_the_state_of_things(visitor: httpx.AsyncClient, app: App) -> None:
    later = app.clock.now() + timedelta(minutes=5)
    app.clock = type(app.clock)()
    app.clock.at = later  # type: ignore[attr-defined]
    text = await text_of(visitor, app)
    assert "watchkeeper_signal_value{" not in text
    assert "watchkeeper_signal_age_seconds{" in text


def test_the_number_of_series_is_bounded() -> None:
    values = {f"queue_{number:05}": 1.0 for number in range(100_000)} | {"zz": 2.0}
    shown = readings_shown(Sample("s", None, 0.1, values), ["zz", "none"], MOST_OF_A_SIGNAL)  # type: ignore[arg-type]
    assert len(shown) == MOST_OF_A_SIGNAL
    assert shown["zz"] == 2.0
    assert all(len(reading) <= 200 for reading in readings_shown(Sample("s", None, 0.1, {"x" * 9000: 1.0}), [], 5))  # type: ignore[arg-type]


async def test_hostile_words_stay_in_their_label(visitor: httpx.AsyncClient, app: App) -> None:
    need(shutil.which("promtool") is not None, "promtool (Debian's prometheus)")
    words = 'a"} 9\nwatchkeeper_halted{service="shop"} 1 \\ {{x}} 漢'
    sample = Sample("web", app.clock.now(), 0.1, {words: 1.0, "nan": float("nan"), "inf": float("inf")})
    app.database.write_now(lambda c: write_sample(c, sample))
    text = await text_of(visitor, app)
    assert 'watchkeeper_halted{service="shop"} 1' not in text.splitlines()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


async def test_debians_prometheus_scrapes_it_and_judges_by_the_export(app: App, tmp_path: Path) -> None:
    need(shutil.which("prometheus") is not None, "prometheus (Debian's package)")
    app.estate = replace(app.estate, service='the "shop"')
    bindings = app.bindings
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(create_site(app, [metrics]), log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    rules = rule_file(app.book, bindings, app.estate.service, app.estate.runbook)
    panels = dashboards.dashboards(app.book, bindings, app.estate)
    now = app.clock.now()
    bearer = app.database.write_now(
        lambda c: make_token(c, now, "prom", "api", timedelta(days=1), "viewer", service=app.estate.service)
    )

    def ask() -> None:
        with prometheus(tmp_path, f"127.0.0.1:{port}", bearer, rules.text) as found:
            value = found.until('watchkeeper_signal_value{signal="web", reading="error_rate"}')
            assert value[0]["value"][1] == "34"
            firing = found.until('ALERTS{alertname="WebDown", alertstate="firing"}')
            assert firing[0]["metric"]["severity"] == "Critical"
            assert found.until('ALERTS{alertname="ErrorRate", alertstate="pending"}')
            assert found.until('ALERTS{alertname="WatchkeeperBlind", threshold="queue-length"}')
            for dashboard in panels.values():
                for expression in dashboards.expressions_of(dashboard):
                    assert found.query(expression) is not None
            # a scrape may be missed on a busy machine
            assert found.until(f"({dashboards.expressions_of(panels['main'])[0]}) == 1")

    try:
        await asyncio.to_thread(ask)
    finally:
        server.should_exit = True
        await serving
        listener.close()
