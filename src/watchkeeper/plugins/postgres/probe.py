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
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table, did_you_mean
from watchkeeper.plugins.postgres.errors import address_of, first_line, is_full, not_let_in
from watchkeeper.plugins.postgres.groups import ACTIVITY, GROUPS, NAMES, Group, Row, read_activity
from watchkeeper.plugins.postgres.memory import Memory
from watchkeeper.plugins.postgres.readings import READINGS
from watchkeeper.watch.found import Found, Seldom
from watchkeeper.watch.probe import Look

#: milliseconds that a statement may take for each second of a look: what comes after a slow one is to have some left
_LIMIT_MS = 600
#: what we wait at most for a lock on a table, in milliseconds: nobody is to queue behind us
_LOCK_MS = 300


class PostgresProbe:
    """One server."""

    readings: ClassVar[Mapping[str, str]] = READINGS
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "database_connections": ("connections_percent", "connections"),
        "replication_lag": ("replication_lag_seconds", "replication_lag_bytes"),
        "database_cache_hit_rate": ("cache_hit_percent",),
        "deadlocks": ("deadlocks_per_minute",),
        "lock_waits": ("lock_wait_seconds", "lock_waits"),
        "long_transactions": ("long_transaction_seconds",),
        "query_time": ("slow_query_seconds",),
        "idle_in_transaction": ("idle_in_transaction_seconds", "connections_idle_in_transaction"),
        "dead_rows": ("dead_rows_percent", "dead_rows"),
        "transaction_id_use": ("wraparound_percent",),
    }
    options: ClassVar[Mapping[str, str]] = {
        "dsn": "connection string or URL of libpq",
        "queries": "table of reading = SQL that gives one number; runs read-only",
        "replicas": "how many replicas a primary is to have; gives the reading replicas_missing",
        "leave_out": f"groups of readings that are not read: {', '.join(NAMES)}",
        "costly_every": "how often sizes, dead rows, wraparound, waiting WAL files and pg_stat_statements are read (default 60s)",
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
        self._groups = _groups(options)
        self._replicas = int(options.number("replicas", 0, 0, 1_000)) if "replicas" in signal.options else None
        self._costly = Seldom(options.duration("costly_every", 60.0))
        self._timeout_s = signal.timeout_s
        self._memory = Memory()
        try:
            self._dsn = make_conninfo(options.text("dsn"), connect_timeout=max(2, math.ceil(signal.timeout_s)))
            self._address = address_of(self._dsn)
        except psycopg.ProgrammingError as problem:
            raise ConfigError(
                f"{options.name('dsn')} is not a connection string: {str(problem).strip()}.",
                hint='Write "host=… port=… dbname=… user=…" or a postgresql:// URL.',
                code="WK132",
                where=options.where("dsn"),
            ) from None

    async def look(self) -> Look:
        """Look once."""
        found = Found(time.monotonic())
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._read(found)
        except TimeoutError:
            return found.late(self._timeout_s, self._address)
        except psycopg.OperationalError as problem:
            return self._refused(problem, found)
        except psycopg.Error as problem:
            return Look(problem=f"the server did not take our query: {first_line(problem)}")
        return found.whole()

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _read(self, found: Found) -> None:
        """Put what the server says into `found` as it comes, so that a late query does not take the rest with it."""
        connection = await psycopg.AsyncConnection.connect(self._dsn, application_name="watchkeeper")
        try:
            await connection.set_read_only(True)
            await self._limit(connection)
            rows = await self._rows(connection, ACTIVITY)
            is_replica = read_activity(rows, found, self._memory)
            await self._read_groups(connection, is_replica, costly=False, found=found)
            for name, query in self._queries.items():
                found.values |= await self._own(connection, name, query, found.notes)
            await self._read_costly(connection, is_replica, found)
        finally:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _limit(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Bound statements and waits for locks, for this transaction alone: a pooler lends the session to others."""
        limit_ms = max(1, int(self._timeout_s * _LIMIT_MS))
        limits = "select set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"
        await connection.execute(limits, (str(limit_ms), str(min(limit_ms, _LOCK_MS))))

    async def _read_costly(self, connection: psycopg.AsyncConnection[Any], is_replica: bool, found: Found) -> None:
        kept = self._costly.kept(found.now_s)
        if kept is None:
            kept = Found(found.now_s)
            await self._limit(connection)
            await self._read_groups(connection, is_replica, costly=True, found=kept)
            self._costly.keep(kept)
        found.take(kept)

    async def _read_groups(
        self, connection: psycopg.AsyncConnection[Any], is_replica: bool, *, costly: bool, found: Found
    ) -> None:
        installed = await self._extensions(connection) if costly else frozenset()
        for group in self._groups:
            here = group.on_replica in (None, is_replica) and (group.extension is None or group.extension in installed)
            if group.costly is not costly or not here:
                continue
            try:
                async with connection.transaction():
                    group.read(await self._rows(connection, group), found, self._memory)
            except psycopg.Error as problem:
                if connection.closed:
                    raise
                found.notes.append(f"{group.name}: {first_line(problem)}")
        if self._replicas is not None and not costly and "replicas" in found.values:
            missing = self._replicas - found.values.get("replicas_streaming", found.values["replicas"])
            found.put(replicas_missing=max(0.0, missing))

    async def _rows(self, connection: psycopg.AsyncConnection[Any], group: Group) -> list[Row]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(group.statement(connection.info.server_version).encode())
            return cast(list[Row], await cursor.fetchall())

    async def _extensions(self, connection: psycopg.AsyncConnection[Any]) -> frozenset[str]:
        cursor = await connection.execute("select extname from pg_extension")
        return frozenset(name for (name,) in await cursor.fetchall())

    async def _own(self, connection: psycopg.AsyncConnection[Any], name: str, query: str, notes: list[str]) -> dict[str, float]:
        try:
            async with connection.transaction(), connection.cursor() as cursor:
                # binary results need the extended protocol, which takes one statement only: no way out of the transaction
                await cursor.execute(query.encode(), binary=True)
                found = _number(name, await cursor.fetchone() if cursor.description else None)
        except psycopg.OperationalError as problem:
            if connection.closed:
                raise
            notes.append(f"{name}: {first_line(problem)}")
            return {}
        except (psycopg.Error, ValueError) as problem:
            notes.append(f"{name}: {first_line(problem)}")
            return {}
        if not found:
            notes.append(f"{name}: the query gave no number")
        return found

    def _refused(self, problem: psycopg.OperationalError, found: Found) -> Look:
        said = first_line(problem)
        if is_full(problem):
            return Look({"up": 1.0, "connections_percent": 100.0}, detail=f"{self._address} has no connection free: {said}")
        if not_let_in(problem):
            return Look(problem=f"{self._address} does not let us in: {said}")
        if isinstance(problem, psycopg.errors.QueryCanceled):
            return Look({**found.values, "up": 1.0}, detail=f"{self._address} answers too slowly: {said}")
        return Look({"up": 0.0}, detail=said)


def _groups(options: Table) -> tuple[Group, ...]:
    left_out = options.texts("leave_out")
    for name in left_out:
        if name not in NAMES:
            hint = f"Its groups: {', '.join(NAMES)}.{did_you_mean(name, NAMES)}"
            raise options.error("leave_out", f"{options.name('leave_out')} names {name!r}, which is no group of readings.", hint)
    return tuple(group for group in GROUPS if group.name not in left_out)


def _number(name: str, row: Any) -> dict[str, float]:
    """Give the first column of a row as a reading; nothing where it is null or not a number."""
    value = row[0] if row else None
    try:
        return {} if value is None else {name: float(value)}
    except (TypeError, ValueError):
        return {}
