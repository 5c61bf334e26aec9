"""Waits until a mended estate is calm again and gives what is not, by what was read since it was mended.

An average over the last minutes, or the budget of an objective, still holds the fault when it is over. What is asked here is
whether anything else was broken by it, and of that only the readings since then can tell.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from watchkeeper.app import App
from watchkeeper.estate.model import Bound
from watchkeeper.watch import burning
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.model import Standing
from watchkeeper.watch.rules import is_breached

#: how long an estate may take to become calm, in real seconds
CALM_S = 120.0
#: how many healthy readings one after another outweigh what a figure of the last minutes still holds
FEW = 3


async def still_red(app: App, mended_at: datetime, pace: float) -> tuple[str, ...]:
    """Wait until every threshold is healthy; give those that are not when patience ends, each in a sentence."""
    bounds = {bound.key: bound for bound in app.bindings.bound}
    began = time.monotonic()
    while found := await app.database.read(lambda connection: _red(connection, bounds, mended_at)):
        passed_s = time.monotonic() - began
        still = [each for each in found if passed_s > calm_within_s(bounds.get(each.key), pace)]
        if still:
            return tuple(each.sentence.rstrip(".") for each in still)
        await asyncio.sleep(0.25)
    return ()


def _red(connection: Connection, bounds: Mapping[str, Bound], mended_at: datetime) -> list[Standing]:
    found = []
    for standing in watch.read_standings(connection).values():
        bound = bounds.get(standing.key)
        since: Sequence[float] = ()
        if standing.state != "ok" and bound is not None and holds_the_past(bound):
            samples = watch.read_samples(connection, bound.signal, mended_at)
            since = [each.values[bound.reading] for each in samples if bound.reading in each.values]
        if is_red(standing, bound, since):
            found.append(standing)
    return found


def holds_the_past(bound: Bound) -> bool:
    """Say whether a threshold is judged by more than the last reading."""
    return bound.window_s is not None or bound.budget is not None


def calm_within_s(bound: Bound | None, pace: float) -> float:
    """Say within how many real seconds a threshold must be healthy again; what it reads may reach back over the fault."""
    return CALM_S + (bound.window_s or 0.0) / pace if bound else CALM_S


def is_red(standing: Standing, bound: Bound | None, since_mended: Sequence[float] = ()) -> bool:
    """Say whether a threshold is not healthy, given what its signal read since the estate was mended, oldest first.

    One that flapped and is only kept firing for a while has a healthy reading. One that is judged by the past as well is
    healthy once the last readings since the mending are.
    """
    if standing.state in ("ok", "blind") or bound is None:
        return standing.state != "ok"
    if holds_the_past(bound) and len(since_mended) >= FEW:
        return any(_is_bad(bound, each) for each in since_mended[-FEW:])
    if standing.state == "firing" and standing.value is not None and bound.budget is None:
        return is_breached(bound, standing.value)
    return True


def _is_bad(bound: Bound, raw: float) -> bool:
    if math.isnan(raw):
        return True
    if bound.budget is not None:
        return burning.bad_share(bound, raw) > bound.budget.share
    return is_breached(bound, raw * bound.factor)
