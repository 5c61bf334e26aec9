"""What the pages show of signals: the latest sample, what it decides, and the last hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions.views.frame import read_frame, threshold_view, unwatched_view, worst
from watchkeeper.actions.views.model import Health, SeriesView, SignalsView, SignalView
from watchkeeper.app import App
from watchkeeper.estate.model import Bound, SignalConfig
from watchkeeper.watch.ledger import latest_samples, read_samples, read_standings
from watchkeeper.watch.model import Sample, Standing

SHOWN = timedelta(hours=1)
#: points of a curve: more than a phone has pixels for would be wasted
POINTS = 180
#: readings shown of a signal that no threshold uses
READINGS = 4


async def all_signals(app: App) -> SignalsView:
    """Show every signal with its last hour."""
    now = app.clock.now()
    return await app.database.read(lambda c: _read_signals(c, app, now))


def _read_signals(connection: Connection, app: App, now: datetime) -> SignalsView:
    standings, latest = read_standings(connection), latest_samples(connection)
    by_signal: dict[str, list[Bound]] = {}
    for bound in app.bindings.bound:
        by_signal.setdefault(bound.signal, []).append(bound)
    signals = []
    for config in app.estate.signals.values():
        samples = read_samples(connection, config.name, now - SHOWN, limit=20_000)
        signals.append(signal_view(config, latest.get(config.name), samples, by_signal.get(config.name, []), standings, now))
    return SignalsView(
        frame=read_frame(connection, app, now, standings),
        signals=tuple(signals),
        unwatched=tuple(unwatched_view(unbound) for unbound in app.bindings.unbound),
        unused=tuple((signal, words, sentence) for signal, words, _, sentence in app.bindings.unused),
    )


def signal_view(
    config: SignalConfig,
    last: Sample | None,
    samples: Sequence[Sample],
    bounds: Sequence[Bound],
    standings: Mapping[str, Standing],
    now: datetime,
) -> SignalView:
    """Put a signal, its samples and its thresholds together."""
    thresholds = tuple(threshold_view(bound, standings.get(bound.key)) for bound in bounds)
    blind = last is not None and last.problem is not None
    state: Health = (
        "unwatched" if last is None else "blind" if blind else worst(t.state for t in thresholds) if thresholds else "ok"
    )
    readings = dict.fromkeys(bound.reading for bound in bounds)
    if not readings and last is not None:
        readings = dict.fromkeys(list(last.values)[:READINGS])
    return SignalView(
        name=config.name,
        kind=config.kind,
        component=config.component,
        every_s=config.every_s,
        options=dict(config.shown),
        state=state,
        at=last.at if last else None,
        took_s=last.took_s if last else None,
        detail=last.detail if last else "",
        problem=last.problem if last else None,
        values=dict(last.values) if last else {},
        thresholds=thresholds,
        series=tuple(series(reading, samples, bounds, now) for reading in readings),
    )


def series(reading: str, samples: Sequence[Sample], bounds: Sequence[Bound], now: datetime) -> SeriesView:
    """Make the curve of one reading, thinned so that a page stays small; of each stretch its most extreme value is kept."""
    points = [((now - sample.at).total_seconds(), sample.values[reading]) for sample in samples if reading in sample.values]
    points.sort(key=lambda point: -point[0])
    values = [value for _, value in points]
    own = [bound.threshold for bound in bounds if bound.reading == reading]
    return SeriesView(
        reading=reading,
        label=" / ".join(dict.fromkeys(t.subject for t in own if t.op != "is")) or reading,
        last=samples[-1].values.get(reading) if samples else None,
        least=min(values, default=None),
        most=max(values, default=None),
        points=thin(points, POINTS),
        limits=tuple(dict.fromkeys(t.value for t in own if t.value is not None and t.op != "is")),
        unit=next((t.unit for t in own if t.unit), None),
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
