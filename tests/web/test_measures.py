"""The page of the measures, its CSV, and its twin in the API and on the command line."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import httpx
from sqlalchemy import Connection

from watchkeeper.actions.views.measures import as_csv, measures
from watchkeeper.app import App
from watchkeeper.estate.model import Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn.ledger import Review, save_review
from watchkeeper.tell.ledger import write_notice
from watchkeeper.tell.model import Notice


def fill(app: App) -> None:
    now = app.clock.now()

    def work(connection: Connection) -> None:
        for number, severity in enumerate(("P1", "P1", "=P2")):
            at = now - timedelta(days=10 * number + 1)
            one = Incident(f"inc-m{number}", "shop", "Down", severity, "resolved", "<b>cache</b>", at, at, resolved_at=at)
            incidents.open_incident(connection, one)
            if number < 2:
                took = {"detection_s": 5.0, "recovery_s": 60.0 * (number + 1), "resolution_s": 200.0}
                save_review(connection, Review(one.id, at, "r.md", "", took))
        sent = Notice("n-1", "inc-m0", "anna", "initial", "Down", "It is down", "sent", 1, now, sent_at=now)
        write_notice(connection, sent)

    app.database.write_now(work)


async def test_the_page_and_its_twins(app: App, anna: httpx.AsyncClient) -> None:
    fill(app)
    app.estate = replace(app.estate, people={"anna": Person("anna", "Anna", 3)})
    page = (await anna.get("/measures?by=cause")).text
    assert "&lt;b&gt;cache&lt;/b&gt;" in page
    assert "<b>cache" not in page
    assert re.search(r"1\smin\s30\ss", page)
    assert "1 more are over and have no review yet" in page
    twin = (await anna.get("/api/v1/measures?by=severity")).json()
    assert [(each["group"], each["incidents"], each["mttm_s"]) for each in twin["groups"]] == [
        ("P1", 2, 90.0), ("Critical", 1, 180.0),
    ]  # fmt: skip
    table = await anna.get("/measures.csv")
    assert table.headers["content-type"].startswith("text/csv")
    head, first, *_ = table.text.splitlines()
    assert head == "severity,incidents,mttd_s,mtta_s,mttm_s,mttr_s,longest_s,longest_incident"
    assert first == "P1,2,5.0,,90.0,200.0,120.0,inc-m1"
    loads = (await anna.get("/measures.csv?by=person")).text.splitlines()
    assert loads[0] == "person,pages,at_night,nights,worst_night"
    assert loads[1].startswith("Anna,2,")
    kept = (await anna.get("/measures.csv?by=promise")).text.splitlines()
    assert kept[0] == "month,severity,promise,promised_s,incidents,kept,longest_s"
    assert "Means" not in (await anna.get("/measures?by=person")).text
    assert (await anna.get("/measures?days=0")).status_code in (400, 422)


async def test_a_text_that_a_spreadsheet_would_calculate_is_a_text(app: App) -> None:
    fill(app)
    took = {"recovery_s": 1.0}
    app.database.write_now(lambda c: save_review(c, Review("inc-m2", app.clock.now(), "r.md", "", took)))
    assert "'=P2,1,,,1.0,,1.0,inc-m2" in as_csv(await measures(app)).splitlines()
