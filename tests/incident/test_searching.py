"""Incidents found by words of their own or of their timelines, and listed a page at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, delete, update

from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.store.database import Database


@pytest.fixture
def filled(database: Database, now: datetime) -> Database:
    said = [
        ("Checkout is down", "P1", "checkout", "The payment gateway refused every card."),
        ("Disk 100% full_now", "P2", "db", "Logs had grown; anna emptied /var/log."),
        ("Queue is long", "P2", "queue", "Der Zahlungsdienst antwortet nicht: Überlast"),
    ]

    def fill(connection: Connection) -> None:
        for number, (title, severity, cause, sentence) in enumerate(said):
            at = now + timedelta(minutes=number)
            one = Incident(f"inc-{number}", "shop", title, severity, "open" if number else "resolved", cause, at, at)
            incidents.open_incident(connection, one)
            incidents.add_entry(connection, one.id, at, "note", "anna", sentence)

    database.write_now(fill)
    return database


def found(database: Database, search: str, **more: object) -> list[str]:
    return [one.id for one in database.read_now(lambda c: incidents.list_incidents(c, search=search, **more))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("checkout", ["inc-0"]),
        ("CHECKOUT down", ["inc-0"]),
        ("payment", ["inc-0"]),
        ("gateway pay", ["inc-0"]),  # the last word may go on
        ("P2", ["inc-2", "inc-1"]),
        ("inc-2", ["inc-2"]),
        ("überlast", ["inc-2"]),
        ("100%", ["inc-1"]),  # no sign of ours
        ("full_now", ["inc-1"]),
        ("checkout anna", []),
        ("nothing", []),
        ("   ", ["inc-2", "inc-1", "inc-0"]),
        ("%", ["inc-1"]),
        ("'\" OR 1=1 --", []),
        ("NEAR(payment gateway)", []),
        ("payment & !card | (x", []),
        ("x" * 200, []),
    ],
)
def test_what_a_search_finds(filled: Database, search: str, ids: list[str]) -> None:
    assert found(filled, search) == ids


def test_a_search_among_those_that_are_open(filled: Database) -> None:
    assert found(filled, "payment", open_only=True) == []


def test_lines_that_go_are_found_no_more_and_those_that_change_by_their_new_words(filled: Database) -> None:
    table = incidents.timeline
    filled.write_now(lambda c: c.execute(update(table).where(table.c.incident_id == "inc-0").values(sentence="All is well.")))
    assert found(filled, "gateway") == []
    assert found(filled, "well") == ["inc-0"]
    filled.write_now(lambda c: c.execute(delete(table).where(table.c.incident_id == "inc-0")))
    assert found(filled, "well") == []


def test_pages_follow_each_other_without_a_gap(filled: Database) -> None:
    listed, before = [], None
    while page := filled.read_now(lambda c, before=before: incidents.list_incidents(c, limit=1, before=before)):
        listed += [one.id for one in page]
        before = page[-1]
    assert listed == ["inc-2", "inc-1", "inc-0"]
