"""Asks PostgreSQL: one connection, a read-only transaction, each query behind a cursor of the server and a savepoint."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import psycopg

from watchkeeper.plugins.postgres.errors import address_of, first_line, is_full, not_let_in
from watchkeeper.plugins.sql.answer import NotReached, take
from watchkeeper.watch.found import Found

#: milliseconds that a statement may take for each second of a look: what comes after a slow one is to have some left
_LIMIT_MS = 600


async def ask_postgres(dsn: str, queries: Mapping[str, str], timeout_s: float, found: Found) -> None:
    """Ask every query; raises NotReached where the server cannot be asked."""
    try:
        connection = await psycopg.AsyncConnection.connect(dsn, application_name="watchkeeper")
    except psycopg.OperationalError as problem:
        raise _refused(problem, dsn) from None
    try:
        await connection.set_read_only(True)
        limits = "select set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"
        limit = str(max(1, int(timeout_s * _LIMIT_MS)))
        await connection.execute(limits, (limit, limit))
        for name, query in queries.items():
            await _ask(connection, name, query, found)
    except psycopg.OperationalError as problem:
        raise _refused(problem, dsn) from None
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.close()


async def _ask(connection: psycopg.AsyncConnection, name: str, query: str, found: Found) -> None:
    try:
        # a cursor of the server: of a million rows one is sent, and what is no query is refused
        async with connection.transaction(), connection.cursor("watchkeeper") as cursor:
            await cursor.execute(query.encode())
            row = await cursor.fetchone()
            take(name, [column.name for column in cursor.description or ()], row, found)
    except (psycopg.Error, ValueError) as problem:
        if connection.closed:
            raise
        found.notes.append(f"{name}: {first_line(problem)}")


def _refused(problem: psycopg.Error, dsn: str) -> NotReached:
    said, address = first_line(problem), address_of(dsn)
    if is_full(problem):
        return NotReached(f"{address} has no connection free: {said}", blind=True)
    if not_let_in(problem):
        return NotReached(f"{address} does not let us in: {said}", blind=True)
    return NotReached(said)
