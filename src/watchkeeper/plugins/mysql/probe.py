"""Looks at a MySQL or MariaDB server on a new connection, in a read-only transaction with a time limit on each statement.

A server that answers "too many connections" is up and full; one that is away is not up; one that does not let us in was not
looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import aiomysql
import pymysql

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table, did_you_mean
from watchkeeper.plugins.mysql.connection import (
    FAILED,
    FULL,
    LIMIT_SHARE,
    NOT_LET_IN,
    code_of,
    connect,
    is_lost,
    is_mariadb,
    read_address,
    words_of,
)
from watchkeeper.plugins.mysql.groups import GROUPS, NAMES, STATUS, VARIABLES, Group, Row, read_status
from watchkeeper.watch.found import Found, Seldom
from watchkeeper.watch.probe import Look
from watchkeeper.watch.queries import read_queries
from watchkeeper.watch.rates import Rates

_MOST_ROWS = 5_000
#: the statement is not known to this version
_NOT_KNOWN = frozenset({1064, 1193})


class MysqlProbe:
    """One server, MySQL or MariaDB."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it takes connections (or has none free), else 0",
        "seconds": "time until everything was read, in seconds",
        "connections": "connections, without our own",
        "connections_percent": "the same as a share of max_connections, in percent",
        "connections_running": "connections that run a statement",
        "connections_idle_in_transaction": "connections that run none and hold a transaction open",
        "aborted_connects_per_minute": "attempts to connect that failed, a minute",
        "aborted_clients_per_minute": "connections that broke off, a minute",
        "refused_connects_per_minute": "connections refused because none was free, a minute",
        "queries_per_s": "statements a second",
        "commits_per_s": "COMMIT statements a second",
        "rollbacks_per_s": "ROLLBACK statements a second",
        "slow_queries_per_s": "statements a second that took longer than long_query_time",
        "buffer_pool_hit_percent": "pages found in InnoDB's buffer pool, in percent of those asked for since the last look",
        "deadlocks_per_minute": "deadlocks a minute",
        "lock_waits": "transactions that wait for a row lock; the detail names who holds it",
        "lock_wait_seconds": "for how long the first of them has waited, in seconds",
        "lock_waits_per_s": "waits for a row lock that began, a second",
        "long_transaction_seconds": "age of the oldest transaction, in seconds",
        "idle_in_transaction_seconds": "for how long the oldest idle transaction has been idle, in seconds",
        "history_length": "old versions of rows that wait to be purged",
        "replicas": "replicas that are connected",
        "replicas_missing": "how many fewer than the option `replicas` says",
        "replication_lag_seconds": "how far this replica is behind, in seconds; missing while it does not replicate",
        "replica_io": "1 where it is connected to its primary, else 0 (on a replica)",
        "replica_sql": "1 where it carries out what it has received, else 0 (on a replica)",
        "binary_log_bytes": "size of the binary logs that are kept, in bytes",
        "database_bytes": "size of the address's database, in bytes",
        "databases_bytes": "size of all databases that the user sees, in bytes",
        "largest_table_bytes": "size of the largest table with indexes, in bytes",
        "slow_query_mean_seconds": "the slowest statement's mean time, in seconds (where performance_schema is on)",
        "slow_query_max_seconds": "that statement's longest call, in seconds",
        "slow_query_calls": "how often that statement was called",
        "uptime_seconds": "time since the server was started, in seconds",
        "*": "each of [signals.<name>.queries]: the number that the query gives",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "database_connections": ("connections_percent", "connections"),
        "connection_errors": ("aborted_connects_per_minute",),
        "replication_lag": ("replication_lag_seconds",),
        "database_cache_hit_rate": ("buffer_pool_hit_percent",),
        "deadlocks": ("deadlocks_per_minute",),
        "lock_waits": ("lock_wait_seconds", "lock_waits"),
        "long_transactions": ("long_transaction_seconds",),
        "slow_queries": ("slow_queries_per_s",),
        "query_time": ("slow_query_mean_seconds",),
        "idle_in_transaction": ("idle_in_transaction_seconds", "connections_idle_in_transaction"),
    }
    called: ClassVar[tuple[str, ...]] = ("mysql", "mysqld", "mariadb", "database", "rds")
    options: ClassVar[Mapping[str, str]] = {
        "url": "mysql://user:password@host:port/database; ?socket=/path, ?tls=on or ?tls=unverified may follow",
        "queries": "table of reading = SQL that gives one number; runs read-only",
        "only_read": "names of queries that call functions of yours which only read",
        "replicas": "how many replicas a primary is to have; gives the reading replicas_missing",
        "leave_out": f"groups of readings that are not read: {', '.join(NAMES)}",
        "costly_every": "how often sizes, logs and slow statements are read (default 60s)",
    }
    as_written: ClassVar[tuple[str, ...]] = ("queries",)

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        known = [name for name in self.readings if name != "*"]
        self._queries = read_queries(options, known, needed=False)
        check_readings(signal, estate, [*known, *self._queries])
        self._address = read_address(options)
        self._groups = _groups(options)
        self._replicas = int(options.number("replicas", 0, 0, 1_000)) if "replicas" in signal.options else None
        self._costly = Seldom(options.duration("costly_every", 60.0))
        self._timeout_s = signal.timeout_s
        self._rates = Rates()

    async def look(self) -> Look:
        """Look once."""
        found = Found(time.monotonic())
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._read(found)
        except TimeoutError:
            return found.late(self._timeout_s, self._address.shown)
        except FAILED as problem:
            return self._refused(problem)
        return found.whole()

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _read(self, found: Found) -> None:
        """Put what the server says into `found` as it comes, so that a late query does not take the rest with it."""
        connection = await connect(self._address, self._timeout_s, _MOST_ROWS)
        try:
            variables = (await _rows(connection, VARIABLES))[0]
            read_status(await _rows(connection, STATUS), found, self._rates, float(variables["most"]))
            await self._read_groups(connection, variables, costly=False, found=found)
            for name, query in self._queries.items():
                await self._own(connection, name, query, found)
            kept = self._costly.kept(found.now_s)
            if kept is None:
                kept = Found(found.now_s)
                await self._read_groups(connection, variables, costly=True, found=kept)
                self._costly.keep(kept)
            found.take(kept)
        finally:
            connection.close()

    async def _read_groups(self, connection: aiomysql.Connection, variables: Row, *, costly: bool, found: Found) -> None:
        server = "mariadb" if is_mariadb(connection) else "mysql"
        for group in self._groups:
            if group.costly is not costly or group.server not in (None, server):
                continue
            if group.needs and str(variables[group.needs]) not in ("1", "ON"):
                continue
            try:
                group.read(await _rows_of(connection, group), found, self._rates)
            except pymysql.err.MySQLError as problem:
                if is_lost(problem):
                    raise
                found.notes.append(f"{group.name}: {words_of(problem)}")
        if self._replicas is not None and not costly and "replicas" in found.values:
            found.put(replicas_missing=max(0.0, self._replicas - found.values["replicas"]))

    async def _own(self, connection: aiomysql.Connection, name: str, query: str, found: Found) -> None:
        began = time.monotonic()
        try:
            rows = await _rows(connection, query)
            if time.monotonic() - began >= self._timeout_s * LIMIT_SHARE:
                # MariaDB lets some functions end early then, and gives what they say as if it were the answer
                found.notes.append(f"{name}: it took too long")
                return
            value = next(iter(rows[0].values()), None) if rows else None
            found.values[name] = float(cast(Any, value))
        except pymysql.err.MySQLError as problem:
            if is_lost(problem):
                raise
            found.notes.append(f"{name}: {words_of(problem)}")
        except (TypeError, ValueError):
            found.notes.append(f"{name}: the query gave no number")

    def _refused(self, problem: Exception) -> Look:
        code, said = code_of(problem), words_of(problem)
        if code in FULL:
            return Look({"up": 1.0, "connections_percent": 100.0}, detail=f"{self._address.shown} has no connection free: {said}")
        if code in NOT_LET_IN:
            return Look(problem=f"{self._address.shown} does not let us in: {said}")
        if isinstance(problem, pymysql.err.Error | OSError | EOFError):
            return Look({"up": 0.0}, detail=said)
        return Look(problem=f"{self._address.shown} does not speak MySQL's protocol: {said}")


async def _rows_of(connection: aiomysql.Connection, group: Group) -> list[Row]:
    try:
        return await _rows(connection, group.sql)
    except pymysql.err.MySQLError as problem:
        if group.older is None or code_of(problem) not in _NOT_KNOWN:
            raise
        return await _rows(connection, group.older)


async def _rows(connection: aiomysql.Connection, statement: str) -> list[Row]:
    async with connection.cursor(aiomysql.DictCursor) as cursor:
        await cursor.execute(statement)
        return cast(list[Row], await cursor.fetchall())


def _groups(options: Table) -> tuple[Group, ...]:
    left_out = options.texts("leave_out")
    for name in left_out:
        if name not in NAMES:
            hint = f"Its groups: {', '.join(NAMES)}.{did_you_mean(name, NAMES)}"
            raise options.error("leave_out", f"{options.name('leave_out')} names {name!r}, which is no group of readings.", hint)
    return tuple(group for group in GROUPS if group.name not in left_out)
