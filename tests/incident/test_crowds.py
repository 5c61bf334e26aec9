"""Alerts of others in rows: one a fingerprint, one incident a cause, storms as one, silence kept, and blindness said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from watchkeeper.alert import ledger as alerts
from watchkeeper.alert import taking
from watchkeeper.alert.model import Alert, Report, Silence
from watchkeeper.alert.naming import Names
from watchkeeper.alert.taking import Taken, take
from watchkeeper.book.model import Book, Component, Dependency, Schedule, Severity, Threshold
from watchkeeper.estate.model import Alerting, Bindings, Bound, Hook, Route
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import sent, timers
from watchkeeper.incident.model import Incident
from watchkeeper.incident.opening import group_alerts
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import entries
from watchkeeper.verify.rules import judge

BOOK = Book(
    title="Shop", service="shop", digest="d1",
    severities=(Severity(line=1, code="P1", name="Critical"), Severity(line=2, code="P2", name="High")),
    components=(Component(line=3, name="Database"), Component(line=4, name="Shop application")),
    dependencies=(Dependency(line=5, source="Shop application", needs="Database"),),
)  # fmt: skip
DOWN = Threshold(line=9, role="alert", subject="Database", op="is", state="down", severity="P1")
BINDINGS = Bindings((Bound("db-down", DOWN, "db", "up", "Database", ""),))
PROM = Hook("prom", "alertmanager", component_labels=("service",), stale_s=3600)
ALERTING = Alerting({"prom": PROM}, (Route("web", 7, ("anna", "dba"), labels={"team": "web"}, repeat_s=600),), storm=10)
NAMES = Names(BOOK, BINDINGS)
SETTLED = select(incidents.incidents.c.id).where(incidents.incidents.c.status == "resolved")


def report(id: str, status: Any = "firing", name: str = "InstanceDown", **more: Any) -> Report:
    return Report(id, name, status, f"{name} of {id}", **more)


class World:
    """One database and the calls that a delivery and the loop make."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        self.book, self.alerting = BOOK, ALERTING

    def take(self, *reports: Report) -> Taken:
        return self.database.write_now(lambda c: take(c, PROM, reports, NAMES, self.alerting, self.now))

    def group(self, seconds: float = 2.0) -> list[Incident]:
        self.now += timedelta(seconds=seconds)
        return self.database.write_now(lambda c: group_alerts(c, self.book, BINDINGS, "shop", self.now, 1.0, self.alerting))

    def incidents(self) -> list[Incident]:
        return self.database.read_now(lambda c: incidents.list_incidents(c))

    def all(self) -> Sequence[Alert]:
        return self.database.read_now(lambda c: alerts.list_alerts(c, 100_000))

    def timeline(self, incident_id: str) -> list[tuple[str, str]]:
        return [(e.kind, e.sentence) for e in self.database.read_now(lambda c: incidents.read_timeline(c, incident_id))]

    def verdict(self, incident_id: str) -> str:
        standings = self.database.read_now(lambda c: sent.standings_of(c, incident_id, self.now))
        return judge(None, dict(standings), None, 60, self.now).kind

    def standing(self, incident_id: str) -> str:
        return self.database.read_now(lambda c: sent.standings_of(c, incident_id, self.now))["prom"].state


@pytest.fixture
def world(database: Database, now: datetime) -> World:
    return World(database, now)


def test_the_same_delivery_twice_is_one_alert(world: World) -> None:
    first = world.take(report("a"), report("a"), report("b"))
    assert (first.opened, first.again) == (2, 1)
    again = world.take(report("a"), report("b"))
    assert (again.opened, again.again) == (0, 2)
    assert len(world.all()) == 2
    [incident] = world.group()
    assert world.group() == []
    assert (incident.title, incident.cause, incident.severity) == ("Instance Down", None, None)
    assert ". prom gives it no severity, and neither does the book." in world.timeline(incident.id)[0][1]


def test_resolved_resolves_and_without_firing_it_is_said(world: World) -> None:
    odd = world.take(report("x", "resolved"))
    assert (odd.unheard, odd.sentences) == (1, ["prom says that InstanceDown is over; it had not said that it began."])
    world.take(report("a"), report("b"))
    [incident] = world.group()
    assert world.verdict(incident.id) == "waiting"
    world.take(report("a", "resolved"))
    assert world.standing(incident.id) == "firing"
    world.take(report("b", "resolved"), report("b", "resolved"))
    assert (world.standing(incident.id), world.verdict(incident.id)) == ("ok", "waiting")
    world.now += timedelta(seconds=61)
    assert world.verdict(incident.id) == "verified"
    assert len(world.incidents()) == 1


def test_what_began_and_was_over_in_one_delivery_is_kept_and_opens_nothing(world: World) -> None:
    taken = world.take(report("a"), report("a", "resolved"))
    assert (taken.opened, taken.ended) == (1, 1)
    assert world.group() == []
    assert [alert.ended_at for alert in world.all()] == [world.now - timedelta(seconds=2)]


def test_a_sender_that_falls_silent_leaves_blindness_never_health(world: World) -> None:
    world.take(report("a"), report("b"))
    [incident] = world.group()
    assert world.database.write_now(lambda c: sent.fall_silent(c, world.alerting, world.now)) == 0
    world.now += timedelta(minutes=50)
    world.take(report("a"))
    world.now += timedelta(minutes=20)
    assert world.database.write_now(lambda c: sent.fall_silent(c, world.alerting, world.now)) == 1
    assert world.standing(incident.id) == "firing"
    world.now += timedelta(minutes=60)
    world.database.write_now(lambda c: sent.fall_silent(c, world.alerting, world.now))
    assert (world.standing(incident.id), world.verdict(incident.id)) == ("blind", "waiting")
    assert [kind for kind, _ in world.timeline(incident.id)].count("blind") == 2
    assert "nobody knows whether they still hold" in world.timeline(incident.id)[-1][1]
    world.take(report("a"))
    assert world.standing(incident.id) == "firing"
    assert world.database.write_now(lambda c: sent.fall_silent(c, world.alerting, world.now)) == 0


def test_names_of_the_book_bring_its_severity_its_component_and_its_diagram(world: World) -> None:
    world.take(
        report("a", name="DatabaseDown", severity="page"), report("b", name="Latency", labels={"service": "shop application"})
    )
    [incident] = world.group()
    assert (incident.title, incident.severity, incident.cause) == ("Database is down", "P1", "Database")
    found = world.database.read_now(lambda c: alerts.alerts_of(c, incident.id))
    assert {a.threshold: a.explained_by for a in found} == {"db-down": None, None: "Database"}


def test_an_unknown_severity_stays_the_senders_word_and_it_is_said(world: World) -> None:
    world.take(report("a", severity="page"))
    [incident] = world.group()
    assert incident.severity == "page"
    assert "prom calls Instance Down page, a severity that the book does not define." in world.timeline(incident.id)[-1][1]


def test_a_storm_of_many_groups_is_one_incident_with_a_count(world: World) -> None:
    for begin in range(0, 600, 100):
        world.take(*(report(f"h{n}", name=f"Alert{n}", severity=("page", "warn")[n % 2]) for n in range(begin, begin + 100)))
    [incident] = world.group()
    assert incident.title.startswith("Storm of alerts from prom, Alert")
    world.take(*(report(f"later{n}", name=f"Later{n}") for n in range(200)))
    world.group()
    world.group()
    assert len(world.incidents()) == 1
    total, still = world.database.read_now(lambda c: alerts.count_members(c, incident.id))
    assert (total, still) == (800, 800)
    leads = world.database.read_now(lambda c: alerts.alerts_of(c, incident.id))
    assert len(leads) <= 3
    assert len(world.timeline(incident.id)) < 12
    assert ("storm", "More than 499 alerts belong to this incident by now; the last came from prom.") in world.timeline(
        incident.id
    )
    world.now += timedelta(minutes=1)
    world.take(*(report(f"h{n}", "resolved", name=f"Alert{n}") for n in range(500)))
    assert world.standing(incident.id) == "firing"
    world.take(*(report(f"h{n}", "resolved", name=f"Alert{n}") for n in range(500, 600)))
    world.take(*(report(f"later{n}", "resolved", name=f"Later{n}") for n in range(200)))
    assert world.standing(incident.id) == "ok"
    assert world.database.read_now(lambda c: alerts.count_members(c, incident.id)) == (800, 0)


def test_few_groups_are_incidents_of_their_own_and_alike_follow_their_lead(world: World) -> None:
    world.take(*(report(f"h{n}", name=f"Alert{n % 3}") for n in range(90)))
    assert len(world.group()) == 3
    world.take(*(report(f"more{n}", name=f"Alert{n % 3}") for n in range(30)))
    assert len(world.group()) == 3
    counts = [world.database.read_now(lambda c, i=i: alerts.count_members(c, i.id)) for i in world.incidents()]
    assert counts == [(40, 40)] * 3


def test_the_lead_hands_on_to_one_that_still_fires(world: World) -> None:
    world.take(*(report(f"h{n}", name="DatabaseDown") for n in range(5)))
    [incident] = world.group()
    [lead] = world.database.read_now(lambda c: alerts.alerts_of(c, incident.id))
    world.take(report(lead.key.removeprefix("prom:"), "resolved", name="DatabaseDown"))
    leads = world.database.read_now(lambda c: alerts.alerts_of(c, incident.id))
    assert [a.ended_at is None for a in sorted(leads, key=lambda a: a.id != lead.id)] == [False, True]
    world.take(report("shop", name="Latency", labels={"service": "shop application"}))
    world.group()
    assert len(world.incidents()) == 1


def silence(world: World, **names: Any) -> None:
    made = Silence("sil-1", "anna", "Expected", world.now, world.now + timedelta(hours=1), **names)
    world.database.write_now(lambda c: alerts.add_silence(c, made, None))


@pytest.mark.parametrize(
    ("names", "held"),
    [({"subject": "instance down"}, 3), ({"severity": "page"}, 2), ({"component": "Database"}, 1), ({"key": "prom:a"}, 1)],
)
def test_silences_hold_the_alerts_of_others_back(world: World, names: dict[str, str], held: int) -> None:
    silence(world, **names)
    sent_ = [report("a", severity="page"), report("b", severity="page"), report("c"), report("d", name="DatabaseDown")]
    world.take(*sent_)
    world.group()
    waiting = [alert for alert in world.all() if alert.incident_id is None]
    assert len(waiting) == held
    assert {alert.silenced_by for alert in waiting} == {"sil-1"}
    world.group()
    told = world.database.read_now(lambda c: c.execute(select(func.count()).where(entries.c.act == "alert.held")).scalar())
    assert told >= 1
    world.now += timedelta(hours=2)
    world.take(*sent_)
    world.group()
    assert [alert for alert in world.all() if alert.incident_id is None] == []


def test_a_maintenance_window_of_the_book_holds_them_back_too(world: World) -> None:
    window = Schedule(
        line=20, title="Maintenance window", every="day", rrule="FREQ=DAILY", at="11:00", until="13:00", timezone="UTC"
    )
    world.book = Book(title="Shop", service="shop", schedules=(window,))
    world.take(report("a"))
    assert world.group() == []
    world.now += timedelta(hours=2)
    [incident] = world.group()
    assert "held back until now" in " ".join(sentence for _, sentence in world.timeline(incident.id))


def test_a_route_tells_its_own_people_instead_of_the_first_rung_and_again_as_it_says(world: World) -> None:
    world.take(report("a", labels={"team": "web"}))
    [incident] = world.group()
    clocks = world.database.read_now(lambda c: timers.read_clocks(c, incident.id))
    assert {(c.kind, c.role, (c.due_at - incident.opened_at).total_seconds()) for c in clocks} >= {
        ("rung", "anna", 0.0), ("rung", "dba", 0.0), ("update", "", 600.0),
    }  # fmt: skip


def test_an_acknowledgement_over_there_is_said_and_stops_nothing(world: World) -> None:
    world.take(report("a"))
    [incident] = world.group()
    taken = world.take(report("a", "acknowledged"))
    assert taken.noted[0][0] == incident.id
    assert world.standing(incident.id) == "firing"
    assert "had not said" not in world.take(report("zzz", "acknowledged")).sentences[0]
    assert world.take(report("zzz")).opened == 1


def test_what_was_heard_is_forgotten_once_it_is_over(world: World) -> None:
    world.take(report("a"), report("b"), report("b", "resolved"))
    later = world.now + timedelta(days=8)
    assert world.database.write_now(lambda c: taking.forget(c, later, SETTLED)) == 1

    def count(connection: Connection) -> int:
        return int(connection.execute(select(func.count()).select_from(alerts.reports)).scalar_one())

    assert world.database.read_now(count) == 1


def test_what_nobody_spoke_of_again_is_forgotten_once_its_incident_is_settled(world: World) -> None:
    world.take(report("a"))
    [incident] = world.group()
    world.now += timedelta(days=2)
    world.database.write_now(lambda c: sent.fall_silent(c, world.alerting, world.now))
    later = world.now + timedelta(days=8)
    assert world.database.write_now(lambda c: taking.forget(c, later, SETTLED)) == 0
    over = update(incidents.incidents).where(incidents.incidents.c.id == incident.id).values(status="resolved")
    world.database.write_now(lambda c: c.execute(over))
    assert world.database.write_now(lambda c: taking.forget(c, later, SETTLED)) == 1
    assert world.take(report("a")).opened == 1


def test_groups_that_are_still_coming_are_waited_for_and_not_for_long(world: World) -> None:
    world.take(*(report(f"{n}", name=f"Alert{n}") for n in range(6)))
    assert world.group(0.9) == []
    world.take(*(report(f"more{n}", name=f"More{n}") for n in range(2)))
    assert world.group(0.9) == []
    world.take(*(report(f"last{n}", name=f"Last{n}") for n in range(4)))
    [storm] = world.group(1.1)
    assert storm.title.startswith("Storm")
    assert world.database.read_now(lambda c: alerts.count_members(c, storm.id)) == (12, 12)


def test_nobody_waits_longer_than_patience_lasts(world: World) -> None:
    world.take(*(report(f"{n}", name=f"Alert{n}") for n in range(6)))
    rounds = 0
    while not world.group(0.9):
        rounds += 1
        world.take(report(f"more{rounds}", name=f"Alert{rounds % 6}"))
    assert 10 <= rounds <= 12
    assert len(world.incidents()) == 6


def test_the_review_counts_those_that_only_followed(world: World) -> None:
    from watchkeeper.learn.draft import draft

    world.take(*(report(f"h{n}", name="DatabaseDown") for n in range(30)))
    [incident] = world.group()
    leads = world.database.read_now(lambda c: alerts.alerts_of(c, incident.id))
    said = draft(BOOK, incident, leads, [], [], [], world.now, bindings=BINDINGS, alerts_total=30)
    assert "29 more alerts were like one of these: 30 in all" in said


def test_what_was_heard_is_shown_by_sender(world: World) -> None:
    world.take(report("a"), report("b", name="DatabaseDown"), report("c"), report("c", "resolved"))
    heard = world.database.read_now(alerts.heard_of)["prom"]
    assert {status: size for status, (size, _) in heard.items()} == {"firing": 2, "resolved": 1}
