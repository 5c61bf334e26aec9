"""The morning table: one look at every signal, and what else somebody asks first of a service: the last 24 hours, the backups,
the open incidents, the last runs; and whether all of it is well, in one word."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from sqlalchemy import Connection, func, select

from watchkeeper.actions.views.frame import WORST_FIRST, says, state_word
from watchkeeper.actions.views.model import Health
from watchkeeper.alert.ledger import alerts
from watchkeeper.app import App
from watchkeeper.base.words import words
from watchkeeper.estate.model import Bound, SignalConfig
from watchkeeper.incident.ledger import list_incidents
from watchkeeper.incident.model import Incident
from watchkeeper.people.gravity import gravity
from watchkeeper.run.ledger import brakes, list_runs
from watchkeeper.watch.ledger import latest_samples, read_samples, read_standings
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.once import judge_all, look_at_all
from watchkeeper.watch.past.history import read_buckets
from watchkeeper.watch.past.rollup import start_of
from watchkeeper.watch.rules import stale_after_s

Verdict: TypeAlias = Literal["well", "bad", "blind"]
DAY = timedelta(hours=24)
RUNS = 5
_LEVEL_S = 300
_ERRORS = "errors_per_minute"
_BACKUP = re.compile(r"backup|dump|snapshot|sicherung|sauvegarde|respaldo|archiv", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One threshold, or one signal that no threshold speaks of."""

    component: str
    signal: str
    reading: str
    subject: str
    value: float | None
    unit: str | None
    #: "> 80 % for 2 min"; empty where nothing is to be kept
    limit: str
    severity: str | None
    state: Health
    since: datetime | None
    sentence: str
    #: "down", "well": for a threshold that is a state and not a number
    word: str | None = None
    #: of the runbook; 0 where it says nothing of it
    line: int = 0


@dataclass(frozen=True, slots=True)
class LogErrors:
    """The errors of one log in the last 24 hours."""

    signal: str
    lines: float
    #: in the worst five minutes
    most_per_minute: float


@dataclass(frozen=True, slots=True)
class Backup:
    """What a signal says of a backup."""

    signal: str
    #: since it last succeeded; None where no reading says so
    age_s: float | None
    state: Health
    sentence: str


@dataclass(frozen=True, slots=True)
class RunDone:
    """A run in few words."""

    id: str
    title: str
    state: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Morning:
    """All of it."""

    service: str
    now: datetime
    verdict: Verdict
    #: the whole in one sentence
    sentence: str
    lines: tuple[Line, ...]
    #: thresholds that wait for a signal
    waiting: int
    #: severity -> alerts that began in the last 24 hours
    alerts: Mapping[str, int]
    held_back: int
    logs: tuple[LogErrors, ...]
    backups: tuple[Backup, ...]
    incidents: tuple[Incident, ...]
    runs: tuple[RunDone, ...]
    halted: bool = False


async def morning(app: App, told: Callable[[int, int], None] = lambda done, of: None, strict: bool = False) -> Morning:
    """Look at every signal once and put the morning table together; `strict` takes a threshold without a signal for blindness."""
    began, every = app.clock.now(), app.bindings.bound
    known, stood = await app.database.read(lambda c: (latest_samples(c), read_standings(c)))
    seen = await look_at_all(app.estate.signals, app.probes, every, known, app.clock, app.scrubber, told)
    now = app.clock.now()

    def work(connection: Connection) -> Morning:
        windows: dict[str, float] = {}
        for bound in every:
            if bound.window_s is not None:
                # and the reading before the window, which held until its first
                long_s = bound.window_s + stale_after_s(bound.every_s)
                windows[bound.signal] = max(long_s, windows.get(bound.signal, 0.0))
        past = {name: read_samples(connection, name, began - timedelta(seconds=long_s)) for name, long_s in windows.items()}
        standings = judge_all(every, seen, past, stood, now)
        lines = _lines(app, seen, standings, stood)
        incidents = tuple(list_incidents(connection, open_only=True))
        waiting = len(app.bindings.unbound)
        verdict, sentence = judge(lines, len(incidents), waiting if strict else 0)
        counted = select(alerts.c.severity, func.count()).where(alerts.c.fired_at >= now - DAY).group_by(alerts.c.severity)
        fired = {row[0] or "": int(row[1]) for row in connection.execute(counted)}
        held = select(func.count()).where(alerts.c.fired_at >= now - DAY, alerts.c.silenced_by.is_not(None))
        return Morning(
            service=app.estate.service,
            now=now,
            verdict=verdict,
            sentence=sentence,
            lines=lines,
            waiting=waiting,
            alerts=dict(sorted(fired.items(), key=lambda item: gravity(app.book, item[0] or None))),
            held_back=connection.execute(held).scalar_one(),
            logs=tuple(_log_errors(connection, app.estate.signals, seen, now)),
            backups=tuple(_backups(app.estate.signals, seen, lines)),
            incidents=incidents,
            halted=connection.execute(select(brakes.c.name).where(brakes.c.name == "halt")).first() is not None,
            runs=tuple(RunDone(run.id, run.plan.title, run.state, run.started_at) for run in list_runs(connection, limit=RUNS)),
        )

    return await app.database.read(work)


def judge(lines: Sequence[Line], open_incidents: int, waiting: int = 0) -> tuple[Verdict, str]:
    """Say in one word whether all is well, and the sentence why: what is bad goes before what cannot be seen."""
    bad = sum(line.state in ("firing", "pending") for line in lines)
    blind = sum(line.state in ("blind", "unwatched") for line in lines) + waiting
    well = sum(line.state == "ok" for line in lines)
    parts = []
    if bad:
        parts.append(f"{bad} {'is' if bad == 1 else 'are'} over the limit")
    if blind:
        parts.append(f"{blind} cannot be seen")
    if well:
        parts.append(f"{well} {'is' if well == 1 else 'are'} well")
    if open_incidents:
        parts.append(f"{open_incidents} incident{' is' if open_incidents == 1 else 's are'} open")
    sentence = f"{', '.join(parts)}." if parts else "Nothing is watched."
    if bad or open_incidents:
        return "bad", sentence
    return ("blind" if blind or not well else "well"), sentence


def _lines(
    app: App, seen: Mapping[str, Sample], standings: Mapping[str, Standing], stood: Mapping[str, Standing]
) -> tuple[Line, ...]:
    made = [
        _of_threshold(bound, seen[bound.signal], standings[bound.key], stood.get(bound.key))
        for bound in app.bindings.bound
        if bound.signal in seen and bound.key in standings
    ]
    spoken = {bound.signal for bound in app.bindings.bound}
    made += [_of_signal(app.estate.signals[name], sample) for name, sample in seen.items() if name not in spoken]
    return tuple(
        sorted(made, key=lambda line: (line.component.casefold(), line.signal, WORST_FIRST.index(line.state), line.line))
    )


def _of_threshold(bound: Bound, sample: Sample, standing: Standing, before: Standing | None) -> Line:
    threshold = bound.threshold
    raw = sample.values.get(bound.reading)
    value = standing.value if standing.value is not None else None if raw is None else raw * bound.factor
    return Line(
        component=bound.component or "",
        signal=bound.signal,
        reading=bound.reading,
        subject=threshold.subject,
        value=value,
        unit=threshold.unit,
        limit=says(threshold),
        severity=threshold.severity,
        state=standing.state,
        # one look knows no since; what watched before it does
        since=standing.since if before is not None and before.since == standing.since else None,
        sentence=standing.sentence,
        word=state_word(threshold, standing),
        line=threshold.line,
    )


def _of_signal(signal: SignalConfig, sample: Sample) -> Line:
    """Show a signal that no threshold speaks of: what it gave is well unless it says itself that it is not."""
    up = sample.values.get("up")
    state: Health = "blind" if sample.problem is not None or not sample.values else "firing" if up == 0 else "ok"
    said = sample.problem or sample.detail or ("it looked" if sample.values else "it gave no readings")
    return Line(
        component=signal.component or "",
        signal=signal.name,
        reading="up" if up is not None else next(iter(sample.values), ""),
        subject=signal.name,
        value=up if up is not None else next(iter(sample.values.values()), None),
        unit=None,
        limit="",
        severity=None,
        state=state,
        since=None,
        sentence=f"{signal.name}: {said}; no threshold of the runbook speaks of it: {state}",
    )


def _log_errors(
    connection: Connection, signals: Mapping[str, SignalConfig], seen: Mapping[str, Sample], now: datetime
) -> Sequence[LogErrors]:
    found = []
    for name in sorted(set(signals) & set(seen)):
        past = read_buckets(connection, name, _LEVEL_S, start_of(now - DAY, _LEVEL_S), now)
        sums = [bucket.readings[_ERRORS] for bucket in past if _ERRORS in bucket.readings]
        if not sums and _ERRORS not in seen[name].values:
            continue
        means = [each.mean for each in sums] or [seen[name].values[_ERRORS] / _LEVEL_S * 60]
        most = max([each.most for each in sums] or [seen[name].values[_ERRORS]])
        found.append(LogErrors(name, sum(means) * _LEVEL_S / 60, most))
    return found


def _backups(signals: Mapping[str, SignalConfig], seen: Mapping[str, Sample], lines: Sequence[Line]) -> Sequence[Backup]:
    """Give the signals whose name, component, metrics or thresholds speak of a backup."""
    found = []
    for name, signal in sorted(each for each in signals.items() if each[0] in seen):
        mine = [line for line in lines if line.signal == name]
        speaking = [line for line in mine if _BACKUP.search(f"{line.subject} {line.reading}")]
        own = _BACKUP.search(f"{name} {signal.component or ''} {' '.join(signal.metrics)}")
        if not own and not speaking:
            continue
        sample = seen[name]
        ages = {reading: value for reading, value in sample.values.items() if words(reading) >= {"age", "second"}}
        backed = {reading: value for reading, value in ages.items() if _BACKUP.search(reading)} if not own else ages
        state: Health = min((line.state for line in speaking or mine), key=WORST_FIRST.index, default="ok")
        said = sample.problem or sample.detail or "it was looked at"
        found.append(Backup(name, min(backed.values(), default=None), state, said))
    return found
