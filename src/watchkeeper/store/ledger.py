"""The ledger of acts and decisions: append-only, each entry chained to the one before by its hash.

An entry goes into the transaction of the act itself. The head (sequence number and hash) is anchored outside from time to
time, so that `verify` finds an edit, and a cut before the last anchor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, Table, Text, bindparam, insert, select, update

from watchkeeper.store.locks import hold
from watchkeeper.store.schema import Instant, Json, Serial, metadata

entries = Table(
    "ledger",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("act", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Serial, nullable=False),
    Column("hash", String(64), nullable=False),
)

#: where the ledger was cut after its beginning had been exported; the chain goes on from the last of these
cuts = Table(
    "ledger_cut",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
)

FIRST = "0" * 64
#: what entries are called that verifying looks at: the beginning was exported, the database was restored
CUT, RESTORED = "ledger cut", "database restored"
#: key of an entry's body: by which credential and from where the act was asked for; our own loop says nothing
ORIGIN = "origin"
_BESIDE = f"watchkeeper.{ORIGIN}"

_READ_HEAD = select(head).where(head.c.id == 1)
_HOLD_HEAD = _READ_HEAD.with_for_update()
_MOVE_HEAD = update(head).where(head.c.id == 1).values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
_INSERT = insert(entries)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry: its number and hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One act or decision as it was written down."""

    seq: int
    at: datetime
    actor: str
    act: str
    subject: str
    why: str
    body: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold, and the sentence why."""

    seq: int
    sentence: str


@contextmanager
def on_behalf(connection: Connection, origin: Mapping[str, str]) -> Iterator[None]:
    """Have each entry that is written in here say whose act it is: by which credential, from where, who answers for it.

    It stands beside the transaction as PostgreSQL's SET LOCAL does, so that no function between the caller and the entry need
    hand it on, and none can forget it.
    """
    before = connection.info.get(_BESIDE)
    connection.info[_BESIDE] = dict(origin)
    try:
        yield
    finally:
        connection.info[_BESIDE] = before


def append(
    connection: Connection,
    now: datetime,
    actor: str,
    act: str,
    subject: str,
    *,
    why: str = "",
    body: Mapping[str, Any] | None = None,
) -> Head:
    """Chain one act or decision to the ledger, in the caller's transaction."""
    row = connection.execute(_HOLD_HEAD).first()
    if row is None:
        hold(connection, "first entry")
        row = connection.execute(_HOLD_HEAD).first()
    if row is None:
        connection.execute(insert(head).values(id=1, seq=0, hash=FIRST))
        seq, previous = 1, FIRST
    else:
        seq, previous = row.seq + 1, row.hash
    said = dict(body or {})
    if origin := connection.info.get(_BESIDE):
        said[ORIGIN] = origin
    content = {"seq": seq, "at": now, "actor": actor, "act": act, "subject": subject, "why": why, "body": said}
    digest = entry_hash(previous, content)
    connection.execute(_INSERT, {**content, "previous": previous, "hash": digest})
    connection.execute(_MOVE_HEAD, {"new_seq": seq, "new_hash": digest})
    return Head(seq, digest)


def entry_hash(previous: str, content: Mapping[str, Any]) -> str:
    """Give the sha256 of an entry's content after the hash of the one before."""
    plain = json.dumps({**content, "at": content["at"].isoformat()}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{plain}".encode()).hexdigest()


def read_entries(
    connection: Connection, limit: int, *, before: int | None = None, actor: str = "", subject: str = ""
) -> list[LedgerEntry]:
    """Give the newest entries, or those before a number, of one actor or about one thing; oldest first."""
    query = select(entries).order_by(entries.c.seq.desc()).limit(limit)
    for column, wanted in ((entries.c.actor, actor), (entries.c.subject, subject)):
        query = query.where(column == wanted) if wanted else query
    found = connection.execute(query if before is None else query.where(entries.c.seq < before)).all()
    return [LedgerEntry(*(getattr(row, name) for name in LedgerEntry.__slots__)) for row in reversed(found)]


def read_head(connection: Connection) -> Head:
    """Give the head of the chain; sequence 0 where nothing was written yet."""
    row = connection.execute(_READ_HEAD).first()
    return Head(row.seq, row.hash) if row else Head(0, FIRST)


def last_cut(connection: Connection) -> Head:
    """Give the last entry that was exported and cut; sequence 0 where none was."""
    row = connection.execute(select(cuts.c.seq, cuts.c.hash).order_by(cuts.c.seq.desc()).limit(1)).first()
    return Head(row.seq, row.hash) if row else Head(0, FIRST)


def verify(connection: Connection, anchors: Mapping[int, str] | Iterable[tuple[int, str]]) -> tuple[Head, list[Broken]]:
    """Walk the whole chain and hold it against the anchors (sequence number and hash) that were kept outside.

    A ledger whose beginning was exported begins where it was cut, and must say so itself. What an owner declared to be lost with
    a restored database is not held against the ledger; `losses` gives it.
    """
    broken: list[Broken] = []
    cut = last_cut(connection)
    previous, expected, attested = cut.hash, cut.seq + 1, cut.seq == 0
    pairs = anchors.items() if isinstance(anchors, Mapping) else anchors
    missing = _by_number((seq, digest) for seq, digest in pairs if seq >= max(1, cut.seq))
    if missing.pop(cut.seq, {cut.hash}) != {cut.hash}:
        broken.append(
            Broken(cut.seq, f"Entry {cut.seq}, after which the ledger was cut, is not the one that was anchored outside.")
        )
    lost: list[tuple[int, int]] = []
    for row in connection.execute(select(entries).order_by(entries.c.seq)):
        if row.seq != expected:
            broken.append(Broken(expected, f"Entry {expected} is missing; the next one is {row.seq}."))
        content = {key: getattr(row, key) for key in ("seq", "at", "actor", "act", "subject", "why", "body")}
        if row.previous != previous:
            broken.append(Broken(row.seq, f"Entry {row.seq} does not follow the one before it."))
        elif entry_hash(row.previous, content) != row.hash:
            broken.append(Broken(row.seq, f"Entry {row.seq} was altered after it was written."))
        if row.hash in missing.get(row.seq, ()):
            missing[row.seq].discard(row.hash)
        attested |= row.act == CUT and (row.body.get("seq"), row.body.get("hash")) == (cut.seq, cut.hash)
        if row.act == RESTORED and row.body.get("declared"):
            lost.append((row.body["lost_from"], row.body["lost_to"]))
        previous, expected = row.hash, row.seq + 1
    if not attested:
        broken.append(Broken(cut.seq, f"The ledger begins after entry {cut.seq}, and no entry of it says why."))
    last = Head(expected - 1, previous)
    for seq in sorted(seq for seq, digests in missing.items() if digests):
        if any(first <= seq <= end for first, end in lost):
            continue
        gone = f"Entry {seq} was anchored outside and is gone: the end of the ledger was cut."
        broken.append(Broken(seq, gone if seq > last.seq else f"Entry {seq} is not the one that was anchored outside."))
    kept = read_head(connection)
    if kept != last and not broken:
        broken.append(Broken(kept.seq, f"The head says entry {kept.seq}, the last one there is {last.seq}."))
    return last, broken


def losses(connection: Connection) -> list[str]:
    """Say which entries an owner declared to be lost with a restored database, by whom and why."""
    said = []
    for row in connection.execute(select(entries).where(entries.c.act == RESTORED).order_by(entries.c.seq)):
        if row.body.get("declared") and row.body["lost_to"]:
            which = (
                f"Entries {row.body['lost_from']} to {row.body['lost_to']} as they were before {row.at:%Y-%m-%d %H:%M} are lost"
            )
            said.append(f"{which}: {row.actor} restored the database ({row.why.rstrip('.')}).")
    return said


def _by_number(anchors: Iterable[tuple[int, str]]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for seq, digest in anchors:
        found.setdefault(seq, set()).add(digest)
    return found
