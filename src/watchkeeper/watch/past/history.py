"""The rows of history: sums of samples in buckets, how far they are made, and what of them goes.

Samples are taken in the order in which they were written, a piece at a time. The buckets that a piece touches are made anew from
all their samples, and how far it came is written in the same transaction: a kill in the middle leaves nothing half done, and
doing a piece twice changes nothing. A sample that was written late, after its database was away, touches its old bucket.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Row, String, Table, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from watchkeeper.store.locks import hold
from watchkeeper.store.schema import Instant, Json, Serial, metadata
from watchkeeper.watch.ledger import samples, to_sample
from watchkeeper.watch.past.rollup import LEVELS, Bucket, Sum, of_buckets, of_samples, start_of

buckets = Table(
    "sample_bucket",
    metadata,
    Column("level_s", Integer, primary_key=True),
    Column("signal", String(100), primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("looks", Integer, nullable=False),
    Column("blind", Integer, nullable=False),
    #: reading -> [count, least, most, total]
    Column("readings", Json, nullable=False),
    Index("ix_sample_bucket_level_at", "level_s", "at"),
)

#: how far the sums are made: one row
progress = Table(
    "sample_summed",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    #: the last sample that was taken, in the order of writing
    Column("sample_id", Serial, nullable=False),
    #: samples from before it may be gone: their buckets are not made anew
    Column("raw_from", Instant),
)

#: samples of one piece
AT_ONCE = 2_000
#: on PostgreSQL a sample may become visible after one that was written later: so many are looked at again
OVERLAP = 1_000
_PRUNED_AT_ONCE = 5_000
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
#: stretches that one query asks for: SQLite bounds the number of values
_STRETCHES = 100


def _replacing(dialect: Any, table: Table) -> Any:
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    replaced = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=replaced)


_SAVE = {"sqlite": _replacing(sqlite, buckets), "postgresql": _replacing(postgresql, buckets)}
_SAVE_PROGRESS = {"sqlite": _replacing(sqlite, progress), "postgresql": _replacing(postgresql, progress)}


def sum_up(connection: Connection, at_once: int = AT_ONCE) -> int:
    """Bring one more piece of samples into all levels; returns how many new ones it had."""
    hold(connection, "sums of samples")
    done, raw_from = _progress(connection)
    last = connection.execute(select(func.max(samples.c.id))).scalar()
    if last is not None and last < done:
        done = 0  # the numbers of samples have begun anew: what is there was not taken yet
    first = done - (OVERLAP if connection.dialect.name == "postgresql" else 0)
    newest = (
        connection.execute(select(samples.c.id).where(samples.c.id > done).order_by(samples.c.id).limit(at_once)).scalars().all()
    )
    if not newest:
        return 0
    wanted = select(samples.c.signal, samples.c.at).where(samples.c.id > first, samples.c.id <= newest[-1])
    touched: dict[str, set[datetime]] = defaultdict(set)
    for signal, at in connection.execute(wanted):
        if raw_from is None or at >= raw_from:
            touched[signal].add(start_of(at, LEVELS[0]))
    for signal, starts in touched.items():
        _make_anew(connection, signal, starts)
    _save_progress(connection, newest[-1], raw_from)
    return len(newest)


def _make_anew(connection: Connection, signal: str, starts: Iterable[datetime]) -> None:
    """Make the finest buckets from their samples, then each level from the one below it."""
    starts = sorted(starts)
    made = [of_samples(signal, start, found) for start, found in _raw(connection, signal, starts)]
    _save(connection, LEVELS[0], made)
    for finer_s, level_s in pairwise(LEVELS):
        starts = sorted({start_of(start, level_s) for start in starts})
        found = defaultdict(list)
        for start, end in _stretches(starts, level_s):
            for bucket in read_buckets(connection, signal, finer_s, start, end):
                found[start_of(bucket.at, level_s)].append(bucket)
        _save(connection, level_s, [of_buckets(signal, start, found[start]) for start in starts])


def _raw(connection: Connection, signal: str, starts: Sequence[datetime]) -> Iterator[tuple[datetime, list[Any]]]:
    found: dict[datetime, list[Any]] = {start: [] for start in starts}
    stretches = list(_stretches(starts, LEVELS[0]))
    for place in range(0, len(stretches), _STRETCHES):
        inside = [and_(samples.c.at >= start, samples.c.at < end) for start, end in stretches[place : place + _STRETCHES]]
        for row in connection.execute(select(samples).where(samples.c.signal == signal, or_(*inside)).order_by(samples.c.id)):
            found[start_of(row.at, LEVELS[0])].append(to_sample(row))
    yield from found.items()


def _stretches(starts: Sequence[datetime], level_s: int) -> Iterator[tuple[datetime, datetime]]:
    """Join buckets that follow each other, so that they are asked for at once."""
    length = timedelta(seconds=level_s)
    begin = last = None
    for start in starts:
        if begin is None or last is None:
            begin = start
        elif start != last + length:
            yield begin, last + length
            begin = start
        last = start
    if begin is not None and last is not None:
        yield begin, last + length


def read_buckets(connection: Connection, signal: str, level_s: int, since: datetime, until: datetime) -> list[Bucket]:
    """Give a signal's buckets of a level that begin in a stretch of time, oldest first."""
    mine = (buckets.c.level_s == level_s, buckets.c.signal == signal, buckets.c.at >= since, buckets.c.at < until)
    return [_bucket(row) for row in connection.execute(select(buckets).where(*mine).order_by(buckets.c.at))]


def forget(connection: Connection, level_s: int, before: datetime) -> int:
    """Drop buckets of a level from before an instant, the oldest first and a bounded number at once; returns how many went."""
    old = (buckets.c.level_s == level_s, buckets.c.at < before)
    oldest = select(buckets.c.at).where(*old).order_by(buckets.c.at).limit(1).offset(_PRUNED_AT_ONCE)
    until = connection.execute(oldest).scalar()
    if until is not None:
        # whole instants, so that a bucket of every signal goes or stays; at least the oldest
        first = connection.execute(select(func.min(buckets.c.at)).where(*old)).scalar_one()
        old = (buckets.c.level_s == level_s, buckets.c.at < until if first < until else buckets.c.at <= until)
    return connection.execute(delete(buckets).where(*old)).rowcount


def forget_raw(connection: Connection, before: datetime) -> int:
    """Drop samples from before an instant, a bounded number at once; returns how many went.

    None goes before all of them are in the sums.
    """
    hold(connection, "sums of samples")
    done, raw_from = _progress(connection)
    waiting = select(samples.c.id).where(samples.c.id > done, samples.c.at < before, samples.c.at >= (raw_from or _BEGINNING))
    if connection.execute(waiting.limit(1)).first() is not None:
        return 0
    if raw_from is None or raw_from < before:
        _save_progress(connection, done, before)
    # the last one stays: SQLite would give its number to the next sample, which then counted as taken
    last = select(func.max(samples.c.id)).scalar_subquery()
    old = select(samples.c.id).where(samples.c.at < before, samples.c.id <= done, samples.c.id != last).limit(_PRUNED_AT_ONCE)
    return connection.execute(delete(samples).where(samples.c.id.in_(old))).rowcount


def behind(connection: Connection) -> int:
    """Give how many samples wait to be summed up, at most."""
    newest = connection.execute(select(func.max(samples.c.id))).scalar() or 0
    return max(0, newest - _progress(connection)[0])


def _progress(connection: Connection) -> tuple[int, datetime | None]:
    row = connection.execute(select(progress).where(progress.c.only == 1)).first()
    return (0, None) if row is None else (row.sample_id, row.raw_from)


def _save_progress(connection: Connection, sample_id: int, raw_from: datetime | None) -> None:
    connection.execute(_SAVE_PROGRESS[connection.dialect.name], {"only": 1, "sample_id": sample_id, "raw_from": raw_from})


def _save(connection: Connection, level_s: int, made: Iterable[Bucket]) -> None:
    rows = [
        {
            "level_s": level_s,
            "signal": bucket.signal,
            "at": bucket.at,
            "looks": bucket.looks,
            "blind": bucket.blind,
            "readings": {name: [each.count, each.least, each.most, each.total] for name, each in bucket.readings.items()},
        }
        for bucket in made
    ]
    if rows:
        connection.execute(_SAVE[connection.dialect.name], rows)


def _bucket(row: Row[Any]) -> Bucket:
    readings = {name: Sum(int(each[0]), float(each[1]), float(each[2]), float(each[3])) for name, each in row.readings.items()}
    return Bucket(row.signal, row.at, row.looks, row.blind, readings)
