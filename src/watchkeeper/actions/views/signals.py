"""What the pages show of signals: the latest sample, what it decides, and the last hour, day, week, month or year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions.keeping import kept_by
from watchkeeper.actions.views.elsewhere import Past, past_elsewhere
from watchkeeper.actions.views.frame import read_frame, said_by_others, threshold_view, unwatched_view, worst
from watchkeeper.actions.views.model import SPANS, Health, SenderView, SeriesView, SignalsView, SignalView, Span
from watchkeeper.actions.views.options import shown_options
from watchkeeper.alert.ledger import heard_of
from watchkeeper.app import App
from watchkeeper.estate.model import Bound, Charted, SignalConfig
from watchkeeper.watch.ledger import latest_samples, read_samples, read_standings
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.past.history import read_buckets
from watchkeeper.watch.past.rollup import Sum, level_for, start_of

#: points of a curve: more than a phone has pixels for would be wasted
POINTS = 180
#: readings shown of a signal that no threshold uses
READINGS = 4


async def all_signals(app: App, span: Span = "1h") -> SignalsView:
    """Show every signal with its curves over a span of time up to now."""
    now = app.clock.now()
    elsewhere = {} if span == "1h" else await past_elsewhere(app, SPANS[span], POINTS, now)
    return await app.database.read(lambda c: _read_signals(c, app, now, span, elsewhere))


def _read_signals(connection: Connection, app: App, now: datetime, span: Span, elsewhere: Mapping[str, Past]) -> SignalsView:
    standings, latest, said = read_standings(connection), latest_samples(connection), said_by_others(connection)
    by_signal: dict[str, list[Bound]] = {}
    for bound in app.bindings.bound:
        by_signal.setdefault(bound.signal, []).append(bound)
    signals = []
    for config in app.estate.signals.values():
        past = elsewhere.get(config.name) or read_past(connection, app, config, span, now)
        charted = [each for each in app.bindings.charted if each.signal == config.name]
        bounds = by_signal.get(config.name, [])
        signals.append(signal_view(config, latest.get(config.name), past, bounds, standings, now, charted))
    return SignalsView(
        frame=read_frame(connection, app, now, standings),
        signals=tuple(signals),
        unwatched=tuple(unwatched_view(unbound, said.get(unbound.key)) for unbound in app.bindings.unbound),
        unused=tuple((signal, words, sentence) for signal, words, _, sentence in app.bindings.unused),
        span=span,
        senders=tuple(_senders(connection, app)),
    )


def _senders(connection: Connection, app: App) -> Iterator[SenderView]:
    heard = heard_of(connection)
    for hook in app.estate.alerting.hooks.values():
        mine = heard.get(hook.name, {})
        last = max((at for _, at in mine.values()), default=None)
        firing, blind = (mine[status][0] if status in mine else 0 for status in ("firing", "blind"))
        yield SenderView(hook.name, hook.kind, hook.component, last, firing, blind)


def read_past(connection: Connection, app: App, config: SignalConfig, span: Span, now: datetime) -> Past:
    """Read what a signal gave over a span of time, at the level that fits it."""
    span_s = SPANS[span]
    since = now - timedelta(seconds=span_s)
    level_s = None if span == "1h" else level_for(span_s, 2 * POINTS, kept_by(app.settings), config.every_s)
    if level_s is None:
        return [(sample.at, _alone(sample)) for sample in read_samples(connection, config.name, since, limit=20_000)]
    half = timedelta(seconds=level_s / 2)
    found = read_buckets(connection, config.name, level_s, start_of(since, level_s), now)
    return [(min(bucket.at + half, now), bucket.readings) for bucket in found]


def _alone(sample: Sample) -> dict[str, Sum]:
    return {name: Sum(1, value, value, value) for name, value in sample.values.items()}


def signal_view(
    config: SignalConfig,
    last: Sample | None,
    past: Past,
    bounds: Sequence[Bound],
    standings: Mapping[str, Standing],
    now: datetime,
    charted: Sequence[Charted] = (),
) -> SignalView:
    """Put a signal, its past and its thresholds together."""
    thresholds = tuple(threshold_view(bound, standings.get(bound.key)) for bound in bounds)
    blind = last is not None and last.problem is not None
    state: Health = (
        "unwatched"
        if last is None
        else "blind"
        if blind
        else worst(t.state for t in thresholds)
        if thresholds
        # as the morning table: no threshold speaks of it, but it says itself that what it looks at is down
        else "firing"
        if last.values.get("up") == 0
        else "ok"
    )
    names = {each.reading: each.subject for each in charted}
    readings = dict.fromkeys([*(bound.reading for bound in bounds), *names])
    if not readings and last is not None:
        readings = dict.fromkeys(list(last.values)[:READINGS])
    return SignalView(
        name=config.name,
        kind=config.kind,
        component=config.component,
        every_s=config.every_s,
        options=shown_options(config.shown),
        state=state,
        at=last.at if last else None,
        took_s=last.took_s if last else None,
        detail=last.detail if last else "",
        problem=last.problem if last else None,
        values=dict(last.values) if last else {},
        thresholds=thresholds,
        series=tuple(series(reading, past, last, bounds, now, names.get(reading)) for reading in readings),
    )


def series(
    reading: str, past: Past, last: Sample | None, bounds: Sequence[Bound], now: datetime, name: str | None = None
) -> SeriesView:
    """Make the curve of one reading, thinned so that a page stays small; of each stretch its most extreme value is kept."""
    found = [((now - at).total_seconds(), readings[reading]) for at, readings in past if reading in readings]
    found.sort(key=lambda point: -point[0])
    many = any(each.count > 1 for _, each in found)
    own = [bound.threshold for bound in bounds if bound.reading == reading]
    return SeriesView(
        reading=reading,
        label=" / ".join(dict.fromkeys(t.subject for t in own if t.op != "is")) or name or reading,
        last=last.values.get(reading) if last else None,
        least=min((each.least for _, each in found), default=None),
        most=max((each.most for _, each in found), default=None),
        points=tuple((age, each.mean) for age, each in found) if many else thin([(age, e.total) for age, e in found], POINTS),
        limits=tuple(dict.fromkeys(t.value for t in own if t.value is not None and t.op != "is")),
        unit=next((t.unit for t in own if t.unit), None),
        band=tuple((age, each.least, each.most) for age, each in found) if many else (),
    )


def thin(points: Sequence[tuple[float, float]], most: int) -> tuple[tuple[float, float], ...]:
    """Keep at most about `most` points; of each stretch the lowest and the highest stay, so that no spike is lost."""
    if len(points) <= most:
        return tuple(points)
    size = -(-2 * len(points) // most)
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        ends = {min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])}
        kept += sorted(ends, key=lambda p: -p[0])
    return tuple(kept)
