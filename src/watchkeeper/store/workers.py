"""The rows of workers: who lives on this database, and what each has claimed for itself.

1. A worker writes its row, and raises the row's beat again and again.
2. A claim (a run, a signal, the loop's turn) belongs to a worker's row and is good as long as that row is open. Whoever writes
   under a claim holds the claim's row in the same transaction, so that the claim cannot be taken away in the middle of it.
3. A peer that saw a beat stand still for a whole lease closes the row and takes the claims away, in one transaction. From then
   on nothing can be written under them, whatever the closed worker still believes.
No instant is compared anywhere: clocks differ between machines and jump.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from watchkeeper.base.errors import Conflict
from watchkeeper.store import due
from watchkeeper.store.schema import Instant, Serial, metadata

workers = Table(
    "worker",
    metadata,
    #: counts up over all workers there ever were: the later one is the one that counts
    Column("fence", Serial, primary_key=True),
    Column("id", String(100), nullable=False, unique=True),
    Column("host", String(200), nullable=False),
    #: this boot of the machine and this state folder, and the space in which its process ids mean something
    Column("place", String(64), nullable=False),
    Column("processes", String(64), nullable=False),
    Column("state", Text, nullable=False),
    #: the name under which its engine holds work; empty where another needs no telling
    Column("executor", String(64), nullable=False),
    Column("beat", Integer, nullable=False),
    Column("entered_at", Instant, nullable=False),
    #: by its own clock, for people to read
    Column("seen_at", Instant, nullable=False),
    Column("closed_at", Instant),
    #: why it is closed
    Column("sentence", Text, nullable=False, server_default=""),
    Index("ix_worker_closed", "closed_at"),
)

claims = Table(
    "claim",
    metadata,
    #: "turn", "run:…", "signal:…"
    Column("name", String(200), primary_key=True),
    Column("worker", String(100), nullable=False),
    Index("ix_claim_worker", "worker"),
)

_ME: BindParameter[str] = bindparam("me")
_NAME: BindParameter[str] = bindparam("of_name")
_OPEN = select(workers.c.fence).where(workers.c.id == _ME, workers.c.closed_at.is_(None))
_HOLD_OPEN = _OPEN.with_for_update(read=True)
_HOLD_CLAIM = select(claims.c.name).where(claims.c.name == _NAME, claims.c.worker == _ME).with_for_update(read=True)
_BEAT = (
    update(workers)
    .where(workers.c.id == _ME, workers.c.closed_at.is_(None))
    .values(beat=workers.c.beat + 1, seen_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process on this database."""

    fence: int
    id: str
    host: str
    place: str
    processes: str
    state: str
    executor: str
    beat: int
    entered_at: datetime
    seen_at: datetime
    closed_at: datetime | None = None
    sentence: str = ""


def enter(connection: Connection, now: datetime, worker: Mapping[str, str]) -> None:
    """Write a worker's row."""
    connection.execute(insert(workers).values(**worker, beat=0, entered_at=now, seen_at=now, sentence=""))


def beat(connection: Connection, worker_id: str, now: datetime) -> bool:
    """Say that a worker lives; False where its row was closed."""
    return bool(connection.execute(_BEAT, {"me": worker_id, "now": now}).rowcount)


def open_workers(connection: Connection) -> list[Worker]:
    """Give the workers whose rows are open, oldest first."""
    found = connection.execute(select(workers).where(workers.c.closed_at.is_(None)).order_by(workers.c.fence))
    return [Worker(**row._asdict()) for row in found]


def find_worker(connection: Connection, worker_id: str) -> Worker | None:
    """Give a worker, open or closed; None where there never was one."""
    row = connection.execute(select(workers).where(workers.c.id == worker_id)).first()
    return None if row is None else Worker(**row._asdict())


def close(connection: Connection, worker_id: str, now: datetime, sentence: str, seen_beat: int | None = None) -> list[str] | None:
    """Close a worker's row and take its claims away; gives their names.

    None where it beat since `seen_beat`, or was closed before. What it had taken of what is owed is free again too.
    """
    open_row = [workers.c.id == worker_id, workers.c.closed_at.is_(None)]
    if seen_beat is not None:
        open_row.append(workers.c.beat == seen_beat)
    if not connection.execute(update(workers).where(*open_row).values(closed_at=now, sentence=sentence)).rowcount:
        return None
    due.void_claims(connection, worker_id)
    return list(connection.execute(delete(claims).where(claims.c.worker == worker_id).returning(claims.c.name)).scalars())


def left_behind(connection: Connection) -> list[str]:
    """Give the engines' names of closed workers that nobody took over from yet, and that no living worker goes by again."""
    living = select(workers.c.executor).where(workers.c.closed_at.is_(None))
    left = (workers.c.closed_at.is_not(None), workers.c.executor != "", workers.c.executor.not_in(living))
    return list(connection.execute(select(workers.c.executor).where(*left).distinct()).scalars())


def taken_over(connection: Connection, executor: str) -> None:
    """Note that what a closed worker's engine was driving is taken over."""
    mine = (workers.c.executor == executor, workers.c.closed_at.is_not(None))
    connection.execute(update(workers).where(*mine).values(executor=""))


def forget_workers(connection: Connection, before: datetime) -> None:
    """Drop the rows of workers that were closed before an instant."""
    connection.execute(delete(workers).where(workers.c.closed_at < before))


def take(connection: Connection, name: str, worker_id: str) -> bool:
    """Take a claim, or keep it; False where a peer has it. Conflict where the worker's own row is closed."""
    check_open(connection, worker_id)
    holder = holder_of(connection, name)
    if holder is None:
        connection.execute(insert(claims).values(name=name, worker=worker_id))
    return holder in (None, worker_id)


def give_back(connection: Connection, names: Collection[str], worker_id: str) -> None:
    """Let go of claims."""
    connection.execute(delete(claims).where(claims.c.name.in_(list(names)), claims.c.worker == worker_id))


def holder_of(connection: Connection, name: str) -> str | None:
    """Give the worker that has a claim; None where nobody has."""
    return connection.execute(select(claims.c.worker).where(claims.c.name == name)).scalar()


def claims_of(connection: Connection, prefix: str) -> dict[str, str]:
    """Give all claims whose names begin so, each with its worker."""
    found = connection.execute(select(claims).where(claims.c.name.startswith(prefix, autoescape=True)))
    return {row.name: row.worker for row in found}


def check_open(connection: Connection, worker_id: str) -> None:
    """Hold the worker's row open until the transaction ends; Conflict where it is closed."""
    if connection.execute(_HOLD_OPEN, {"me": worker_id}).first() is None:
        raise Conflict(f"This worker was taken for dead, and others have its work: {worker_id}.", code="WK328")


def check_claim(connection: Connection, name: str, worker_id: str) -> None:
    """Hold a claim until the transaction ends; Conflict where it is not this worker's any more."""
    if connection.execute(_HOLD_CLAIM, {"of_name": name, "me": worker_id}).first() is None:
        raise Conflict(f"Another worker has {name}.", code="WK328")
