"""The rows of the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from watchkeeper.store.schema import Instant, metadata
from watchkeeper.tell.model import Notice

outbox = Table(
    "outbox",
    metadata,
    #: also the idempotency key: made of incident, kind, level and person, so that the same notice is written once
    Column("id", String(200), primary_key=True),
    Column("incident_id", String(40)),
    Column("person", String(100), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("sent_at", Instant),
    #: the address that took it, or that may have: while it is set and nothing is sent, another try may be a repeat
    Column("channel", String(50)),
    Column("problem", Text),
    Index("ix_outbox_state", "state", "next_at"),
    Index("ix_outbox_incident", "incident_id"),
)

_SENDABLE = or_(
    and_(outbox.c.state == "waiting", outbox.c.next_at <= bindparam("now")),
    and_(outbox.c.state == "sending", outbox.c.lease_until < bindparam("now")),
)
_ANY_SENDABLE = select(exists().where(_SENDABLE))


def write_notice(connection: Connection, notice: Notice, not_before: datetime | None = None) -> bool:
    """Write a notice unless its id is there already; tells whether it was new. It is sent at once, or not before an instant."""
    values = {name: getattr(notice, name) for name in Notice.__slots__} | {"next_at": not_before or notice.at}
    # the row that comes back says that it is new: PostgreSQL's driver counts no rows of such an insert
    if connection.dialect.name == "postgresql":
        new = postgres_insert(outbox).values(**values).on_conflict_do_nothing().returning(outbox.c.id)
    else:
        new = sqlite_insert(outbox).values(**values).on_conflict_do_nothing().returning(outbox.c.id)
    return connection.execute(new).first() is not None


def something_waits(connection: Connection, now: datetime) -> bool:
    """Tell, by looking only, whether there is something to claim."""
    return bool(connection.execute(_ANY_SENDABLE, {"now": now}).scalar())


def claim_notices(connection: Connection, now: datetime, lease: timedelta, limit: int = 20) -> list[Notice]:
    """Take what is to be sent, and what a sender took and did not live to report."""
    query = select(outbox.c.id).where(_SENDABLE).order_by(outbox.c.next_at, outbox.c.id).limit(limit)
    query = query.with_for_update(skip_locked=True)  # what a peer is just taking is left to it
    taken = []
    for row in connection.execute(query, {"now": now}).all():
        values = {"state": "sending", "lease_until": now + lease, "tries": outbox.c.tries + 1}
        if connection.execute(update(outbox).where(outbox.c.id == row.id, _SENDABLE).values(**values), {"now": now}).rowcount:
            taken.append(row.id)
    rows = connection.execute(select(outbox).where(outbox.c.id.in_(taken)).order_by(outbox.c.at, outbox.c.id)) if taken else ()
    return [_notice(row) for row in rows]


def update_notice(connection: Connection, notice_id: str, **values: Any) -> bool:
    """Change a notice that is being sent; False where somebody else has finished with it."""
    mine = and_(outbox.c.id == notice_id, outbox.c.state == "sending")
    return connection.execute(update(outbox).where(mine).values(**values)).rowcount == 1


def list_notices(connection: Connection, incident_id: str | None = None, limit: int = 100) -> list[Notice]:
    """Give an incident's notices, or all, newest first."""
    query = select(outbox).order_by(outbox.c.at.desc(), outbox.c.id).limit(limit)
    if incident_id is not None:
        query = query.where(outbox.c.incident_id == incident_id)
    return [_notice(row) for row in connection.execute(query)]


def void_claims(connection: Connection) -> int:
    """Give back what a predecessor of this only process took, at start-up; what it had begun to send may be a repeat."""
    mine = update(outbox).where(outbox.c.state == "sending").values(state="waiting", lease_until=None)
    return connection.execute(mine).rowcount


def _notice(row: Row[Any]) -> Notice:
    return Notice(**{name: getattr(row, name) for name in Notice.__slots__})
