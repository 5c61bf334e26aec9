"""Whatever happens and whenever Watchkeeper is killed: each due person is paged at least once a level, and hardly ever twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from watchkeeper.app import App
from watchkeeper.base.errors import Transient
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book, Escalation, Severity, Template
from watchkeeper.estate.model import Bindings, Estate, Person
from watchkeeper.estate.rota import Layer, Rota
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, rules, timers
from watchkeeper.incident.model import Incident
from watchkeeper.loop import Loop
from watchkeeper.people.model import Change
from watchkeeper.people.rota_ledger import add_change
from watchkeeper.settings import load_settings
from watchkeeper.store import due
from watchkeeper.store.database import Database, open_database
from watchkeeper.tell.ledger import list_notices, void_claims
from watchkeeper.testing.journal import Died
from watchkeeper.testing.world import WorldClock

START = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, which the clocks show twice that night
HANDOVER = datetime(2026, 1, 1, 3)  # noqa: DTZ001 - on the clocks: half an hour later they are put back, and it is 90 minutes away
BOOK = Book(
    title="Shop", service="shop", severities=(Severity(line=1, code="P1", respond_within_s=300),),
    escalation=(Escalation(line=4, level=1, role="On-call", after_s=0), Escalation(line=5, level=2, role="Lead", after_s=600),
                Escalation(line=6, level=3, role="On-call", after_s=1800)),
    templates=(Template(line=9, name="Initial", body="Updates every 20 minutes."),),
)  # fmt: skip
PEOPLE = {name: Person(name, name.capitalize(), 1, roles, (f"json://{name}", f"mailto://{name}"))
          for name, roles in (("anna", ()), ("ben", ()), ("cara", ("Lead",)), ("dov", ("Lead",)))}  # fmt: skip
ROTA = Rota("primary", 5, "Europe/Berlin", (Layer((("anna",), ("ben",)), "Europe/Berlin", HANDOVER, 1, "days"),), ("On-call",))


class Undone(Exception):
    """The transaction is rolled back; the thread that writes lives on, as another process would."""


class DyingDatabase:
    """The real database; the next write but so many dies, before or after it is durable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.armed: tuple[int, str] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(self, work: Any) -> Any:
        when = None
        if self.armed is not None:
            left, when = self.armed
            self.armed = (left - 1, when) if left else None
            when = None if left else when
        if when == "before":

            def undone(connection: Connection) -> None:
                work(connection)
                raise Undone

            try:
                await self._database.write(undone)
            except Undone:
                raise Died from None
        done = await self._database.write(work)
        if when == "after":
            raise Died
        return done


@dataclass
class Provider:
    """Takes pages, unless it is away; keeps under which key and whether it was marked as a repeat."""

    away: set[str] = field(default_factory=set)
    taken: list[tuple[str, bool]] = field(default_factory=list)

    async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
        await asyncio.sleep(0)
        if address.split(":", 1)[0] in self.away:
            raise Transient("The provider is away.")
        self.taken.append((idempotency_key, repeat))


class Night:
    """One incident on the ladder, and what must be true of its pages."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.real, self.database, self.folder = database, DyingDatabase(database), folder
        self.clock, self.provider = WorldClock(START), Provider()
        self.estate = Estate(folder / "w.toml", "shop", folder / "r.md", people=PEOPLE, rotas={"primary": ROTA})
        #: keys that a level owed, by an account of our own
        self.owed: set[str] = set()
        self.levels = {1: START, 2: START + timedelta(minutes=10), 3: START + timedelta(minutes=30)}
        self.overrides: list[Change] = []
        self.acknowledged = False
        #: in how many deaths a page had been accepted and not recorded yet
        self.allowed: Counter[str] = Counter()
        self.rise()

    def rise(self) -> None:
        self.database.armed = None
        self.app = App(
            settings=load_settings({}), clock=self.clock, state=self.folder, database=self.database,  # type: ignore[arg-type]
            estate=self.estate, book=BOOK, bindings=Bindings(), scrubber=Scrubber(), owner="night",
        )  # fmt: skip
        self.app.notifier = self.provider
        self.loop = Loop(self.app)
        self.real.write_now(due.void_claims)
        self.real.write_now(void_claims)

    def open(self, connection: Connection) -> None:
        incident = Incident("inc-1", "shop", "The shop is down", "P1", "open", "shop", START, START)
        incidents.open_incident(connection, incident)
        timers.set_clocks(connection, incident, rules.clocks(BOOK, incident))

    def on_call(self) -> str:
        """Say who is on call, from the hands of a clock alone: Anna until 03:00 winter time, which is 02:00 UTC."""
        now = self.clock.now()
        before = (datetime(2026, 10, 24, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)).days
        days = before + (datetime(2026, 10, 25, 2, tzinfo=UTC) <= now)
        base = ("anna", "ben")[days % 2]
        for change in self.overrides:
            if change.begins_at <= now < change.ends_at:
                base = change.person
        return base

    def expect(self) -> None:
        """Write down whom the levels that are due now owe a page."""
        for level, at in list(self.levels.items()):
            if at <= self.clock.now():
                del self.levels[level]
                people = ("cara", "dov") if level == 2 else (self.on_call(),)
                kind = "initial" if level == 1 else "escalation"
                self.owed |= set() if self.acknowledged else {f"inc-1/{kind}/{level}/{person}" for person in people}

    def levels_done(self) -> set[int]:
        rows = self.real.read_now(lambda c: c.exec_driver_sql("SELECT key FROM due WHERE done_at IS NOT NULL").all())
        return {int(row.key.split("/")[4]) for row in rows if row.key.split("/")[3] == "rung"}

    async def turn(self) -> None:
        """Take one turn; a death loses what was in memory, and whoever died had not begun what they had not recorded."""
        before = (dict(self.levels), set(self.owed))
        self.expect()
        try:
            await self.loop.owed()
            await self.loop.tell()
        except Died:
            await self._end_all()
            sent = {n.id for n in self.real.read_now(lambda c: list_notices(c, limit=1000)) if n.state == "sent"}
            self.allowed.update({key for key, _ in self.provider.taken} - sent)
            done = self.levels_done()
            self.levels = {level: at for level, at in before[0].items() if level not in done}
            self.owed = {key for key in self.owed if key in before[1] or int(key.split("/")[2]) in done}
            self.rise()

    async def _end_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def live(self, events: list[tuple[Any, ...]]) -> None:
        self.real.write_now(self.open)
        for what, *details in events:
            if what == "pass":
                await self.clock.sleep(60.0 * details[0])
            elif what == "kill":
                self.database.armed = (details[0], details[1])
            elif what == "away":
                self.provider.away ^= {details[0]}
            elif what == "restart":
                self.rise()
            elif what == "override" and not self.acknowledged:
                now, number = self.clock.now(), len(self.overrides)
                span = now, now + timedelta(minutes=details[1])
                made_at = now + timedelta(microseconds=number)
                change = Change(f"c{number}", "primary", "override", details[0], None, *span, "x", "", made_at)
                self.overrides.append(change)
                self.real.write_now(lambda c, change=change: add_change(c, change, change.id))
            elif what == "acknowledge":
                self.expect_acknowledged()
            await self.turn()
        self.database.armed = None
        self.provider.away.clear()
        for _ in range(12):
            await self.turn()
            await self.clock.sleep(650.0)

    def expect_acknowledged(self) -> None:
        self.acknowledged = True
        self.real.write_now(lambda c: lifecycle.acknowledge(c, self.clock.now(), "inc-1", "anna"))

    def check(self) -> None:
        taken = Counter(key for key, _ in self.provider.taken)
        levels = {key for key in taken if key.split("/")[1] in ("initial", "escalation")}
        assert self.owed <= levels, f"never paged: {self.owed - levels}"
        assert levels <= self.owed, f"paged without being due: {levels - self.owed}"
        written = {n.id: n for n in self.real.read_now(lambda c: list_notices(c, limit=1000))}
        assert set(written) == set(taken), "each notice that was written, of a level or a repeat, reached its person"
        for key, times in taken.items():
            assert times <= 1 + self.allowed[key], f"{key} was paged {times} times"
            marks = [repeat for each, repeat in self.provider.taken if each == key]
            assert all(marks[1:]), f"{key} came again without a mark"


@pytest.fixture(name="image")
def empty_database(request: pytest.FixtureRequest) -> bytes:
    image: bytes = request.getfixturevalue("_sqlite_image")
    return image


EVENT = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 12)),
    st.tuples(st.just("pass"), st.integers(1, 12)),
    st.tuples(st.just("kill"), st.integers(0, 8), st.sampled_from(["before", "after"])),
    st.tuples(st.just("kill"), st.integers(0, 8), st.sampled_from(["before", "after"])),
    st.tuples(st.just("away"), st.sampled_from(["json", "mailto"])),
    st.tuples(st.just("restart")),
    st.tuples(st.just("override"), st.sampled_from(["anna", "ben", "cara"]), st.integers(1, 40)),
    st.tuples(st.just("acknowledge")),
)


def live(image: bytes, folder: Path, events: list[tuple[Any, ...]]) -> Night:
    (folder / "watchkeeper.sqlite").write_bytes(image)
    for rest in folder.glob("watchkeeper.sqlite-*"):
        rest.unlink()
    database = open_database("", folder)
    try:
        night = Night(database, folder)
        asyncio.run(night.live(events))
        night.check()
    finally:
        database.close()
    return night


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=st.lists(EVENT, max_size=14))
def test_each_due_person_is_paged_at_least_once_and_twice_only_in_the_gap(
    image: bytes, tmp_path: Path, events: list[tuple[Any, ...]]
) -> None:
    live(image, tmp_path, events)


def test_killed_between_the_acceptance_and_our_record_it_comes_again_marked_under_the_same_key(
    image: bytes, tmp_path: Path
) -> None:
    # the writes of the first turn: claim the level, tell it, claim the notice, note the address, record that it arrived
    twice = []
    for number in range(12):
        night = live(image, tmp_path, [("kill", number, "before"), ("pass", 1)])
        twice += [key for key, times in Counter(key for key, _ in night.provider.taken).items() if times > 1]
    assert "inc-1/initial/1/anna" in twice, "the gap was met, so that the mark was really asked for"


def test_nobody_is_paged_twice_where_nobody_died(image: bytes, tmp_path: Path) -> None:
    night = live(image, tmp_path, [("away", "json"), ("pass", 11), ("restart",), ("away", "json"), ("pass", 30)])
    assert len(night.owed) == 4
    assert set(Counter(key for key, _ in night.provider.taken).values()) == {1}
