"""Asks a database for the figures of a business: orders, conversion, payments that fail or wait."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import ClassVar, cast

import psycopg
from psycopg.conninfo import make_conninfo

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.sql.answer import NotReached
from watchkeeper.plugins.sql.figures import EXAMPLES
from watchkeeper.plugins.sql.on_postgres import ask_postgres
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look
from watchkeeper.watch.queries import read_queries

Ask = Callable[[Found], Awaitable[None]]


class SqlProbe:
    """Queries of yours at one PostgreSQL, MySQL or MariaDB, each of which gives a number or a row of named numbers.

    One connection, a read-only transaction and a time limit on each statement; a query that would write is refused before
    anything is asked. NULL, no row and a text give no reading, and the detail says which it was.
    """

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the database answered, else 0",
        "seconds": "time until everything was read, in seconds",
        "*": "each of [signals.<name>.queries]: what its first row gives; of several columns each as <query>_<column>",
    }
    needs: ClassVar[Mapping[str, str]] = {"queries": '{ one = "select 1" }'}
    options: ClassVar[Mapping[str, str]] = {
        "url": "postgresql:// address or connection string of libpq, or mysql://user:password@host:port/database",
        "queries": 'table of name = SQL, such as orders_per_hour = "select count(*) from orders where …"',
        "only_read": "names of queries that call functions of yours which only read",
    }
    named: ClassVar[str] = "business"
    examples: ClassVar[Mapping[str, tuple[str, str]]] = EXAMPLES
    as_written: ClassVar[tuple[str, ...]] = ("queries",)

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._queries = read_queries(options, ["up", "seconds"], needed=True)
        self._timeout_s = signal.timeout_s
        check_readings(signal, estate, ["up", "seconds", *self._queries, *_columns(signal, self._queries)])
        self._ask = self._asking(options)

    async def look(self) -> Look:
        """Ask every query once."""
        found = Found(time.monotonic())
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._ask(found)
        except TimeoutError:
            if found.values:
                said = "; ".join([*found.notes, f"not everything was read within {self._timeout_s:g} s"])
                return Look({**found.values, "up": 1.0, "seconds": self._timeout_s}, detail=said)
            return Look({"up": 0.0, "seconds": self._timeout_s}, detail=f"no answer within {self._timeout_s:g} s")
        except NotReached as problem:
            return Look(problem=str(problem)) if problem.blind else Look({"up": 0.0}, detail=str(problem))
        found.put(up=1, seconds=time.monotonic() - found.now_s)
        return Look(found.values, detail="; ".join(found.notes))

    async def close(self) -> None:
        """Nothing is held between looks."""

    def _asking(self, options: Table) -> Ask:
        url, limit = options.text("url"), self._timeout_s
        if url.startswith(("mysql:", "mariadb:")):
            try:
                address = import_module("watchkeeper.plugins.mysql.connection").read_address(options)
                ask_mysql = import_module("watchkeeper.plugins.sql.on_mysql").ask_mysql
            except ImportError as problem:
                said = f"{options.name('url')} is a MySQL's, which needs {problem.name or 'a package'}."
                raise options.error("url", said, "pip install 'watchkeeper[mysql]'") from None
            return lambda found: cast(Awaitable[None], ask_mysql(address, self._queries, limit, found))
        try:
            dsn = make_conninfo(url, connect_timeout=max(2, math.ceil(limit)))
        except psycopg.ProgrammingError as problem:
            raise ConfigError(
                f"{options.name('url')} is not an address of a database: {str(problem).strip()}.",
                hint="Write postgresql://user@host:port/database or mysql://user@host:port/database.",
                code="WK132",
                where=options.where("url"),
            ) from None
        return lambda found: ask_postgres(dsn, self._queries, limit, found)


def _columns(signal: SignalConfig, queries: Mapping[str, str]) -> list[str]:
    """Give the readings that may be columns of a query: only the answer knows them."""
    return [reading for reading in signal.metrics.values() if any(reading.startswith(f"{name}_") for name in queries)]
