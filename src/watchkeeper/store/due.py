"""Due rows: what must happen at an instant, whoever lives then. Ladders, clocks, notices and holding times are due rows.

A due row is claimed under a lease by any worker and marked done only after its effect, so that a dead worker's row is taken
again; effects are therefore idempotent. A row with the same key replaces the one before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Index, String, Table, and_, delete, func, insert, or_, select, update

from watchkeeper.store.schema import Instant, Json, metadata

dues = Table(
    "due",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("kind", String(50), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Json, nullable=False),
    Column("claimed_by", String(100)),
    Column("lease_until", Instant),
    Column("done_at", Instant),
    Index("ix_due_open", "done_at", "at"),
    Index("ix_due_subject", "subject"),
)

LEASE = timedelta(seconds=60)
_NEXT_AT = select(func.min(dues.c.at)).where(dues.c.done_at.is_(None))


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is owed at an instant."""

    key: str
    kind: str
    subject: str
    at: datetime
    body: Mapping[str, Any]


def schedule(connection: Connection, due: Due) -> None:
    """Write down that something is owed; one with the same key that is still open is moved, a done one stays done."""
    exists = connection.execute(select(dues.c.done_at).where(dues.c.key == due.key)).first()
    if exists is None:
        connection.execute(insert(dues).values(key=due.key, kind=due.kind, subject=due.subject, at=due.at, body=dict(due.body)))
    elif exists.done_at is None:
        connection.execute(
            update(dues).where(dues.c.key == due.key).values(at=due.at, body=dict(due.body), claimed_by=None, lease_until=None)
        )


def claim(connection: Connection, now: datetime, owner: str, limit: int = 50) -> list[Due]:
    """Take what is due and unclaimed, or whose claimer's lease ran out."""
    free = and_(dues.c.done_at.is_(None), dues.c.at <= now, or_(dues.c.claimed_by.is_(None), dues.c.lease_until < now))
    # what a peer is just taking is left to it
    rows = connection.execute(select(dues).where(free).order_by(dues.c.at).limit(limit).with_for_update(skip_locked=True)).all()
    taken = []
    for row in rows:
        won = connection.execute(
            update(dues).where(dues.c.key == row.key, free).values(claimed_by=owner, lease_until=now + LEASE)
        ).rowcount
        if won:
            taken.append(Due(row.key, row.kind, row.subject, row.at, row.body))
    return taken


def void_claims(connection: Connection, owner: str | None = None) -> int:
    """Free what a dead worker claimed; without one every claimed row, where it is known that no other worker lives."""
    held = and_(dues.c.done_at.is_(None), dues.c.claimed_by.is_not(None) if owner is None else dues.c.claimed_by == owner)
    return connection.execute(update(dues).where(held).values(claimed_by=None, lease_until=None)).rowcount


def is_open(connection: Connection, key: str) -> bool:
    """Tell whether a row is still there and owed; one that was claimed may have been dropped since."""
    return connection.execute(select(dues.c.key).where(dues.c.key == key, dues.c.done_at.is_(None))).first() is not None


def settle(connection: Connection, key: str, now: datetime) -> None:
    """Mark as done, after the effect."""
    connection.execute(update(dues).where(dues.c.key == key).values(done_at=now))


def put_off(connection: Connection, key: str, until: datetime) -> None:
    """Give a claimed row back, to be taken again at an instant."""
    connection.execute(update(dues).where(dues.c.key == key).values(at=until, claimed_by=None, lease_until=None))


def forget(connection: Connection, kind: str, before: datetime) -> int:
    """Drop the rows of a kind whose keys never come again, once they were done before an instant; returns how many."""
    return connection.execute(delete(dues).where(dues.c.kind == kind, dues.c.done_at < before)).rowcount


def cancel(connection: Connection, subject: str, kind: str | None = None) -> int:
    """Drop what is still owed about a subject; returns how many."""
    where = and_(dues.c.subject == subject, dues.c.done_at.is_(None))
    return connection.execute(delete(dues).where(and_(where, dues.c.kind == kind) if kind else where)).rowcount


def next_at(connection: Connection) -> datetime | None:
    """Give the instant of the next open row; None where nothing is owed."""
    return connection.execute(_NEXT_AT).scalar()
