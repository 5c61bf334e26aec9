"""Plays a fault and tells what Watchkeeper makes of it, one sentence a stage, with the time since the shop broke.

It only breaks the estate and reads Watchkeeper's rows; nothing here helps with the repair.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from watchkeeper.actions.acts import AUTOMATION
from watchkeeper.alert import ledger as alerts
from watchkeeper.app import App
from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.estate import Estate
from watchkeeper.demo.faults import Fault
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn import ledger as reviews
from watchkeeper.run import ledger as runs
from watchkeeper.run.model import Run
from watchkeeper.watch import ledger as watch

#: seconds since the shop broke, the stage in one word, the sentence
Say = Callable[[float, str, str], None]


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


@dataclass(frozen=True, slots=True)
class Seen:
    """What Watchkeeper's rows say at one moment about what happened since the fault."""

    incident: Incident | None
    runs: tuple[Run, ...]
    fired_at: datetime | None
    review: str | None
    timeline: tuple[tuple[int, str, str], ...]
    red: tuple[tuple[str, str], ...]


async def wait_until_calm(app: App, patience_s: float = 90.0) -> None:
    """Wait until every threshold has been judged healthy and no incident is open."""
    deadline = time.monotonic() + patience_s
    while True:
        standings, open_now = await app.database.read(
            lambda c: (watch.read_standings(c), incidents.list_incidents(c, open_only=True))
        )
        judged = {bound.key for bound in app.bindings.bound} <= set(standings)
        ill = [standing for standing in standings.values() if standing.state != "ok"]
        if judged and not ill and not open_now:
            return
        if time.monotonic() > deadline:
            why = ill[0].sentence if ill else (open_now[0].title if open_now else "not every signal was looked at")
            raise WatchkeeperError(f"The shop was not calm within {patience_s:.0f} s: {why}", code="WK913")
        await asyncio.sleep(0.25)


async def play(app: App, estate: Estate, fault: Fault, say: Say, patience_s: float = 120.0) -> Result:
    """Break the estate and follow Watchkeeper until the incident is over, or patience is."""
    broken_at = app.clock.now()
    started = time.monotonic()
    say(0.0, "broken", fault.sentence)
    breaking = asyncio.create_task(asyncio.to_thread(fault.inject, estate))
    seen, told = Seen(None, (), None, None, (), ()), _Told(say, started)
    while time.monotonic() - started < patience_s:
        seen = await app.database.read(lambda c: look(c, broken_at))
        told.news(seen)
        if seen.incident is not None and seen.incident.status == "resolved" and seen.review:
            break
        await asyncio.sleep(0.1)
    await breaking
    return result_of(fault, broken_at, seen, app.state)


def look(connection: Connection, since: datetime) -> Seen:
    """Read what happened since an instant."""
    newer = [i for i in incidents.list_incidents(connection) if i.opened_at >= since]
    incident = newer[-1] if newer else None
    red = tuple((s.key, s.sentence) for s in watch.read_standings(connection).values() if s.state in ("pending", "firing"))
    if incident is None:
        return Seen(None, (), None, None, (), red)
    fired = [alert.fired_at for alert in alerts.alerts_of(connection, incident.id)]
    review = reviews.get_review(connection, incident.id)
    return Seen(
        incident,
        tuple(reversed(runs.list_runs(connection, incident_id=incident.id))),
        min(fired, default=None),
        review.path if review else None,
        tuple((e.seq, e.kind, e.sentence) for e in incidents.read_timeline(connection, incident.id)),
        red,
    )


def result_of(fault: Fault, broken_at: datetime, seen: Seen, state: Path) -> Result:
    """Measure what was seen against the instant of the fault."""
    incident = seen.incident

    def since(at: datetime | None) -> float | None:
        return None if at is None else round((at - broken_at).total_seconds(), 2)

    run = seen.runs[-1] if seen.runs else None
    recovered = incident is not None and incident.status == "resolved" and run is not None and run.state == "succeeded"
    by_people = [s.approved_by for r in seen.runs for s in r.acts.values() if s.approved_by not in (None, AUTOMATION)]
    return Result(
        name=fault.name,
        detected_s=since(seen.fired_at),
        opened_s=since(incident.opened_at) if incident else None,
        procedure=run.plan.title if run else None,
        recovered=recovered,
        recovered_s=since(incident.resolved_at) if incident and recovered else None,
        unattended=recovered and not by_people and all(r.actor == AUTOMATION for r in seen.runs),
        review=str(state / seen.review) if seen.review else None,
    )


class _Told:
    """Remembers what was said, so that each thing is said once."""

    def __init__(self, say: Say, started: float) -> None:
        self._say = say
        self._started = started
        self._red = False
        self._seq = 0

    def news(self, seen: Seen) -> None:
        """Say what is new."""
        elapsed = time.monotonic() - self._started
        if seen.red and not self._red:
            self._red = True
            self._say(elapsed, "signal red", seen.red[0][1])
        for seq, kind, sentence in seen.timeline:
            if seq > self._seq:
                self._seq = seq
                self._say(elapsed, kind, sentence)
