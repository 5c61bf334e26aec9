"""Alerts of others by the crowd: those that are alike share what is decided about one of them, however many there are.

1. The waiting alerts are counted by what makes them alike; what a silence or a window holds back waits on.
2. Many groups of one sender at once are a storm, and a storm is one group.
3. A crowd whose like leads in an open incident follows it at once; of each other crowd one alert is decided about by itself
   (alert/rules.py), and the others follow that one.
Whatever is waiting, a round looks at a bounded number of crowds and moves a bounded number of rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from watchkeeper.alert.ledger import alerts, count_members
from watchkeeper.alert.model import Alert, OpenIncident, Silence, Window
from watchkeeper.alert.silencing import held
from watchkeeper.alert.taking import ALIKE, alike
from watchkeeper.base.words import counted
from watchkeeper.store import ledger

log = logging.getLogger(__name__)

#: groups that are looked at to tell a storm, and crowds that are decided about in one round
GROUPS = 5000
CROWDS = 100
#: alerts that follow in one round, so that no transaction is long
ROWS = 20_000
#: groups of one sender within this time count together, and a storm goes on while one more comes within it
STORM_WITHIN = timedelta(minutes=10)
#: so many groups of one sender that are still coming may become a storm: they wait until none came for a moment, and not for long
BURST = 5
MOMENT, PATIENCE = timedelta(seconds=1), timedelta(seconds=10)
STORM = "storm"
AUTOMATION = "automation"

_WAITING: tuple[ColumnElement[bool], ...] = (
    alerts.c.incident_id.is_(None),
    alerts.c.ended_at.is_(None),
    alerts.c.source.is_not(None),
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Waiting alerts that are alike: how many, and the first of them, by which they are decided about."""

    lead: Alert
    count: int
    #: what they share, by column
    row: Mapping[str, Any]
    #: the conditions under which a waiting alert belongs to it
    those: tuple[ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class Quieting:
    """What holds alerts back at an instant."""

    silences: Sequence[Silence]
    windows: Sequence[Window]
    now: datetime


def storm_of(source: str) -> str:
    """Give the group of a sender's storm."""
    return f"{source}:{STORM}"


def gather(connection: Connection, quieting: Quieting, incidents: Iterable[OpenIncident], storm: int) -> list[Crowd]:
    """Give the crowds that wait and that nothing holds back, the oldest first, with storms made one."""
    free = _free(connection, quieting)
    if _calm_storms(connection, [row for row, _ in free], list(incidents), storm, quieting.now):
        free = _free(connection, quieting)
    coming = _still_coming([row for row, _ in free], quieting.now)
    free = [(row, those) for row, those in free if row["component"] is not None or row["source"] not in coming]
    firsts = [row["first"] for row, _ in free[:CROWDS]]
    leads = {row.id: Alert(**row._asdict()) for row in connection.execute(select(alerts).where(alerts.c.id.in_(firsts)))}
    return [Crowd(replace(leads[row["first"]], lead=1), row["size"], row, those) for row, those in free[:CROWDS]]


def _free(connection: Connection, quieting: Quieting) -> list[tuple[Mapping[str, Any], tuple[ColumnElement[bool], ...]]]:
    """Count the waiting alerts by what they share, without those that are held back."""
    if connection.execute(select(alerts.c.id).where(*_WAITING).limit(1)).first() is None:
        return []
    keys = [silence.key for silence in quieting.silences if silence.key is not None]
    by_subject = [alerts.c.subject] if any(s.subject for s in quieting.silences) else []
    shared = [alerts.c[name] for name in ALIKE] + by_subject
    others = [*_WAITING, alerts.c.key.not_in(keys)] if keys else list(_WAITING)
    rows: list[tuple[Mapping[str, Any], tuple[ColumnElement[bool], ...]]] = []
    for row in _counted(connection, others, shared):
        rows.append((row, (*others, *alike(row), *([alerts.c.subject == row["subject"]] if by_subject else []))))
    if keys:
        for row in _counted(connection, [*_WAITING, alerts.c.key.in_(keys)], [*shared, alerts.c.key]):
            rows.append((row, (*_WAITING, alerts.c.key == row["key"])))
    return [(row, those) for row, those in rows if not _hold(connection, row, those, quieting)]


def _counted(connection: Connection, those: Sequence[ColumnElement[bool]], shared: Sequence[Any]) -> list[Mapping[str, Any]]:
    first = func.min(alerts.c.id)
    times = func.min(alerts.c.fired_at).label("oldest"), func.max(alerts.c.fired_at).label("newest")
    query = select(*shared, first.label("first"), func.count().label("size"), func.min(alerts.c.subject).label("said"), *times)
    return [row._asdict() for row in connection.execute(query.where(*those).group_by(*shared).order_by(first).limit(GROUPS))]


def _hold(connection: Connection, row: Mapping[str, Any], those: Sequence[ColumnElement[bool]], quieting: Quieting) -> bool:
    """Hold a crowd back where a silence or a window does; that is said once."""
    like = Alert(
        row["first"], row.get("key") or row["first"], row.get("subject") or row["said"], row["component"], row["severity"],
        quieting.now, quieting.now, None, None, "", source=row["source"],
    )  # fmt: skip
    holding = held(like, quieting.silences, quieting.windows, quieting.now)
    if holding is None:
        return False
    changed = [*those, alerts.c.silenced_by.is_(None) | (alerts.c.silenced_by != holding.by)]
    number = connection.execute(update(alerts).where(*changed).values(silenced_by=holding.by)).rowcount
    if number:
        sentence = f"{holding.sentence} ({counted(number, 'alert')} of {row['source']})"
        ledger.append(connection, quieting.now, AUTOMATION, "alert.held", row["first"], why=sentence)
        log.info("%s", sentence, extra={"action": "alert_held", "alert": row["first"]})
    return True


def _calm_storms(
    connection: Connection, free: Sequence[Mapping[str, Any]], incidents: Sequence[OpenIncident], storm: int, now: datetime
) -> bool:
    """Make many groups of one sender one; tells whether there were such."""
    groups: dict[str, dict[str, None]] = {}
    for row in free:
        if row["component"] is None and row["grouped"] != storm_of(row["source"]):
            groups.setdefault(row["source"], {})[row["grouped"]] = None
    stormy = False
    for source, mine in groups.items():
        if len(mine) + _recent(incidents, source, now) >= storm or _goes_on(connection, incidents, source, now):
            those = (*_WAITING, alerts.c.source == source, alerts.c.component.is_(None), alerts.c.grouped.in_(list(mine)))
            some = select(alerts.c.id).where(*those).limit(ROWS)
            connection.execute(update(alerts).where(alerts.c.id.in_(some)).values(grouped=storm_of(source)))
            stormy = True
    return stormy


def _still_coming(free: Sequence[Mapping[str, Any]], now: datetime) -> set[str]:
    """Name the senders of whose groups so many come just now that deciding about each would be too early."""
    mine: dict[str, list[Mapping[str, Any]]] = {}
    for row in free:
        if row["component"] is None and row["grouped"] != storm_of(row["source"]):
            mine.setdefault(row["source"], []).append(row)
    return {
        source
        for source, rows in mine.items()
        if len({row["grouped"] for row in rows}) >= BURST
        and now - max(row["newest"] for row in rows) < MOMENT
        and now - min(row["oldest"] for row in rows) < PATIENCE
    }


def _recent(incidents: Iterable[OpenIncident], source: str, now: datetime) -> int:
    """Count the incidents that a sender's groups opened of late."""
    mine = (a for i in incidents if i.cause is None for a in i.alerts[:1])
    return sum(a.source == source and a.component is None and now - a.fired_at < STORM_WITHIN for a in mine)


def _goes_on(connection: Connection, incidents: Iterable[OpenIncident], source: str, now: datetime) -> bool:
    """Tell whether a sender's storm has an open incident to which something came of late."""
    for incident in incidents:
        if any(alert.grouped == storm_of(source) for alert in incident.alerts):
            newest = select(func.max(alerts.c.id)).where(alerts.c.incident_id == incident.id, alerts.c.ended_at.is_(None))
            found = connection.execute(select(alerts.c.fired_at).where(alerts.c.id == newest.scalar_subquery())).scalar()
            if found is not None and now - found < STORM_WITHIN:
                return True
    return False


def leader(crowd: Crowd, incidents: Iterable[OpenIncident]) -> tuple[str, Alert] | None:
    """Find the alert that leads a crowd's like in an open incident; None where none does."""
    for incident in incidents:
        for alert in incident.alerts:
            if alert.ended_at is None and all(getattr(alert, name) == crowd.row[name] for name in ALIKE):
                return incident.id, alert
    return None


def follow(connection: Connection, crowd: Crowd, incident_id: str, explained_by: str | None) -> int:
    """Have a crowd follow its lead into an incident, a bounded number of rows at once; returns how many did."""
    some = select(alerts.c.id).where(*crowd.those).order_by(alerts.c.id).limit(ROWS)
    values = {"incident_id": incident_id, "explained_by": explained_by}
    return connection.execute(update(alerts).where(alerts.c.id.in_(some)).values(**values)).rowcount


def step_aside(connection: Connection, lead: Alert, incident_id: str) -> None:
    """Let an alert that leads now stand for those like it that led before and are over."""
    old = (alerts.c.incident_id == incident_id, alerts.c.lead == 1, alerts.c.ended_at.is_not(None), alerts.c.id != lead.id)
    connection.execute(update(alerts).where(*old, *alike({n: getattr(lead, n) for n in ALIKE})).values(lead=0))


def passed(before: int, after: int) -> int | None:
    """Give the round number that a count has passed; None where none was, so that a storm is said in a few lines.

    >>> passed(1, 1), passed(3, 12), passed(12, 19), passed(90, 25_000)
    (None, 10, None, 20000)
    """
    steps = [lead * 10**power for power in range(8) for lead in (1, 2, 5)]
    crossed = [step for step in steps if before < step <= after and step > 1]
    return crossed[-1] if crossed else None


def size(connection: Connection, incident_id: str) -> int:
    """Count all alerts of an incident."""
    return count_members(connection, incident_id)[0]
