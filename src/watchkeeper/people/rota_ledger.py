"""The rows of rotas: overrides and swaps, notes for who is on call next, and the addresses of calendars (only hashes of them)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, String, Table, Text, delete, insert, select, update

from watchkeeper.estate.model import Estate
from watchkeeper.people.model import Change, Handover, OnCall
from watchkeeper.people.rota import gap_finding, on_call
from watchkeeper.store.schema import Instant, metadata

changes = Table(
    "rota_change",
    metadata,
    Column("id", String(60), primary_key=True),
    #: of a swap's two halves the same
    Column("made_with", String(40), nullable=False),
    Column("rota", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("person", String(100), nullable=False),
    Column("instead_of", String(100)),
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("author", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    #: when it was taken back; a taken back change counts for nothing, and stays
    Column("ended_at", Instant),
    Index("ix_rota_change", "rota", "ends_at"),
)

handovers = Table(
    "handover",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("rota", String(100), nullable=False),
    Column("author", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_handover_rota", "rota", "at"),
)

calendars = Table(
    "calendar",
    metadata,
    #: of the token in its address
    Column("hash", String(64), primary_key=True),
    #: "person" or "rota"
    Column("kind", String(20), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("author", String(200), nullable=False),
    Column("made_at", Instant, nullable=False),
)

_FIELDS = tuple(Change.__dataclass_fields__)


def add_change(connection: Connection, change: Change, made_with: str) -> None:
    """Keep a change, or one half of a swap."""
    row = {name: getattr(change, name) for name in _FIELDS}
    connection.execute(insert(changes).values(**row, made_with=made_with))


def end_changes(connection: Connection, change_id: str, now: datetime) -> list[Change]:
    """Take back a change that is not over, with the other half of a swap; gives what was taken back, nothing where there is none.

    What it has done until now stays done: only what is left of it counts no more.
    """
    mine = (changes.c.id == change_id) | (changes.c.made_with == change_id)
    with_it = select(changes.c.made_with).where(mine)
    open_ones = changes.c.made_with.in_(with_it) & changes.c.ended_at.is_(None) & (changes.c.ends_at > now)
    found = [_change(row) for row in connection.execute(select(*(changes.c[name] for name in _FIELDS)).where(open_ones))]
    for change in found:
        values = {"ended_at": now, "ends_at": now} if change.begins_at < now else {"ended_at": now}
        connection.execute(update(changes).where(changes.c.id == change.id).values(**values))
    return found


def read_changes(connection: Connection, after: datetime, before: datetime | None = None) -> list[Change]:
    """Give the changes that hold at some time after an instant, in the order in which they were made."""
    query = select(*(changes.c[name] for name in _FIELDS)).where(changes.c.ends_at > after)
    query = query.where(changes.c.ended_at.is_(None) | (changes.c.ends_at <= changes.c.ended_at))
    if before is not None:
        query = query.where(changes.c.begins_at < before)
    return [_change(row) for row in connection.execute(query.order_by(changes.c.made_at, changes.c.id))]


def who_is_on_call(connection: Connection, estate: Estate, now: datetime) -> dict[str, OnCall]:
    """Give who is on call at an instant, by rota."""
    if not estate.rotas:
        return {}
    found = read_changes(connection, now, now + timedelta(microseconds=1))
    return {name: on_call(rota, found, now) for name, rota in estate.rotas.items()}


def find_gaps(connection: Connection, estate: Estate, now: datetime) -> dict[str, str | None]:
    """Say of each rota where it leaves nobody on call within the next weeks; None where it leaves no gap."""
    found = read_changes(connection, now)
    return {name: gap_finding(rota, found, now) for name, rota in estate.rotas.items()}


def add_handover(connection: Connection, note: Handover) -> None:
    """Keep a note for who is on call next."""
    row = {name: getattr(note, name) for name in Handover.__dataclass_fields__}
    connection.execute(insert(handovers).values(**row))


def read_handovers(connection: Connection, rota: str, limit: int = 5, since: datetime | None = None) -> list[Handover]:
    """Give the newest notes of a rota, newest first."""
    query = select(handovers).where(handovers.c.rota == rota).order_by(handovers.c.at.desc(), handovers.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(handovers.c.at >= since)
    return [Handover(row.id, row.rota, row.author, row.text, row.at) for row in connection.execute(query)]


def keep_calendar(connection: Connection, digest: str, kind: str, subject: str, author: str, now: datetime) -> None:
    """Keep the hash of a calendar's address; the address before it opens nothing any more."""
    connection.execute(delete(calendars).where(calendars.c.kind == kind, calendars.c.subject == subject))
    row = {"hash": digest, "kind": kind, "subject": subject, "author": author, "made_at": now}
    connection.execute(insert(calendars).values(**row))


def drop_calendar(connection: Connection, kind: str, subject: str) -> bool:
    """Forget a calendar's address; False where there was none."""
    mine = (calendars.c.kind == kind) & (calendars.c.subject == subject)
    return bool(connection.execute(delete(calendars).where(mine)).rowcount)


def calendar_of(connection: Connection, digest: str) -> tuple[str, str] | None:
    """Give (kind, subject) of a calendar by the hash of its token; None where it opens nothing."""
    row = connection.execute(select(calendars.c.kind, calendars.c.subject).where(calendars.c.hash == digest)).first()
    return None if row is None else (row.kind, row.subject)


def _change(row: object) -> Change:
    return Change(**{name: getattr(row, name) for name in _FIELDS})
