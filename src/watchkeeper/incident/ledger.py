"""The rows of incidents and their timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from watchkeeper.incident import timeline_search
from watchkeeper.incident.model import Entry, Incident
from watchkeeper.store.schema import Instant, Json, Serial, metadata
from watchkeeper.store.sight import tells_of_unseen, unseen_ids

incidents = Table(
    "incident",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("service", String(100), nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", String(50)),
    Column("status", String(20), nullable=False),
    Column("cause", String(200)),
    Column("began_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", String(200)),
    Column("recovered_at", Instant),
    Column("resolved_at", Instant),
    Column("procedure_id", String(300)),
    Column("because", Text, nullable=False, server_default=""),
    Column("book", String(64), nullable=False, server_default=""),
    Column("private_at", Instant),
    Index("ix_incident_private_at", "private_at"),
    Index("ix_incident_status", "status", "opened_at"),
    Index("ix_incident_cause", "cause", "opened_at"),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("incident_id", String(40), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("incident_id", "seq"),
)

_SEARCHED = (incidents.c.title, incidents.c.cause, incidents.c.severity, incidents.c.id, incidents.c.because)
#: of a search
MOST_WORDS = 8
_OF_INCIDENT: BindParameter[str] = bindparam("of_incident")
_HOLD = select(incidents.c.id).where(incidents.c.id == _OF_INCIDENT).with_for_update()
_LAST_SEQ = select(func.coalesce(func.max(timeline.c.seq), 0)).where(timeline.c.incident_id == _OF_INCIDENT).scalar_subquery()
_APPEND = (
    insert(timeline)
    .values({name: bindparam(name) for name in ("at", "kind", "actor", "sentence", "body")})
    .values(incident_id=_OF_INCIDENT, seq=_LAST_SEQ + 1)
    .returning(timeline.c.seq)
)


def open_incident(connection: Connection, incident: Incident) -> None:
    """Write a new incident."""
    connection.execute(insert(incidents).values(**asdict(incident)))


def get_incident(connection: Connection, incident_id: str) -> Incident | None:
    """Give an incident by its id; None where there is none, and where whoever reads may not see it."""
    if incident_id in unseen_ids(connection):
        return None
    row = connection.execute(select(incidents).where(incidents.c.id == incident_id)).first()
    return _incident(row) if row else None


def list_incidents(
    connection: Connection, open_only: bool = False, limit: int = 100, *, before: Incident | None = None, search: str = ""
) -> list[Incident]:
    """Give the newest incidents, newest first; with `open_only` those that are not resolved.

    `before` leaves out those up to and with one of them; `search` keeps those that have each of its words in their title, cause,
    severity, id or timeline.
    """
    query = select(incidents).order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit)
    if open_only:
        query = query.where(incidents.c.status != "resolved")
    if left_out := unseen_ids(connection):
        query = query.where(incidents.c.id.not_in(left_out))
    if before is not None:
        query = query.where(tuple_(incidents.c.opened_at, incidents.c.id) < (before.opened_at, before.id))
    if words := search.split()[:MOST_WORDS]:
        own = and_(*(or_(*(column.icontains(w, autoescape=True) for column in _SEARCHED)) for w in words))
        query = query.where(or_(own, incidents.c.id.in_(timeline_search.matching(connection, words))))
    return [_incident(row) for row in connection.execute(query)]


def update_incident(connection: Connection, incident_id: str, **values: Any) -> None:
    """Set columns of an incident; what changes is told by the timeline, not here."""
    connection.execute(update(incidents).where(incidents.c.id == incident_id).values(**values))


def add_entry(
    connection: Connection,
    incident_id: str,
    now: datetime,
    kind: str,
    actor: str,
    sentence: str,
    body: Mapping[str, Any] | None = None,
) -> Entry:
    """Write the next line of an incident's timeline."""
    # the incident's row is the lock under which lines of one timeline are numbered; SQLite has one writer anyway
    if connection.dialect.name == "postgresql":
        connection.execute(_HOLD, {"of_incident": incident_id})
    row: dict[str, Any] = {"at": now, "kind": kind, "actor": actor, "sentence": sentence, "body": dict(body or {})}
    seq = connection.execute(_APPEND, {"of_incident": incident_id, **row}).scalar_one()
    return Entry(incident_id, seq, now, kind, actor, sentence, row["body"])


def read_timeline(connection: Connection, incident_id: str, after_seq: int = 0) -> list[Entry]:
    """Give an incident's timeline in order, after a line's number; without lines that tell of another which is not to be seen."""
    if incident_id in unseen_ids(connection):
        return []
    query = select(timeline).where(timeline.c.incident_id == incident_id, timeline.c.seq > after_seq).order_by(timeline.c.seq)
    found = [_entry(row) for row in connection.execute(query)]
    return [entry for entry in found if not tells_of_unseen(connection, entry.sentence, body=entry.body)]


def has_kind(connection: Connection, incident_id: str, kind: str) -> bool:
    """Tell whether a timeline has a line of a kind."""
    query = select(timeline.c.seq).where(timeline.c.incident_id == incident_id, timeline.c.kind == kind).limit(1)
    return connection.execute(query).first() is not None


def severity_changes(connection: Connection, incident_id: str) -> list[Entry]:
    """Give the lines in which somebody said that an incident is graver or less grave, in order."""
    mine = (timeline.c.incident_id == incident_id, timeline.c.kind == "severity")
    return [_entry(row) for row in connection.execute(select(timeline).where(*mine).order_by(timeline.c.seq))]


def severity_by(connection: Connection, incident_id: str) -> str | None:
    """Give who said last how grave an incident is; None where it is as it was opened."""
    mine = (timeline.c.incident_id == incident_id, timeline.c.kind == "severity")
    return connection.execute(select(timeline.c.actor).where(*mine).order_by(timeline.c.seq.desc()).limit(1)).scalar()


def has_entry(connection: Connection, incident_id: str, kinds: Sequence[str], name: str, value: str) -> bool:
    """Tell whether the timeline has a line of these kinds whose body says `name`: `value`; what is written once asks this."""
    query = select(timeline.c.body).where(timeline.c.incident_id == incident_id, timeline.c.kind.in_(kinds))
    return any(row.body.get(name) == value for row in connection.execute(query))


def _incident(row: Row[Any]) -> Incident:
    return Incident(**row._asdict())


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.incident_id, row.seq, row.at, row.kind, row.actor, row.sentence, row.body)
