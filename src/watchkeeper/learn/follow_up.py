"""Follow-ups: what a review asks somebody to do by a day, done or not, and where else it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Row, String, Table, Text, insert, select, update

from watchkeeper.incident.ledger import incidents
from watchkeeper.store.schema import Instant, metadata
from watchkeeper.store.sight import unseen_ids

follow_ups = Table(
    "follow_up",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("incident_id", String(40), nullable=False),
    Column("text", Text, nullable=False),
    #: one of [people]
    Column("owner", String(100), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("done_by", String(200)),
    #: the tracker of watchkeeper.toml that is to have it too, and its address there once it has
    Column("tracker", String(100)),
    Column("link", String(1000)),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Index("ix_follow_up_incident_id", "incident_id"),
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something that somebody is to do so that an incident does not come again."""

    id: str
    incident_id: str
    text: str
    owner: str
    due_at: datetime
    made_by: str
    made_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None
    tracker: str | None = None
    link: str | None = None
    tries: int = 0
    problem: str | None = None
    #: of the incident
    title: str = ""


def add(connection: Connection, one: FollowUp) -> None:
    """Keep a new one."""
    names = (column.name for column in follow_ups.columns)
    connection.execute(insert(follow_ups).values(**{name: getattr(one, name) for name in names}))


def get(connection: Connection, follow_up_id: str) -> FollowUp | None:
    """Give one by its id."""
    row = connection.execute(_read(connection).where(follow_ups.c.id == follow_up_id)).first()
    return _follow_up(row) if row is not None else None


def listed(
    connection: Connection, incident_id: str | None = None, *, open_only: bool = False, limit: int = 500
) -> list[FollowUp]:
    """Give those of an incident or of all, what is due first at first."""
    query = _read(connection).order_by(follow_ups.c.done_at.is_not(None), follow_ups.c.due_at, follow_ups.c.id).limit(limit)
    if incident_id is not None:
        query = query.where(follow_ups.c.incident_id == incident_id)
    if open_only:
        query = query.where(follow_ups.c.done_at.is_(None))
    return [_follow_up(row) for row in connection.execute(query)]


def unexported(connection: Connection, most_tries: int, limit: int = 20) -> list[FollowUp]:
    """Give those that a tracker is to have and has not, as long as it is worth trying; of private incidents none leaves us."""
    waits = (follow_ups.c.tracker.is_not(None), follow_ups.c.link.is_(None), follow_ups.c.tries < most_tries)
    told = (*waits, incidents.c.private_at.is_(None))
    return [
        _follow_up(row) for row in connection.execute(_read(connection).where(*told).order_by(follow_ups.c.made_at).limit(limit))
    ]


def change(connection: Connection, follow_up_id: str, **values: Any) -> None:
    """Change some of its values."""
    connection.execute(update(follow_ups).where(follow_ups.c.id == follow_up_id).values(**values))


def _read(connection: Connection) -> Any:
    query = select(follow_ups, incidents.c.title).outerjoin(incidents, incidents.c.id == follow_ups.c.incident_id)
    return query.where(follow_ups.c.incident_id.not_in(unseen_ids(connection)))


def _follow_up(row: Row[Any]) -> FollowUp:
    return FollowUp(**{**row._asdict(), "title": row.title or ""})
