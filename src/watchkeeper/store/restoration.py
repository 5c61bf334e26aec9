"""Databases that were put back from a backup: what was written after it is forgotten, and what was done then is not undone.

Each restoration begins an epoch. It is told by a person, or noticed by the anchors that were kept outside the database: they know
of ledger entries that the database has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, String, Table, Text, func, insert, select

from watchkeeper.store.ledger import entries, read_head
from watchkeeper.store.schema import Instant, Serial, metadata

restorations = Table(
    "restoration",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("why", Text, nullable=False),
    #: the ledger entries that were written once and are gone; 0 where nobody knows of any
    Column("lost_from", Serial, nullable=False),
    Column("lost_to", Serial, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Gap:
    """The ledger entries that were anchored outside and that the database lacks: from and to, inclusive; 0 and 0 for none."""

    first: int = 0
    last: int = 0

    def __bool__(self) -> bool:
        return self.last > 0


def find_gap(connection: Connection, anchors: Sequence[tuple[int, str]], *, anew: bool = False) -> Gap:
    """Hold the anchors against the ledger; gives what it lacks. With `anew` only what no epoch was begun for yet."""
    head, known = read_head(connection), 0
    if anew:
        known = connection.execute(select(func.coalesce(func.max(restorations.c.lost_to), 0))).scalar_one()
    beyond = [seq for seq, _ in anchors if seq > max(head.seq, known)]
    other = [seq for seq, digest in anchors if known < seq <= head.seq and _hash_of(connection, seq) not in (None, digest)]
    if not beyond and not other:
        return Gap()
    return Gap(min([head.seq + 1, *other]), max([*beyond, *other]))


def begin_epoch(connection: Connection, now: datetime, actor: str, why: str, gap: Gap) -> int:
    """Write down that the database was restored; gives the epoch that begins."""
    epoch = current_epoch(connection) + 1
    row = {"epoch": epoch, "at": now, "actor": actor, "why": why, "lost_from": gap.first, "lost_to": gap.last}
    connection.execute(insert(restorations).values(**row))
    return epoch


def current_epoch(connection: Connection) -> int:
    """Give the epoch; 0 for a database that was never restored."""
    return int(connection.execute(select(func.coalesce(func.max(restorations.c.epoch), 0))).scalar_one())


def _hash_of(connection: Connection, seq: int) -> str | None:
    return connection.execute(select(entries.c.hash).where(entries.c.seq == seq)).scalar()
