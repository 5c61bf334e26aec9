"""The rows of what comes to us by itself: pings of jobs, numbers that programs push, and how senders of alerts deliver. The API
writes them, probes read them.

They stand in the database so that a ping is kept over a restart, and so that any worker may take it in for the one that looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import Column, Connection, Float, Index, Integer, String, Table, Text, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from watchkeeper.store.schema import Instant, Json, metadata

PingKind: TypeAlias = Literal["start", "success", "fail", "log"]

heartbeats = Table(
    "heartbeat",
    metadata,
    Column("signal", String(100), primary_key=True),
    #: since when it is waited for
    Column("created_at", Instant, nullable=False),
    #: when we last looked, and the last time in which we did not
    Column("looked_at", Instant),
    Column("gap_from", Instant),
    Column("gap_to", Instant),
    Column("pinged_at", Instant),
    Column("succeeded_at", Instant),
    Column("failed_at", Instant),
    Column("exit", Integer),
    Column("ran_s", Float),
    #: id of a run that began -> when, in seconds since 1970
    Column("running", Json, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
)

pushed = Table(
    "pushed",
    metadata,
    Column("signal", String(100), primary_key=True),
    Column("reading", String(300), primary_key=True),
    Column("value", Float, nullable=False),
    #: 1: it only grows, 2: by what each push adds
    Column("counts", Integer, nullable=False, server_default="0"),
    #: of when the value is
    Column("at", Instant, nullable=False),
)

pushes = Table(
    "push",
    metadata,
    Column("signal", String(100), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("at", Instant, nullable=False),
    Index("ix_push_at", "at"),
)

#: runs of one job that are remembered as begun
MOST_RUNNING = 20
#: names that one signal keeps
MOST_READINGS = 1_000
#: so long a push with the same key is known to be the same
KEYS_KEPT = timedelta(days=2)
#: no signal can be called so
_HOOK = "hook "
_WHEN = {"deliveries": "delivered_at", "wrong_token": "strange_at", "unreadable": "unreadable_at"}
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What is known of one job."""

    created_at: datetime
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    exit: int | None = None
    ran_s: float | None = None
    #: when the runs began that have not ended, oldest first
    running: tuple[datetime, ...] = ()
    #: the last time in which nobody listened
    gap: tuple[datetime, datetime] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One number as it was last pushed."""

    value: float
    #: it only grows
    counts: bool
    at: datetime
    #: each push adds to it, so that no push adds nothing
    summed: bool = False


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What is known of the deliveries of one sender of alerts."""

    deliveries: int = 0
    #: without the right token or signature, and those that were let in and could not be read
    wrong_token: int = 0
    unreadable: int = 0
    delivered_at: datetime | None = None
    strange_at: datetime | None = None
    unreadable_at: datetime | None = None

    @property
    def refused(self) -> int:
        """Give how many were refused."""
        return self.wrong_token + self.unreadable


def look_at(connection: Connection, now: datetime, signal: str, unheard: timedelta) -> Heartbeat:
    """Give what is known of a job, and write down that we look; longer than `unheard` without a look is a gap."""
    _make_row(connection, now, signal)
    row = connection.execute(select(heartbeats).where(heartbeats.c.signal == signal).with_for_update()).one()
    gap = (row.gap_from, row.gap_to) if row.gap_from is not None else None
    if row.looked_at is not None and now - row.looked_at > unheard:
        # two that follow each other at once are one: somebody looked only for a moment in between
        begins = gap[0] if gap is not None and row.looked_at - gap[1] <= unheard else row.looked_at
        gap = (begins, now)
    found = {"looked_at": now, "gap_from": gap[0] if gap else None, "gap_to": gap[1] if gap else None}
    connection.execute(update(heartbeats).where(heartbeats.c.signal == signal).values(**found))
    running = sorted(_instant(at) for at in row.running.values())
    return Heartbeat(
        row.created_at, row.succeeded_at, row.failed_at, row.exit, row.ran_s, tuple(running), gap, row.note
    )  # fmt: skip


def take_ping(
    connection: Connection,
    now: datetime,
    signal: str,
    kind: PingKind,
    *,
    exit_status: int | None = None,
    run: str = "",
    note: str = "",
) -> None:
    """Write down a ping."""
    _make_row(connection, now, signal)
    row = connection.execute(select(heartbeats).where(heartbeats.c.signal == signal).with_for_update()).one()
    running: dict[str, float] = dict(row.running)
    values: dict[str, Any] = {"pinged_at": now}
    if note:
        values["note"] = note
    if kind == "start":
        running[run] = now.timestamp()
        running = dict(sorted(running.items(), key=lambda each: each[1])[-MOST_RUNNING:])
    elif kind != "log":
        began = running.pop(run, None)
        values |= {"succeeded_at" if kind == "success" else "failed_at": now, "exit": exit_status, "note": note}
        values["ran_s"] = max(0.0, now.timestamp() - began) if began is not None else None
    connection.execute(update(heartbeats).where(heartbeats.c.signal == signal).values(**values, running=running))


def take_push(
    connection: Connection, now: datetime, signal: str, numbers: Mapping[str, Pushed], added: Mapping[str, float], key: str = ""
) -> bool:
    """Write down what was pushed; False where this key was there before, and nothing is written.

    `added` is added to what is there. A value that is older than the one there is left out. Raises ValueError where the signal
    would have too many names.
    """
    if key:
        connection.execute(delete(pushes).where(pushes.c.at < now - KEYS_KEPT))
        new = _INSERT[connection.dialect.name](pushes).values(signal=signal, key=key, at=now).on_conflict_do_nothing()
        if connection.execute(new.returning(pushes.c.key)).first() is None:
            return False
    for name, number in numbers.items():
        statement = _INSERT[connection.dialect.name](pushed).values(
            signal=signal, reading=name, value=number.value, counts=int(number.counts), at=number.at
        )
        new_row = statement.excluded
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["signal", "reading"],
                set_={"value": new_row.value, "counts": new_row.counts, "at": new_row.at},
                where=pushed.c.at <= new_row.at,
            )
        )
    for name, value in added.items():
        statement = _INSERT[connection.dialect.name](pushed).values(signal=signal, reading=name, value=value, counts=2, at=now)
        more = {"value": pushed.c.value + statement.excluded.value, "counts": 2, "at": now}
        connection.execute(statement.on_conflict_do_update(index_elements=["signal", "reading"], set_=more))
    count = connection.execute(select(func.count()).select_from(pushed).where(pushed.c.signal == signal)).scalar_one()
    if count > MOST_READINGS:
        raise ValueError(f"{signal} would have more than {MOST_READINGS:,} readings")
    return True


def read_pushed(connection: Connection, signal: str) -> dict[str, Pushed]:
    """Give what was pushed to a signal last, by name."""
    rows = connection.execute(select(pushed).where(pushed.c.signal == signal).order_by(pushed.c.reading))
    return {row.reading: Pushed(row.value, bool(row.counts), row.at, row.counts == 2) for row in rows}


def note_deliveries(connection: Connection, now: datetime, hook: str, counted: Mapping[str, int]) -> None:
    """Count deliveries of a sender: "deliveries", "wrong_token" and "unreadable"."""
    take_push(connection, now, f"{_HOOK}{hook}", {}, {name: float(number) for name, number in counted.items()})


def read_deliveries(connection: Connection) -> dict[str, Deliveries]:
    """Give what is known of each sender that ever came, by its name in [hooks]."""
    found: dict[str, dict[str, Any]] = {}
    for row in connection.execute(select(pushed).where(pushed.c.signal.startswith(_HOOK, autoescape=True))):
        if row.reading in _WHEN:
            found.setdefault(row.signal.removeprefix(_HOOK), {}).update({row.reading: int(row.value), _WHEN[row.reading]: row.at})
    return {hook: Deliveries(**values) for hook, values in found.items()}


def forget_arrivals(connection: Connection, kept: Iterable[str], before: datetime) -> None:
    """Drop what was pushed before an instant, and the jobs that no signal waits for any more."""
    connection.execute(delete(pushed).where(pushed.c.at < before))
    gone = (heartbeats.c.signal.not_in(list(kept)), func.coalesce(heartbeats.c.pinged_at, heartbeats.c.created_at) < before)
    connection.execute(delete(heartbeats).where(*gone))


def _make_row(connection: Connection, now: datetime, signal: str) -> None:
    if connection.execute(select(heartbeats.c.signal).where(heartbeats.c.signal == signal)).first() is None:
        statement = _INSERT[connection.dialect.name](heartbeats).values(signal=signal, created_at=now, running={}, note="")
        connection.execute(statement.on_conflict_do_nothing())


def _instant(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
