"""A simulated world in which the real rules live a night: things break, signals go blind, Watchkeeper dies, people are slow.

Everything of Watchkeeper is real (watching, grouping, incidents, runs, journal, verdicts, notices, reviews, the database);
only the clock, the probes, the target, the notifier and the people are the world's. One seed decides everything, so that a
night that went wrong can be lived again. What must hold of every night is checked at dawn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from watchkeeper.actions import acts
from watchkeeper.app import App, interpreter_of
from watchkeeper.base.errors import Transient, WatchkeeperError
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Estate, Person, Policy, SignalConfig, TargetConfig
from watchkeeper.incident import ledger as incidents
from watchkeeper.loop import Loop
from watchkeeper.people.identity import Actor
from watchkeeper.run import ledger as runs
from watchkeeper.run.chronicle import chronicle
from watchkeeper.run.model import Run
from watchkeeper.run.target import Found, Job
from watchkeeper.settings import load_settings
from watchkeeper.store import due
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import verify as verify_chain
from watchkeeper.testing.books import book_from
from watchkeeper.testing.doubles import DirectEngine, RecordingNotifier
from watchkeeper.testing.journal import Died, DyingJournal
from watchkeeper.watch.probe import Look
from watchkeeper.watch.watcher import Watcher

COMPONENTS = ("Front", "Ledger", "Mailer")
ANNA = Actor("anna", ("operator",), "terminal", "this machine")

RUNBOOK = """
    # Night service runbook

    ## Components

    - **Front**: nginx
    - **Ledger**: PostgreSQL 16
    - **Mailer**: Postfix

    ### Dependencies

    - Front → Ledger

    ## Severities

    | Severity | Criteria | Response time |
    |----------|----------|---------------|
    | SEV1 | Customers are affected | 5 minutes |

    ## Escalation

    1. On-call engineer (immediately)
    2. Engineering lead (10 minutes)

    ## Alerts

    ### Critical alerts (SEV1)

    - Front is down for 10 seconds
    - Ledger is down for 10 seconds
    - Mailer is down for 10 seconds

    ## Procedures
    """

PROCEDURE = """
    ### {name} is down

    **Symptoms**:
    - {name} is down and does not answer

    **Diagnosis**:
    ```bash
    systemctl status {unit}
    ```

    **Resolution**:

    **If `systemctl is-active {unit}` shows inactive or failed:**
    ```bash
    systemctl restart {unit}
    ```

    **Verification**:
    ```bash
    # Expected: active
    systemctl is-active {unit}
    ```
    """


#: how many turns of two seconds the calm after the night may last
DAWN_TURNS = 400


class Broken(AssertionError):
    """A night in which something did not hold; says the seed with which it can be lived again."""


class WorldClock:
    """The world's clock: who sleeps makes it pass."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Give the instant."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=max(0.0, seconds))


@dataclass
class Truth:
    """How things really are, which only the world knows."""

    down: set[str] = field(default_factory=set)
    blind: dict[str, datetime] = field(default_factory=dict)
    #: restarts that were really carried out, by job
    restarts: dict[str, int] = field(default_factory=dict)
    halted_restarts: int = 0

    def up(self, name: str, leads_to: Mapping[str, str]) -> bool:
        """Tell whether a component answers: it and what it needs are not down."""
        needed = leads_to.get(name)
        return name not in self.down and (needed is None or needed not in self.down)


NEEDS = {"Front": "Ledger"}


class WorldProbe:
    """Sees the truth, unless its signal is cut off."""

    readings: ClassVar[Mapping[str, str]] = {"up": "1 or 0"}
    options: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str, truth: Truth, clock: WorldClock) -> None:
        self._name, self._truth, self._clock = name, truth, clock

    async def look(self) -> Look:
        """Look at the truth."""
        until = self._truth.blind.get(self._name)
        if until is not None and self._clock.now() < until:
            return Look(problem="the network is cut")
        return Look({"up": 1.0 if self._truth.up(self._name, NEEDS) else 0.0})

    async def close(self) -> None:
        """Do nothing."""


class WorldTarget:
    """Carries commands out on the truth; may take Watchkeeper down with it, before or after the effect."""

    def __init__(self, truth: Truth, chance: random.Random, deadly: float) -> None:
        self._truth, self._chance, self._deadly = truth, chance, deadly
        self._jobs: dict[str, tuple[int, str]] = {}

    async def start(self, job: Job) -> None:
        """Carry out a command, once a job."""
        if self._chance.random() < self._deadly:
            raise Died
        self._jobs[job.id] = self._do(job)
        if self._chance.random() < self._deadly:
            raise Died

    def _do(self, job: Job) -> tuple[int, str]:
        words = job.script.split()
        name = words[-1].capitalize()
        if words[1] == "restart":
            self._truth.restarts[job.id] = self._truth.restarts.get(job.id, 0) + 1
            self._truth.down.discard(name)
            return 0, ""
        state = "failed" if name in self._truth.down else "active"
        return (0 if state == "active" else 3), state

    async def find(self, job: Job) -> Found:
        """Say what became of a job."""
        if job.id not in self._jobs:
            return Found("never-begun", sentence="It never began.")
        return Found("ended", exit_status=self._jobs[job.id][0])

    async def wait(self, job: Job, output: object = None) -> Found:
        """Give the end of a job."""
        return await self.find(job)

    def read_output(self, job: Job) -> str:
        """Give what a job printed."""
        return self._jobs.get(job.id, (0, ""))[1]

    async def kill(self, job: Job) -> None:
        """Do nothing: every job has ended."""

    async def forget(self, job: Job) -> None:
        """Do nothing: the successor may still ask."""

    async def close(self) -> None:
        """Do nothing."""


def night_book() -> Book:
    """Give the book of the simulated service."""
    return book_from(RUNBOOK + "".join(PROCEDURE.format(name=name, unit=name.lower()) for name in COMPONENTS))


def night_estate(folder: Path) -> Estate:
    """Give the estate of the simulated service: Anna on call, Ben her lead, changes allowed in a SEV1."""
    signals = {name: SignalConfig(name, "world", 1, component=name, every_s=2.0, metrics={name: "up"}) for name in COMPONENTS}
    people = {
        "anna": Person("anna", "Anna", 1, ("on-call engineer",), ("json://anna", "mailto://anna")),
        "ben": Person("ben", "Ben", 1, ("engineering lead",), ("json://ben",)),
    }
    return Estate(
        path=folder / "watchkeeper.toml",
        service="night",
        runbook=folder / "runbook.md",
        targets={"local": TargetConfig("local", "world", 1, folder)},
        signals=signals,
        people=people,
        policy=Policy(mode="act", change_allowed=("SEV1",), hold_s=6.0),
    )


def night_app(database: Database, clock: WorldClock, folder: Path, estate: Estate, book: Book, truth: Truth, owner: str) -> App:
    """Open Watchkeeper over a simulated service: real but for its clock and its probes."""
    app = App(
        settings=load_settings({}),
        clock=clock,
        state=folder,
        database=database,
        estate=estate,
        book=book,
        bindings=bind(book, estate),
        scrubber=Scrubber(),
        owner=owner,
    )
    app.probes = {name: WorldProbe(name, truth, clock) for name in COMPONENTS}
    return app


class World:
    """One night."""

    def __init__(self, seed: int, database: Database, folder: Path, book: Book) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - a simulation
        self.clock = WorldClock(datetime.fromisoformat("2026-03-14T23:00:00+00:00"))
        self.database, self.folder, self.book = database, folder, book
        self.estate = night_estate(folder)
        self.truth = Truth()
        self.target = WorldTarget(self.truth, self.chance, deadly=0.04)
        self.notifier = RecordingNotifier(fails=lambda address: self.chance.random() < 0.2)
        self.deaths = 0
        self.broken_at: list[tuple[str, datetime]] = []
        self._calm = False
        self._rise()

    def _rise(self) -> None:
        """Start Watchkeeper, as after a death: nothing but the rows is remembered."""
        app = night_app(self.database, self.clock, self.folder, self.estate, self.book, self.truth, f"night-{self.deaths}")
        app.targets = {"local": self.target}
        app.notifier = self.notifier
        journal = DyingJournal(self.database, app.owner, "one-boot", told=chronicle, when=self._death)
        app.interpreter = interpreter_of(app, journal)
        app.engine = DirectEngine()
        self.app, self.loop = app, Loop(app)
        self.watcher = Watcher(self.database, self.clock, self.estate, app.bindings, app.probes, app.wake)

    def _death(self, write: int) -> Literal["before", "after"] | None:
        if self._calm or self.chance.random() >= 0.03:
            return None
        return self.chance.choice(("before", "after"))

    async def live(self, turns: int) -> None:
        """Live the night, then let the world calm down until dawn, and check."""
        await self._open()
        for _ in range(turns):
            self._happen()
            await self._turn()
        self._calm = True
        self.truth.blind.clear()
        self.target._deadly = 0.0
        self.notifier.fails = lambda address: False
        for _ in range(DAWN_TURNS):
            await self._turn()
            open_now = await self.database.read(lambda c: incidents.list_incidents(c, open_only=True))
            await self._help([incident.id for incident in open_now])
            if not self.truth.down and not open_now and not await self._unsent():
                break
        await self._check()

    async def _open(self) -> None:
        assert self.app.engine is not None and self.app.interpreter is not None  # noqa: PT018
        await self.app.engine.open(self.app.interpreter.advance)
        await self.database.write(due.void_claims)
        for run_id in await self.database.read(runs.open_run_ids):
            await self.database.write(partial(acts.drive_at, run_id=run_id, at=self.clock.now()))

    def _happen(self) -> None:
        """Break something, or cut a signal off, now and then."""
        if self.chance.random() < 0.02:
            name = self.chance.choice(COMPONENTS)
            if name not in self.truth.down:
                self.truth.down.add(name)
                self.broken_at.append((name, self.clock.now()))
        if self.chance.random() < 0.01:
            name = self.chance.choice(COMPONENTS)
            self.truth.blind[name] = self.clock.now() + timedelta(seconds=self.chance.uniform(2, 30))

    async def _turn(self) -> None:
        """Let two seconds pass: look in any order, take a turn, send, and let a person answer."""
        await self.clock.sleep(2.0)
        order = list(COMPONENTS)
        self.chance.shuffle(order)
        try:
            for name in order:
                await self.watcher.look_once(name)
            await self.loop.turn()
            await self.loop.tell()
            await self._people()
        except Died:
            self.deaths += 1
            self._rise()
            await self._open()
        except Transient:
            pass

    async def _people(self) -> None:
        """Answer one question truthfully, sooner or later."""
        for run in await self.database.read(lambda c: runs.list_runs(c)):
            asking = [key for key, standing in run.acts.items() if standing.state == "asking"]
            if run.ended_at is None and asking and (self._calm or self.chance.random() < 0.2):
                await acts.answer(self.app, ANNA, run.id, asking[0], self._truthful(run, asking[0]), "I looked.")

    def _truthful(self, run: Run, key: str) -> str:
        question = run.acts[key].question
        if question == "settle":
            done = any(job.startswith(f"{run.id}") for job in self.truth.restarts)
            return "happened" if done else "did-not-happen"
        return {"approve": "approve", "manual": "done", "branch": "yes", "failed": "abort"}[question or "failed"]

    async def _help(self, open_now: list[str]) -> None:
        """Repair by hand what the runs gave up on, as the person who was told would."""
        for incident_id in open_now:
            mine = await self.database.read(partial(runs.list_runs, incident_id=incident_id))
            if mine and mine[0].ended_at is not None and self.truth.down:
                self.truth.down.clear()

    async def _unsent(self) -> int:
        from_outbox = await self.database.read(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'failed')").scalar()
        )
        return int(from_outbox or 0)

    async def _check(self) -> None:
        """What must hold of every night."""
        open_now = await self.database.read(lambda c: incidents.list_incidents(c, open_only=True))
        self.must(not open_now, f"an incident is still open: {open_now[0].title if open_now else ''}")
        twice = [job for job, times in self.truth.restarts.items() if times > 1]
        self.must(not twice, f"a command was carried out twice: {twice}")
        for run in await self.database.read(lambda c: runs.list_runs(c)):
            events = await self.database.read(partial(runs.read_events, run_id=run.id))
            self.must([e.seq for e in events] == list(range(1, len(events) + 1)), f"the log of {run.id} has a hole")
            meant = {(e.act, e.body["attempt"]) for e in events if e.kind == "intent"}
            came = {(e.act, e.body["attempt"]) for e in events if e.kind == "outcome" and e.body["attempt"]}
            self.must(came <= meant, f"{run.id} has an outcome without an intent: {came - meant}")
        _, broken = await self.database.read(lambda c: verify_chain(c, {}))
        self.must(not broken, f"the ledger does not hold: {broken[0].sentence if broken else ''}")
        self.must(len(set(self.notifier.keys)) == len(self.notifier.keys), "a notice was sent twice")
        seen = await self.database.read(lambda c: incidents.list_incidents(c, limit=1000))
        for name, at in self.broken_at[:1]:
            self.must(any(i.began_at >= at - timedelta(seconds=5) for i in seen), f"{name} broke at {at} and nobody noticed")

    def must(self, holds: bool, what: str) -> None:
        """Say that something does not hold, with the seed."""
        if not holds:
            raise Broken(f"Night {self.seed}: {what}. Live it again with live_a_night({self.seed}, …).")


async def live_a_night(seed: int, database: Database, folder: Path, book: Book | None = None, turns: int = 90) -> World:
    """Live one night on an empty, migrated database; raises Broken with the seed where something did not hold."""
    world = World(seed, database, folder, book or night_book())
    try:
        await world.live(turns)
    except WatchkeeperError as problem:
        raise Broken(f"Night {seed}: {problem}") from problem
    return world
