"""Looks at every signal on its own steady schedule, judges each sample, and writes sample, standings and flips in one piece.

1. Each signal has a task: wait for the next instant of its schedule, look, judge; a probe that raises or hangs is a sample
   with a problem and ends nothing.
2. What was seen goes to a spool; one task writes the spool whenever there is something, everything that came meanwhile in one
   transaction. While the database is away the spool holds it and looking goes on.
3. `on_flip` is called after a flip is on disk, never before.
4. Between two instants of its schedule a signal is looked at once more where that decides about a pending threshold, and once
   sooner after a first failure; how often that may be in a minute is the signal's `confirm`.
5. A signal without samples for too long makes its thresholds blind.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from watchkeeper.base.clock import Clock, pace_of
from watchkeeper.base.errors import Transient
from watchkeeper.base.secrets import Scrubber
from watchkeeper.estate.model import Bindings, Bound, Estate, SignalConfig
from watchkeeper.store.database import Database
from watchkeeper.store.membership import SIGNAL, Membership
from watchkeeper.watch import burning, ledger, rules
from watchkeeper.watch.damping import WITHIN, Memory, calm_for, damp
from watchkeeper.watch.model import Sample, Standing, State
from watchkeeper.watch.probe import Look, Probe
from watchkeeper.watch.spool import Spool
from watchkeeper.watch.window import MOST, Past

log = logging.getLogger("watchkeeper.watch")

#: the first looks are spread over at most this long
SPREAD_S = 2.0
#: what a probe gets beyond its own timeout before it is given up
GRACE_S = 1.0
#: a look outside the schedule comes no sooner than this after the one before
SOONEST_S = 0.5
STALE_CHECK_S = 5.0
LAST_WRITE_S = 5.0
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Watcher:
    """The eyes of one estate."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        estate: Estate,
        bindings: Bindings,
        probes: Mapping[str, Probe],
        on_flip: Callable[[], None],
        worker: Membership | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signals = {name: estate.signals[name] for name in probes}
        self._probes = probes
        self._on_flip = on_flip
        self._scrubber = Scrubber(estate.secrets())
        self._bound: dict[str, list[Bound]] = {name: [] for name in probes}
        for bound in bindings.bound:
            self._bound.setdefault(bound.signal, []).append(bound)
        #: the signals that are looked at together, by the name under which workers share them out
        self.shards = shards(self._bound)
        #: what each of them costs: looks an hour
        self.costs = {shard: sum(3600 / max(self._signals[name].every_s, 1.0) for name in names if name in self._signals) or 1.0
                      for shard, names in self.shards.items()}  # fmt: skip
        self._worker = None if worker is None or worker.alone else worker
        self._mine = frozenset(self._bound) if self._worker is None else frozenset()
        self._standings: dict[str, Standing] = {}
        #: how members of compound rules stand on their own
        self._alone: dict[str, Standing] = {}
        #: readings of thresholds whose statistic is taken here, and what damping remembers
        self._past: defaultdict[str, Past] = defaultdict(Past)
        self._memory: dict[str, Memory] = {}
        #: what was seen of each objective that has a budget
        self._spent = {b.key: burning.Spent(b.budget) for bounds in self._bound.values() for b in bounds if b.budget}
        self._loaded = False
        self._looked: set[str] = set()
        #: since when each signal is watched here, when it failed first, and its last looks outside the schedule
        self._watched_since = dict.fromkeys(self._bound, clock.now())
        self._failed_at: dict[str, datetime] = {}
        self._extra: defaultdict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=60))
        #: the signals whose next look is one of those
        self._between: set[str] = set()
        self._turns = {name: asyncio.Lock() for name in probes}
        #: set for a signal that was taken from a peer, so that it is looked at now and not at its next turn
        self._overdue = {name: asyncio.Event() for name in self._bound}
        self._spool = Spool()
        self._filled = asyncio.Event()
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Watch until cancelled; what is not on disk by then is written once more."""
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._load()
                for signal in self._signals.values():
                    tasks.create_task(self._watch(signal), name=f"signal {signal.name}")
                tasks.create_task(self._notice_silence(), name="silence")
                await self._write_forever()
            finally:
                await self._write_last()

    async def look_once(self, signal: str) -> Sample:
        """Look at one signal now, outside its schedule, and put what it gave on disk."""
        if not self._loaded:
            await self._load()
        sample = await self._look(self._signals[signal])
        await self._write()
        return sample

    async def take(self, mine: Iterable[str]) -> None:
        """Look from now on at the signals of these shards alone; what a peer found of the new ones is taken up first."""
        taken = frozenset[str]().union(*(self.shards[shard] for shard in mine if shard in self.shards))
        new = taken - self._mine
        if new:
            async with self._writing:
                # from when they were ours before: decided while our lease was over, and a peer has decided since
                self._spool.drop_decisions(new)
            found = await self._database.read(ledger.read_standings)
            for bound in (bound for name in new for bound in self._bound[name]):
                self._alone.pop(bound.key, None)
                self._standings.pop(bound.key, None)
                if bound.key in found:
                    self._standings[bound.key] = found[bound.key]
            await self._recount([bound.key for name in new for bound in self._bound[name] if bound.budget])
            self._looked -= new
            self._watched_since |= dict.fromkeys(new, self._clock.now())
        self._mine = taken
        for name in new:
            if not getattr(self._probes.get(name), "acts", False):
                self._overdue[name].set()

    async def _load(self) -> None:
        """Read how thresholds stood, as often as it takes; looking waits for it, since a flip needs a before."""
        for attempt in range(1_000_000):
            try:
                found = await self._database.read(ledger.read_standings)
                await self._remember()
                break
            except Transient as problem:
                log.warning("%s", problem, extra={"action": "standings_unread"})
                await self._clock.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        self._standings = found | self._standings
        self._loaded = True
        bound = [item.key for bounds in self._bound.values() for item in bounds]
        await self._database.write(lambda connection: ledger.forget_standings(connection, bound))

    async def _remember(self) -> None:
        """Read back what windows and damping looked at before a restart."""
        now = self._clock.now()
        starts = await self._database.read(lambda connection: ledger.starts_since(connection, now - WITHIN))
        self._memory = {key: Memory(tuple(found)) for key, found in starts.items()} | self._memory
        await self._recount(self._spent)
        for bound in (bound for bounds in self._bound.values() for bound in bounds if bound.window_s is not None):
            since = now - timedelta(seconds=bound.window_s or 0.0)
            samples = await self._database.read(partial(ledger.read_samples, signal=bound.signal, since=since, limit=MOST))
            for sample in samples:
                value = sample.values.get(bound.reading, math.nan)
                if sample.at <= now and not math.isnan(value):
                    gap_s = rules.stale_after_s(bound.every_s, sample.took_s)
                    self._past[bound.key].add(sample.at, value * bound.factor, bound.window_s or 0.0, gap_s)

    async def _recount(self, keys: Iterable[str]) -> None:
        """Read back what was counted of budgets."""
        for key in keys:
            spent = self._spent[key]
            since = self._clock.now() - timedelta(seconds=spent.budget.period_s)
            spent.load(await self._database.read(partial(ledger.read_counts, key=key, since=since)))

    async def _watch(self, signal: SignalConfig) -> None:
        started_at = self._clock.now() + timedelta(seconds=random.uniform(0, min(signal.every_s, SPREAD_S)))  # noqa: S311
        await self._clock.sleep((started_at - self._clock.now()).total_seconds())
        while True:
            try:
                if signal.name in self._mine:
                    await self._look(signal)
            except Exception:
                log.exception(
                    "The sample of %s was not judged.", signal.name, extra={"action": "unjudged", "signal": signal.name}
                )
            # a client may have taken our end for a failure of its own: without this, whoever stops us would wait for ever
            if (me := asyncio.current_task()) is not None and me.cancelling():
                raise asyncio.CancelledError
            now = self._clock.now()
            await self._wait(signal.name, (self._next_look_at(signal, started_at, now) - now).total_seconds())

    async def _wait(self, name: str, seconds: float) -> None:
        """Wait, but no longer than until the signal is taken from a peer who looks at it no more."""
        if self._worker is None:
            await self._clock.sleep(seconds)
            return
        slept, taken = asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._overdue[name].wait())
        try:
            await asyncio.wait({slept, taken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            slept.cancel()
            taken.cancel()
        self._overdue[name].clear()

    def _next_look_at(self, signal: SignalConfig, started_at: datetime, now: datetime) -> datetime:
        """Give the next instant of the schedule, or sooner one that decides about a pending threshold or confirms a failure."""
        steady = rules.next_look_at(started_at, signal.every_s, now)
        self._between.discard(signal.name)
        if getattr(self._probes.get(signal.name), "acts", False):
            return steady
        standings = [(bound, self._standings.get(bound.key)) for bound in self._bound[signal.name]]
        decisive = rules.decisive_look_at(standings, now)
        confirming = rules.confirming_look_at(self._failed_at.pop(signal.name, None), signal.every_s)
        sooner = rules.sooner_look_at(confirming, decisive, self._extra[signal.name], signal.confirm, now)
        if sooner is None or sooner >= steady:
            return steady
        sooner = min(steady, max(sooner, now + timedelta(seconds=min(signal.every_s, SOONEST_S))))
        self._extra[signal.name].append(sooner)
        if sooner < steady:
            self._between.add(signal.name)
        return sooner

    async def _look(self, signal: SignalConfig) -> Sample:
        async with self._turns[signal.name]:
            before = self._clock.now()
            look = await self._ask(signal)
            now = self._clock.now()
            clean = self._scrubber.clean
            problem = clean(look.problem) if look.problem is not None else None
            # a clock that jumped, or a machine that slept, is nothing that the look took
            most_s = (signal.timeout_s + GRACE_S) * pace_of(self._clock)
            took_s = min(max((now - before).total_seconds(), 0.0), most_s)
            sample = Sample(signal.name, now, took_s, look.values, problem, clean(look.detail))
            self._judge(signal, sample, now)
            return sample

    async def _ask(self, signal: SignalConfig) -> Look:
        try:
            async with asyncio.timeout(signal.timeout_s + GRACE_S):
                return await self._probes[signal.name].look()
        except TimeoutError:
            return Look(problem=f"the probe gave nothing within {signal.timeout_s:g} s")
        except Exception as problem:
            log.exception("The probe of %s broke.", signal.name, extra={"action": "probe_broke", "signal": signal.name})
            return Look(problem=f"the probe broke: {type(problem).__name__}: {problem}")

    def _judge(self, signal: SignalConfig, sample: Sample, now: datetime) -> None:
        """Judge a sample by all thresholds of its signal and spool what came of it."""
        is_first = signal.name not in self._looked
        self._looked.add(signal.name)
        changed = []
        for bound in self._bound[signal.name]:
            before = self._standings.get(bound.key)
            standing = self._judge_one(bound, before, sample, now)
            if rules.is_first_failure(before, standing):
                self._failed_at[signal.name] = sample.at
            # a first look may lack what needs two (rates); the silence check catches it if no second one comes
            if not (is_first and sample.problem is None and rules.is_blind(standing)):
                changed.append(standing)
        self._keep(signal.name, sample, changed)

    def _judge_one(self, bound: Bound, before: Standing | None, sample: Sample, now: datetime) -> Standing:
        standing = self._judge_plainly(bound, before, sample, now)
        memory = self._memory.get(bound.key, Memory())
        damped, self._memory[bound.key] = damp(standing, before, memory, now, calm_for(bound.threshold.for_s))
        return damped

    def _judge_plainly(self, bound: Bound, before: Standing | None, sample: Sample, now: datetime) -> Standing:
        if bound.budget is not None:
            between = bound.signal in self._between
            standing, counted = burning.judge(bound, before, sample, now, self._spent[bound.key], between=between)
            if counted is not None:
                self._spool.count(bound.signal, bound.key, counted)
            return standing
        past = self._past[bound.key] if bound.window_s is not None else None
        if not bound.together_with:
            return rules.judge(bound, before, sample, now, past)
        own = rules.judge(bound, self._alone.get(bound.key, before), sample, now, past)
        self._alone[bound.key] = own
        return rules.together(bound, own, [self._alone.get(key) for key in bound.together_with], before)

    def _keep(self, signal: str, sample: Sample | None, changed: Iterable[Standing]) -> None:
        standings: list[Standing] = []
        flips: list[tuple[State, Standing]] = []
        for standing in changed:
            before = self._standings.get(standing.key)
            was: State = before.state if before is not None else "ok"
            if was != standing.state:
                flips.append((was, standing))
                log.info("%s", standing.sentence, extra={"action": "flip", "key": standing.key, "state": standing.state})
            self._standings[standing.key] = standing
            standings.append(standing)
        self._spool.add(signal, sample, standings, flips)
        self._filled.set()

    async def _notice_silence(self) -> None:
        while True:
            await self._clock.sleep(STALE_CHECK_S)
            self.notice_silence(self._clock.now())

    def notice_silence(self, now: datetime) -> None:
        """Make thresholds blind whose signal gave no sample for too long."""
        # a look ends by the machine's time, so a signal that is being looked at is not silent, and may be late by that time
        late = timedelta(seconds=rules.LATE_S) * (pace_of(self._clock) - 1)
        for name, bounds in self._bound.items():
            if name not in self._mine or (name in self._turns and self._turns[name].locked()):
                continue
            every_s = self._signals[name].every_s if name in self._signals else STALE_CHECK_S
            found = ((bound, self._standings.get(bound.key)) for bound in bounds)
            since = self._watched_since[name]
            blind = [
                rules.stale(bound, standing, every_s, since, now)
                for bound, standing in found
                if rules.stale(bound, standing, every_s, since, now - late)
            ]
            changed = [standing for standing in blind if standing is not None]
            if changed:
                self._keep(name, None, changed)

    async def _write_forever(self) -> None:
        failures = 0
        while True:
            await self._filled.wait()
            self._filled.clear()
            try:
                await self._write()
                failures = 0
            except Exception as problem:
                self._filled.set()
                if failures == 0 or not isinstance(problem, Transient):
                    log.warning("Samples wait in memory: %s", problem, extra={"action": "spooled"})
                await self._clock.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1

    async def _write(self) -> None:
        """Put the spool on disk; what did not get there is back in the spool when this raises."""
        async with self._writing:
            spool, self._spool = self._spool, Spool()
            if not spool:
                return
            written = self._database.write(lambda connection: spool.write(connection, self._decided(connection)))
            writing = asyncio.ensure_future(written)
            try:
                flips = await asyncio.shield(writing)
            except asyncio.CancelledError:
                # the writer may be at it: only what surely failed is kept to be written again
                done, _ = await asyncio.wait([writing], timeout=LAST_WRITE_S)
                if done and writing.exception() is not None:
                    self._spool = spool.follow(self._spool)
                raise
            except Exception:
                self._spool = spool.follow(self._spool)
                raise
        if flips:
            self._on_flip()

    def _decided(self, connection: Connection) -> frozenset[str]:
        """Give the signals of which the standings are ours to write; held until the transaction ends."""
        if self._worker is None:
            return frozenset(self._bound)
        mine = self._worker.shared_out(connection, SIGNAL, self.shards)
        return frozenset[str]().union(*(self.shards[shard] for shard in mine))

    async def _write_last(self) -> None:
        try:
            await asyncio.wait_for(self._write(), LAST_WRITE_S)
        except (Transient, TimeoutError) as problem:
            log.warning("Stopped with samples that are not on disk: %s", problem, extra={"action": "spool_lost"})


def shards(bound: Mapping[str, Iterable[Bound]]) -> dict[str, frozenset[str]]:
    """Part signals into those that must be looked at by one worker, since a rule holds their thresholds together."""
    signal_of = {item.key: name for name, items in bound.items() for item in items}
    leader = {name: name for name in bound}

    def led_by(name: str) -> str:
        return name if leader[name] == name else led_by(leader[name])

    for name, items in bound.items():
        for other in (signal_of[key] for item in items for key in item.together_with if key in signal_of):
            first, second = sorted((led_by(name), led_by(other)))
            leader[second] = first
    parts: dict[str, set[str]] = {}
    for name in bound:
        parts.setdefault(led_by(name), set()).add(name)
    return {name: frozenset(part) for name, part in parts.items()}
