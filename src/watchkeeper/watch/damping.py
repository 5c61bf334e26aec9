"""Keeps a threshold that goes on and off from being news each time: after a few starts it counts as firing until it is calm.

How it stands, how it stood and what is remembered of it enter; how it counts and what is remembered next leave. It can only make
an all-clear later, never an alarm: what fires, fires at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watchkeeper.base.durations import format_duration
from watchkeeper.watch.model import Standing

#: this many starts within this time are a flapping threshold
STARTS = 3
WITHIN = timedelta(minutes=30)
#: so long it must be well without a break before it counts as well again, at most and where the book gives it no time to fire
CALM = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one threshold beside how it stands."""

    #: when it began to fire, oldest first
    starts: tuple[datetime, ...] = ()
    #: since when it has been well by itself while it is kept firing; None while it is not kept
    well_since: datetime | None = None


def calm_for(for_s: float | None) -> timedelta:
    """Say how long a threshold must be well: twice the seconds that the book gives it to fire, five minutes at most."""
    return min(CALM, 2 * timedelta(seconds=for_s)) if for_s else CALM


def damp(
    standing: Standing, before: Standing | None, memory: Memory, now: datetime, calm: timedelta = CALM
) -> tuple[Standing, Memory]:
    """Say how a threshold counts, given how it stands by itself and for how long it must be well to count as well again."""
    was_firing = before is not None and before.state == "firing"
    recent = tuple(start for start in memory.starts if now - WITHIN < start <= now)
    if standing.state == "firing":
        starts = recent if was_firing and memory.well_since is None else (*recent, standing.at)
        return standing, Memory(starts[-10:])
    if standing.state != "ok" or not was_firing or before is None or len(recent) < STARTS:
        return standing, Memory(recent)
    well_since = min(memory.well_since or standing.at, standing.at)
    if now - well_since >= calm:
        return standing, Memory()
    said = standing.sentence.removesuffix(": ok")
    fired = f"it fired {len(recent)} times within {format_duration((now - recent[0]).total_seconds())}"
    sentence = (
        f"{said}, but {fired} and counts as firing until it has been well for {format_duration(calm.total_seconds())}: firing"
    )
    kept = replace(standing, state="firing", since=before.since, breached_since=before.breached_since, sentence=sentence)
    return kept, Memory(recent, well_since)
