"""Looks at a PostgreSQL server on a new connection, in a read-only transaction with a time limit on each statement.

A server that answers "no connection free" is up and full; one that is away, starting or shutting down is not up; one that does
not let us in was not looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.postgres.lag import LagClock
from watchkeeper.watch.probe import Look

_ACTIVITY = """
select count(*) as connections,
       count(*) filter (where state = 'active') as active,
       count(*) filter (where state like 'idle%') as idle,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) as most,
       coalesce(extract(epoch from max(clock_timestamp() - xact_start) filter (where state <> 'idle')), 0)::float as longest,
       pg_is_in_recovery() as is_replica
from pg_stat_activity
where pid <> pg_backend_pid() and datid is not null and coalesce(backend_type, 'client backend') = 'client backend'
"""
_REPLICAS = """
select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as position, count(*) as replicas,
       min(pg_wal_lsn_diff(replay_lsn, '0/0'))::bigint as replayed,
       max(extract(epoch from replay_lag))::float as lag
from pg_stat_replication
"""
_REPLICA = """
select case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then 0
            else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end::float as lag
"""
_FULL = ("too many clients", "remaining connection slots", "too many connections", "53300")
_NOT_LET_IN = (
    "authentication failed", "no pg_hba.conf entry", "does not exist", "no password supplied", "is not permitted to log in",
    "server does not support ssl", "certificate verify failed", "permission denied for database",
)  # fmt: skip


class PostgresProbe:
    """One server."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it takes connections (or has none free), else 0",
        "seconds": "time until everything was read, in seconds",
        "connections": "connections of clients, without our own",
        "connections_percent": "the same as a share of those that ordinary users can have, in percent",
        "connections_active": "connections that run a statement",
        "connections_idle": "connections that run none, also in a transaction",
        "long_transaction_seconds": "age of the oldest transaction, in seconds",
        "replicas": "replicas that are connected (on a primary)",
        "replication_lag_seconds": "how far the slowest replica (asked of a primary) or this one is behind, in seconds",
        "replication_lag_bytes": "how many bytes the slowest replica has still to replay (on a primary)",
        "database_bytes": "size of the database, in bytes (read only where it is used)",
        "*": "each of [signals.<name>.queries]: the number that the query gives",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "database_connections": ("connections_percent", "connections"),
        "replication_lag": ("replication_lag_seconds", "replication_lag_bytes"),
    }
    options: ClassVar[Mapping[str, str]] = {
        "dsn": "connection string or URL of libpq",
        "queries": "table of reading = SQL that gives one number; runs read-only",
    }
    as_written: ClassVar[tuple[str, ...]] = ("queries",)

    called: ClassVar[tuple[str, ...]] = ("postgresql", "postgres", "psql", "database", "db", "rds")

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        queries = options.table("queries")
        self._queries = {name: queries.text(name) for name in queries.values}
        known = [name for name in self.readings if name != "*"]
        for name in self._queries:
            if name in known:
                raise queries.error(name, f"{name!r} is a reading of every postgres signal.", "Give the query another name.")
        check_readings(signal, estate, [*known, *self._queries])
        self._needs_size = "database_bytes" in signal.metrics.values()
        self._timeout_s = signal.timeout_s
        self._lag = LagClock()
        try:
            self._dsn = make_conninfo(options.text("dsn"), connect_timeout=max(2, math.ceil(signal.timeout_s)))
            self._address = _address(self._dsn)
        except psycopg.ProgrammingError as problem:
            raise ConfigError(
                f"{options.name('dsn')} is not a connection string: {str(problem).strip()}.",
                hint='Write "host=… port=… dbname=… user=…" or a postgresql:// URL.',
                code="WK132",
                where=options.where("dsn"),
            ) from None

    async def look(self) -> Look:
        """Look once."""
        started = time.monotonic()
        notes: list[str] = []
        values: dict[str, float] = {}
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._read(values, notes)
        except TimeoutError:
            if values:
                notes.append(f"not everything was read within {self._timeout_s:g} s")
                return Look({**values, "up": 1.0, "seconds": self._timeout_s}, detail="; ".join(notes))
            return Look(
                {"up": 0.0, "seconds": self._timeout_s}, detail=f"no answer from {self._address} within {self._timeout_s:g} s"
            )
        except psycopg.OperationalError as problem:
            return self._refused(problem)
        except psycopg.Error as problem:
            return Look(problem=f"the server did not take our query: {_first_line(problem)}")
        values |= {"up": 1.0, "seconds": time.monotonic() - started}
        return Look(values, detail="; ".join(notes))

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _read(self, values: dict[str, float], notes: list[str]) -> None:
        """Put what the server says into `values` as it comes, so that a late query does not take the rest with it."""
        connection = await psycopg.AsyncConnection.connect(self._dsn, application_name="watchkeeper")
        try:
            await connection.set_read_only(True)
            limit_ms = max(1, int(self._timeout_s * 900))
            async with connection.cursor() as cursor:
                await cursor.execute(sql.SQL("set local statement_timeout = {}").format(sql.Literal(limit_ms)))
                is_replica = await self._activity(cursor, values)
                values |= await (self._replica(cursor) if is_replica else self._primary(cursor, notes))
                if self._needs_size:
                    await cursor.execute("select pg_database_size(current_database())")
                    values |= _number("database_bytes", await cursor.fetchone())
            for name, query in self._queries.items():
                values |= await self._own(connection, name, query, notes)
        finally:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _activity(self, cursor: psycopg.AsyncCursor[Any], values: dict[str, float]) -> bool:
        await cursor.execute(_ACTIVITY)
        connections, active, idle, most, longest, is_replica = cast(tuple[Any, ...], await cursor.fetchone())
        values |= {
            "connections": float(connections),
            "connections_percent": 100.0 * connections / max(1, most),
            "connections_active": float(active),
            "connections_idle": float(idle),
            "long_transaction_seconds": longest,
        }
        return bool(is_replica)

    async def _primary(self, cursor: psycopg.AsyncCursor[Any], notes: list[str]) -> dict[str, float]:
        await cursor.execute(_REPLICAS)
        position, replicas, replayed, lag = cast(tuple[Any, ...], await cursor.fetchone())
        values = {"replicas": float(replicas)}
        if replayed is None:
            notes.append(
                "no replica is connected" if not replicas else "this role may not see how far replicas are (grant pg_monitor)"
            )
            return values
        values["replication_lag_bytes"] = float(max(0, position - replayed))
        measured = self._lag.measure(time.monotonic(), position, replayed)
        values["replication_lag_seconds"] = max(measured, lag or 0.0) if position > replayed else 0.0
        return values

    async def _replica(self, cursor: psycopg.AsyncCursor[Any]) -> dict[str, float]:
        await cursor.execute(_REPLICA)
        return _number("replication_lag_seconds", await cursor.fetchone())

    async def _own(self, connection: psycopg.AsyncConnection[Any], name: str, query: str, notes: list[str]) -> dict[str, float]:
        try:
            async with connection.transaction(), connection.cursor() as cursor:
                # binary results need the extended protocol, which takes one statement only: no way out of the transaction
                await cursor.execute(query.encode(), binary=True)
                found = _number(name, await cursor.fetchone() if cursor.description else None)
        except psycopg.OperationalError as problem:
            if connection.closed:
                raise
            notes.append(f"{name}: {_first_line(problem)}")
            return {}
        except (psycopg.Error, ValueError) as problem:
            notes.append(f"{name}: {_first_line(problem)}")
            return {}
        if not found:
            notes.append(f"{name}: the query gave no number")
        return found

    def _refused(self, problem: psycopg.OperationalError) -> Look:
        said = _first_line(problem)
        folded = str(problem).casefold()
        if problem.sqlstate == "53300" or any(words in folded for words in _FULL):
            return Look({"up": 1.0, "connections_percent": 100.0}, detail=f"{self._address} has no connection free: {said}")
        if any(words in folded for words in _NOT_LET_IN):
            return Look(problem=f"{self._address} does not let us in: {said}")
        if isinstance(problem, psycopg.errors.QueryCanceled):
            return Look({"up": 1.0}, detail=f"{self._address} answers too slowly: {said}")
        return Look({"up": 0.0}, detail=said)


def _address(dsn: str) -> str:
    parts = conninfo_to_dict(dsn)
    return f"{parts.get('host') or 'local socket'}:{parts.get('port') or 5432}"


def _number(name: str, row: Any) -> dict[str, float]:
    """Give the first column of a row as a reading; nothing where it is null or not a number."""
    value = row[0] if row else None
    try:
        return {} if value is None else {name: float(value)}
    except (TypeError, ValueError):
        return {}


def _first_line(problem: BaseException) -> str:
    """Give the sentence of an error that says why, without the address before it."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    telling = next(
        (line for line in lines if "FATAL:" in line or "refused" in line), lines[0] if lines else type(problem).__name__
    )
    return telling.split("FATAL:")[-1].split("failed:")[-1].strip()[:200]
