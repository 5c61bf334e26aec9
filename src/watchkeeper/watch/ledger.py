"""The rows of watching: samples, how each threshold stands, and the flips that the alert chapter claims."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Column, Connection, Float, Index, Integer, Row, String, Table, Text, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from watchkeeper.store.schema import Instant, Json, Serial, metadata
from watchkeeper.watch.model import Count, Flip, Sample, Standing, State

samples = Table(
    "sample",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("signal", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("readings", Json, nullable=False),
    Column("problem", Text),
    Column("detail", Text, nullable=False),
    Index("ix_sample_signal_at", "signal", "at"),
)

standings = Table(
    "standing",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("signal", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("since", Instant, nullable=False),
    Column("breached_since", Instant),
    Column("value", Float),
    Column("at", Instant, nullable=False),
    Column("sentence", Text, nullable=False),
)

flips = Table(
    "flip",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", String(200), nullable=False),
    Column("before", String(10), nullable=False),
    Column("after", String(10), nullable=False),
    Column("at", Instant, nullable=False),
    Column("value", Float),
    Column("sentence", Text, nullable=False),
    #: 1 once the alert chapter has taken it, in the same transaction as its alert rows
    Column("taken", Integer, nullable=False, server_default="0"),
    Index("ix_flip_taken", "taken", "id"),
)

#: what was seen of each objective that has a budget, a stretch of time a row
counts = Table(
    "budget_count",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("looks", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("bad", Float, nullable=False),
)

#: counts are kept for the longest period that an objective has
_COUNTS_KEPT = timedelta(days=400)


def _replacing(dialect: Any, table: Table) -> Any:
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    replaced = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=replaced)


_SAVE_STANDING = {"sqlite": _replacing(sqlite, standings), "postgresql": _replacing(postgresql, standings)}
_SAVE_COUNT = {"sqlite": _replacing(sqlite, counts), "postgresql": _replacing(postgresql, counts)}
_INSERT_SAMPLES = insert(samples)


def write_sample(connection: Connection, sample: Sample) -> None:
    """Add one sample."""
    write_samples(connection, [sample])


def write_samples(connection: Connection, new: Iterable[Sample]) -> None:
    """Add samples, in order."""
    rows = [
        {
            "signal": sample.signal,
            "at": sample.at,
            "took_s": sample.took_s,
            "readings": _to_json(sample.values),
            "problem": sample.problem and _printable(sample.problem),
            "detail": _printable(sample.detail),
        }
        for sample in new
    ]
    if rows:
        connection.execute(_INSERT_SAMPLES, rows)


def read_samples(connection: Connection, signal: str, since: datetime | None = None, limit: int = 1_000) -> list[Sample]:
    """Give a signal's samples since an instant, oldest first; of more than `limit` the newest."""
    wanted = [samples.c.signal == signal] if since is None else [samples.c.signal == signal, samples.c.at >= since]
    query = select(samples).where(*wanted).order_by(samples.c.at.desc(), samples.c.id.desc())
    return [to_sample(row) for row in reversed(connection.execute(query.limit(limit)).all())]


def latest_samples(connection: Connection) -> dict[str, Sample]:
    """Give the last sample of each signal. Steps through the index, however many samples are kept."""
    found: dict[str, Sample] = {}
    name = connection.execute(select(func.min(samples.c.signal))).scalar()
    while name is not None:
        last = select(samples).where(samples.c.signal == name).order_by(samples.c.at.desc(), samples.c.id.desc()).limit(1)
        row = connection.execute(last).first()
        if row is not None:
            found[name] = to_sample(row)
        name = connection.execute(select(func.min(samples.c.signal)).where(samples.c.signal > name)).scalar()
    return found


def read_standings(connection: Connection) -> dict[str, Standing]:
    """Give how each threshold stands, by key."""
    return {row.key: _standing(row) for row in connection.execute(select(standings))}


def save_standings(connection: Connection, new: Iterable[tuple[str, Standing]]) -> None:
    """Keep how thresholds stand, each with its signal; how one stood before is replaced."""
    rows = [
        {
            "key": standing.key,
            "signal": signal,
            "state": standing.state,
            "since": standing.since,
            "breached_since": standing.breached_since,
            "value": standing.value,
            "at": standing.at,
            "sentence": _printable(standing.sentence),
        }
        for signal, standing in new
    ]
    if not rows:
        return
    connection.execute(_SAVE_STANDING[connection.dialect.name], rows)


def save_counts(connection: Connection, new: Iterable[tuple[str, Count]]) -> None:
    """Keep what was counted of budgets, each by its key; a count of the same stretch is replaced."""
    rows = [{"key": key, "at": each.at, "looks": each.looks, "failed": each.failed, "bad": each.bad} for key, each in new]
    if rows:
        connection.execute(_SAVE_COUNT[connection.dialect.name], rows)


def read_counts(connection: Connection, key: str, since: datetime) -> list[Count]:
    """Give what was counted of a budget since an instant, oldest first."""
    query = select(counts).where(counts.c.key == key, counts.c.at >= since).order_by(counts.c.at)
    return [Count(row.at, row.looks, row.failed, row.bad) for row in connection.execute(query)]


def forget_standings(connection: Connection, kept: Collection[str]) -> int:
    """Drop the standings of thresholds that nothing decides any more; one that fires stays until a person settles it."""
    return connection.execute(delete(standings).where(standings.c.key.not_in(list(kept)), standings.c.state != "firing")).rowcount


def add_flip(connection: Connection, before: State, standing: Standing) -> None:
    """Write down that a threshold changed its state, for the alert chapter to claim; a flip that is there already stays one."""
    same = (flips.c.key == standing.key, flips.c.at == standing.at, flips.c.after == standing.state, flips.c.before == before)
    if connection.execute(select(flips.c.id).where(*same).limit(1)).first() is not None:
        return
    row = {
        "key": standing.key,
        "before": before,
        "after": standing.state,
        "at": standing.at,
        "value": standing.value,
        "sentence": _printable(standing.sentence),
    }
    connection.execute(insert(flips).values(**row))


def untaken_flips(connection: Connection) -> list[Flip]:
    """Give the flips that nobody took yet, oldest first."""
    rows = connection.execute(select(flips).where(flips.c.taken == 0).order_by(flips.c.id)).all()
    return [
        Flip(row.id, row.key, cast(State, row.before), cast(State, row.after), row.at, row.value, row.sentence) for row in rows
    ]


def starts_since(connection: Connection, since: datetime) -> dict[str, list[datetime]]:
    """Give when each threshold began to fire since an instant, oldest first."""
    query = select(flips.c.key, flips.c.at).where(flips.c.after == "firing", flips.c.at >= since).order_by(flips.c.at)
    found: dict[str, list[datetime]] = {}
    for row in connection.execute(query):
        found.setdefault(row.key, []).append(row.at)
    return found


def take_flip(connection: Connection, flip_id: int) -> bool:
    """Take a flip in the caller's transaction; False where somebody else was first."""
    return connection.execute(update(flips).where(flips.c.id == flip_id, flips.c.taken == 0).values(taken=1)).rowcount == 1


def healthy_since(connection: Connection, keys: Collection[str]) -> datetime | None:
    """Give the instant since which all of these thresholds are ok; None while one is not, or is not known."""
    rows = connection.execute(select(standings.c.state, standings.c.since).where(standings.c.key.in_(list(keys)))).all()
    if not rows or len(rows) < len(set(keys)) or any(row.state != "ok" for row in rows):
        return None
    return max(cast(datetime, row.since) for row in rows)


def prune(connection: Connection, before: datetime) -> None:
    """Drop taken flips from before an instant, and what was counted of budgets long before it."""
    connection.execute(delete(flips).where(flips.c.taken == 1, flips.c.at < before))
    connection.execute(delete(counts).where(counts.c.at < before - _COUNTS_KEPT))


def _to_json(values: Mapping[str, float]) -> dict[str, float | str]:
    """Keep what JSON has no number for as a text: PostgreSQL takes no NaN in it."""
    return {_printable(name): value if math.isfinite(value) else str(value) for name, value in values.items()}


def to_sample(row: Row[Any]) -> Sample:
    """Give a row as the sample that it keeps."""
    readings = {name: float(value) for name, value in row.readings.items()}
    return Sample(row.signal, row.at, row.took_s, readings, row.problem, row.detail)


def _standing(row: Row[Any]) -> Standing:
    return Standing(row.key, cast(State, row.state), row.since, row.breached_since, row.value, row.at, row.sentence)


def _printable(text: str) -> str:
    """Take out what PostgreSQL takes in no text: the character 0 and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "�").encode("utf-8", "replace").decode()
