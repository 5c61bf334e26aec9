"""What /metrics gives of ourselves and of the signals: families of samples in Prometheus's sense, a bounded number of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, func, select

from watchkeeper import __version__
from watchkeeper.app import App
from watchkeeper.incident.ledger import incidents
from watchkeeper.plugins.prometheus import own
from watchkeeper.plugins.prometheus.rule_files import severity_word
from watchkeeper.run.ledger import ENDED, brakes, runs
from watchkeeper.store.ledger import read_head
from watchkeeper.tell.ledger import outbox
from watchkeeper.watch.ledger import latest_samples, read_standings
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.rules import is_blind

#: series of readings that one signal may have, and all of them together; what decides a threshold comes first
MOST_OF_A_SIGNAL, MOST = 500, 20_000
#: a reading is not shown any more when it is older than this many of its intervals
STALE_AFTER, STALE_LEAST_S = 3.0, 15.0
_STATES = ("ok", "pending", "firing", "blind")


async def metrics(app: App) -> list[Metric]:
    """Give all families."""
    now = app.clock.now()
    return await app.database.read(lambda c: [*_signals(c, app, now), *_thresholds(c, app), *_ourselves(c, app)])


def _family(name: str, said: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, labels=["service", *labels])


def _signals(connection: Connection, app: App, now: datetime) -> Iterator[Metric]:
    """Give the latest readings; one that is too old to be called the state of things is left out, and its age says so."""
    latest = latest_samples(connection)
    of_signal = ("signal", "component")
    value = _family(own.VALUE, "Latest value of a reading of a signal, in the reading's own unit", (*of_signal, "reading"))
    looked = _family(own.LOOKED, "1 where the last look at a signal gave readings, 0 where it could not look", of_signal)
    took = _family(own.TOOK, "How long the last look took, in seconds", of_signal)
    age = _family(own.AGE, "How long ago the last look ended, in seconds", of_signal)
    left_out = _family(own.LEFT_OUT, "Readings that are not on this page because there are too many")
    shown = dropped = 0
    service = own.label(app.estate.service)
    for name, config in sorted(app.estate.signals.items()):
        sample = latest.get(name)
        if sample is None:
            continue
        labels = [service, own.label(name), own.label(config.component)]
        old_s = max(0.0, (now - sample.at).total_seconds())
        fresh = old_s <= max(STALE_AFTER * config.every_s, config.every_s + STALE_LEAST_S)
        looked.add_metric(labels, float(fresh and sample.problem is None))
        took.add_metric(labels, sample.took_s)
        age.add_metric(labels, old_s)
        deciding = [bound.reading for bound in app.bindings.bound if bound.signal == name]
        readings = readings_shown(sample, deciding, min(MOST_OF_A_SIGNAL, MOST - shown)) if fresh else {}
        shown += len(readings)
        dropped += len({own.label(reading) for reading in sample.values}) - len(readings) if fresh else 0
        for reading, found in readings.items():
            value.add_metric([*labels, reading], found)
    left_out.add_metric([service], float(dropped))
    yield from (value, looked, took, age, left_out)


def readings_shown(sample: Sample, deciding: Iterable[str], most: int) -> Mapping[str, float]:
    """Give a sample's readings by their labels, those that decide something first; of equal labels the first."""
    found: dict[str, float] = {}
    for reading in [*(each for each in deciding if each in sample.values), *sorted(sample.values)]:
        if len(found) >= most:
            break
        found.setdefault(own.label(reading), sample.values[reading])
    return found


def _thresholds(connection: Connection, app: App) -> Iterator[Metric]:
    standings: Mapping[str, Standing] = read_standings(connection)
    labels = ("threshold", "severity", "component")
    state = _family(own.STATE, "1 for the state in which a threshold of the runbook is, 0 for the others", (*labels, "state"))
    limit = _family(own.LIMIT, "The value in a threshold of the runbook, in the runbook's unit", labels)
    service = own.label(app.estate.service)
    for bound in app.bindings.bound:
        severity = severity_word(app.book, bound.threshold.severity)
        mine = [service, own.label(bound.key), own.label(severity), own.label(bound.component)]
        standing = standings.get(bound.key)
        # what fired before and cannot be seen now goes on firing, and is blind as well
        now_in = {standing.state if standing else "blind", *(["blind"] if standing and is_blind(standing) else [])}
        for each in _STATES:
            state.add_metric([*mine, each], float(each in now_in))
        if bound.threshold.value is not None and math.isfinite(bound.threshold.value):
            limit.add_metric(mine, bound.threshold.value)
    yield from (state, limit)


def _ourselves(connection: Connection, app: App) -> Iterator[Metric]:
    service = own.label(app.estate.service)
    open_now = _family(own.INCIDENTS, "Incidents that are not resolved", ("severity",))
    counted = select(incidents.c.severity, func.count()).where(incidents.c.status != "resolved").group_by(incidents.c.severity)
    by_severity = {severity.code: 0.0 for severity in app.book.severities}
    by_severity |= {row[0] or "": float(row[1]) for row in connection.execute(counted)}
    for severity, count in sorted(by_severity.items()):
        open_now.add_metric([service, own.label(severity)], count)
    states = _family(own.RUNS, "Runs of procedures that are not over, by state", ("state",))
    counted = select(runs.c.state, func.count()).where(runs.c.state.not_in(ENDED)).group_by(runs.c.state)
    by_state = {"running": 0.0, "waiting": 0.0, "asking": 0.0} | {row[0]: float(row[1]) for row in connection.execute(counted)}
    for name, count in sorted(by_state.items()):
        states.add_metric([service, name], count)
    waiting = select(func.count()).select_from(outbox).where(outbox.c.state.in_(("waiting", "sending")))
    halted = connection.execute(select(brakes.c.name).where(brakes.c.name == "halt")).first() is not None
    for metric, said, found in (
        (own.OUTBOX, "Notices that are not sent yet", connection.execute(waiting).scalar_one()),
        (own.LAG, "How late our loop last woke up, in seconds", app.lag_s),
        (own.HEAD, "Number of the ledger's last entry", read_head(connection).seq),
        (own.HALTED, "1 while everything automatic is stopped by watchkeeper halt", halted),
    ):
        family = _family(metric, said)
        family.add_metric([service], float(found))
        yield family
    build = _family(own.BUILD, "Always 1; the version of Watchkeeper and the runbook that is in force", ("version", "book"))
    build.add_metric([service, __version__, app.book.digest[:12]], 1.0)
    yield from (open_now, states, build)
