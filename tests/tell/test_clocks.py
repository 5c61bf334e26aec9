"""A night on the ladder: who is told when, what is late, and that nothing happens twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from watchkeeper.book.model import Book, Climb, Contact, Escalation, Procedure, Severity, Template
from watchkeeper.estate.hours import Office, parse_hours
from watchkeeper.estate.model import Estate, LadderRule, Person
from watchkeeper.estate.rota import Layer, Rota
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, rules, timers
from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.people.model import Change
from watchkeeper.people.rota_ledger import add_change
from watchkeeper.store import due as dues
from watchkeeper.store.database import Database
from watchkeeper.tell.clocks import clock_due, tell_again
from watchkeeper.tell.ledger import list_notices

BOOK = Book(
    title="Shop", service="shop",
    severities=(Severity(line=1, code="P1", respond_within_s=300), Severity(line=2, code="P2", respond_within_s=3600)),
    escalation=(Escalation(line=4, level=1, role="On-call", after_s=900), Escalation(line=5, level=2, role="CTO", after_s=1800),
                Escalation(line=6, level=3, role="Lead", after_s=3600)),
    templates=(Template(line=9, name="Initial", body="We look into [issue]. Updates every 20 minutes."),),
)  # fmt: skip
ANNA = Person("anna", "Anna", 3, ("On-call",), ("json://127.0.0.1/anna",))
BEN = Person("ben", "Ben", 7, ("Lead",), ("json://127.0.0.1/ben",))
ESTATE = Estate(Path("/e/watchkeeper.toml"), "shop", Path("/e/runbook.md"), people={"anna": ANNA, "ben": BEN})


class Night:
    """An incident and the clocks that come due on it."""

    def __init__(self, database: Database, start: datetime, book: Book = BOOK, estate: Estate = ESTATE) -> None:
        self.database, self.start, self.book, self.estate = database, start, book, estate
        self.incident = Incident("inc-1", "shop", "Shop application is down", "P2", "open", "shop", start, start)
        database.write_now(self._open)

    def _open(self, connection: Connection) -> None:
        incidents.open_incident(connection, self.incident)
        timers.set_clocks(connection, self.incident, rules.clocks(self.book, self.incident))

    def at(self, minutes: float) -> list[str]:
        """Let the loop live at that minute; gives what each clock that came due said."""
        now = self.start + timedelta(minutes=minutes)

        def work(connection: Connection) -> list[str]:
            said = []
            while due := dues.claim(connection, now, "test", 1):
                incident = incidents.get_incident(connection, "inc-1")
                assert incident is not None
                said.append(clock_due(connection, due[0], self.book, self.estate, incident, now))
            return said

        return self.database.write_now(work)

    def change(self, before: str, after: str, minutes: float) -> None:
        """Make it graver or less grave, as a graver alert does."""

        def work(connection: Connection) -> None:
            body, at = {"from": before, "to": after}, self.start + timedelta(minutes=minutes)
            incidents.update_incident(connection, "inc-1", severity=after)
            incidents.add_entry(connection, "inc-1", at, "severity", "automation", f"Now {after}.", body)
            incident = incidents.get_incident(connection, "inc-1")
            assert incident is not None
            timers.set_clocks(connection, incident, rules.clocks(self.book, incident))

        self.database.write_now(work)

    def told(self) -> list[str]:
        return sorted(n.id.removeprefix("inc-1/") for n in self.database.read_now(list_notices))

    def timeline(self, *kinds: str) -> list[str]:
        entries = self.database.read_now(lambda c: incidents.read_timeline(c, "inc-1"))
        return [e.sentence for e in entries if e.kind in kinds]


@pytest.fixture
def night(database: Database, now: datetime) -> Night:
    return Night(database, now)


def test_the_first_level_is_told_at_once_in_the_books_own_words(night: Night) -> None:
    assert night.at(0) == ["Level 1 is told: Anna."]
    assert night.told() == ["initial/1/anna"]
    [notice] = night.database.read_now(list_notices)
    assert notice.body == "We look into “Shop application is down”. Updates every 20 minutes."
    assert night.at(1) == []


def test_a_level_that_reaches_nobody_is_said_and_the_next_one_told_at_once(night: Night) -> None:
    night.at(0)
    first, second = night.at(15)
    assert first == (
        "Level 2 of the ladder reaches nobody: CTO: nobody in watchkeeper.toml has this role; nobody is told. "
        "Level 3 is told at once."
    )
    assert second == "Nobody took the incident within 15 min: level 3 (Lead: Ben) is told."
    assert night.told() == ["escalation/3/ben", "initial/1/anna"]
    assert (night.timeline("not-told"), night.timeline("escalated")) == ([first], [second])


def test_the_ladder_begins_again_as_often_as_the_file_says_until_somebody_has_it(database: Database, now: datetime) -> None:
    book = replace(BOOK, escalation=(BOOK.escalation[0], BOOK.escalation[2]), templates=())
    night = Night(database, now, book, replace(ESTATE, ladder=LadderRule(2, 600)))
    night.at(0)
    assert "the ladder begins again in 10 min unless somebody takes the incident (1 of 2)." in " ".join(night.at(30))
    assert night.at(39) == []
    assert night.at(40) == ["Nobody took the incident within 40 min: level 1 (On-call: Anna) is told."]
    again = night.at(70)
    assert again[0].startswith("Nobody took the incident within 1 h 10 min: level 3 (Lead: Ben) is told.")
    assert "(2 of 2)" in again[0]
    night.at(80)
    night.at(500)
    paged = [n for n in night.told() if n.startswith(("initial", "escalation"))]
    assert paged == [
        "escalation/1001/anna", "escalation/1003/ben", "escalation/2001/anna", "escalation/2003/ben",
        "escalation/3/ben", "initial/1/anna",
    ]  # fmt: skip


def test_the_book_itself_has_the_ladder_begin_again_as_long_as_nobody_takes_it(database: Database, now: datetime) -> None:
    book = replace(BOOK, escalation=BOOK.escalation[:1], climbs=(Climb(line=7, kind="again", after_s=300.0),), templates=())
    night = Night(database, now, book)
    assert "begins again in 5 min unless somebody takes the incident (line 7)." in " ".join(night.at(0))
    for minutes in range(5, 41, 5):
        assert "level 1 (On-call: Anna) is told." in night.at(minutes)[0]
    night.database.write_now(lambda c: lifecycle.acknowledge(c, now, "inc-1", "anna"))
    assert not any("is told" in said for said in night.at(100))


def test_who_hears_at_once_is_not_told_that_nobody_took_it(database: Database, now: datetime) -> None:
    night = Night(database, now, replace(BOOK, climbs=(Climb(line=7, kind="together", severity="P2"),)))
    assert night.at(0)[0] == "Level 1 is told: Anna."
    assert night.told() == ["initial/1/anna", "initial/3/ben"]


def test_a_ladder_that_begins_again_ends_with_who_takes_the_incident(database: Database, now: datetime) -> None:
    night = Night(database, now, BOOK, replace(ESTATE, ladder=LadderRule(5, 60)))
    night.at(0)
    night.at(30)
    night.database.write_now(lambda c: lifecycle.acknowledge(c, now, "inc-1", "ben"))
    assert night.at(300) == ["An update was due and goes to Anna, Ben."]
    assert len([n for n in night.told() if n.startswith(("initial", "escalation"))]) == 2


def test_a_last_level_that_waits_for_its_hours_does_not_end_the_ladder(database: Database, now: datetime) -> None:
    hours = parse_hours("15:00-16:00")
    assert hours is not None
    lead = Contact(line=7, role="Lead", hours="business hours")
    book = replace(BOOK, escalation=(BOOK.escalation[0], BOOK.escalation[2]), contacts=(lead,), templates=())
    estate = replace(ESTATE, ladder=LadderRule(2, 600), office=Office(hours, stated=True))
    night = Night(database, now, book, estate)  # it is noon
    night.at(0)
    assert "begins again in 10 min unless somebody takes the incident (1 of 2)." in " ".join(night.at(30))
    night.at(40)
    assert "(2 of 2)" in " ".join(night.at(70))
    night.at(80)
    night.at(110)
    anna = ["escalation/1001/anna", "escalation/2001/anna"]
    assert [n for n in night.told() if n.startswith(("initial", "escalation"))] == [*anna, "initial/1/anna"]
    assert "level 3 (Lead: Ben) is told." in " ".join(night.at(180)), "the doors are open, and nobody has it"
    assert night.at(1000) == []
    assert [n for n in night.told() if n.endswith("ben") and n.startswith("escalation")] == ["escalation/2003/ben"]


def test_another_severity_in_a_ladder_that_began_again_has_all_its_repeats(database: Database, now: datetime) -> None:
    book = replace(BOOK, escalation=BOOK.escalation[:1], templates=())
    night = Night(database, now, book, replace(ESTATE, ladder=LadderRule(1, 600)))
    night.at(0)
    night.at(10)
    for before, after in (("P2", "P1"), ("P1", "P2")):
        night.change(before, after, 20)
        said = night.at(20)[0]
        assert said.startswith("Level 1 is told that it is P1 now: Anna." if after == "P1" else "Level 1 (Anna) was told before.")
        night.at(30)
    assert [n for n in night.told() if n.startswith(("initial", "escalation"))] == [
        "escalation/1001/anna", "escalation/3001/anna", "escalation/5001/anna", "initial/1/anna",
    ]  # fmt: skip


def test_an_update_goes_to_all_who_know_and_comes_again(night: Night) -> None:
    night.at(0)
    assert "An update was due and goes to Anna." in night.at(20)
    assert "An update was due and goes to Anna, Ben." in night.at(40)
    assert [n for n in night.told() if n.startswith("update")] == ["update/1/anna", "update/2/anna", "update/2/ben"]
    assert "An update was due and goes to Anna, Ben." in night.at(130), "a restart in between owes one update, not four"
    assert night.at(131) == []


def test_nobody_answering_in_time_is_late_once(night: Night) -> None:
    night.at(0)
    night.at(60)
    assert night.timeline("late") == [
        "Nobody has taken the incident after 1 h. The book promises a response within 1 h (P2, line 2)."
    ]
    assert {"late/0/anna", "late/0/ben"} <= set(night.told())


def on_rota(hours: str, *more: Rota) -> Estate:
    """Give the estate with Anna's level as a rota within hours; noon is where the night begins."""
    found = parse_hours(hours)
    assert found is not None
    layer = Layer((("anna",),), "UTC", datetime(2026, 1, 1), hours=(found,))  # noqa: DTZ001
    people = {"anna": replace(ANNA, roles=()), "ben": BEN}
    return replace(ESTATE, people=people, rotas={r.name: r for r in (Rota("primary", 5, "UTC", (layer,), ("On-call",)), *more)})


def test_a_level_that_means_a_rota_tells_who_is_on_call_at_that_instant(database: Database, now: datetime) -> None:
    night = Night(database, now, estate=on_rota("11:00-13:00"))
    assert night.at(0) == ["Level 1 is told: Anna."]


def test_a_gap_in_a_rota_falls_through_to_the_next_level_at_once(database: Database, now: datetime) -> None:
    book = replace(BOOK, escalation=(BOOK.escalation[0], replace(BOOK.escalation[2], level=2)))
    night = Night(database, now, book, on_rota("13:00-14:00"))
    first, second = night.at(0)
    assert first == (
        "Level 1 of the ladder reaches nobody: On-call: nobody is on call for primary; nobody is told. Level 2 is told at once."
    )
    assert second.endswith("level 2 (Lead: Ben) is told.")
    assert night.timeline("not-told") == [first]


def test_a_gap_in_the_last_level_is_not_the_end_of_it(database: Database, now: datetime) -> None:
    night = Night(database, now, replace(BOOK, escalation=BOOK.escalation[:1]), on_rota("13:00-14:00"))
    assert night.at(0) == ["Level 1 is told: Anna."]
    [said] = night.timeline("not-told")
    assert said.endswith("There is no further level, so all who take turns in it are told.")


def test_an_override_counts_at_the_instant_at_which_the_level_is_told(database: Database, now: datetime) -> None:
    night = Night(database, now, estate=on_rota("00:00-23:59"))
    change = Change("chg-1", "primary", "override", "ben", None, now - timedelta(hours=1), now + timedelta(hours=1), "x", "", now)
    database.write_now(lambda c: add_change(c, change, change.id))
    assert night.at(0) == ["Level 1 is told: Ben."]


def test_who_takes_the_incident_stops_the_ladder(night: Night, now: datetime) -> None:
    night.at(0)
    night.database.write_now(lambda c: lifecycle.acknowledge(c, now, "inc-1", "anna"))
    night.at(59)
    assert [n for n in night.told() if not n.startswith("update")] == ["initial/1/anna"]


def test_a_recovered_incident_holds_its_ladder_and_a_red_one_climbs_on(night: Night, now: datetime) -> None:
    night.at(0)
    night.database.write_now(lambda c: lifecycle.recovered(c, now, "inc-1", now, "Healthy."))
    assert night.at(15) == ["The incident is recovered and held; nobody more is told unless it turns red again."]
    night.database.write_now(lambda c: lifecycle.reopen(c, now, "inc-1", "Red again."))
    assert any("level 3 (Lead: Ben) is told" in said for said in night.at(16))


def test_a_resolved_incident_tells_nobody(night: Night) -> None:
    def work(connection: Connection) -> str:
        due = dues.claim(connection, night.start, "test", 1)[0]
        return clock_due(connection, due, BOOK, ESTATE, replace(night.incident, status="resolved"), night.start)

    assert night.database.write_now(work) == "The incident is resolved, so level 1 need not be told."
    assert night.told() == []


def test_a_graver_incident_is_told_again_to_who_knows_it(night: Night) -> None:
    night.at(0)
    night.change("P2", "P1", 0)
    assert night.at(1) == ["Level 1 is told that it is P1 now: Anna."]
    assert night.told() == ["initial/1/anna", "severity/1/anna"]


def test_the_end_is_told_to_those_who_know_and_once(night: Night, now: datetime) -> None:
    night.at(0)
    over = replace(night.incident, status="resolved", recovered_at=now, resolved_at=now)
    for expected in (["inc-1/resolution/0/anna"], []):
        assert night.database.write_now(lambda c: tell_again(c, "resolution", BOOK, ESTATE, over, now)) == expected


def test_a_book_without_a_ladder_tells_everybody(database: Database, now: datetime) -> None:
    night = Night(database, now, replace(BOOK, escalation=()))
    assert night.at(0) == ["Level 1 is told: Anna, Ben."]


def test_a_procedures_own_clause_tells_the_next_level_even_of_an_incident_that_somebody_took(night: Night) -> None:
    night.at(0)
    said = "“Shop is down” says: escalate after 10 minutes (line 8). After 10 min the next level is told."
    clause = ClockRun("clause", night.start + timedelta(minutes=10), said)
    night.database.write_now(lambda c: timers.set_clock(c, night.incident, clause))
    night.database.write_now(lambda c: lifecycle.acknowledge(c, night.start, "inc-1", "anna"))
    assert night.at(9) == []
    assert night.at(10) == [f"{said} It has not recovered: level 3 (Lead: Ben) is told."]
    assert "escalation/3/ben" in night.told()
    assert night.timeline("escalated") == [f"{said} It has not recovered: level 3 (Lead: Ben) is told."]


def test_a_clause_that_names_a_procedure_proposes_it_to_those_who_know(database: Database, now: datetime) -> None:
    restore = Procedure(id="restoring", title="Restoring to a point in time", line=20, end_line=30, kind="restore")
    night = Night(database, now, replace(BOOK, procedures=(restore,)))
    night.at(0)
    asks = "After 10 min “Restoring to a point in time” is proposed."
    clause = ClockRun("clause", night.start + timedelta(minutes=10), asks, "restoring")
    night.database.write_now(lambda c: timers.set_clock(c, night.incident, clause))
    [said] = night.at(10)
    assert said == "After 10 min “Restoring to a point in time” is proposed. It has not recovered."
    [asked] = [n for n in night.database.read_now(list_notices) if n.kind == "proposal"]
    assert (asked.person, asked.subject[:10]) == ("anna", "Proposed: ")
    assert "Start “Restoring to a point in time”?" in asked.body
    assert night.timeline("proposed") == [said]


def test_a_clause_outlives_another_severity_and_ends_with_the_incident(night: Night) -> None:
    clause = ClockRun("clause", night.start + timedelta(minutes=10), "It says so.")
    night.database.write_now(lambda c: timers.set_clock(c, night.incident, clause))
    graver = replace(night.incident, severity="P1")
    night.database.write_now(lambda c: timers.set_clocks(c, graver, rules.clocks(night.book, graver)))
    kinds = [run.kind for run in night.database.read_now(lambda c: timers.read_clocks(c, "inc-1"))]
    assert kinds.count("clause") == 1
    night.database.write_now(lambda c: lifecycle.resolve(c, night.start, "inc-1", "anna", "it is well"))
    assert night.database.read_now(lambda c: timers.read_clocks(c, "inc-1")) == []
