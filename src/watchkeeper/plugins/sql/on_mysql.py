"""Asks MySQL or MariaDB: one connection, a read-only transaction of a session that can only read."""

from __future__ import annotations

import time
from collections.abc import Mapping

import aiomysql
import pymysql

from watchkeeper.plugins.mysql.connection import (
    FAILED,
    FULL,
    LIMIT_SHARE,
    NOT_LET_IN,
    Address,
    code_of,
    connect,
    is_lost,
    words_of,
)
from watchkeeper.plugins.sql.answer import NotReached, take
from watchkeeper.watch.found import Found


async def ask_mysql(address: Address, queries: Mapping[str, str], timeout_s: float, found: Found) -> None:
    """Ask every query; raises NotReached where the server cannot be asked."""
    try:
        connection = await connect(address, timeout_s, most_rows=1)
    except FAILED as problem:
        raise _refused(problem, address) from None
    try:
        for name, query in queries.items():
            began = time.monotonic()
            try:
                async with connection.cursor(aiomysql.Cursor) as cursor:
                    await cursor.execute(query)
                    row = await cursor.fetchone()
                    columns = [str(column[0]) for column in cursor.description or ()]
                if time.monotonic() - began >= timeout_s * LIMIT_SHARE:
                    found.notes.append(f"{name}: it took too long")
                else:
                    take(name, columns, row, found)
            except pymysql.err.MySQLError as problem:
                if is_lost(problem):
                    raise
                found.notes.append(f"{name}: {words_of(problem)}")
    except FAILED as problem:
        raise _refused(problem, address) from None
    finally:
        connection.close()


def _refused(problem: Exception, address: Address) -> NotReached:
    code, said = code_of(problem), words_of(problem)
    if code in FULL:
        return NotReached(f"{address.shown} has no connection free: {said}", blind=True)
    return NotReached(f"{address.shown} does not let us in: {said}" if code in NOT_LET_IN else said, blind=code in NOT_LET_IN)
