"""Reads in Watchkeeper's rows what became of a fault, and waits for it; nothing here helps with the repair."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert
from watchkeeper.app import App
from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn import ledger as reviews
from watchkeeper.run import ledger as runs
from watchkeeper.run.model import Run
from watchkeeper.watch import ledger as watch

#: seconds since the fault, the stage in one word, the sentence
Say = Callable[[float, str, str], None]
LOOK_EVERY_S = 0.1
MOST_INCIDENTS = 50


@dataclass(frozen=True, slots=True)
class Followed:
    """One incident with all that belongs to it."""

    incident: Incident
    alerts: tuple[Alert, ...]
    runs: tuple[Run, ...]
    review: str | None
    timeline: tuple[tuple[int, str, str], ...]

    @property
    def fired_at(self) -> datetime | None:
        """Give when its first alert had held long enough."""
        return min((alert.fired_at for alert in self.alerts), default=None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What Watchkeeper's rows say at one moment about what happened since the fault."""

    #: oldest first
    incidents: tuple[Followed, ...] = ()
    red: tuple[tuple[str, str], ...] = ()

    @property
    def first(self) -> Followed | None:
        """Give the incident that was opened first."""
        return self.incidents[0] if self.incidents else None


def look(connection: Connection, since: datetime) -> Seen:
    """Read what happened since an instant."""
    newer = [i for i in incidents.list_incidents(connection, limit=MOST_INCIDENTS) if i.opened_at >= since]
    red = tuple((s.key, s.sentence) for s in watch.read_standings(connection).values() if s.state in ("pending", "firing"))
    return Seen(tuple(_followed(connection, incident) for incident in reversed(newer)), red)


def _followed(connection: Connection, incident: Incident) -> Followed:
    review = reviews.get_review(connection, incident.id)
    return Followed(
        incident,
        tuple(alerts.alerts_of(connection, incident.id)),
        tuple(reversed(runs.list_runs(connection, incident_id=incident.id))),
        review.path if review else None,
        tuple((e.seq, e.kind, e.sentence) for e in incidents.read_timeline(connection, incident.id)),
    )


def unwell(app: App, connection: Connection) -> tuple[str, ...]:
    """Give a sentence for all that keeps a service from being calm: a threshold that is not healthy, an open incident."""
    standings = watch.read_standings(connection)
    ill = [f"{standing.sentence}" for standing in standings.values() if standing.state != "ok"]
    ill += [f"“{each.title}” is open" for each in incidents.list_incidents(connection, open_only=True)]
    unseen = {bound.key for bound in app.bindings.bound} - set(standings)
    return (*ill, *(f"{key} was not looked at yet" for key in sorted(unseen)))


async def wait_until_calm(app: App, patience_s: float = 90.0) -> None:
    """Wait until every threshold has been judged healthy and no incident is open."""
    deadline = time.monotonic() + patience_s
    while ill := await app.database.read(lambda c: unwell(app, c)):
        if time.monotonic() > deadline:
            said = f"{ill[0].rstrip('.')}, and {len(ill) - 1} more" if len(ill) > 1 else ill[0].rstrip(".")
            raise WatchkeeperError(f"The service was not calm within {patience_s:.0f} s: {said}.", code="WK913")
        await asyncio.sleep(0.25)


async def follow(
    app: App,
    since: datetime,
    patience_s: float,
    say: Say,
    is_over: Callable[[Seen], bool],
    meanwhile: Callable[[Seen], Awaitable[None]] | None = None,
) -> Seen:
    """Tell what is new, again and again, until it is over or patience is; gives what was seen last.

    `meanwhile` is what somebody does who sees the same: answer a question, say.
    """
    started, told = time.monotonic(), _Told(say)
    while True:
        seen = await app.database.read(lambda c: look(c, since))
        elapsed = time.monotonic() - started
        told.news(seen, elapsed)
        if is_over(seen) or elapsed >= patience_s:
            return seen
        if meanwhile is not None:
            await meanwhile(seen)
        await asyncio.sleep(LOOK_EVERY_S)


class _Told:
    """Remembers what was said, so that each thing is said once."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._red = False
        self._seq: dict[str, int] = {}

    def news(self, seen: Seen, elapsed: float) -> None:
        """Say what is new."""
        if seen.red and not self._red:
            self._red = True
            self._say(elapsed, "signal red", seen.red[0][1])
        for each in seen.incidents:
            for seq, kind, sentence in each.timeline:
                if seq > self._seq.get(each.incident.id, 0):
                    self._seq[each.incident.id] = seq
                    self._say(elapsed, kind, sentence)
