"""From flips to alerts: the alert chapter claims what the watch chapter wrote, in one transaction with its own rows.

1. Each flip that nobody took is taken; who loses the race leaves it.
2. A flip to firing opens an alert (one open a threshold), a flip to ok ends it. Objectives raise none.
3. A signal that has been blind for a minute raises an alert of its own; a reading ends it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, or_, select

from watchkeeper.alert import ledger
from watchkeeper.alert.hearing import route_of
from watchkeeper.alert.model import Alert, Named
from watchkeeper.alert.rules import BLIND, blind_grace, blind_key
from watchkeeper.base.durations import format_duration
from watchkeeper.base.ids import new_id
from watchkeeper.estate.model import Bindings, Bound, Route
from watchkeeper.watch.ledger import flips, standings, take_flip, untaken_flips
from watchkeeper.watch.model import Flip

log = logging.getLogger(__name__)

_ANYTHING = select(
    or_(
        exists().where(flips.c.taken == 0),
        exists().where(standings.c.state == "blind"),
        exists().where(ledger.alerts.c.ended_at.is_(None)),
    )
)


def is_calm(connection: Connection) -> bool:
    """Tell whether taking flips and grouping alerts would change nothing: no news, nothing blind, no alert open."""
    return not connection.execute(_ANYTHING).scalar()


def take_flips(
    connection: Connection, bindings: Bindings, now: datetime, routes: Sequence[Route] = (), pace: float = 1.0
) -> list[Alert]:
    """Turn untaken flips into alerts opened and ended; give those that changed. Calling it again changes nothing.

    `pace` is how many seconds of the clock pass in one of the machine's.
    """
    bounds = {bound.key: bound for bound in bindings.bound}
    changed: dict[str, Alert] = {}
    for flip in untaken_flips(connection):
        if not take_flip(connection, flip.id):
            log.info("Another process took flip %s first.", flip.id, extra={"action": "flip_lost"})
            continue
        alert = _take(connection, flip, bounds, routes)
        if alert is not None:
            changed[alert.id] = alert
    changed |= {alert.id: alert for alert in _look_for_blindness(connection, bounds, now, blind_grace(pace))}
    return list(changed.values())


def _take(connection: Connection, flip: Flip, bounds: Mapping[str, Bound], routes: Sequence[Route]) -> Alert | None:
    bound = bounds.get(flip.key)
    alert = ledger.open_alert(connection, flip.key)
    if flip.after == "ok" and alert is not None:
        return _end(connection, alert, flip.at)
    if flip.after != "firing" or alert is not None or bound is None or bound.threshold.role != "alert":
        return None
    severity = bound.threshold.severity or _severity_elsewhere(bound, bounds.values())
    named = Named(bound.threshold.subject, bound.component, severity, None, "")
    alert = Alert(
        id=new_id("alt", flip.at),
        key=flip.key,
        subject=bound.threshold.subject,
        component=bound.component,
        severity=severity,
        breached_at=_breached_at(connection, flip, bound),
        fired_at=flip.at,
        ended_at=None,
        value=flip.value,
        sentence=flip.sentence,
        route=route_of(named, None, None, routes),
    )
    ledger.raise_alert(connection, alert)
    log.info("Alert: %s", alert.sentence, extra={"action": "alert_opened", "alert": alert.id})
    return alert


def _severity_elsewhere(bound: Bound, bounds: Iterable[Bound]) -> str | None:
    """Give the severity that the book has for the very same figure of the component elsewhere; None where it has none, or two.

    A procedure's symptom repeats an alert's comparison, often without its severity and without how long it must last.
    """
    if bound.threshold.metric is None:
        return None
    same = {
        other.threshold.severity
        for other in bounds
        if other.threshold.severity is not None and other.threshold.role == "alert" and _figure(other) == _figure(bound)
    }
    return same.pop() if len(same) == 1 else None


def _figure(bound: Bound) -> tuple[object, ...]:
    of = bound.threshold
    return bound.component, of.metric, of.statistic, of.op, of.value, of.unit


def _breached_at(connection: Connection, flip: Flip, bound: Bound) -> datetime:
    """Give the start of the breach: as the standing remembers it, else the flip less the threshold's own duration."""
    row = connection.execute(select(standings.c.breached_since).where(standings.c.key == flip.key)).first()
    if row is not None and row.breached_since is not None and row.breached_since <= flip.at:
        since: datetime = row.breached_since
        return since
    return flip.at - timedelta(seconds=bound.threshold.for_s or 0.0)


def _look_for_blindness(connection: Connection, bounds: dict[str, Bound], now: datetime, grace: timedelta) -> list[Alert]:
    """Raise and end the alerts of blind signals: one a signal, however many thresholds it decides."""
    blind: dict[str, list[tuple[datetime, Bound]]] = {}
    for row in connection.execute(select(standings).where(standings.c.state == "blind").order_by(standings.c.since)):
        bound = bounds.get(row.key)
        if bound is not None and bound.threshold.role == "alert":
            blind.setdefault(bound.signal, []).append((row.since, bound))
    changed = []
    for signal, found in blind.items():
        since = found[0][0]
        if now - since >= grace and ledger.open_alert(connection, blind_key(signal)) is None:
            decided = sum(1 for bound in bounds.values() if bound.signal == signal)
            changed.append(_raise_blind(connection, signal, since, [bound for _, bound in found], decided, now))
    for alert in ledger.open_alerts(connection, BLIND):
        if alert.key.removeprefix(BLIND) not in blind:
            changed.append(_end(connection, alert, now))
    return changed


def _raise_blind(connection: Connection, signal: str, since: datetime, blind: list[Bound], decided: int, now: datetime) -> Alert:
    blind_s = format_duration((now - since).total_seconds())
    sentence = f"{signal} has given no reading for {blind_s}: nobody sees what it watches."
    if len(blind) < decided:
        names = " and ".join(dict.fromkeys(repr(bound.reading) for bound in blind[:5]))
        sentence = f"{signal} has not given {names} for {blind_s}: nobody sees {blind[0].threshold.subject!r}."
    subject = f"{signal} is blind"
    component = blind[0].component
    alert = Alert(new_id("alt", now), blind_key(signal), subject, component, None, since, now, None, None, sentence)
    ledger.raise_alert(connection, alert)
    log.warning("Alert: %s", sentence, extra={"action": "alert_opened", "alert": alert.id})
    return alert


def _end(connection: Connection, alert: Alert, at: datetime) -> Alert:
    ledger.end_alert(connection, alert.id, at)
    log.info("%s is healthy again.", alert.subject, extra={"action": "alert_ended", "alert": alert.id})
    ended = ledger.read_alert(connection, alert.id)
    assert ended is not None
    return ended
