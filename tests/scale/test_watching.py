"""Several watchers divide the signals: each is looked at by one of them, and one that comes late spoils nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import Connection

from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bindings, Bound, Estate, SignalConfig
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.membership import SIGNAL, Membership
from watchkeeper.store.migrate import migrate
from watchkeeper.testing import FakeClock
from watchkeeper.watch import ledger
from watchkeeper.watch.probe import Look
from watchkeeper.watch.watcher import Watcher, shards

DOWN = Threshold(line=1, role="alert", subject="Shop", op="is", state="down")
NAMES = ("a", "b", "c", "d")


class Lamp:
    """A probe that says what it is told to, and counts."""

    readings: ClassVar[Mapping[str, str]] = {"up": "1 or 0"}
    options: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.up, self.count = 1.0, 0

    async def look(self) -> Look:
        self.count += 1
        return Look({"up": self.up})

    async def close(self) -> None:
        """Nothing is held."""


def bound(signal: str, key: str, *together_with: str) -> Bound:
    return Bound(key, DOWN, signal, "up", signal, "it is named so", together_with=together_with)


def nobody(connection: Connection) -> None:
    """Write nothing for the dead."""


def test_signals_whose_thresholds_hold_each_other_are_looked_at_by_one_worker() -> None:
    bounds = {
        "a": [bound("a", "t1", "t2")],
        "b": [bound("b", "t2", "t1"), bound("b", "t3", "t4")],
        "c": [bound("c", "t4")],
        "d": [],
    }
    assert shards(bounds) == {"a": frozenset("abc"), "d": frozenset("d")}


@pytest.fixture
def rows(url: str, tmp_path: Path) -> Iterator[Database]:
    made = open_database(url, tmp_path)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def passed() -> list[float]:
    return [0.0]


@pytest.fixture
def eyes(rows: Database, tmp_path: Path, clock: FakeClock, passed: list[float]) -> Callable[[str], tuple[Watcher, Membership]]:
    signals = {name: SignalConfig(name, "lamp", 1, every_s=1.0) for name in NAMES}
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", signals=signals)
    bindings = Bindings(bound=tuple(bound(name, f"{name} is down") for name in NAMES))

    def make(name: str) -> tuple[Watcher, Membership]:
        member = Membership(rows, clock, f"boot.{name}", tmp_path / name, 10.0, elapsed=lambda: passed[0])
        member.id = name
        return Watcher(rows, clock, estate, bindings, {each: Lamp() for each in NAMES}, lambda: None, member), member

    return make


async def share(watcher: Watcher, member: Membership) -> frozenset[str]:
    mine = await member.share(SIGNAL, watcher.costs)
    await watcher.take(mine)
    return mine


async def test_a_peer_takes_up_where_a_dead_watcher_stopped(
    eyes: Callable[[str], tuple[Watcher, Membership]], rows: Database, clock: FakeClock, passed: list[float]
) -> None:
    (first, a), (second, b) = eyes("a"), eyes("b")
    await a.enter()
    assert await share(first, a) == set(NAMES)
    first._probes["d"].up = 0.0  # type: ignore[attr-defined]
    await first.look_once("d")
    standing = rows.read_now(ledger.read_standings)["d is down"]
    assert standing.state == "firing"
    await b.enter()
    await share(first, a)
    assert len(await share(second, b)) == 2
    for _ in range(8):
        passed[0] += 2
        await b.beat(nobody)
    assert await share(second, b) == set(NAMES)
    clock.move(30)
    second._probes["d"].up = 0.0  # type: ignore[attr-defined]
    await second.look_once("d")
    found = rows.read_now(ledger.read_standings)["d is down"]
    assert (found.state, found.since) == ("firing", standing.since)
    assert len(rows.read_now(ledger.untaken_flips)) == 1


async def test_what_a_watcher_decided_of_a_signal_that_is_a_peers_now_is_not_written(
    eyes: Callable[[str], tuple[Watcher, Membership]], rows: Database, clock: FakeClock, passed: list[float]
) -> None:
    (first, a), (second, b) = eyes("a"), eyes("b")
    await a.enter()
    await share(first, a)
    await b.enter()
    for _ in range(8):
        passed[0] += 2
        await b.beat(nobody)
    await share(second, b)
    await second.look_once("a")
    clock.move(1)
    first._probes["a"].up = 0.0  # type: ignore[attr-defined]
    await first.look_once("a")
    assert rows.read_now(ledger.read_standings)["a is down"].state == "ok"
    assert rows.read_now(ledger.untaken_flips) == []
    assert len(rows.read_now(lambda c: ledger.read_samples(c, "a", clock.now().replace(year=2000)))) == 2


async def test_what_was_decided_before_a_peer_had_the_signal_is_not_written_when_it_comes_back(
    eyes: Callable[[str], tuple[Watcher, Membership]], rows: Database, clock: FakeClock, passed: list[float]
) -> None:
    (first, a), (second, b) = eyes("a"), eyes("b")
    await a.enter()
    await share(first, a)
    first._probes["a"].up = 0.0  # type: ignore[attr-defined]
    await first._look(first._signals["a"])  # decided, and not written: the database is out of its reach
    await b.enter()
    for _ in range(8):
        passed[0] += 2
        await b.beat(nobody)
    await share(second, b)
    clock.move(1)
    second._probes["a"].up = 0.0  # type: ignore[attr-defined]
    await second.look_once("a")
    clock.move(1)
    second._probes["a"].up = 1.0  # type: ignore[attr-defined]
    await second.look_once("a")
    await b.leave(nobody)
    await first.take([])
    await a.enter()
    assert await share(first, a) == set(NAMES)
    await first._write()
    assert rows.read_now(ledger.read_standings)["a is down"].state == "ok"
    assert [(flip.before, flip.after) for flip in rows.read_now(ledger.untaken_flips)] == [("ok", "firing"), ("firing", "ok")]


async def test_a_probe_that_acts_is_not_looked_at_at_once_by_who_takes_it_over(
    eyes: Callable[[str], tuple[Watcher, Membership]],
) -> None:
    first, a = eyes("a")
    first._probes["b"].acts = True  # type: ignore[attr-defined]
    await a.enter()
    await share(first, a)
    assert {name for name, overdue in first._overdue.items() if overdue.is_set()} == set(NAMES) - {"b"}
