"""At least once always; twice only in the gap between acceptance and record, and then it is said."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from watchkeeper.base.errors import Permanent, Refused, Transient
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.hours import parse_hours
from watchkeeper.estate.model import Estate, Person, Variable
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import timers
from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.people.ladder import quiet_until
from watchkeeper.store.database import Database
from watchkeeper.tell.ledger import list_notices, outbox, void_claims
from watchkeeper.tell.model import Message, Notice
from watchkeeper.tell.outbox import LEASE, send_waiting, wait_before, write_notices

PASSWORD = Secret("hunter2-hunter2", "PASSWORD")
ANNA = Person("anna", "Anna", 3, ("On-call",), ("json://127.0.0.1/anna", "mailto://anna@mail.test"))
BEN = Person("ben", "Ben", 7, ("Lead",), (Secret("json://127.0.0.1/ben", "ben"),))
NOBODY = Person("dan", "Dan", 9, ("CTO",), ("+1-XXX-XXX-XXXX",))
ESTATE = Estate(Path("/e/watchkeeper.toml"), "shop", Path("/e/runbook.md"), people={p.id: p for p in (ANNA, BEN, NOBODY)},
                variables={"PASSWORD": Variable("PASSWORD", PASSWORD, "env", 2)})  # fmt: skip


def next_send_at(connection: Connection) -> datetime | None:
    """Give when the next notice is sent again; None where none waits."""
    return connection.execute(select(func.min(outbox.c.next_at)).where(outbox.c.state == "waiting")).scalar()


@dataclass
class Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Killed(BaseException):
    """The process died here."""


@dataclass
class Post:
    """A post office that does with each address what it is told to, and keeps what arrived."""

    answers: dict[str, list[BaseException | None]] = field(default_factory=dict)
    arrived: list[tuple[str, str, str, bool]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
        scheme = address.split(":")[0]
        self.tried.append(scheme)
        answer = self.answers[scheme].pop(0) if self.answers.get(scheme) else None
        if isinstance(answer, Exception):
            raise answer
        self.arrived.append((scheme, body, idempotency_key, repeat))
        if answer is not None:
            raise answer  # accepted, and then killed


@pytest.fixture
def incident(database: Database, now: datetime) -> Incident:
    made = Incident("inc-1", "shop", "Shop application is down", "P1", "open", "shop", now, now)
    database.write_now(lambda c: incidents.open_incident(c, made))
    return made


def write(database: Database, now: datetime, incident: Incident, *people: Person, body: str = "It is down.") -> list[str]:
    return database.write_now(lambda c: write_notices(c, now, "initial", incident, people, Message("Down", body), 1))


def notices(database: Database) -> dict[str, Notice]:
    return {notice.person: notice for notice in database.read_now(list_notices)}


def told(database: Database) -> list[tuple[str, str]]:
    return [(e.kind, e.sentence) for e in database.read_now(lambda c: incidents.read_timeline(c, "inc-1"))]


def test_a_notice_is_written_once(database: Database, now: datetime, incident: Incident) -> None:
    assert write(database, now, incident, ANNA, BEN) == ["inc-1/initial/1/anna", "inc-1/initial/1/ben"]
    assert write(database, now, incident, ANNA) == []
    assert database.read_now(next_send_at) == now


def test_a_draft_is_refused(database: Database, now: datetime, incident: Incident) -> None:
    with pytest.raises(Refused, match=r"slots that nothing fills: \[eta\]"):
        database.write_now(lambda c: write_notices(c, now, "initial", incident, [ANNA], Message("x", "[eta]", ("[eta]",)), 1))


async def test_what_is_accepted_is_recorded_in_the_timeline(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, ANNA, BEN)
    post = Post()
    assert await send_waiting(database, Clock(now), post, ESTATE) == 2
    assert sorted(post.arrived) == [
        ("json", "It is down.", "inc-1/initial/1/anna", False), ("json", "It is down.", "inc-1/initial/1/ben", False),
    ]  # fmt: skip
    assert sorted(told(database)) == [
        ("told", "Anna was told by json at 12:00:00 (initial)."), ("told", "Ben was told by json at 12:00:00 (initial)."),
    ]  # fmt: skip
    assert notices(database)["anna"].state == "sent"
    assert await send_waiting(database, Clock(now + timedelta(days=1)), post, ESTATE) == 0
    assert database.read_now(next_send_at) is None


async def test_the_next_channel_when_one_fails(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, ANNA)
    post = Post({"json": [Transient("connection refused")]})
    assert await send_waiting(database, Clock(now), post, ESTATE) == 1
    assert post.arrived == [("mailto", "It is down.", "inc-1/initial/1/anna", False)]
    assert told(database) == [("told", "Anna was told by mailto at 12:00:00 (initial).")]


async def test_what_fails_comes_back_later_and_later(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, BEN)
    post, clock = Post({"json": [Transient("refused at json://127.0.0.1/ben")] * 3}), Clock(now)
    waits = []
    for _ in range(3):
        assert await send_waiting(database, clock, post, ESTATE) == 0
        due = database.read_now(next_send_at)
        assert due is not None
        waits.append((due - clock.at).total_seconds())
        clock.at = due
    assert waits == [1, 5, 30]
    assert notices(database)["ben"].problem == "json: refused at json"
    assert await send_waiting(database, clock, post, ESTATE) == 1
    assert [wait_before(n).total_seconds() for n in (0, 1, 2, 3, 4, 5, 99)] == [1, 1, 5, 30, 120, 600, 600]


async def test_after_a_day_it_is_given_up_loudly(
    database: Database, now: datetime, incident: Incident, caplog: pytest.LogCaptureFixture
) -> None:
    write(database, now, incident, BEN)
    post = Post({"json": [Transient("refused")]})
    await send_waiting(database, Clock(now + timedelta(hours=24)), post, ESTATE)
    assert notices(database)["ben"].state == "failed"
    assert told(database) == [
        ("not-told", "Ben could not be told: json: refused. The notice (initial) was given up after 1 try.")
    ]
    assert [r.levelname for r in caplog.records if getattr(r, "action", "") == "notice_given_up"] == ["ERROR"]


async def test_addresses_that_can_never_work_are_given_up_at_once(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, ANNA, BEN, NOBODY)
    post = Post({"json": [Permanent("unknown"), Permanent("unknown")], "mailto": [Transient("later")]})
    await send_waiting(database, Clock(now), post, ESTATE)
    assert {person: notice.state for person, notice in notices(database).items()} == {
        "anna": "waiting", "ben": "failed", "dan": "failed",
    }  # fmt: skip
    assert ("not-told", "dan has no address that can be used. The notice (initial) was given up after 1 try.") in told(database)


async def test_a_level_whose_addresses_are_all_dead_brings_the_next_one_at_once(
    database: Database, now: datetime, incident: Incident
) -> None:
    later = [
        ClockRun("rung", now + timedelta(minutes=minutes), "It says so.", "Lead", level) for level, minutes in ((2, 15), (3, 30))
    ]
    for run in later:
        database.write_now(lambda c, run=run: timers.set_clock(c, incident, run))

    def due_in() -> list[float]:
        return [(run.due_at - now).total_seconds() for run in database.read_now(lambda c: timers.read_clocks(c, "inc-1"))]

    # a procedure that is being carried out has it, and that stops no ladder
    database.write_now(lambda c: incidents.update_incident(c, "inc-1", status="acknowledged", acknowledged_by="automation"))
    write(database, now, incident, ANNA, BEN)
    post = Post({"json": [Permanent("gone"), Permanent("gone")], "mailto": [Transient("later"), Permanent("gone")]})
    await send_waiting(database, Clock(now), post, ESTATE)
    assert due_in() == [900, 1800]  # Anna may still be reached
    post.answers["json"] = [Permanent("gone")]
    await send_waiting(database, Clock(now + timedelta(seconds=5)), post, ESTATE)
    assert due_in() == [5, 1800]
    assert ("escalated", "Nobody of level 1 could be told, so level 2 is told at once.") in told(database)


async def test_killed_between_acceptance_and_record(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, BEN)
    post, clock = Post({"json": [Killed()]}), Clock(now)
    with pytest.raises(Killed):
        await send_waiting(database, clock, post, ESTATE)
    assert await send_waiting(database, clock, post, ESTATE) == 0, "the lease of the dead one still runs"
    clock.at = now + LEASE + timedelta(seconds=1)
    assert await send_waiting(database, clock, post, ESTATE) == 1
    assert [(key, repeat) for _, _, key, repeat in post.arrived] == [
        ("inc-1/initial/1/ben", False),
        ("inc-1/initial/1/ben", True),
    ]
    assert told(database) == [("told", "Ben was told by json at 12:00:46 (initial), perhaps for the second time.")]


async def test_a_lone_successor_need_not_wait_for_the_lease(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, BEN)
    post = Post({"json": [Killed()]})
    with pytest.raises(Killed):
        await send_waiting(database, Clock(now), post, ESTATE)
    assert database.write_now(void_claims) == 1
    assert await send_waiting(database, Clock(now), post, ESTATE) == 1
    assert post.arrived[-1][3] is True


async def test_a_plain_failure_is_no_repeat(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, BEN)
    post = Post({"json": [Transient("refused")]})
    await send_waiting(database, Clock(now), post, ESTATE)
    await send_waiting(database, Clock(now + timedelta(seconds=2)), post, ESTATE)
    assert [repeat for *_, repeat in post.arrived] == [False]


async def test_an_address_that_does_not_answer_may_have_taken_it(
    database: Database, now: datetime, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.tell.outbox.ADDRESS_TIMEOUT_S", 0.01)
    write(database, now, incident, ANNA)

    class Slow(Post):
        async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
            if address.startswith("json"):
                await asyncio.sleep(5)
            await super().send(address, subject, body, idempotency_key=idempotency_key, repeat=repeat)

    post = Slow()
    assert await send_waiting(database, Clock(now), post, ESTATE) == 1
    assert post.arrived == [("mailto", "It is down.", "inc-1/initial/1/anna", True)]


async def test_no_secret_leaves_in_a_notice(database: Database, now: datetime, incident: Incident) -> None:
    write(database, now, incident, BEN, body="psql said: password hunter2-hunter2 is wrong")
    post = Post()
    await send_waiting(database, Clock(now), post, ESTATE)
    assert post.arrived[0][1] == "psql said: password •••••• is wrong"


QUIET = parse_hours("22:00-07:00 Europe/Berlin")
assert QUIET is not None
LIGHT = Person("eve", "Eve", 11, ("On-call",), ("mailto://eve@mail.test",), ("sms://eve",), quiet=(QUIET,), wake=("P1",))
NIGHT = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)


def at_night(database: Database, severity: str) -> tuple[Estate, Incident]:
    incident = Incident("inc-9", "shop", "Shop is down", severity, "open", "shop", NIGHT, NIGHT)
    database.write_now(lambda c: incidents.open_incident(c, incident))
    database.write_now(lambda c: write_notices(c, NIGHT, "initial", incident, [LIGHT], Message("Down", "It is down.")))
    return Estate(Path("/e/watchkeeper.toml"), "shop", Path("/e/runbook.md"), people={"eve": LIGHT}), incident


async def test_quiet_hours_hold_back_what_may_not_wake(database: Database) -> None:
    estate, _ = at_night(database, "P2")
    post = Post()
    assert await send_waiting(database, Clock(NIGHT), post, estate) == 0
    [held] = [e.sentence for e in database.read_now(lambda c: incidents.read_timeline(c, "inc-9")) if e.kind == "held"]
    assert held == "Eve is not woken: quiet until 05:00 UTC but for P1. The notice (initial) waits."
    assert await send_waiting(database, Clock(datetime(2026, 6, 2, 5, 0, 1, tzinfo=UTC)), post, estate) == 1
    assert post.tried == ["mailto"]


async def test_what_may_wake_does_by_the_urgent_address_first(database: Database) -> None:
    estate, _ = at_night(database, "P1")
    post = Post({"sms": [Transient("no credit")]})
    assert await send_waiting(database, Clock(NIGHT), post, estate) == 1
    assert post.tried == ["sms", "mailto"]


async def test_quiet_hours_end_by_the_clocks_of_their_zone(database: Database) -> None:
    for day, ends in (("2026-03-28", "05:00"), ("2026-10-24", "06:00")):
        now = datetime.fromisoformat(f"{day}T22:30:00+00:00")
        until = quiet_until(LIGHT, "P2", now)
        assert until is not None
        assert f"{until:%H:%M}" == ends
    assert quiet_until(LIGHT, "P2", datetime(2026, 6, 1, 12, tzinfo=UTC)) is None
    assert quiet_until(LIGHT, None, NIGHT) is not None


async def test_a_storm_for_one_person_is_one_digest_and_questions_go_alone(database: Database, now: datetime) -> None:
    estate = Estate(Path("/e/watchkeeper.toml"), "shop", Path("/e/runbook.md"), people={"anna": ANNA, "ben": BEN})
    for number in range(6):
        one = Incident(f"inc-{number}", "shop", f"Part {number} is down", "P2", "open", "shop", now, now)
        database.write_now(lambda c, one=one: incidents.open_incident(c, one))
        told = Message(f"[P2] {one.title}", f"{one.title}.\nSince noon.")
        database.write_now(lambda c, one=one, told=told: write_notices(c, now, "initial", one, [ANNA], told))
        if number < 3:
            database.write_now(lambda c, one=one, told=told: write_notices(c, now, "ask", one, [ANNA], told))
            database.write_now(lambda c, one=one, told=told: write_notices(c, now, "initial", one, [BEN], told))
    post = Post()
    assert await send_waiting(database, Clock(now), post, estate) == 12
    digests = [body for _, body, _, _ in post.arrived if "so here they are together" in body]
    assert len(digests) == 1
    assert digests[0].startswith("6 notices at once")
    assert all(f"Part {number} is down" in digests[0] for number in range(6))
    assert len(post.arrived) == 1 + 3 + 3
    entries = database.read_now(lambda c: incidents.read_timeline(c, "inc-5"))
    assert [e.sentence.split(" at ")[0] for e in entries if e.kind == "told"] == ["Anna was told by json"]
    assert any("6 notices together" in e.sentence for e in entries)


async def test_a_digest_that_fails_comes_back_whole(database: Database, now: datetime) -> None:
    estate = Estate(Path("/e/watchkeeper.toml"), "shop", Path("/e/runbook.md"), people={"ben": BEN})
    for number in range(5):
        one = Incident(f"inc-{number}", "shop", "Down", "P2", "open", "shop", now, now)
        database.write_now(lambda c, one=one: incidents.open_incident(c, one))
        database.write_now(lambda c, one=one: write_notices(c, now, "initial", one, [BEN], Message("Down", "It is down.")))
    post = Post({"json": [Transient("busy")]})
    assert await send_waiting(database, Clock(now), post, estate) == 0
    assert await send_waiting(database, Clock(now + timedelta(seconds=2)), post, estate) == 5
    assert len(post.arrived) == 1
    assert {notice.state for notice in database.read_now(list_notices)} == {"sent"}
