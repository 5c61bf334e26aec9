"""One look at every signal, apart from any watching: for a check in CI, from cron, or beside a Watchkeeper that runs.

Nothing of it is written. What one look cannot give (a rate, a port that the running Watchkeeper listens on) is taken from what
that one saw last, while it is fresh; else the signal is looked at a second time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from watchkeeper.base.clock import Clock
from watchkeeper.base.secrets import Scrubber
from watchkeeper.estate.model import Bound, SignalConfig
from watchkeeper.watch import rules
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.probe import Look, Probe
from watchkeeper.watch.window import Past

#: signals that are looked at at the same time
AT_ONCE = 32
#: what a probe gets beyond its own timeout before it is given up
GRACE_S = 1.0
#: how long after the first look a second one gives rates
AGAIN_S = 1.0


async def look_at_all(
    signals: Mapping[str, SignalConfig],
    probes: Mapping[str, Probe],
    bounds: Sequence[Bound],
    known: Mapping[str, Sample],
    clock: Clock,
    scrubber: Scrubber,
    told: Callable[[int, int], None],
) -> dict[str, Sample]:
    """Look at each signal once, so many at a time; `told` hears how many are done, of how many."""
    turns, done = asyncio.Semaphore(AT_ONCE), 0

    async def one(name: str) -> Sample:
        nonlocal done
        async with turns:
            wanted = {bound.reading for bound in bounds if bound.signal == name}
            sample = await _look(signals[name], probes[name], wanted, known.get(name), clock, scrubber)
        done += 1
        told(done, len(probes))
        return sample

    return dict(zip(probes, await asyncio.gather(*(one(name) for name in probes)), strict=True))


async def _look(
    signal: SignalConfig, probe: Probe, wanted: set[str], known: Sample | None, clock: Clock, scrubber: Scrubber
) -> Sample:
    acts = getattr(probe, "acts", False)
    if acts and known is not None and is_fresh(known.at, signal.every_s, clock.now()):
        return replace(known, detail=f"{known.detail or 'seen'}, by the Watchkeeper that runs")
    sample = await _ask(signal, probe, clock, scrubber)
    if known is not None and known.problem is None and is_fresh(known.at, signal.every_s, clock.now()):
        return fill_up(sample, known)
    # what acts on the outside is never done once more for want of a reading
    if not acts and sample.problem is None and not wanted <= set(sample.values):
        await clock.sleep(AGAIN_S)
        return await _ask(signal, probe, clock, scrubber)
    return sample


async def _ask(signal: SignalConfig, probe: Probe, clock: Clock, scrubber: Scrubber) -> Sample:
    before = clock.now()
    try:
        async with asyncio.timeout(signal.timeout_s + GRACE_S):
            look = await probe.look()
    except TimeoutError:
        look = Look(problem=f"the probe gave nothing within {signal.timeout_s:g} s")
    except Exception as fault:
        look = Look(problem=f"the probe broke: {type(fault).__name__}: {fault}")
    now = clock.now()
    problem = scrubber.clean(look.problem) if look.problem is not None else None
    return Sample(signal.name, now, (now - before).total_seconds(), look.values, problem, scrubber.clean(look.detail))


def is_fresh(at: datetime, every_s: float, now: datetime) -> bool:
    """Tell whether what was seen at an instant still says how things are."""
    return timedelta(0) <= now - at <= timedelta(seconds=rules.stale_after_s(every_s))


def fill_up(sample: Sample, known: Sample) -> Sample:
    """Give a look with the readings that it lacks as a Watchkeeper that runs saw them last; what was seen now goes first."""
    if sample.problem is not None:
        return replace(known, detail=f"{known.detail or 'seen'}, by the Watchkeeper that runs ({sample.problem})")
    return replace(sample, values={**known.values, **sample.values})


def judge_all(
    bounds: Sequence[Bound],
    seen: Mapping[str, Sample],
    past: Mapping[str, Sequence[Sample]],
    stood: Mapping[str, Standing],
    now: datetime,
) -> dict[str, Standing]:
    """Say how each threshold stands by one look, given the readings and standings of a Watchkeeper that runs, if one does.

    A budget is no matter of one look: it stands as that Watchkeeper says, and is left out where none runs.
    """
    alone: dict[str, Standing] = {}
    for bound in bounds:
        before = stood.get(bound.key)
        if before is not None and not is_fresh(before.at, bound.every_s, now):
            before = None
        if bound.budget is not None:
            if before is not None:
                alone[bound.key] = before
        elif bound.signal in seen:
            alone[bound.key] = _judge(bound, before, seen[bound.signal], past.get(bound.signal, ()), now)
    return {
        bound.key: rules.together(bound, alone[bound.key], [alone.get(key) for key in bound.together_with], stood.get(bound.key))
        if bound.together_with
        else alone[bound.key]
        for bound in bounds
        if bound.key in alone
    }


def _judge(bound: Bound, before: Standing | None, sample: Sample, past: Sequence[Sample], now: datetime) -> Standing:
    """Judge one reading; a statistic needs readings of before, and without them the one reading is held against the limit."""
    if bound.window_s is None:
        return rules.judge(bound, before, sample, now)
    seen = Past()
    for each in past:
        value = each.values.get(bound.reading, math.nan)
        if each.at < sample.at and not math.isnan(value):
            seen.add(each.at, value * bound.factor, bound.window_s, rules.stale_after_s(bound.every_s, each.took_s))
    recent = [each for each in past if each.at > now - timedelta(seconds=bound.window_s)]
    if len(recent) + 1 < rules.FEWEST:
        return rules.judge(replace(bound, window_s=None), before, sample, now)
    return rules.judge(bound, before, sample, now, seen)
