"""The watcher looks on a steady schedule, writes in one piece, and neither a probe nor the database can stop it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.base.errors import Transient
from watchkeeper.base.secrets import Secret
from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bindings, Bound, Budget, Estate, SignalConfig, Variable
from watchkeeper.store.database import Database
from watchkeeper.testing.clock import FakeClock
from watchkeeper.watch import ledger, watcher
from watchkeeper.watch.model import Sample
from watchkeeper.watch.probe import Look
from watchkeeper.watch.watcher import Watcher

DOWN = Threshold(line=1, role="alert", subject="Shop", op="is", state="down", for_s=4.0)
SLOW = Threshold(line=2, role="alert", subject="response time", op=">", value=1.0, unit="seconds")


class Scripted:
    """A probe that gives one look after the other, the last for ever; an exception is raised, a number is a hang."""

    readings: dict[str, str] = {}  # noqa: RUF012
    options: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, *looks: Look | Exception | float) -> None:
        self.looks = list(looks)
        self.count = 0

    async def look(self) -> Look:
        self.count += 1
        now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(now, Exception):
            raise now
        if isinstance(now, float):
            await asyncio.sleep(now)
            return Look()
        return now

    async def close(self) -> None:
        """Nothing is held."""


class Flaky:
    """A database that is away while `away` is set."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = False
        self.writes = 0

    async def write(self, work: Any) -> Any:
        if self.away:
            raise Transient("The database is away.")
        self.writes += 1
        return self._database.write_now(work)

    async def read(self, work: Any) -> Any:
        if self.away:
            raise Transient("The database is away.")
        return self._database.read_now(work)


def bound(threshold: Threshold = DOWN, reading: str = "up", signal: str = "shop", **more: Any) -> Bound:
    return Bound(threshold.subject, threshold, signal, reading, None, "", **more)


def well(**values: float) -> Look:
    return Look({"up": 1.0, **values}, detail="200 OK")


DEAD = Look({"up": 0.0}, detail="connection refused")


class Scene:
    """A watcher on a clock that the test moves."""

    def __init__(self, database: Database, probes: dict[str, Any], *bounds: Bound, every_s: float = 2.0) -> None:
        self.clock = FakeClock()
        self.database = Flaky(database)
        self.plain = database
        signals = {name: SignalConfig(name, "scripted", 1, every_s=every_s, timeout_s=0.05) for name in probes}
        secret = {"P": Variable("P", Secret("correct horse"), "env P", 1)}
        estate = Estate(Path("/shop/watchkeeper.toml"), "shop", Path("/shop/runbook.md"), secret, signals=signals)
        self.flips = 0
        self.watcher = Watcher(self.database, self.clock, estate, Bindings(bounds or (bound(),)), probes, self.flipped)  # type: ignore[arg-type]

    def flipped(self) -> None:
        self.flips += 1

    def samples(self, signal: str = "shop") -> list[Sample]:
        since = self.clock.now() - timedelta(days=1)
        return self.plain.read_now(lambda connection: ledger.read_samples(connection, signal, since))

    def state(self, key: str = "Shop") -> str | None:
        found = self.plain.read_now(ledger.read_standings).get(key)
        return found.state if found else None

    def changes(self) -> list[tuple[str, str]]:
        return [(flip.before, flip.after) for flip in self.plain.read_now(ledger.untaken_flips)]


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[Scene]:
    task = asyncio.create_task(scene.watcher.run())
    await scene.clock.advance(0)
    try:
        yield scene
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture(autouse=True)
def _no_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "SPREAD_S", 0.0)
    monkeypatch.setattr(watcher, "GRACE_S", 0.0)


class Deaf(Scripted):
    """A probe whose client takes being cancelled for a failure of its own."""

    async def look(self) -> Look:
        self.count += 1
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        return DEAD


async def test_it_ends_though_a_client_swallows_that_it_was_cancelled(database: Database) -> None:
    probe = Deaf(DEAD)
    scene = Scene(database, {"shop": probe})
    scene.watcher._signals = {name: replace(signal, timeout_s=30.0) for name, signal in scene.watcher._signals.items()}
    task = asyncio.create_task(scene.watcher.run())
    while not probe.count:
        await scene.clock.advance(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done == {task}
    assert task.cancelled()


async def test_it_looks_on_schedule_judges_and_tells_of_each_flip_once_it_is_on_disk(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well(), DEAD, DEAD, DEAD, DEAD, well())})
    seen: list[list[tuple[str, str]]] = []
    scene.watcher._on_flip = lambda: seen.append(scene.changes())
    async with running(scene):
        await scene.clock.advance(10)
    assert [(s.at - scene.samples()[0].at).total_seconds() for s in scene.samples()] == [0, 2, 4, 6, 8, 10]
    assert scene.changes() == [("ok", "pending"), ("pending", "firing"), ("firing", "ok")]
    assert seen == [scene.changes()[:1], scene.changes()[:2], scene.changes()]
    flips = database.read_now(ledger.untaken_flips)
    assert flips[1].sentence == "Shop is down (connection refused) for 4 s, as long as the 4 s the book allows: firing"


async def test_a_probe_that_raises_or_hangs_is_blind_and_looked_at_again(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(RuntimeError("boom"), 9.0, well())})
    async with running(scene):
        await until(scene, lambda: len(scene.samples()) >= 3, moving=True)
    problems = [sample.problem for sample in scene.samples()]
    assert problems[:3] == ["the probe broke: RuntimeError: boom", "the probe gave nothing within 0.05 s", None]
    assert scene.changes() == [("ok", "blind"), ("blind", "ok")]


async def test_one_signal_that_hangs_does_not_hold_another(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(60.0), "queue": Scripted(well())}, bound(signal="queue"))
    async with running(scene):
        await scene.clock.advance(4)
        assert len(scene.samples("queue")) == 3


async def test_while_the_database_is_away_it_keeps_watching_and_loses_no_flip(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well(), DEAD, DEAD, DEAD, well(), DEAD)})
    async with running(scene):
        scene.database.away = True
        await scene.clock.advance(9)
        assert len(scene.samples()) == 1
        assert scene.flips == 0
        scene.database.away = False
        await scene.clock.advance(20)
    assert len(scene.samples()) >= 6
    assert scene.changes()[:4] == [("ok", "pending"), ("pending", "firing"), ("firing", "ok"), ("ok", "pending")]


async def test_a_database_that_is_away_from_the_start_is_waited_for(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(DEAD)})
    scene.database.away = True
    async with running(scene):
        await scene.clock.advance(3)
        scene.database.away = False
        await scene.clock.advance(20)
    assert scene.state() == "firing"


async def test_what_stood_before_a_restart_goes_on(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(DEAD)})
    async with running(scene):
        await scene.clock.advance(2)
    assert scene.changes() == [("ok", "pending")]
    again = Scene(database, {"shop": Scripted(DEAD)})
    again.clock.move(3)
    async with running(again):
        await again.clock.advance(2)
    assert again.changes() == [("ok", "pending"), ("pending", "firing")]


async def test_the_first_look_may_lack_a_reading_and_the_second_may_not(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well())}, bound(SLOW, "seconds"))
    async with running(scene):
        assert scene.state("response time") is None
        await scene.clock.advance(2)
        assert scene.state("response time") == "blind"


async def test_silence_is_noticed(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well())})
    async with running(scene):
        scene.watcher.notice_silence(scene.clock.now() + timedelta(seconds=60))
        await scene.clock.advance(0)
    assert scene.changes() == [("ok", "blind")]


async def test_a_compound_rule_fires_only_while_both_are_breached(database: Database) -> None:
    cpu = Threshold(line=1, role="alert", subject="CPU", op=">", value=80.0)
    memory = Threshold(line=1, role="alert", subject="Memory", op=">", value=85.0)
    rules = (bound(cpu, "cpu", together_with=("Memory",)), bound(memory, "memory", together_with=("CPU",)))
    looks = [
        well(cpu=90, memory=10),
        well(cpu=90, memory=90),
        well(cpu=90, memory=90),
        well(cpu=10, memory=90),
        well(cpu=10, memory=90),
    ]
    scene = Scene(database, {"shop": Scripted(*looks)}, *rules)
    states = []
    async with running(scene):
        for _ in range(5):
            states.append((scene.state("CPU"), scene.state("Memory")))
            await scene.clock.advance(2)
    assert states[0] == ("ok", "ok")
    assert states[2] == ("firing", "firing")
    assert states[4] == ("ok", "ok")


async def test_secrets_reach_no_row(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(Look(problem="wrong password: correct horse"))})
    async with running(scene):
        await scene.clock.advance(2)
    assert "correct horse" not in (scene.samples()[0].problem or "")
    assert "correct horse" not in database.read_now(ledger.read_standings)["Shop"].sentence


async def test_one_look_by_hand_is_on_disk_when_it_returns(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(DEAD)})
    sample = await scene.watcher.look_once("shop")
    assert sample.detail == "connection refused"
    assert scene.samples() == [sample]
    assert scene.changes() == [("ok", "pending")]


async def test_what_was_seen_last_is_written_when_it_stops(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well())})
    async with running(scene):
        scene.database.away = True
        await scene.clock.advance(4)
        scene.database.away = False
    assert len(scene.samples()) == 3


async def until(scene: Scene, holds: Callable[[], bool], moving: bool = False) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.01)
        if moving:
            await scene.clock.advance(0.5)
    raise AssertionError("it did not come to pass")


async def test_a_fault_is_decided_at_the_instant_the_book_allows_and_not_at_the_next_tick(database: Database) -> None:
    slow = replace(DOWN, for_s=20.0)
    scene = Scene(database, {"shop": Scripted(DEAD)}, bound(slow), every_s=15.0)
    async with running(scene):
        await scene.clock.advance(30)
    assert [(s.at - scene.samples()[0].at).total_seconds() for s in scene.samples()] == [0, 5, 15, 20, 30]
    assert [flip.at for flip in database.read_now(ledger.untaken_flips) if flip.after == "firing"] == [scene.samples()[3].at]


async def test_a_restart_remembers_the_window_and_the_starts(database: Database) -> None:
    busy = Threshold(line=1, role="alert", subject="Shop", statistic="avg", op=">", value=80.0, for_s=20.0)
    over = bound(busy, "busy", window_s=20.0)
    first = Scene(database, {"shop": Scripted(*[well(busy=95.0)] * 20)}, over)
    async with running(first):
        await first.clock.advance(16)
    second = Scene(database, {"shop": Scripted(*[well(busy=95.0)] * 20)}, over)
    await second.clock.advance(18)
    async with running(second):
        await second.clock.advance(2)
    assert second.state() == "firing"
    assert [flip.after for flip in database.read_now(ledger.untaken_flips)] == ["pending", "firing"]


async def test_a_blip_is_over_at_the_sooner_look(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well(), DEAD, well())}, bound(replace(DOWN, for_s=30.0)), every_s=15.0)
    async with running(scene):
        await scene.clock.advance(30)
    assert [(s.at - scene.samples()[0].at).total_seconds() for s in scene.samples()] == [0, 15, 20, 30]
    assert scene.changes() == [("ok", "pending"), ("pending", "ok")]


async def test_a_signal_that_comes_and_goes_is_not_looked_at_more_often_than_its_limit(database: Database) -> None:
    looks = [well() if turn % 2 else DEAD for turn in range(60)]
    scene = Scene(database, {"shop": Scripted(*looks)}, bound(replace(DOWN, for_s=30.0)), every_s=15.0)
    async with running(scene):
        await scene.clock.advance(120)
    steady = {15.0 * turn for turn in range(9)}
    extra = [at for s in scene.samples() if (at := (s.at - scene.samples()[0].at).total_seconds()) not in steady]
    assert 0 < len(extra) <= 6
    assert all(sum(1 for other in extra if at <= other < at + 60) <= 3 for at in extra)


async def test_what_acts_on_the_outside_is_looked_at_on_its_schedule_alone(database: Database) -> None:
    pays = Scripted(well(), DEAD, DEAD, DEAD)
    pays.acts = True  # type: ignore[attr-defined]
    scene = Scene(database, {"shop": pays}, bound(replace(DOWN, for_s=20.0)), every_s=15.0)
    async with running(scene):
        await scene.clock.advance(45)
    assert [(s.at - scene.samples()[0].at).total_seconds() for s in scene.samples()] == [0, 15, 30, 45]


async def test_a_signal_that_never_gives_a_sample_is_blind(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well())})
    scene.watcher.notice_silence(scene.clock.now() + timedelta(seconds=16))
    assert not scene.watcher._standings
    scene.watcher.notice_silence(scene.clock.now() + timedelta(seconds=60))
    await scene.watcher._write()
    assert scene.state() == "blind"


async def test_a_clock_that_jumps_forward_neither_fires_early_nor_goes_blind_for_good(database: Database) -> None:
    scene = Scene(database, {"shop": Scripted(well(), DEAD, DEAD, DEAD, well())}, bound(replace(DOWN, for_s=300.0)), every_s=15.0)
    async with running(scene):
        await scene.clock.advance(20)
        scene.clock.move(3600)
        await scene.clock.advance(40)
    assert "firing" not in {after for _, after in scene.changes()}
    assert scene.state() == "ok"


async def test_a_clock_that_jumps_during_a_look_is_nothing_that_the_look_took(database: Database) -> None:
    class Jumping(Scripted):
        async def look(self) -> Look:
            if self.count == 2:
                scene.clock.move(3600)
            return await super().look()

    scene = Scene(database, {"shop": Jumping(well(), DEAD, DEAD, DEAD)}, bound(replace(DOWN, for_s=300.0)), every_s=15.0)
    async with running(scene):
        await scene.clock.advance(60)
    took = [sample.took_s for sample in database.read_now(lambda c: ledger.read_samples(c, "shop"))]
    assert 0 < max(took) < 60
    assert "firing" not in {after for _, after in scene.changes()}


async def test_a_budget_is_counted_over_restarts_and_fires_like_a_threshold(database: Database) -> None:
    budget = bound(replace(DOWN, subject="Uptime", state="burning", for_s=None), budget=Budget(0.001, "up", 30 * 86_400.0))
    first = Scene(database, {"shop": Scripted(DEAD)}, replace(budget, every_s=15.0), every_s=15.0)
    async with running(first):
        await first.clock.advance(30)
    assert first.changes() == []
    again = Scene(database, {"shop": Scripted(DEAD)}, replace(budget, every_s=15.0), every_s=15.0)
    again.clock.move(45)
    async with running(again):
        await again.clock.advance(15)
    assert again.changes() == [("ok", "firing")]
    assert "times as fast as 30 d allow" in database.read_now(ledger.read_standings)["Uptime"].sentence


async def test_a_look_that_confirms_spends_no_budget(database: Database) -> None:
    slow = bound(replace(DOWN, subject="Shop", for_s=20.0))
    budget = bound(replace(DOWN, subject="Uptime", state="burning", for_s=None), budget=Budget(0.001, "up", 30 * 86_400.0))
    both = (replace(slow, every_s=15.0), replace(budget, every_s=15.0))
    scene = Scene(database, {"shop": Scripted(DEAD)}, *both, every_s=15.0)
    async with running(scene):
        await scene.clock.advance(30)
    began = scene.samples()[0].at
    assert [(s.at - began).total_seconds() for s in scene.samples()] == [0, 5, 15, 20, 30]
    counted = database.read_now(lambda connection: ledger.read_counts(connection, "Uptime", began - timedelta(minutes=5)))
    assert sum(each.looks for each in counted) == 3
