"""Alerts that others send, as a sender asks for them to be taken: with its own right, in bounded pieces, each on disk.

A delivery is taken whole or its sender hears that it was not; taking it again changes nothing, so that it may send again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from watchkeeper.actions.permission import done_by, require
from watchkeeper.alert import taking
from watchkeeper.alert.model import Report
from watchkeeper.alert.naming import Names
from watchkeeper.app import App
from watchkeeper.base.errors import Transient
from watchkeeper.estate.model import Hook
from watchkeeper.incident import ledger as incidents
from watchkeeper.people.identity import Actor
from watchkeeper.store import ledger
from watchkeeper.watch import arrivals

log = logging.getLogger(__name__)

SEND = "send alerts"


def sender(hook: Hook, where: str) -> Actor:
    """Give the actor as whom a sender's deliveries are taken: it may send alerts and nothing else."""
    return Actor(hook.name, ("responder",), f"hook {hook.name}", where, scopes=frozenset({SEND}))


@dataclass
class Rate:
    """How many alerts a sender may still send now: what is not used for a minute is not saved up."""

    left: float
    at: datetime

    def take(self, number: int, a_minute: float, now: datetime) -> float:
        """Take a number of alerts; gives the seconds to wait where they are too many, else 0."""
        self.left = min(a_minute, self.left + (now - self.at).total_seconds() * a_minute / 60)
        self.at = now
        # a delivery larger than a minute's worth is taken once the whole minute is free
        if self.left < min(number, a_minute):
            return max(1.0, (min(number, a_minute) - self.left) * 60 / a_minute)
        self.left -= number
        return 0.0


async def take_alerts(app: App, actor: Actor, hook: Hook, reports: Sequence[Report], names: Names) -> taking.Taken:
    """Take what a sender says; when this returns, all of it is on disk."""
    require(actor, SEND)
    taken = taking.Taken()
    for begin in range(0, max(1, len(reports)), taking.AT_ONCE):
        piece, now = reports[begin : begin + taking.AT_ONCE], app.clock.now()

        def work(
            connection: Connection, piece: Sequence[Report] = piece, now: datetime = now, first: bool = begin == 0
        ) -> taking.Taken:
            found = taking.take(connection, hook, piece, names, app.estate.alerting, now)
            if first:
                arrivals.note_deliveries(connection, now, hook.name, {"deliveries": 1})
            for incident_id, sentence in found.noted[:20]:
                incidents.add_entry(connection, incident_id, now, "note", hook.name, sentence)
            return found

        taken.add(await done_by(app, actor, SEND, work))
    for sentence in taken.sentences:
        log.info("%s", sentence, extra={"action": "odd_delivery", "hook": hook.name})
    return taken


class Counts:
    """Counts the deliveries of each sender that are refused, and writes what came together: at most once a second."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._writing: asyncio.Task[None] | None = None

    def refused(self, hook: Hook, why: Literal["wrong_token", "unreadable"]) -> None:
        """Count one that was refused; a stranger who sends many costs one write a second."""
        self._waiting[hook.name, why] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="refused deliveries")

    async def _write(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, Counter()
            now = self._app.clock.now()

            def work(connection: Connection, waiting: Counter[tuple[str, str]] = waiting, now: datetime = now) -> None:
                for (name, why), number in waiting.items():
                    arrivals.note_deliveries(connection, now, name, {why: number})

            try:
                await self._app.database.write(work)
            except Transient as problem:
                self._waiting.update(waiting)
                log.warning("%s", problem, extra={"action": "refusals_unwritten"})
            await self._app.clock.sleep(1.0)


async def note_delivery(app: App, actor: Actor, hook: Hook, act: str, sentence: str) -> None:
    """Write into the ledger what a sender's delivery decided beside alerts: that a topic was confirmed, or waits for an owner."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        ledger.append(connection, now, actor.name, act, hook.name, why=sentence)

    await done_by(app, actor, SEND, work)
    log.warning("%s", sentence, extra={"action": "hook_decided", "hook": hook.name})
