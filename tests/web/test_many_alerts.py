"""An incident of very many alerts: its page says how many, shows some, and leads to the others; signals show who sent them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
from sqlalchemy import Connection, insert

from watchkeeper.alert.ledger import alerts, reports
from watchkeeper.app import App
from watchkeeper.estate.model import Alerting, Hook

INCIDENT = "inc-01k9x3h8v2-7dq4mz"
HOSTILE = '<script>alert("from a sender")</script>'


def flood(app: App, number: int) -> None:
    now = app.clock.now()
    row = {
        "subject": f"Port {HOSTILE}", "component": None, "severity": "page", "breached_at": now, "fired_at": now, "value": None,
        "sentence": f"prom says: {HOSTILE}.", "incident_id": INCIDENT, "explained_by": None, "source": "prom", "lead": 0,
    }  # fmt: skip

    def work(connection: Connection) -> None:
        ended = [None, now + timedelta(seconds=5)]
        rows = [row | {"id": f"alt-flood-{n:05}", "key": f"prom:{n}", "ended_at": ended[n % 2]} for n in range(number)]
        connection.execute(insert(alerts), rows)
        heard = {
            "source": "prom",
            "status": "firing",
            "began_at": now,
            "at": now,
            "heard_at": now,
            "times": 1,
            "name": "x",
            "labels": {},
        }
        connection.execute(insert(reports), [heard | {"key": f"prom:{n}"} for n in range(number)])

    app.database.write_now(work)


async def test_the_page_of_an_incident_shows_a_piece_of_many(anna: httpx.AsyncClient, app: App) -> None:
    flood(app, 1200)
    page = (await anna.get(f"/incidents/{INCIDENT}")).text
    assert "1,201 alerts, 601 still firing. These are 1 to 50." in page
    assert 'href="?skip=50#alerts">Further' in page
    assert HOSTILE not in page
    assert page.count("prom says: ") == 49
    assert "<summary>40 more of these</summary>" in page
    last = (await anna.get(f"/incidents/{INCIDENT}?skip=1190")).text
    assert "These are 1,191 to 1,201." in last
    assert 'href="?skip=1140#alerts">Earlier' in last
    assert "Further" not in last
    assert (await anna.get(f"/incidents/{INCIDENT}?skip=-1")).status_code == 422


async def test_signals_show_who_else_sends_alerts(anna: httpx.AsyncClient, app: App) -> None:
    flood(app, 3)
    senders = {"prom": Hook("prom", "alertmanager"), "kuma": Hook("kuma", "uptime-kuma", component="Shop")}
    app.estate = replace(app.estate, alerting=Alerting(senders))
    page = (await anna.get("/signals")).text
    assert "Alerts that others send" in page
    assert "ago; 3 firing." in page
    assert "Nothing has come yet." in page
