"""A worker's lease, its claims, and when a peer may be taken for dead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from watchkeeper.base.errors import Conflict, Transient
from watchkeeper.store import workers
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.membership import RUN, SIGNAL, TURN, Membership
from watchkeeper.store.migrate import migrate
from watchkeeper.testing import FakeClock

LEASE_S = 10.0


class Elapsed:
    """The clock that nobody sets."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


def nobody(connection: Connection) -> None:
    """Write nothing for the dead."""


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def rows(url: str, tmp_path: Path) -> Iterator[Database]:
    made = open_database(url, tmp_path)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def member(rows: Database, tmp_path: Path, elapsed: Elapsed) -> Callable[[str], Membership]:
    def make(name: str) -> Membership:
        made = Membership(rows, FakeClock(), f"boot.{name}", tmp_path / name, LEASE_S, elapsed=elapsed)
        made.id, made.executor = name, f"engine-{name}"
        return made

    return make


async def beats(elapsed: Elapsed, *living: Membership, for_s: float) -> list[str]:
    """Let time pass while some beat; gives the engines to take over from, by the first."""
    left: list[str] = []
    for _ in range(int(for_s / 2)):
        elapsed.passed += 2
        for each in living:
            found = await each.beat(nobody)
            left = found if each is living[0] else left
    return left


async def test_a_silent_peer_is_dead_after_a_whole_lease_and_not_before(
    member: Callable[[str], Membership], rows: Database, elapsed: Elapsed
) -> None:
    a, b = member("a"), member("b")
    await a.enter()
    await b.enter()
    assert await a.claim(RUN + "1")
    assert not await b.claim(RUN + "1")
    await beats(elapsed, b, for_s=LEASE_S)
    assert not await b.claim(RUN + "1")
    assert await beats(elapsed, b, for_s=4) == ["engine-a"]
    assert await b.claim(RUN + "1")
    closed = rows.read_now(lambda c: workers.find_worker(c, "a"))
    assert closed is not None
    assert closed.sentence == "b saw no beat of it for 10 s."
    await b.taken_over("engine-a")
    assert await beats(elapsed, b, for_s=2) == []


async def test_a_lease_ends_before_anybody_may_take_its_worker_for_dead(
    member: Callable[[str], Membership], elapsed: Elapsed
) -> None:
    a = member("a")
    assert not a.holds()
    await a.enter()
    assert a.holds()
    elapsed.passed += LEASE_S * 0.79
    assert a.holds()
    elapsed.passed += LEASE_S * 0.02
    assert not a.holds()
    with pytest.raises(Transient, match="cannot renew its lease"):
        a.check()
    await a.beat(nobody)
    a.check()


async def test_who_was_cut_off_himself_judges_nobody(member: Callable[[str], Membership], elapsed: Elapsed) -> None:
    """The database is away for a minute: nobody beats, and whoever comes back first must not bury the others."""
    a, b = member("a"), member("b")
    await a.enter()
    await b.enter()
    await beats(elapsed, a, b, for_s=4)
    elapsed.passed += 60
    assert await a.beat(nobody) == []
    assert await b.beat(nobody) == []
    assert await beats(elapsed, a, b, for_s=30) == []


async def test_a_worker_taken_for_dead_can_write_nothing_under_its_claims_and_begins_anew(
    member: Callable[[str], Membership], rows: Database, elapsed: Elapsed
) -> None:
    a, b = member("a"), member("b")
    await a.enter()
    await b.enter()
    assert await a.claim(TURN)
    led = a.guarded(TURN)
    assert await led.write(lambda c: True)
    await beats(elapsed, b, for_s=14)
    with pytest.raises(Conflict, match="Another worker has turn") as caught:
        await led.write(lambda c: True)
    assert caught.value.code == "WK328"
    with pytest.raises(Conflict, match="taken for dead"):
        await a.claim(RUN + "1")
    assert await a.beat(nobody) == []
    assert a.id != "a"
    assert await b.claim(TURN)
    assert not await a.claim(TURN)
    assert await a.claim(RUN + "1")
    assert {each.id for each in rows.read_now(workers.open_workers)} == {a.id, "b"}


async def test_one_that_beat_in_the_last_moment_lives(member: Callable[[str], Membership], rows: Database) -> None:
    a = member("a")
    await a.enter()
    seen = rows.read_now(workers.open_workers)[0].beat
    await a.beat(nobody)
    assert rows.write_now(lambda c: workers.close(c, "a", a.clock.now(), "too late", seen)) is None


async def test_signals_are_shared_evenly_and_none_is_left_when_a_worker_dies(
    member: Callable[[str], Membership], elapsed: Elapsed
) -> None:
    names = {f"s{n}": 1.0 for n in range(7)}
    a, b = member("a"), member("b")
    await a.enter()
    assert await a.share(SIGNAL, names) == set(names)
    await b.enter()
    assert await b.share(SIGNAL, names) == frozenset()
    mine = await a.share(SIGNAL, names)
    others = await b.share(SIGNAL, names)
    assert (len(mine), len(others)) == (4, 3)
    assert mine | others == set(names)
    await beats(elapsed, b, for_s=14)
    assert await b.share(SIGNAL, names) == set(names)
    with pytest.raises(Conflict):
        await a.share(SIGNAL, names)


async def test_who_stops_gives_everything_back_at_once(member: Callable[[str], Membership], elapsed: Elapsed) -> None:
    a, b = member("a"), member("b")
    await a.enter()
    await b.enter()
    assert await a.claim(RUN + "1")
    told: list[bool] = []
    await a.leave(lambda connection: told.append(True))
    assert told == [True]
    assert await b.claim(RUN + "1")
    assert await b.beat(nobody) == ["engine-a"]
    assert not a.holds()


async def test_the_state_of_a_gone_worker_is_kept_for_who_looks_for_its_jobs(
    member: Callable[[str], Membership], rows: Database, tmp_path: Path
) -> None:
    a = member("a")
    await a.enter()
    await a.leave(nobody)
    found = rows.read_now(lambda c: workers.find_worker(c, "a"))
    assert found is not None
    assert (found.place, found.state) == ("boot.a", str(tmp_path / "a"))
