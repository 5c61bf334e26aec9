"""From alerts to incidents in rows: timelines, clocks, severities, causes; and the life after."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert, Silence
from watchkeeper.base.errors import NotFound
from watchkeeper.book.model import Book, Dependency, Escalation, Severity, Threshold
from watchkeeper.estate.model import Bindings, Bound
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, timers
from watchkeeper.incident.model import Incident
from watchkeeper.incident.opening import group_alerts
from watchkeeper.store import ledger as acts
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import entries

BOOK = Book(
    title="Shop", service="shop", digest="d1",
    dependencies=(Dependency(line=1, source="Shop application", needs="Database"),),
    severities=(
        Severity(line=2, code="P1", name="Critical", respond_within_s=300), Severity(line=3, code="P2", respond_within_s=3600),
    ),
    escalation=(Escalation(line=4, level=1, role="On-call", after_s=900), Escalation(line=5, level=2, role="Lead", after_s=1800)),
)  # fmt: skip
COMPONENTS = {"shop": "Shop application", "db": "database", "errors": "Shop application", "dns": "DNS"}


def bound(key: str) -> Bound:
    threshold = Threshold(line=9, role="alert", subject=COMPONENTS[key], op="is", state="down", for_s=10)
    return Bound(key, threshold, key, "up", COMPONENTS[key], "")


BINDINGS = Bindings(tuple(bound(key) for key in COMPONENTS))


def fire(database: Database, at: datetime, key: str, severity: str | None = "P2") -> Alert:
    part, sentence = COMPONENTS[key], f"{COMPONENTS[key]} is down since 10 s."
    alert = Alert(f"alt-{key}-{at:%M%S}", key, part, part, severity, at - timedelta(seconds=10), at, None, 0.0, sentence)
    database.write_now(lambda c: alerts.raise_alert(c, alert))
    return alert


def group(database: Database, now: datetime) -> list[Incident]:
    return database.write_now(lambda c: group_alerts(c, BOOK, BINDINGS, "shop", now, 0))


def told(database: Database, incident_id: str) -> list[tuple[str, str]]:
    return [(e.kind, e.sentence) for e in database.read_now(lambda c: incidents.read_timeline(c, incident_id))]


def clocks(database: Database, incident_id: str) -> list[tuple[str, int]]:
    return [(c.kind, c.level) for c in database.read_now(lambda c: timers.read_clocks(c, incident_id))]


def test_an_incident_is_opened_once_with_all_it_needs(database: Database, now: datetime) -> None:
    fire(database, now, "db", "critical")
    fire(database, now, "shop", "P2")
    [found] = group(database, now)
    assert (found.title, found.severity, found.status, found.cause, found.book) == (
        "Database is down",
        "P1",
        "open",
        "database",
        "d1",
    )
    assert found.began_at == now - timedelta(seconds=10)
    assert group(database, now) == []
    assert told(database, found.id) == [
        ("alert", "database is down since 10 s."),
        ("alert", "Shop application is down since 10 s. Shop application is explained by database."),
        ("opened", "Incident opened. P1: Database is down. The book calls database P1 (Critical). "
                   "database: nothing that database depends on is red, so database is taken for the cause."),
    ]  # fmt: skip
    assert clocks(database, found.id) == [("rung", 1), ("respond", 0), ("rung", 2)]
    members = database.read_now(lambda c: alerts.alerts_of(c, found.id))
    assert {a.key: a.explained_by for a in members} == {"db": None, "shop": "database"}
    rows = database.read_now(lambda c: c.execute(select(entries.c.act, entries.c.subject)).all())
    assert [tuple(row) for row in rows] == [("incident.open", found.id)]


def test_independent_causes_open_two(database: Database, now: datetime) -> None:
    fire(database, now, "db")
    fire(database, now, "dns")
    assert {i.cause for i in group(database, now)} == {"database", "DNS"}


def test_a_deeper_cause_takes_over_and_the_procedure_is_to_be_chosen_anew(database: Database, now: datetime) -> None:
    fire(database, now, "shop", "P2")
    [first] = group(database, now)
    database.write_now(lambda c: lifecycle.choose_procedure(c, now, first.id, "restart-shop", "It is about the shop."))
    later = now + timedelta(seconds=20)
    fire(database, later, "db", "P1")
    [found] = group(database, later)
    assert (found.id, found.cause, found.title, found.severity, found.procedure_id) == (
        first.id,
        "database",
        "Database is down",
        "P1",
        None,
    )
    lines = told(database, found.id)
    assert lines[-2] == (
        "cause",
        "The cause is database, no longer Shop application: Shop application depends on database, which is red too: "
        "database is now taken for the cause.",
    )
    assert lines[-1] == ("severity", "The incident is now P1; it was P2. The book calls database P1 (Critical).")
    assert {a.key: a.explained_by for a in database.read_now(lambda c: alerts.alerts_of(c, found.id))} == {
        "shop": "database",
        "db": None,
    }


def test_a_severity_is_raised_by_what_joins_and_never_lowered(database: Database, now: datetime) -> None:
    fire(database, now, "shop", "P2")
    [first] = group(database, now)
    fire(database, now + timedelta(seconds=5), "errors", "P1")
    [found] = group(database, now + timedelta(seconds=5))
    assert found.severity == "P1"
    respond = next(c for c in database.read_now(lambda c: timers.read_clocks(c, first.id)) if c.kind == "respond")
    assert respond.due_at == now + timedelta(minutes=5)


def test_what_is_graver_lets_the_procedure_be_chosen_anew_and_what_is_not_does_not(database: Database, now: datetime) -> None:
    fire(database, now, "shop", "P2")
    [found] = group(database, now)
    database.write_now(lambda c: lifecycle.choose_procedure(c, now, found.id, "many-errors", "It speaks of errors."))
    for seconds, severity, kept in ((5, "P2", "many-errors"), (9, "P1", None)):
        later = now + timedelta(seconds=seconds)
        fire(database, later, "errors", severity)
        [joined] = group(database, later)
        assert (joined.id, joined.procedure_id) == (found.id, kept)
        database.write_now(lambda c, at=later: alerts.end_alert(c, f"alt-errors-{at:%M%S}", at))


def test_recovered_then_red_again_reopens(database: Database, now: datetime) -> None:
    first = fire(database, now, "shop")
    [found] = group(database, now)
    database.write_now(lambda c: alerts.end_alert(c, first.id, now))
    at = now + timedelta(seconds=30)
    database.write_now(lambda c: lifecycle.recovered(c, at, found.id, at, "All thresholds are healthy again."))
    fire(database, at, "shop")
    [again] = group(database, at)
    assert (again.id, again.status, again.recovered_at) == (found.id, "open", None)
    assert told(database, found.id)[-1] == ("reopened", "Shop application is red again, so it is not over.")


def test_a_person_stops_the_ladder_and_automation_does_not(database: Database, now: datetime) -> None:
    fire(database, now, "shop")
    [found] = group(database, now)
    at = now + timedelta(seconds=90)
    taken = database.write_now(lambda c: lifecycle.acknowledge(c, at, found.id, "automation"))
    assert (taken.status, taken.acknowledged_by) == ("acknowledged", "automation")
    assert clocks(database, found.id) == [("rung", 1), ("rung", 2), ("respond", 0)]
    taken = database.write_now(lambda c: lifecycle.acknowledge(c, at, found.id, "anna", "I have it"))
    assert (taken.acknowledged_by, clocks(database, found.id)) == ("anna", [])
    assert told(database, found.id)[-1] == ("acknowledged", "anna took the incident after 1 min 30 s; nobody else is called.")
    before = len(told(database, found.id))
    database.write_now(lambda c: lifecycle.acknowledge(c, at, found.id, "automation"))
    database.write_now(lambda c: lifecycle.acknowledge(c, at, found.id, "anna"))
    assert len(told(database, found.id)) == before


def test_resolving_stops_all_clocks_and_is_said_once(database: Database, now: datetime) -> None:
    fire(database, now, "shop")
    [found] = group(database, now)
    at = now + timedelta(minutes=2)
    over = database.write_now(lambda c: lifecycle.resolve(c, at, found.id, "automation", "verified"))
    database.write_now(lambda c: lifecycle.resolve(c, at, found.id, "ben", "late"))
    assert (over.status, over.resolved_at, clocks(database, found.id)) == ("resolved", at, [])
    assert told(database, found.id)[-1] == ("resolved", "Resolved 2 min 10 s after it began: verified")
    assert database.read_now(lambda c: incidents.list_incidents(c, open_only=True)) == []
    assert database.read_now(lambda c: acts.verify(c, {}))[1] == []


def test_an_incident_that_is_not_there_is_said(database: Database, now: datetime) -> None:
    with pytest.raises(NotFound, match="There is no incident inc-0"):
        database.write_now(lambda c: lifecycle.resolve(c, now, "inc-0", "anna", "why"))


def test_a_held_alert_waits_and_opens_its_incident_at_the_end_of_the_silence(database: Database, now: datetime) -> None:
    made = Silence("sil-1", "anna", "Reindexing", now, now + timedelta(minutes=5), component="DNS")
    database.write_now(lambda c: alerts.add_silence(c, made, None))
    waiting = fire(database, now, "dns")
    assert group(database, now) == []
    assert group(database, now + timedelta(minutes=4)) == []
    rows = database.read_now(lambda c: c.execute(select(entries.c.act, entries.c.subject)).all())
    assert [tuple(row) for row in rows] == [("alert.held", waiting.id)]
    [found] = group(database, now + timedelta(minutes=5))
    assert ("held", "DNS was held back until now, by sil-1, and still fires.") in told(database, found.id)


def test_a_held_alert_that_ends_meanwhile_opens_nothing(database: Database, now: datetime) -> None:
    made = Silence("sil-1", "anna", "Reindexing", now, now + timedelta(minutes=5), severity="P2")
    database.write_now(lambda c: alerts.add_silence(c, made, None))
    waiting = fire(database, now, "dns")
    assert group(database, now) == []
    database.write_now(lambda c: alerts.end_alert(c, waiting.id, now + timedelta(minutes=1)))
    assert group(database, now + timedelta(minutes=6)) == []


def fire_security(database: Database, at: datetime, key: str = "errors") -> Alert:
    sentence, since = "Failed logins is 80, > 20.", at - timedelta(seconds=10)
    alert = Alert(f"alt-{key}-{at:%M%S}", key, "Failed logins", COMPONENTS[key], "P2", since, at, None, 80.0, sentence)
    database.write_now(lambda c: alerts.raise_alert(c, alert))
    return alert


def test_what_is_about_security_is_private_by_itself_and_says_why(database: Database, now: datetime) -> None:
    fire_security(database, now)
    [found] = group(database, now)
    assert found.private_at == now
    kind, sentence = told(database, found.id)[-1]
    assert kind == "private"
    assert sentence.endswith("It is private, because the alert “Failed logins” is about security.")


def test_an_alert_that_joins_makes_its_incident_private_unless_somebody_has_shown_it(database: Database, now: datetime) -> None:
    fire(database, now, "shop")
    [found] = group(database, now)
    assert not found.is_private
    fire_security(database, now + timedelta(seconds=5))
    [found] = group(database, now + timedelta(seconds=5))
    assert found.is_private
    database.write_now(lambda c: lifecycle.set_private(c, now, found.id, False, "anna", "A test of ours."))
    fire_security(database, now + timedelta(seconds=9), "shop")
    [found] = group(database, now + timedelta(seconds=9))
    assert not found.is_private
    kinds = [kind for kind, _ in told(database, found.id)]
    assert (kinds.count("private"), kinds.count("shown")) == (1, 1)
