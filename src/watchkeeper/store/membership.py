"""This process among the workers of one database: its lease, what it has claimed, and whom it takes for dead.

The lease is judged by a clock that nobody sets: it begins when a renewal was sent, and its last fifth is not used. A peer is dead
when its beat stood still for a whole lease *while our own beats went through*: who was cut off himself judges nobody.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection

from watchkeeper.base.clock import Clock
from watchkeeper.base.errors import Conflict, Transient
from watchkeeper.store import workers
from watchkeeper.store.database import Database, Work
from watchkeeper.store.locks import hold
from watchkeeper.store.sharing import move
from watchkeeper.store.workers import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

TURN = "turn"
RUN = "run:"
SIGNAL = "signal:"
LEASE_S = 10.0
#: beats a lease
BEATS = 5
#: the share of a lease that is used
USED = 0.8


@dataclass
class _Sight:
    beat: int
    at: float


@dataclass
class Membership:
    """One worker. On SQLite it is the only one, holds everything and writes nothing."""

    database: Database
    clock: Clock
    place: str
    state: Path
    lease_s: float = LEASE_S
    executor: str = ""
    id: str = field(default_factory=lambda: _new_id())
    elapsed: Callable[[], float] = field(default_factory=lambda: _elapsed)

    def __post_init__(self) -> None:
        self.alone = self.database.dialect == "sqlite"
        self._renewed: float | None = None
        #: since when our own beats go through without a gap
        self._steady: float | None = None
        self._sights: dict[str, _Sight] = {}
        self._mine: set[str] = set()

    @property
    def rest_s(self) -> float:
        """Give the time until the next beat, in seconds: sooner where a silent peer's lease ends before."""
        now = self.elapsed()
        ends = [sight.at + self.lease_s - now for sight in self._sights.values()]
        return min(self.lease_s / BEATS, max(min(ends, default=self.lease_s), self.lease_s / BEATS / 10))

    async def enter(self) -> None:
        """Become one of the workers; a second time under a new name, with nothing claimed."""
        if self.alone:
            return
        if self._renewed is not None:
            self.id = _new_id()
        self._mine.clear()
        self._sights.clear()
        self._steady = None
        row = {"id": self.id, "host": socket.gethostname(), "place": self.place, "processes": process_space()}
        row |= {"state": str(self.state.resolve()), "executor": self.executor}
        sent, now = self.elapsed(), self.clock.now()
        await self.database.write(lambda connection: workers.enter(connection, now, row))
        self._renewed = sent
        log.info("This is worker %s.", self.id, extra={"action": "worker_entered"})

    async def leave(self, on_death: Callable[[Connection], None]) -> None:
        """Say that we are gone, so that nobody waits for our lease to end; `on_death` as in `beat`."""
        if self.alone or self._renewed is None:
            return
        now, me, self._renewed = self.clock.now(), self.id, None

        def work(connection: Connection) -> None:
            if workers.close(connection, me, now, "It was stopped.") is not None:
                on_death(connection)

        with suppress(Transient):
            await self.database.write(work)

    def holds(self) -> bool:
        """Tell whether the lease still runs: only then may anything be begun."""
        if self.alone:
            return True
        return self._renewed is not None and self.elapsed() < self._renewed + self.lease_s * USED

    def check(self) -> None:
        """Raise Transient where the lease is over."""
        if not self.holds():
            raise Transient(
                "This worker cannot renew its lease, so it begins nothing.",
                hint="It goes on watching and tries again; peers that reach the database take over its runs.",
                code="WK419",
            )

    async def beat(self, on_death: Callable[[Connection], None]) -> list[str]:
        """Renew the lease and close the rows of dead peers; enters anew where our own row was closed meanwhile.

        `on_death` writes, in the transaction that takes a dead peer's claims away, that somebody has to go on. Gives the names of
        the engines to take over from; each is given again until `taken_over` says that it was done.
        """
        if self.alone:
            return []
        sent, now = self.elapsed(), self.clock.now()

        def work(connection: Connection) -> tuple[bool, list[Worker], list[str]]:
            alive = workers.beat(connection, self.id, now)
            return alive, workers.open_workers(connection), workers.left_behind(connection)

        alive, peers, left = await self.database.write(work)
        if not alive:
            log.error("This worker was taken for dead: it begins anew.", extra={"action": "worker_fenced", "worker": self.id})
            await self.enter()
            return []
        if self._renewed is None or sent - self._renewed > self.lease_s * USED:
            self._steady = None
        self._renewed = sent
        if self._steady is None:
            self._steady = sent
            self._sights.clear()
        for peer in self._silent(peers, self.elapsed()):
            await self._close(peer, on_death)
        return left

    async def taken_over(self, executor: str) -> None:
        """Say that what a gone worker's engine was driving is taken over."""
        await self.database.write(lambda connection: workers.taken_over(connection, executor))

    def _silent(self, peers: Collection[Worker], now: float) -> list[Worker]:
        """Give the peers whose beat stood still for a whole lease before our eyes."""
        self._sights = {each.id: self._sights[each.id] for each in peers if each.id in self._sights}
        silent = []
        for peer in peers:
            sight = self._sights.get(peer.id)
            if sight is None or sight.beat != peer.beat:
                self._sights[peer.id] = _Sight(peer.beat, now)
            elif peer.id != self.id and now - sight.at >= self.lease_s:
                silent.append(peer)
        return silent

    async def _close(self, peer: Worker, on_death: Callable[[Connection], None]) -> None:
        now, sentence = self.clock.now(), f"{self.id} saw no beat of it for {self.lease_s:g} s."

        def work(connection: Connection) -> bool:
            workers.check_open(connection, self.id)
            closed = workers.close(connection, peer.id, now, sentence, peer.beat) is not None
            if closed:
                on_death(connection)
            return closed

        if await self.database.write(work):
            log.warning("Worker %s on %s is dead.", peer.id, peer.host, extra={"action": "worker_dead", "worker": peer.id})

    async def claim(self, name: str) -> bool:
        """Claim something for as long as we live; False where a living peer has it."""
        if self.alone or name in self._mine:
            return True
        me = self.id

        def work(connection: Connection) -> bool:
            hold(connection, f"claim {name}")
            return workers.take(connection, name, me)

        if await self.database.write(work) and me == self.id:
            self._mine.add(name)
        return name in self._mine

    async def let_go(self, name: str) -> None:
        """Give a claim back."""
        if self.alone or name not in self._mine:
            return
        self._mine.discard(name)
        await self.database.write(lambda connection: workers.give_back(connection, [name], self.id))

    def guard(self, connection: Connection, name: str) -> None:
        """Hold a claim until the transaction ends; Conflict where it is ours no more."""
        if self.alone:
            return
        try:
            workers.check_claim(connection, name, self.id)
        except Conflict:
            self._mine.discard(name)
            raise

    def guarded(self, name: str) -> Database:
        """Give the database so that each of its writes holds a claim, and fails where that is not ours any more."""
        return self.database if self.alone else _Guarded(self, name)

    async def share(self, prefix: str, costs: Mapping[str, float]) -> frozenset[str]:
        """Divide things among the living workers, by what each costs: gives those that are ours now.

        Each is somebody's, within a lease of a death.
        """
        if self.alone:
            return frozenset(costs)

        def work(connection: Connection) -> frozenset[str]:
            hold(connection, f"share {prefix}")
            workers.check_open(connection, self.id)
            claimed = workers.claims_of(connection, prefix)
            taken = {name for name in costs if prefix + name in claimed}
            mine = {name for name in taken if claimed[prefix + name] == self.id}
            take, give = move(costs, mine, taken, len(workers.open_workers(connection)))
            for name in take:
                workers.take(connection, prefix + name, self.id)
            workers.give_back(connection, [prefix + name for name in give], self.id)
            return frozenset(mine | set(take)) - frozenset(give)

        return await self.database.write(work)

    def shared_out(self, connection: Connection, prefix: str, names: Collection[str]) -> frozenset[str]:
        """Give those of some names that are ours, held until the transaction ends."""
        if self.alone:
            return frozenset(names)
        hold(connection, f"share {prefix}", shared=True)
        taken = workers.claims_of(connection, prefix)
        return frozenset(name for name in names if taken.get(prefix + name) == self.id)


class _Guarded(Database):
    """A database whose writes hold a claim."""

    def __init__(self, member: Membership, name: str) -> None:
        self._member, self._name = member, name
        self._database = member.database
        self.url, self.dialect = self._database.url, self._database.dialect

    async def write(self, work: Work[T]) -> T:
        """Run work in a transaction that holds the claim."""

        def held(connection: Connection) -> T:
            self._member.guard(connection, self._name)
            return work(connection)

        return await self._database.write(held)

    async def read(self, work: Work[T]) -> T:
        """Run work that changes nothing."""
        return await self._database.read(work)


def process_space() -> str:
    """Name the space in which this machine's process ids mean something: a container has one of its own."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _new_id() -> str:
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid4().hex[:12]}"


def _elapsed() -> float:
    # counts on while a machine sleeps, unlike time.monotonic
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
