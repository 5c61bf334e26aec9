"""Whatever happens and whenever Watchkeeper is killed: each due person is paged at least once a level and repeat, hardly twice.

A night keeps an account of its own of whom the ladder owes a page, by the words of docs/guide/people.md and not by the code; what
Watchkeeper wrote and what the provider took must agree with it.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from watchkeeper.actions import by_hand
from watchkeeper.app import App
from watchkeeper.base.errors import Permanent, Transient
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book, Contact, Escalation, Severity
from watchkeeper.estate.hours import Office, parse_hours
from watchkeeper.estate.model import Bindings, Estate, LadderRule, Person
from watchkeeper.estate.rota import Layer, Rota
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, rules, timers
from watchkeeper.incident.model import Incident
from watchkeeper.loop import Loop
from watchkeeper.people.identity import Actor
from watchkeeper.people.model import Change
from watchkeeper.people.rota_ledger import add_change
from watchkeeper.settings import load_settings
from watchkeeper.store import due
from watchkeeper.store.database import Database, open_database
from watchkeeper.tell import outbox
from watchkeeper.tell.ledger import list_notices, void_claims
from watchkeeper.tell.ledger import outbox as waiting
from watchkeeper.testing.journal import Died
from watchkeeper.testing.world import WorldClock

START = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, which the clocks show twice that night
HANDOVER = datetime(2026, 1, 1, 3)  # noqa: DTZ001 - on the clocks: half an hour later they are put back, and it is 90 minutes away
ROLES = {"anna": (), "ben": (), "cara": ("Lead",), "dov": ("Lead",), "eve": ("Manager",)}
PEOPLE = {
    name: Person(name, name.capitalize(), 1, roles, (f"json://{name}", f"mailto://{name}")) for name, roles in ROLES.items()
}
ROTA = Rota("primary", 5, "Europe/Berlin", (Layer((("anna",), ("ben",)), "Europe/Berlin", HANDOVER, 1, "days"),), ("On-call",))
OPENS, CLOSES = 3, 4  # of the day, in UTC: when a manager may be told
BY = Actor("cara", ("operator",), "terminal", "this machine")

Event: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Ladder:
    """A ladder as a book and watchkeeper.toml may have it: (role, minutes after the opening) a level."""

    levels: tuple[tuple[str, int], ...] = (("On-call", 0), ("Lead", 10), ("On-call", 30))
    repeat: int = 0
    wait: int = 10

    def book(self) -> Book:
        return Book(
            title="Shop", service="shop",
            severities=(Severity(line=1, code="P1", respond_within_s=300), Severity(line=2, code="P2")),
            contacts=(Contact(line=9, role="Manager", hours="business hours"),),
            escalation=tuple(Escalation(line=3 + n, level=n, role=role, after_s=60.0 * after)
                             for n, (role, after) in enumerate(self.levels, 1)),
        )  # fmt: skip


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
    """Takes pages, unless a channel is away or hangs or a person is refused; keeps the keys and whether they were marked."""

    #: channel -> "away", "hangs" (takes nothing and never answers) or "swallows" (takes it and never answers)
    channels: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    ever_refused: set[str] = field(default_factory=set)
    taken: list[tuple[str, bool]] = field(default_factory=list)
    swallowed: Counter[str] = field(default_factory=Counter)

    async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
        await asyncio.sleep(0)
        channel, _, person = address.partition("://")
        how = self.channels.get(channel)
        if person in self.refused:
            raise Permanent("No such address.")
        if how == "away":
            raise Transient("The provider is away.")
        if how != "hangs":
            self.taken.append((idempotency_key, repeat))
        if how == "swallows":
            self.swallowed[idempotency_key] += 1
        if how is not None:
            await asyncio.Event().wait()


@dataclass
class Pending:
    """A level that is not told yet."""

    at: datetime
    lap: int


@dataclass
class Account:
    """Whom the ladder owes a page, told from what happened: the other side of the books."""

    ladder: Ladder
    severity: str = "P2"
    acknowledged: bool = False
    #: how often the severity was changed, when last, and whether that made it graver
    changes: int = 0
    changed_at: datetime = START
    raised: bool = False
    #: by (ladder, level)
    pending: dict[tuple[int, int], Pending] = field(default_factory=dict)
    begun: int = -1
    done: set[tuple[int, int]] = field(default_factory=set)
    #: the key of each page that is owed -> (ladder, level); of "Graver" None
    owed: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    dead: set[tuple[int, int]] = field(default_factory=set)

    def begin(self) -> None:
        """A ladder of its own for each severity; one of which nothing was told yet leaves no trace."""
        self.begun = max((number for number, _ in self.done), default=-1) + 1
        self.pending = {
            (self.begun, level): Pending(START + timedelta(minutes=after), 0)
            for level, (_, after) in enumerate(self.ladder.levels, 1)
        }

    def change(self, severity: str, now: datetime) -> None:
        if severity == self.severity:
            return
        self.raised, self.severity = severity == "P1", severity
        self.changes, self.changed_at = self.changes + 1, now
        if self.raised:
            for person in {key.rpartition("/")[2] for key in self.owed}:
                self.owed[f"inc-1/severity/{self.changes}/{person}"] = None
        self.pending = {}
        if not self.acknowledged:
            self.begin()

    def acknowledge(self) -> None:
        self.acknowledged, self.pending = True, {}

    def due(self, now: datetime) -> list[tuple[int, int]]:
        return sorted((key for key, one in self.pending.items() if one.at <= now), key=lambda key: (self.pending[key].at, key))

    def come_due(self, key: tuple[int, int], now: datetime, on_call: str) -> None:
        """Tell one level, or let it wait for its hours; after the last one the ladder begins again."""
        one = self.pending.pop(key)
        number, level = key
        role, _ = self.ladder.levels[level - 1]
        opens = now.replace(hour=OPENS, minute=0, second=0, microsecond=0)
        if role == "Manager" and not opens <= now < opens.replace(hour=CLOSES):
            self.hasten(key, now)
            for older in [other for other in self.pending if other[1] == level and other[0] < number]:
                del self.pending[older]
            self.pending[key] = Pending(opens if opens > now else opens + timedelta(days=1), one.lap)
        else:
            self.done.add(key)
            self._page(key, one, {"On-call": (on_call,), "Lead": ("cara", "dov"), "Manager": ("eve",)}[role])
        if level == len(self.ladder.levels) and one.lap < self.ladder.repeat and self.begun == number:
            self.begun += 1
            for later, (_, after) in enumerate(self.ladder.levels, 1):
                at = now + timedelta(minutes=self.ladder.wait + after)
                self.pending[self.begun, later] = Pending(at, one.lap + 1)

    def _page(self, key: tuple[int, int], one: Pending, people: tuple[str, ...]) -> None:
        number, level = key
        for person in people:
            before = [at for page, at in self.owed.items() if at is not None and page.endswith(f"/{person}")]
            told_at_this_level = any(other == level for _, other in before)
            graver = f"inc-1/severity/{self.changes}/{person}"
            known = told_at_this_level or (one.at <= self.changed_at and graver in self.owed)
            if one.lap == 0 and known:
                if self.raised:
                    self.owed[graver] = None
                continue
            kind = "initial" if level == 1 and one.lap == 0 else "escalation"
            self.owed[f"inc-1/{kind}/{level + 1000 * number}/{person}"] = key

    def hasten(self, key: tuple[int, int], now: datetime) -> None:
        """The next level is told at once."""
        above = [other for other in self.pending if other[0] == key[0] and other[1] > key[1]]
        if above:
            following = self.pending[min(above)]
            following.at = min(following.at, now)

    def lose(self, failed: set[str], now: datetime) -> None:
        """A level whose pages were all given up does not cost its wait."""
        for key in {key for key in self.owed.values() if key is not None} - self.dead:
            pages = {page for page, of in self.owed.items() if of == key}
            if pages <= failed:
                self.dead.add(key)
                self.hasten(key, now)


class Night:
    """One incident on the ladder, and what must be true of its pages."""

    def __init__(self, database: Database, folder: Path, ladder: Ladder) -> None:
        self.real, self.database, self.folder, self.ladder = database, DyingDatabase(database), folder, ladder
        self.clock, self.provider, self.book = WorldClock(START), Provider(), ladder.book()
        hours = parse_hours(f"0{OPENS}:00-0{CLOSES}:00")
        assert hours is not None
        self.estate = Estate(
            folder / "w.toml", "shop", folder / "r.md", people=PEOPLE, rotas={"primary": ROTA},
            office=Office(hours, stated=True), ladder=LadderRule(ladder.repeat, 60.0 * ladder.wait),
        )  # fmt: skip
        self.account = Account(ladder)
        self.overrides: list[Change] = []
        #: in how many deaths a page had been accepted and not recorded yet
        self.allowed: Counter[str] = Counter()
        self.rise()

    def rise(self) -> None:
        self.database.armed = None
        self.app = App(
            settings=load_settings({}), clock=self.clock, state=self.folder, database=self.database,  # type: ignore[arg-type]
            estate=self.estate, book=self.book, bindings=Bindings(), scrubber=Scrubber(), owner="night",
        )  # fmt: skip
        self.app.notifier = self.provider
        self.loop = Loop(self.app)
        self.real.write_now(due.void_claims)
        self.real.write_now(void_claims)

    def open(self, connection: Connection) -> None:
        incident = Incident("inc-1", "shop", "The shop is down", "P2", "open", "shop", START, START)
        incidents.open_incident(connection, incident)
        timers.set_clocks(connection, incident, rules.clocks(self.book, incident))
        self.account.begin()

    def on_call(self) -> str:
        """Say who is on call, from the hands of a clock alone: Anna until 03:00 winter time, which is 02:00 UTC."""
        now = self.clock.now()
        first = datetime(2026, 1, 1, 2, tzinfo=UTC)
        base = ("anna", "ben")[(now - first).days % 2]
        for change in self.overrides:
            if change.begins_at <= now < change.ends_at:
                base = change.person
        return base

    def notices(self) -> dict[str, str]:
        return {n.id: n.state for n in self.real.read_now(lambda c: list_notices(c, limit=10_000))}

    def rungs(self) -> dict[tuple[int, int], datetime | None]:
        """Give the levels that Watchkeeper still keeps, with when they come due; None: it has told them."""
        kept = self.real.read_now(lambda c: c.execute(due.dues.select()).all())
        return {
            (row.body["round"], row.body["level"]): None if row.done_at is not None else row.at
            for row in kept
            if row.body["clock"] == "rung"
        }

    async def turn(self) -> None:
        """Take one turn; a death loses what was in memory, and what it had not recorded had not begun."""
        now, before, overdue = self.clock.now(), copy.deepcopy(self.account), self.account.due(self.clock.now())
        for key in overdue:
            if key in self.account.pending:
                self.account.come_due(key, now, self.on_call())
        try:
            await self.loop.owed()
            await self.loop.tell()
        except Died:
            await self._end_all()
            states = self.notices()
            self.allowed.update({key for key, _ in self.provider.taken if states[key] != "sent"})
            self.account, kept = before, self.rungs()
            for key in overdue:
                at = kept.get(key)
                if key in self.account.pending and (key not in kept or at is None or at > now):
                    self.account.come_due(key, now, self.on_call())
            self.rise()
        self.account.lose({key for key, state in self.notices().items() if state == "failed"}, now)

    async def _end_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def live(self, events: list[Event]) -> None:
        self.real.write_now(self.open)
        for what, *details in events:
            await getattr(self, f"_{what}")(*details)
            await self.turn()
        self.database.armed = None
        self.provider.channels.clear()
        for _ in range(400):
            await self.turn()
            if self._jump() is None:
                break
        else:
            raise AssertionError("the night has no end")

    def _jump(self) -> datetime | None:
        """Go to whatever comes next; None where nothing does."""
        queued = select(func.min(waiting.c.next_at)).where(waiting.c.state == "waiting")
        comes = self.real.read_now(lambda c: (due.next_at(c), c.execute(queued).scalar()))
        following = min((at for at in comes if at is not None), default=None)
        if following is not None:
            self.clock._now = max(self.clock.now(), following)
        return following

    async def _pass(self, minutes: int) -> None:
        await self.clock.sleep(60.0 * minutes)

    async def _step(self, minutes: int) -> None:
        """Somebody sets the clock, forward or back."""
        self.clock._now = max(START, self.clock.now() + timedelta(minutes=minutes))

    async def _kill(self, writes: int, when: str) -> None:
        self.database.armed = (writes, when)

    async def _channel(self, channel: str, how: str | None) -> None:
        self.provider.channels.pop(channel, None)
        if how is not None:
            self.provider.channels[channel] = how

    async def _refuse(self, person: str) -> None:
        self.provider.refused ^= {person}
        self.provider.ever_refused |= {person}

    async def _restart(self) -> None:
        self.rise()

    async def _override(self, person: str, minutes: int) -> None:
        now, number = self.clock.now(), len(self.overrides)
        made_at = START + timedelta(microseconds=number)
        change = Change(
            f"c{number}", "primary", "override", person, None, now, now + timedelta(minutes=minutes), "x", "", made_at
        )
        self.overrides.append(change)
        self.real.write_now(lambda c: add_change(c, change, change.id))

    async def _acknowledge(self) -> None:
        self.account.acknowledge()
        self.real.write_now(lambda c: lifecycle.acknowledge(c, self.clock.now(), "inc-1", "anna"))

    async def _severity(self, severity: str) -> None:
        self.account.change(severity, self.clock.now())
        armed, self.database.armed = self.database.armed, None
        await by_hand.set_severity(self.app, BY, "inc-1", severity, "somebody says so")
        self.database.armed = armed

    def check(self) -> None:
        written, owed = self.notices(), set(self.account.owed)
        pages = {key for key in written if key.split("/")[1] in ("initial", "escalation", "severity")}
        assert owed <= pages, f"never paged: {owed - pages}"
        assert pages <= owed, f"paged without being due: {pages - owed}"
        taken = Counter(key for key, _ in self.provider.taken)
        for key, state in written.items():
            if state == "sent":
                assert taken[key], f"{key} was recorded and never taken"
            else:
                assert state == "failed", f"{key} is {state} in the end"
                assert key.rpartition("/")[2] in self.provider.ever_refused, f"{key} was given up, and its person could be told"
        for key, times in taken.items():
            assert times <= 1 + self.allowed[key] + self.provider.swallowed[key], f"{key} was paged {times} times"
            marks = [repeat for each, repeat in self.provider.taken if each == key]
            assert all(marks[1:]), f"{key} came again without a mark"


@pytest.fixture(name="image")
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    image = tmp_path / "empty"
    image.write_bytes(request.getfixturevalue("_sqlite_image"))
    return image


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that hangs is given up soon, and each page goes by itself: digests have their tests beside the outbox."""
    monkeypatch.setattr(outbox, "ADDRESS_TIMEOUT_S", 0.02)
    monkeypatch.setattr(outbox, "DIGEST_FROM", 10_000)


NIGHTS_LIVED = 1000 if os.environ.get("WATCHKEEPER_TEST_SOAK") == "1" else 40
LADDERS = st.builds(
    Ladder,
    st.lists(st.tuples(st.sampled_from(["On-call", "Lead", "Manager"]), st.integers(1, 30)), min_size=1, max_size=4).map(
        lambda levels: tuple((role, sum(wait for _, wait in levels[1 : n + 1])) for n, (role, _) in enumerate(levels))
    ),
    st.integers(0, 3),
    st.integers(1, 30),
)
KILL = st.tuples(st.just("kill"), st.integers(0, 8), st.sampled_from(["before", "after"]))
PASS = st.tuples(st.just("pass"), st.integers(1, 40))
CHANNEL = st.tuples(st.just("channel"), st.sampled_from(["json", "mailto"]), st.sampled_from([None, "away", "hangs", "swallows"]))
EVENT = st.one_of(
    PASS,
    PASS,
    PASS,
    KILL,
    KILL,
    CHANNEL,
    CHANNEL,
    st.tuples(st.just("step"), st.integers(-40, 40)),
    st.tuples(st.just("refuse"), st.sampled_from(sorted(PEOPLE))),
    st.tuples(st.just("restart")),
    st.tuples(st.just("override"), st.sampled_from(["anna", "ben", "cara"]), st.integers(1, 40)),
    st.tuples(st.just("severity"), st.sampled_from(["P1", "P2"])),
)
NIGHTS = st.tuples(
    st.lists(EVENT, max_size=16), st.one_of(st.just([]), st.just([("acknowledge",)])), st.lists(EVENT, max_size=4)
).map(lambda parts: [*parts[0], *parts[1], *parts[2]])


def live(image: Path, folder: Path, events: list[Event], ladder: Ladder = Ladder()) -> Night:
    (folder / "watchkeeper.sqlite").write_bytes(image.read_bytes())
    for rest in folder.glob("watchkeeper.sqlite-*"):
        rest.unlink()
    database = open_database("", folder)
    try:
        night = Night(database, folder, ladder)
        asyncio.run(night.live(events))
        night.check()
    finally:
        database.close()
    return night


@pytest.mark.slow
@settings(
    max_examples=NIGHTS_LIVED, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(ladder=LADDERS, events=NIGHTS)
@example(ladder=Ladder(), events=[("channel", "json", "swallows"), ("pass", 11)])
@example(ladder=Ladder((("On-call", 0), ("Manager", 5)), 2), events=[("kill", 3, "before"), ("pass", 20)])
@example(ladder=Ladder((("On-call", 0), ("Lead", 5)), 1, 5), events=[("pass", 5), ("pass", 6), ("severity", "P1"), ("step", -9)])
@example(ladder=Ladder(), events=[("refuse", "anna"), ("pass", 1), ("kill", 2, "after"), ("severity", "P1"), ("acknowledge",)])
def test_each_due_person_is_paged_at_least_once_a_level_and_repeat_and_twice_only_in_the_gap(
    image: Path, tmp_path: Path, ladder: Ladder, events: list[Event]
) -> None:
    live(image, tmp_path, events, ladder)


def test_killed_between_the_acceptance_and_our_record_it_comes_again_marked_under_the_same_key(
    image: Path, tmp_path: Path
) -> None:
    # the writes of the first turn: claim the level, tell it, claim the notice, note the address, record that it arrived
    twice = []
    for number in range(12):
        night = live(image, tmp_path, [("kill", number, "before"), ("pass", 1)])
        twice += [key for key, times in Counter(key for key, _ in night.provider.taken).items() if times > 1]
    assert "inc-1/initial/1/anna" in twice, "the gap was met, so that the mark was really asked for"


def test_nobody_is_paged_twice_where_nobody_died(image: Path, tmp_path: Path) -> None:
    night = live(
        image, tmp_path, [("channel", "json", "away"), ("pass", 11), ("restart",), ("channel", "json", None), ("pass", 30)]
    )
    assert len(night.account.owed) == 4
    assert set(Counter(key for key, _ in night.provider.taken).values()) == {1}
