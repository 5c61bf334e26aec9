"""Change events as rows, and which of them are suspects: what was changed before an incident began, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, String, Table, Text, delete, insert, select

from watchkeeper.base.words import likeness, words
from watchkeeper.incident.model import ChangeEvent
from watchkeeper.store.schema import Instant, metadata

#: how long before an incident a change is suspected
BEFORE = timedelta(hours=24)
#: how many suspects are named
MOST = 10

changes = Table(
    "change_event",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("component", String(200)),
    Column("link", String(1000), nullable=False),
    Index("ix_change_event_at", "at"),
)


def add_change(connection: Connection, event: ChangeEvent) -> bool:
    """Keep a change event, once by its id; tells whether it was new."""
    if connection.execute(select(changes.c.id).where(changes.c.id == event.id)).first() is not None:
        return False
    values = {name: getattr(event, name) for name in ("id", "at", "kind", "sentence", "actor", "component", "link")}
    connection.execute(insert(changes).values(**values))
    return True


def known_of(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Give those of some change events that are kept already, by their ids."""
    return set(connection.execute(select(changes.c.id).where(changes.c.id.in_(ids))).scalars()) if ids else set()


def list_changes(connection: Connection, since: datetime, until: datetime, limit: int = 100) -> list[ChangeEvent]:
    """Give the change events of a span, the newest first."""
    query = select(changes).where(changes.c.at >= since, changes.c.at <= until).order_by(changes.c.at.desc(), changes.c.id)
    return [ChangeEvent(*row) for row in connection.execute(query.limit(limit))]


def latest_of(connection: Connection, kind: str) -> ChangeEvent | None:
    """Give the newest change event of a kind."""
    row = connection.execute(select(changes).where(changes.c.kind == kind).order_by(changes.c.at.desc()).limit(1)).first()
    return ChangeEvent(*row) if row is not None else None


def forget_changes(connection: Connection, before: datetime) -> int:
    """Drop those from before an instant."""
    return connection.execute(delete(changes).where(changes.c.at < before)).rowcount


def suspects(known: Iterable[ChangeEvent], began_at: datetime, components: Iterable[str] = ()) -> list[ChangeEvent]:
    """Give the changes of the day before an incident began: those of its components first, then the nearest in time. Pure."""
    near = [event for event in known if began_at - BEFORE <= event.at <= began_at]
    named = [words(component) for component in components]

    def elsewhere(event: ChangeEvent) -> bool:
        return not (event.component and any(likeness(words(event.component), each) for each in named))

    return sorted(near, key=lambda event: (elsewhere(event), began_at - event.at, event.id))[:MOST]
