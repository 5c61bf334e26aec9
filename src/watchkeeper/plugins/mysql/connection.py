"""Connects to MySQL or MariaDB to read: an address enters, a connection whose session can only read, or the reason, leaves."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import aiomysql
import pymysql

from watchkeeper.estate.table import Table

HINT = 'Write url = "mysql://user:password@host:port/database"; ?socket=/path, ?tls=on and ?tls=unverified may follow.'
#: which part of a look's time a statement may take: what comes after a slow one is to have some left
LIMIT_SHARE = 0.6
#: no connection is free, for anybody or for this user
FULL = frozenset({1040, 1203, 1226})
#: it answers and does not let us in, or we speak another language than it
NOT_LET_IN = frozenset({1044, 1045, 1049, 1129, 1130, 1142, 1227, 1251, 1370, 1524, 1698, 2026, 2049, 2059, 3118, 3159, 4151})


#: what the client library raises for what a server does, invalid bytes too
FAILED = (pymysql.err.Error, OSError, EOFError, ValueError, IndexError, AssertionError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and as whom it is asked."""

    host: str
    port: int
    user: str
    password: str
    database: str | None = None
    socket: str | None = None
    tls: str = "off"

    @property
    def shown(self) -> str:
        """Give the address without who asks."""
        return self.socket or f"{self.host}:{self.port}"


def read_address(options: Table, key: str = "url") -> Address:
    """Take the option with the address."""
    text = options.text(key)
    try:
        parts = urlsplit(text)
        asked = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        port = parts.port or 3306
    except ValueError:
        parts, asked, port = urlsplit(""), {}, 0
    tls = asked.get("tls", "off")
    usual = parts.scheme in ("mysql", "mariadb") and bool(parts.hostname or "socket" in asked)
    if not usual or not asked.keys() <= {"socket", "tls"} or tls not in ("off", "on", "unverified"):
        raise options.error(key, f"{options.name(key)} is not an address of MySQL.", HINT)
    return Address(
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")) or None,
        socket=asked.get("socket"),
        tls=tls,
    )


async def connect(address: Address, timeout_s: float, most_rows: int) -> aiomysql.Connection:
    """Connect, and make a session that can only read, in bounded time, and gives at most so many rows."""
    connection = aiomysql.Connection(
        host=address.host,
        port=address.port,
        unix_socket=address.socket,
        user=address.user,
        password=address.password,
        db=address.database,
        ssl=_tls(address),
        connect_timeout=timeout_s,
        charset="utf8mb4",
        program_name="watchkeeper",
        local_infile=False,
    )
    try:
        # connects; unlike connect() it leaves something to close where the other side hangs
        await connection.ping(reconnect=True)
        await set_limits(connection, timeout_s, most_rows)
    except BaseException:
        connection.close()
        raise
    return connection


async def set_limits(connection: aiomysql.Connection, timeout_s: float, most_rows: int) -> None:
    """Make the session one that can only read, and bound it."""
    limit = (
        f"max_statement_time = {timeout_s * LIMIT_SHARE:.3f}"
        if is_mariadb(connection)
        else f"max_execution_time = {max(1, int(timeout_s * LIMIT_SHARE * 1_000))}"
    )
    async with connection.cursor() as cursor:
        await cursor.execute("set session transaction read only")
        await cursor.execute(f"set session {limit}, sql_select_limit = {most_rows}, lock_wait_timeout = 1")
        await cursor.execute("start transaction read only")


def is_mariadb(connection: aiomysql.Connection) -> bool:
    """Tell MariaDB from MySQL."""
    return "mariadb" in str(connection.get_server_info()).casefold()


def is_lost(problem: BaseException) -> bool:
    """Say whether an error is that of a connection that is gone."""
    return 2_000 <= code_of(problem) < 3_000


def code_of(problem: BaseException) -> int:
    """Give the server's number of an error; 0 where it has none."""
    first: Any = problem.args[0] if problem.args else 0
    return first if isinstance(first, int) else 0


def words_of(problem: BaseException) -> str:
    """Give the sentence of an error."""
    said = str(problem.args[1] if len(problem.args) > 1 else problem) or type(problem).__name__
    return " ".join(said.split())[:200]


def _tls(address: Address) -> ssl.SSLContext | None:
    if address.tls == "off":
        return None
    context = ssl.create_default_context()
    if address.tls == "unverified":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
