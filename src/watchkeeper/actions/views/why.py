"""Why a threshold, a signal, an alert or an incident stands as it does: every decision with its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert
from watchkeeper.alert.rules import BLIND, blind_key, group
from watchkeeper.alert.silencing import held, windows_at
from watchkeeper.app import App
from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import NotFound
from watchkeeper.estate.model import Bound, SignalConfig
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.opening import scene_of
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.damping import STARTS, WITHIN, calm_for
from watchkeeper.watch.kept import kept, reach_of
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.rules import number_words, stale_after_s

#: samples that are shown of a threshold
SHOWN = 5
#: thresholds that one answer tells of
THRESHOLDS = 100
#: alerts that are shown of a threshold or signal
ALERTS = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One sample, as a threshold reads it."""

    at: datetime
    value: float | None
    words: str


@dataclass(frozen=True, slots=True)
class AlertWhy:
    """What was decided about an alert."""

    id: str
    subject: str
    sentence: str
    fired_at: datetime
    ended_at: datetime | None
    #: the silence or window that holds it back now, with its sentence
    silence: str | None
    #: by what it is explained, or why it waits
    grouping: str | None
    incident: str | None
    title: str | None


@dataclass(frozen=True, slots=True)
class ThresholdWhy:
    """Everything that decides about a threshold."""

    key: str
    subject: str
    says: str
    #: file:line of the book
    where: str
    severity: str | None
    component: str | None
    state: str
    since: datetime | None
    sentence: str
    signal: str
    reading: str
    #: file:line of watchkeeper.toml
    bound_at: str
    because: str
    window: str
    damping: str
    samples: tuple[Seen, ...] = ()
    alerts: tuple[AlertWhy, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer: thresholds, alerts that belong to none, things that wait, and an incident's timeline."""

    what: str
    incident: tuple[str, ...] = ()
    thresholds: tuple[ThresholdWhy, ...] = ()
    alerts: tuple[AlertWhy, ...] = ()
    waiting: tuple[str, ...] = ()
    signals: Mapping[str, str] = field(default_factory=dict)
    #: thresholds of that name that are not shown
    more: int = 0


async def why(app: App, what: str) -> Explained:
    """Say why what is called so stands as it does; raises NotFound where nothing is called so."""
    now = app.clock.now()
    found = await app.database.read(lambda connection: _read(connection, app, what, now))
    if not (found.incident or found.thresholds or found.alerts or found.waiting or found.signals):
        raise NotFound(f"Nothing is called {what!r}.", hint="`watchkeeper signals` lists what is watched.", code="WK206")
    return found


def _read(connection: Connection, app: App, what: str, now: datetime) -> Explained:
    incident = incidents.get_incident(connection, what)
    if incident is not None:
        entries = incidents.read_timeline(connection, what)
        told = _told(connection, app, alerts.alerts_of(connection, what), now)
        said = (f"{incident.title}: {incident.status}.", *(entry.sentence for entry in entries))
        return Explained(what, said, alerts=tuple(told))
    alert = alerts.read_alert(connection, what)
    wanted = {alert.key} if alert is not None else None
    if alert is not None and alert.key.startswith(BLIND):
        return Explained(what, alerts=tuple(_told(connection, app, [alert], now)))
    name = what.casefold()
    found = [bound for bound in _all(app) if (bound.key in wanted if wanted else _is_called(bound, name))]
    standings, recent = watch.read_standings(connection), alerts.list_alerts(connection, 1000)
    signals = {signal: _of_signal(connection, app, signal, now) for signal in app.estate.signals if signal.casefold() == name}
    blind = [alert for signal in signals if (alert := alerts.open_alert(connection, blind_key(signal))) is not None]
    waiting = [*app.bindings.unbound, *app.bindings.waiting]
    return Explained(
        what,
        thresholds=tuple(_of_threshold(connection, app, bound, standings, recent, now) for bound in found[:THRESHOLDS]),
        alerts=tuple(_told(connection, app, blind, now)),
        waiting=tuple(item.sentence for item in waiting if name in (item.key.casefold(), item.threshold.subject.casefold())),
        signals=signals,
        more=max(0, len(found) - THRESHOLDS),
    )


def _all(app: App) -> Iterable[Bound]:
    return (*app.bindings.bound, *app.bindings.objectives)


def _is_called(bound: Bound, name: str) -> bool:
    return name in (bound.key.casefold(), bound.signal.casefold()) or name in bound.threshold.subject.casefold()


def _of_threshold(
    connection: Connection, app: App, bound: Bound, standings: Mapping[str, Standing], recent: list[Alert], now: datetime
) -> ThresholdWhy:
    threshold = bound.threshold
    standing = standings.get(bound.key)
    reach_s = max(reach_of(bound), stale_after_s(bound.every_s), (SHOWN + 1) * bound.every_s)
    samples = watch.read_samples(connection, bound.signal, now - timedelta(seconds=reach_s))
    state, since, sentence = _state(bound, standing, samples, now)
    signal = app.estate.signals.get(bound.signal)
    line = _line(signal, bound) if signal else 0
    mine = [alert for alert in recent if alert.key == bound.key][:ALERTS]
    return ThresholdWhy(
        key=bound.key,
        subject=threshold.subject,
        says=" ".join((threshold.text or threshold.subject).split()),
        where=f"{threshold.file or app.estate.runbook.name}:{threshold.line}",
        severity=threshold.severity,
        component=bound.component,
        state=state,
        since=since,
        sentence=sentence,
        signal=bound.signal,
        reading=bound.reading,
        bound_at=f"{app.estate.path.name}:{line}",
        because=bound.because,
        window=_window(bound),
        damping=_damping(connection, bound, now),
        samples=tuple(_seen(bound, sample) for sample in reversed(samples[-SHOWN:])),
        alerts=tuple(_told(connection, app, mine, now)),
    )


def _state(bound: Bound, standing: Standing | None, samples: list[Sample], now: datetime) -> tuple[str, datetime | None, str]:
    if bound.threshold.role == "objective":
        word, sentence = kept(bound, samples, now)
        return word, None, f"{sentence}. An objective raises no alert by itself."
    if standing is None:
        return "unwatched", None, "No sample has decided it yet."
    return standing.state, standing.since, standing.sentence


def _seen(bound: Bound, sample: Sample) -> Seen:
    raw = sample.values.get(bound.reading)
    if raw is None:
        return Seen(sample.at, None, sample.problem or f"no reading {bound.reading!r}")
    value = raw * bound.factor
    if bound.threshold.op == "is":
        return Seen(sample.at, value, f"{value:g}{f' ({sample.detail})' if sample.detail else ''}")
    return Seen(sample.at, value, number_words(value, bound.threshold.unit))


def _window(bound: Bound) -> str:
    threshold, parts = bound.threshold, []
    if bound.budget is not None:
        days = format_duration(bound.budget.period_s)
        return f"The budget of {days} is judged over a long and a short window at once; see docs/guide/watching.md."
    if bound.window_s is not None:
        parts.append(f"the {threshold.statistic} of the readings of the last {format_duration(bound.window_s)} is judged")
    if threshold.for_s:
        parts.append(f"it must be breached for {format_duration(threshold.for_s)} without a break")
    elif threshold.role == "alert":
        parts.append("it fires at the first sample that breaches it")
    if bound.together_with:
        parts.append(f"it counts only together with {' and '.join(bound.together_with)}")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _damping(connection: Connection, bound: Bound, now: datetime) -> str:
    if bound.threshold.role == "objective":
        return ""
    starts = watch.starts_since(connection, now - WITHIN).get(bound.key, [])
    calm = format_duration(calm_for(bound.threshold.for_s).total_seconds())
    times = {0: "never", 1: "once"}.get(len(starts), f"{len(starts)} times")
    said = (
        f"It fired {times} within {format_duration(WITHIN.total_seconds())}; from {STARTS} times on it must be well for {calm}."
    )
    if bound.margin:
        said += f" Well again only {bound.margin:.3g} of the limit on its good side (hysteresis)."
    return said


def _line(signal: SignalConfig, bound: Bound) -> int:
    for metric, reading in signal.metrics.items():
        if reading == bound.reading:
            return signal.lines.get(("metrics", metric), signal.line)
    return signal.line


def _of_signal(connection: Connection, app: App, name: str, now: datetime) -> str:
    last = watch.latest_samples(connection).get(name)
    signal = app.estate.signals[name]
    where = f"{app.estate.path.name}:{signal.line}"
    if last is None:
        return f"{name} ({signal.kind}, {where}) was not looked at yet."
    ago = format_duration(max(0.0, (now - last.at).total_seconds()))
    said = f"could not look: {last.problem}" if last.problem else f"saw {len(last.values)} readings"
    detail = f" ({last.detail})" if last.detail and not last.problem else ""
    return f"{name} ({signal.kind}, {where}) is looked at every {format_duration(signal.every_s)}; {ago} ago it {said}{detail}."


def _told(connection: Connection, app: App, found: Iterable[Alert], now: datetime) -> Iterable[AlertWhy]:
    silences, windows = alerts.list_silences(connection, now), windows_at(app.book, now)
    for alert in found:
        holding = held(alert, silences, windows, now) if alert.ended_at is None else None
        incident = incidents.get_incident(connection, alert.incident_id) if alert.incident_id else None
        yield AlertWhy(
            id=alert.id,
            subject=alert.subject,
            sentence=alert.sentence,
            fired_at=alert.fired_at,
            ended_at=alert.ended_at,
            silence=holding.sentence if holding else _held_before(alert),
            grouping=_grouping(connection, app, alert, now) if holding is None else None,
            incident=alert.incident_id,
            title=f"{incident.title}: {incident.status}" if incident else None,
        )


def _held_before(alert: Alert) -> str | None:
    return f"It was held back by {alert.silenced_by}." if alert.silenced_by else None


def _grouping(connection: Connection, app: App, alert: Alert, now: datetime) -> str | None:
    if alert.explained_by:
        return (
            f"It is explained by {alert.explained_by}, on which {alert.component or alert.subject} depends in the book's diagram."
        )
    if alert.incident_id:
        return "It stands at the cause itself: nothing beneath it in the book's diagram was red."
    if alert.ended_at is not None:
        return "It ended before it had an incident."
    scene = scene_of(connection, [alert], app.book, app.bindings, now, app.settings.number("group_wait_s"))
    return next((each.sentence for each in group(scene)), None)
