"""A day of noisy but healthy signals raises nothing, and two hundred faults are all raised, with the right severity and cause.

Watching, judging, alerts, grouping and incidents are the real ones; the clock and what the probes see are made up, from one seed.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from watchkeeper.alert import board
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.opening import group_alerts
from watchkeeper.store.database import Database
from watchkeeper.testing import book_from
from watchkeeper.testing.world import WorldClock
from watchkeeper.watch.probe import Look
from watchkeeper.watch.watcher import Watcher

SOAK = os.environ.get("WATCHKEEPER_TEST_SOAK") == "1"
HOURS = 24 * 14 if SOAK else 24
FAULTS = 3_000 if SOAK else 200
EVERY_S = 30.0

BOOK = """
    # Shop

    ## Components

    - **Shop**: FastAPI
    - **Database**: PostgreSQL 16
    - **Cache**: Redis
    - **Workers**: Celery

    ### Dependencies

    - Shop → Database
    - Shop → Cache
    - Workers → Cache

    ## Severities

    | Severity | Criteria | Response time |
    |----------|----------|---------------|
    | P0 | Nobody can buy | 5 minutes |
    | P1 | Many cannot | 15 minutes |
    | P2 | Some are slow | 1 hour |

    ## Alerts

    ### Critical alerts (P0)

    - Shop is down for 1 minute
    - Database is down for 1 minute
    - Cache is down for 1 minute

    ### Further alerts

    | Alert | Threshold | Duration | Severity |
    |-------|-----------|----------|----------|
    | Shop error rate | > 5% | 5 minutes | P1 |
    | Shop response time p95 | > 2s | - | P1 |
    | Database CPU average | > 80% | 5 minutes | P1 |
    | Database connections | > 80% | 3 minutes | P2 |
    | Workers queue length | > 500 | 5 minutes | P2 |
    | Cache memory | > 85% | - | P2 |
    """
OBJECTIVES = """
    ## Objectives

    - Uptime of the shop > 99.5%
    - Error rate of the shop < 2%
    """
METRICS = {
    "Shop": {
        "Shop": "up",
        "Shop error rate": "error_percent",
        "Shop response time p95": "seconds",
        "Uptime of the shop": "up",
        "Error rate of the shop": "error_percent",
    },
    "Database": {"Database": "up", "Database CPU average": "cpu_percent", "Database connections": "connections_percent"},
    "Cache": {"Cache": "up", "Cache memory": "memory_percent"},
    "Workers": {"Workers queue length": "queue"},
}


@dataclass
class Truth:
    """What is really going on: noise, and what somebody broke."""

    chance: random.Random
    #: (component, reading) -> what it is for now
    broken: dict[tuple[str, str], float] = field(default_factory=dict)
    blind: set[str] = field(default_factory=set)
    #: looks for which a burst of noise still goes on
    bursts: dict[str, int] = field(default_factory=dict)

    def look(self, name: str) -> Look:
        """Give a look: mostly well, sometimes odd, and what is broken as it is."""
        if name in self.blind or (not self.broken and self.chance.random() < 0.002):
            return Look(problem="no answer of the network in time")
        values = getattr(self, f"_{name.lower()}")()
        return Look(values | {reading: value for (broken, reading), value in self.broken.items() if broken == name})

    def _rarely(self, share: float, low: float, high: float, usual: float) -> float:
        return self.chance.uniform(low, high) if self.chance.random() < share else usual

    def _burst(self, name: str, longest: int) -> bool:
        """Say whether a short burst is on: every threshold with a time of its own must bear it."""
        left = self.bursts.get(name, 0)
        if left == 0 and self.chance.random() < 0.004:
            left = self.chance.randint(1, longest)
        self.bursts[name] = max(0, left - 1)
        return left > 0

    def _shop(self) -> dict[str, float]:
        slow = self._rarely(0.002, 2.0, 8.0, self.chance.lognormvariate(-1.2, 0.4))
        errors = self.chance.uniform(5.0, 30.0) if self._burst("errors", 2) else self._rarely(0.2, 0.0, 2.0, 0.1)
        return {"up": self._rarely(0.001, 0.0, 0.0, 1.0), "seconds": slow, "error_percent": errors}

    def _database(self) -> dict[str, float]:
        cpu = self.chance.uniform(80.0, 100.0) if self._burst("cpu", 3) else self.chance.gauss(45.0, 12.0)
        used = self.chance.uniform(80.0, 95.0) if self._burst("connections", 4) else min(79.0, self.chance.gauss(40.0, 10.0))
        return {"up": self._rarely(0.001, 0.0, 0.0, 1.0), "cpu_percent": min(cpu, 100.0), "connections_percent": used}

    def _cache(self) -> dict[str, float]:
        return {"up": self._rarely(0.001, 0.0, 0.0, 1.0), "memory_percent": min(84.9, self.chance.gauss(60.0, 8.0))}

    def _workers(self) -> dict[str, float]:
        return {"queue": self.chance.uniform(500.0, 5_000.0) if self._burst("queue", 8) else abs(self.chance.gauss(40.0, 60.0))}


class TruthProbe:
    """Sees the truth of one component."""

    readings: dict[str, str] = {}  # noqa: RUF012
    options: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, name: str, truth: Truth) -> None:
        self._name, self._truth = name, truth

    async def look(self) -> Look:
        """Look."""
        return self._truth.look(self._name)

    async def close(self) -> None:
        """Nothing is held."""


class Day:
    """A shop that is watched on a clock of its own."""

    def __init__(self, seed: int, database: Database, objectives: bool) -> None:
        self.database, self.clock = database, WorldClock(datetime.fromisoformat("2026-03-14T00:00:00+00:00"))
        self.truth = Truth(random.Random(seed))
        self.book = book_from(BOOK + (OBJECTIVES if objectives else ""))
        signals = {
            name: SignalConfig(name, "world", 1, name, EVERY_S, metrics=metrics, readings=frozenset(metrics.values()))
            for name, metrics in METRICS.items()
        }
        path = Path("/shop/watchkeeper.toml")
        self.estate = Estate(path, "shop", path.parent / "runbook.md", signals=signals)
        self.bindings = bind(self.book, self.estate)
        assert not self.bindings.unbound
        assert len([b for b in self.bindings.bound if b.budget]) == (2 if objectives else 0)
        self.flips = 0
        probes: Any = {name: TruthProbe(name, self.truth) for name in METRICS}
        self.watcher = Watcher(database, self.clock, self.estate, self.bindings, probes, self._flipped)

    def _flipped(self) -> None:
        self.flips += 1

    async def live(self, minutes: float) -> None:
        """Let time pass: look on schedule, write now and then, and bring on what came of it."""
        for turn in range(int(minutes * 60 / EVERY_S)):
            await self.clock.sleep(EVERY_S)
            for signal in self.estate.signals.values():
                await self.watcher._look(signal)
            if turn % 10 == 0 or (turn % 2 and (self.truth.broken or self.truth.blind)):
                await self.watcher._write()
                await self.database.write(self._bring_on)

    def _bring_on(self, connection: Any) -> None:
        now = self.clock.now()
        if not board.is_calm(connection):
            board.take_flips(connection, self.bindings, now)
            group_alerts(connection, self.book, self.bindings, "shop", now, 1.0)

    def raised(self) -> list[Alert]:
        """Give every alert so far, oldest first."""
        return list(reversed(self.database.read_now(lambda c: alerts.list_alerts(c, 100_000))))

    def cause_of(self, alert: Alert) -> str | None:
        """Give the cause of an alert's incident."""
        incident = self.database.read_now(lambda c: incidents.get_incident(c, alert.incident_id or ""))
        return incident.cause if incident else "no incident"

    def resolve(self) -> None:
        """Close what is open, as after a fault that was mended."""
        rows = incidents.incidents
        now = self.clock.now()
        self.database.write_now(lambda c: c.execute(update(rows).values(status="resolved", resolved_at=now)))


@dataclass(frozen=True)
class Fault:
    """Something that breaks, and what must come of it."""

    component: str
    reading: str
    #: the range in which the broken reading lies
    low: float
    high: float
    subject: str
    severity: str | None
    #: after so many minutes it must have been raised, the watch's own steps included
    within: float
    #: what breaks with it
    also: tuple[tuple[str, str, float], ...] = ()


KINDS = (
    Fault("Shop", "up", 0, 0, "Shop", "P0", 3),
    Fault("Database", "up", 0, 0, "Database", "P0", 3, (("Shop", "error_percent", 80.0), ("Shop", "up", 0.0))),
    Fault("Cache", "up", 0, 0, "Cache", "P0", 3, (("Workers", "queue", 9_000.0), ("Shop", "up", 0.0))),
    Fault("Shop", "error_percent", 5.5, 100, "Shop error rate", "P1", 7),
    Fault("Shop", "seconds", 2.1, 30, "Shop response time", "P1", 7),
    Fault("Database", "cpu_percent", 88, 100, "Database CPU", "P1", 12),
    Fault("Database", "connections_percent", 81, 100, "Database connections", "P2", 5),
    Fault("Workers", "queue", 501, 100_000, "Workers queue", "P2", 7),
    Fault("Cache", "memory_percent", 85.5, 100, "Cache memory", "P2", 2),
    Fault("Database", "", 0, 0, "Database is blind", None, 4),
)


async def faults(day: Day, count: int) -> list[str]:
    """Break one thing after the other; give what was not as it should be."""
    wrong: list[str] = []
    chance = day.truth.chance
    for number in range(count):
        fault = KINDS[number % len(KINDS)] if number < len(KINDS) else chance.choice(KINDS)
        value = chance.uniform(fault.low, fault.high)
        before = {alert.id for alert in day.raised()}
        if fault.reading:
            day.truth.broken = {(fault.component, fault.reading): value, **{(c, r): v for c, r, v in fault.also}}
        else:
            day.truth.blind = {fault.component}
        await day.live(fault.within)
        found = [alert for alert in day.raised() if alert.id not in before]
        mine = [alert for alert in found if alert.subject.startswith(fault.subject) and alert.component == fault.component]
        said = f"fault {number} ({fault.component} {fault.reading} {value:.4g})"
        if not mine:
            wrong.append(f"{said} was not raised: {[alert.subject for alert in found]}")
        elif mine[0].severity != fault.severity:
            wrong.append(f"{said} has the severity {mine[0].severity}")
        elif (cause := day.cause_of(mine[0])) != fault.component:
            wrong.append(f"{said} is taken to be caused by {cause}")
        elif strange := {day.cause_of(alert) for alert in found} - {fault.component, "no incident"}:
            wrong.append(f"{said} has alerts of another cause: {strange}")
        day.truth.broken, day.truth.blind = {}, set()
        await day.live(chance.uniform(8, 12))
        still = [alert.subject for alert in day.raised() if alert.ended_at is None]
        if still:
            wrong.append(f"after {said} was mended, {still} still fires")
        day.resolve()
    return wrong


@pytest.mark.parametrize("seed", range(10) if SOAK else [1])
def test_a_noisy_healthy_day_raises_nothing(seed: int, database: Database) -> None:
    day = Day(seed, database, objectives=True)
    asyncio.run(day.live(HOURS * 60))
    assert [alert.sentence for alert in day.raised()] == []
    assert day.flips > 20, "there was no noise to speak of"


def test_two_hundred_faults_are_all_raised_with_severity_and_cause(database: Database) -> None:
    day = Day(7, database, objectives=False)
    assert asyncio.run(faults(day, FAULTS)) == []
