"""Plays a fault of the sample shop and measures what Watchkeeper makes of it.

It only breaks the estate and reads Watchkeeper's rows; nothing here helps with the repair.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from watchkeeper.actions.acts import AUTOMATION
from watchkeeper.app import App
from watchkeeper.demo.estate import Estate
from watchkeeper.demo.faults import Fault
from watchkeeper.drill.watching import Say, Seen, follow


@dataclass(frozen=True, slots=True)
class Result:
    """How one fault went."""

    name: str
    detected_s: float | None
    opened_s: float | None
    procedure: str | None
    recovered: bool
    recovered_s: float | None
    #: nobody had to answer anything
    unattended: bool
    review: str | None

    def as_dict(self) -> dict[str, Any]:
        """Give the result as the JSON of `watchkeeper demo --format json` has it."""
        return asdict(self)


async def play(app: App, estate: Estate, fault: Fault, say: Say, patience_s: float = 120.0) -> Result:
    """Break the estate and follow Watchkeeper until the incident is over, or patience is."""
    broken_at = app.clock.now()
    say(0.0, "broken", fault.sentence)
    breaking = asyncio.create_task(asyncio.to_thread(fault.inject, estate))
    seen = await follow(app, broken_at, patience_s, say, is_reviewed)
    await breaking
    return result_of(fault, broken_at, seen, app.state)


def is_reviewed(seen: Seen) -> bool:
    """Say whether the first incident is over and its review is written."""
    return seen.first is not None and seen.first.incident.status == "resolved" and bool(seen.first.review)


def result_of(fault: Fault, broken_at: datetime, seen: Seen, state: Path) -> Result:
    """Measure what was seen against the instant of the fault."""

    def since(at: datetime | None) -> float | None:
        return None if at is None else round((at - broken_at).total_seconds(), 2)

    found = seen.first
    if found is None:
        return Result(fault.name, None, None, None, False, None, False, None)
    incident, run = found.incident, found.runs[-1] if found.runs else None
    recovered = incident.status == "resolved" and run is not None and run.state == "succeeded"
    by_people = [s.approved_by for r in found.runs for s in r.acts.values() if s.approved_by not in (None, AUTOMATION)]
    return Result(
        name=fault.name,
        detected_s=since(found.fired_at),
        opened_s=since(incident.opened_at),
        procedure=run.plan.title if run else None,
        recovered=recovered,
        recovered_s=since(incident.resolved_at) if recovered else None,
        unattended=recovered and not by_people and all(r.actor == AUTOMATION for r in found.runs),
        review=str(state / found.review) if found.review else None,
    )
