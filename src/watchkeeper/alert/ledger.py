"""The rows of alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Float, Index, Integer, Row, Select, String, Table, Text, func, insert, select, update

from watchkeeper.alert.model import Alert, Silence
from watchkeeper.estate.hours import parse_hours
from watchkeeper.store.schema import Instant, Json, metadata
from watchkeeper.store.sight import unseen_ids

alerts = Table(
    "alert",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("key", String(200), nullable=False),
    Column("subject", Text, nullable=False),
    Column("component", String(200)),
    Column("severity", String(50)),
    Column("breached_at", Instant, nullable=False),
    Column("fired_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("value", Float),
    Column("sentence", Text, nullable=False),
    Column("incident_id", String(40)),
    Column("explained_by", String(200)),
    Column("silenced_by", String(100)),
    Column("source", String(100)),
    Column("threshold", String(200)),
    Column("grouped", String(200)),
    Column("route", String(100)),
    Column("lead", Integer, nullable=False, server_default="1"),
    Column("stale_at", Instant),
    Index("ix_alert_open", "ended_at", "key"),
    # the id is there so that a page of a hundred thousand needs no sorting
    Index("ix_alert_incident", "incident_id", "ended_at", "id"),
)
Index("ix_alert_lead", alerts.c.incident_id, sqlite_where=alerts.c.lead == 1, postgresql_where=alerts.c.lead == 1)

#: what was last heard of each alert that others send: one row an alert, however often it is sent
reports = Table(
    "report",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("source", String(100), nullable=False),
    Column("status", String(20), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
    Column("times", Integer, nullable=False),
    Column("alert_id", String(40)),
    Column("name", Text, nullable=False),
    Column("labels", Json, nullable=False),
    Index("ix_report_heard", "source", "status", "heard_at"),
)


silences = Table(
    "silence",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("author", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("component", String(200)),
    Column("subject", String(500)),
    Column("severity", String(50)),
    Column("key", String(200)),
    #: hours as they were written
    Column("hours", String(200)),
    Index("ix_silence_ends_at", "ends_at"),
)


def raise_alert(connection: Connection, alert: Alert) -> None:
    """Write a new alert."""
    connection.execute(insert(alerts).values(**asdict(alert)))


def end_alert(connection: Connection, alert_id: str, now: datetime) -> bool:
    """End an alert; False where it had ended before."""
    open_one = (alerts.c.id == alert_id) & alerts.c.ended_at.is_(None)
    return connection.execute(update(alerts).where(open_one).values(ended_at=now)).rowcount == 1


def attach(connection: Connection, alert_id: str, incident_id: str, explained_by: str | None) -> None:
    """Put an alert into an incident, with the component that explains it (None: it is a cause itself)."""
    values = {"incident_id": incident_id, "explained_by": explained_by, "lead": 1}
    connection.execute(update(alerts).where(alerts.c.id == alert_id).values(**values))


def move(connection: Connection, incident_id: str, to: str, ids: Sequence[str] = ()) -> int:
    """Give an incident's alerts, all or these, to another incident; those that follow one go with it. Gives how many."""
    mine = alerts.c.incident_id == incident_id
    if ids:
        mine &= alerts.c.id.in_(ids) | ((alerts.c.lead == 0) & alerts.c.grouped.in_(
            select(alerts.c.grouped).where(alerts.c.id.in_(ids), alerts.c.grouped.is_not(None))
        ))  # fmt: skip
    return connection.execute(update(alerts).where(mine).values(incident_id=to)).rowcount


def hold_back(connection: Connection, alert_id: str, by: str) -> bool:
    """Write down what holds an alert back; False where that stood there already."""
    changed = (alerts.c.id == alert_id) & (alerts.c.silenced_by.is_(None) | (alerts.c.silenced_by != by))
    return connection.execute(update(alerts).where(changed).values(silenced_by=by)).rowcount == 1


def add_silence(connection: Connection, silence: Silence, hours: str | None) -> None:
    """Write a silence; `hours` as they were written."""
    row = {column.name: getattr(silence, column.name) for column in silences.columns if column.name != "hours"}
    connection.execute(insert(silences).values(**row, hours=hours))


def end_silence(connection: Connection, silence_id: str, now: datetime) -> bool:
    """End a silence now; False where there is none that goes on."""
    going_on = (silences.c.id == silence_id) & (silences.c.ends_at > now)
    return connection.execute(update(silences).where(going_on).values(ends_at=now)).rowcount == 1


def list_silences(connection: Connection, now: datetime) -> list[Silence]:
    """Give the silences that are not over, those to come too, in the order in which they end."""
    rows = connection.execute(select(silences).where(silences.c.ends_at > now).order_by(silences.c.ends_at, silences.c.id))
    return [Silence(**{**row._asdict(), "hours": parse_hours(row.hours) if row.hours else None}) for row in rows]


def read_alert(connection: Connection, alert_id: str) -> Alert | None:
    """Give an alert by its id; None where there is none, and where whoever reads may not see its incident."""
    row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).first()
    return _alert(row) if row and row.incident_id not in unseen_ids(connection) else None


def open_alert(connection: Connection, key: str) -> Alert | None:
    """Give the open alert of a threshold; None where none is open."""
    row = connection.execute(select(alerts).where(alerts.c.key == key, alerts.c.ended_at.is_(None))).first()
    return _alert(row) if row else None


def open_alerts(connection: Connection, key_begins: str = "") -> list[Alert]:
    """Give the alerts that have not ended and are decided about by themselves, oldest first; those whose keys begin so."""
    query = select(alerts).where(alerts.c.ended_at.is_(None), alerts.c.lead == 1)
    return _read(connection, query.where(alerts.c.key.startswith(key_begins, autoescape=True)) if key_begins else query)


def open_about(connection: Connection) -> list[Alert]:
    """Give the open alerts of others that are about a threshold of the book and stand for those like them, oldest first."""
    return _read(
        connection, select(alerts).where(alerts.c.ended_at.is_(None), alerts.c.threshold.is_not(None), alerts.c.lead == 1)
    )


def any_waiting(connection: Connection) -> bool:
    """Tell, by one seek, whether an open alert belongs to no incident yet."""
    waiting = (alerts.c.ended_at.is_(None), alerts.c.incident_id.is_(None))
    return connection.execute(select(alerts.c.id).where(*waiting).limit(1)).first() is not None


def waiting_alerts(connection: Connection) -> list[Alert]:
    """Give the open alerts that Watchkeeper saw itself and that belong to no incident yet."""
    waiting = (alerts.c.ended_at.is_(None), alerts.c.incident_id.is_(None), alerts.c.source.is_(None))
    return _read(connection, select(alerts).where(*waiting))


def alerts_of(connection: Connection, incident_id: str) -> list[Alert]:
    """Give an incident's alerts that are decided about by themselves, ended ones too, oldest first; see `members`."""
    return _read(connection, select(alerts).where(alerts.c.incident_id == incident_id, alerts.c.lead == 1))


def labels_of_alerts(connection: Connection, incident_id: str) -> list[Mapping[str, str]]:
    """Give the labels with which others sent those alerts of an incident that have not ended."""
    mine = (alerts.c.incident_id == incident_id, alerts.c.lead == 1, alerts.c.ended_at.is_(None))
    query = select(reports.c.labels).join(alerts, alerts.c.id == reports.c.alert_id).where(*mine)
    return list(connection.execute(query.order_by(reports.c.key)).scalars())


def count_members(connection: Connection, incident_id: str) -> tuple[int, int]:
    """Count all alerts of an incident, and those of them that have not ended."""
    mine = select(func.count()).select_from(alerts).where(alerts.c.incident_id == incident_id)
    still_open = mine.where(alerts.c.ended_at.is_(None))
    return connection.execute(mine).scalar_one(), connection.execute(still_open).scalar_one()


def members(connection: Connection, incident_id: str, limit: int, after: int = 0) -> list[Alert]:
    """Give a piece of all alerts of an incident, the open ones first, each part in the order in which they came."""
    mine = select(alerts).where(alerts.c.incident_id == incident_id)
    ordered = mine.order_by(alerts.c.ended_at.asc().nulls_first(), alerts.c.id)
    return [_alert(row) for row in connection.execute(ordered.limit(limit).offset(after))]


def alerts_of_all(connection: Connection, incident_ids: Sequence[str]) -> dict[str, list[Alert]]:
    """Give the alerts of several incidents at once."""
    found: dict[str, list[Alert]] = {incident_id: [] for incident_id in incident_ids}
    if incident_ids:
        leads = select(alerts).where(alerts.c.incident_id.in_(incident_ids), alerts.c.lead == 1)
        for alert in _read(connection, leads):
            found[alert.incident_id or ""].append(alert)
    return found


def heard_of(connection: Connection) -> dict[str, dict[str, tuple[int, datetime]]]:
    """Give of each sender how many alerts stand how, and when the last of those was heard of."""
    found: dict[str, dict[str, tuple[int, datetime]]] = {}
    query = select(reports.c.source, reports.c.status, func.count().label("size"), func.max(reports.c.heard_at).label("at"))
    for row in connection.execute(query.group_by(reports.c.source, reports.c.status)):
        found.setdefault(row.source, {})[row.status] = (row.size, row.at)
    return found


def list_alerts(connection: Connection, limit: int = 100) -> list[Alert]:
    """Give the newest alerts, newest first."""
    newest = select(alerts).order_by(alerts.c.fired_at.desc(), alerts.c.id.desc()).limit(limit)
    if left_out := unseen_ids(connection):
        newest = newest.where(alerts.c.incident_id.is_(None) | alerts.c.incident_id.not_in(left_out))
    return [_alert(row) for row in connection.execute(newest)]


def _read(connection: Connection, query: Select[Any]) -> list[Alert]:
    return [_alert(row) for row in connection.execute(query.order_by(alerts.c.fired_at, alerts.c.id))]


def _alert(row: Row[Any]) -> Alert:
    return Alert(**row._asdict())
