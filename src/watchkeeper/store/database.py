"""The database seam: `await database.write(work)` and `await database.read(work)` with `work(connection)`.

Work is a function of an SQLAlchemy connection that only reads and writes rows, so that it may be run again. What `write`
returns is on disk: SQLite runs with synchronous=FULL and all that waits is committed together by one writer thread;
PostgreSQL gets a transaction a call. An outside failure comes out as Transient, never as a driver's exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool

from watchkeeper.base.errors import ConfigError, Transient

T = TypeVar("T")
Work = Callable[[Connection], T]

#: how many waiting writes share one commit on SQLite
BATCH = 128
_BUSY_MS = 30_000
#: how often a transaction is tried that PostgreSQL chose as the victim of a deadlock
_TRIES = 5
#: how long a connection of PostgreSQL is waited for, in seconds
_PATIENCE_S = 10
#: a process that stands still in the middle of a transaction keeps its locks no longer than this, in milliseconds: else its
#: peers would wait for it, however long its lease is over
STILL_MS = 5_000
#: a server that vanished without a word is noticed in seconds, not in the two hours of TCP's own
_NOTICE_A_DEAD_SERVER = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class Database:
    """Reads and writes of one database, from the event loop or from a plain thread."""

    dialect: str
    #: what DBOS and people are told: the URL with its password
    url: str

    async def write(self, work: Work[T]) -> T:
        """Run work in a transaction; when this returns, it is on disk."""
        return await asyncio.wrap_future(self._submit_write(work))

    async def read(self, work: Work[T]) -> T:
        """Run work that changes nothing."""
        return await asyncio.wrap_future(self._readers.submit(self._read, work))

    def write_now(self, work: Work[T]) -> T:
        """Write from a thread that has no event loop."""
        return self._submit_write(work).result()

    def read_now(self, work: Work[T]) -> T:
        """Read from a thread that has no event loop."""
        return self._read(work)

    def close(self) -> None:
        """Finish what is under way and let go of all connections."""
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    def __init__(self, engine: Engine, url: str, readers: int) -> None:
        self._engine = engine
        self.url = url
        self.dialect = engine.dialect.name
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="database-read")

    def _submit_write(self, work: Work[T]) -> Future[T]:
        raise NotImplementedError

    def _read(self, work: Work[T]) -> T:
        with _as_transient(), self._engine.connect() as connection:
            try:
                return work(connection)
            finally:
                connection.rollback()


class SqliteDatabase(Database):
    """One file, one writer thread, readers beside it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            f"sqlite:///{path}",
            poolclass=QueuePool,
            pool_size=6,
            connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        super().__init__(engine, f"sqlite:///{path}", readers=4)
        self.path = path
        self._jobs: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write_forever, name="database-write", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Commit what waits and stop the writer."""
        if not self._closed.is_set():
            self._closed.set()
            self._jobs.put(None)
            self._writer.join()
        super().close()

    def _submit_write(self, work: Work[T]) -> Future[T]:
        if self._closed.is_set():
            raise Transient("The database is closed.", code="WK411")
        future: Future[T] = Future()
        self._jobs.put((work, future))
        return future

    def _write_forever(self) -> None:
        going = True
        while going:
            first = self._jobs.get()
            if first is None:
                return
            jobs = [first]
            while len(jobs) < BATCH:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    going = False
                    break
                jobs.append(job)
            self._commit_together(jobs)

    def _commit_together(self, jobs: list[tuple[Work[Any], Future[Any]]]) -> None:
        """Run all jobs in one transaction, each in a savepoint; answer only when the commit is on disk."""
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with _as_transient(), self._engine.connect().execution_options(write=True) as connection:
                if len(jobs) == 1:
                    answers.append((jobs[0][1], jobs[0][0](connection), None))
                else:
                    answers = [_in_savepoint(connection, work, future) for work, future in jobs]
                connection.commit()
        except Exception as problem:
            answers = [(future, None, problem) for _, future in jobs]
        for future, value, failure in answers:
            if not future.set_running_or_notify_cancel():
                continue  # who asked has gone; what it wrote is written
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)


def _in_savepoint(connection: Connection, work: Work[Any], future: Future[Any]) -> tuple[Future[Any], Any, BaseException | None]:
    """Run one of several jobs so that its failure leaves the others alone."""
    try:
        with _as_transient(), connection.begin_nested():
            return future, work(connection), None
    except Exception as problem:
        return future, None, problem


class PostgresDatabase(Database):
    """A PostgreSQL server: each write a transaction of its own, many at a time."""

    def __init__(self, url: str, writers: int = 8) -> None:
        plain = url.replace("postgres://", "postgresql://", 1)
        engine = create_engine(
            plain.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=writers + 4,
            pool_pre_ping=True,
            pool_timeout=_PATIENCE_S,
            poolclass=QueuePool,
            connect_args=_NOTICE_A_DEAD_SERVER,
        )
        event.listen(engine, "connect", _prepare_postgres)
        super().__init__(engine, plain, readers=4)
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="database-write")

    def close(self) -> None:
        """Finish the writes under way."""
        self._writers.shutdown(wait=True)
        super().close()

    def _submit_write(self, work: Work[T]) -> Future[T]:
        return self._writers.submit(self._write, work)

    def _write(self, work: Work[T]) -> T:
        for attempt in range(_TRIES):
            try:
                with _as_transient(), self._engine.begin() as connection:
                    return work(connection)
            except Transient as problem:
                if attempt == _TRIES - 1 or "deadlock" not in str(problem):
                    raise
                time.sleep(random.uniform(0.0, 0.02 * 2**attempt))  # noqa: S311 - two that met once shall not meet again
        raise AssertionError("unreachable")


def open_database(url: str, state: Path) -> Database:
    """Open the database that a URL names; an empty URL means SQLite in the state folder."""
    if not url:
        return SqliteDatabase(state / "watchkeeper.sqlite")
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgres://", "postgresql://")):
        return PostgresDatabase(url)
    raise ConfigError(
        f"The database URL begins with {url.split(':', 1)[0]!r}, which Watchkeeper does not speak.",
        hint="Use postgresql://user@host/name, or leave WATCHKEEPER_DATABASE_URL empty for SQLite.",
        code="WK124",
    )


def engine_for_migrations(database: Database) -> Engine:
    """Give an engine of its own for the migrations, so that they run outside the writer thread."""
    url = database.url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=NullPool)
    if database.dialect == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _begin_sqlite(connection: Connection) -> None:
    # a transaction that will write takes the lock at once: upgrading a read lock later can fail without waiting
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by us, so that savepoints and IMMEDIATE work
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgres(connection: Any, _record: object) -> None:
    # not among the parameters of the connection, which a pooler between would refuse
    connection.autocommit = True
    connection.execute(f"SET idle_in_transaction_session_timeout = {STILL_MS}")
    connection.autocommit = False


@contextlib.contextmanager
def _as_transient() -> Iterator[None]:
    try:
        yield
    except OperationalError as problem:
        said = str(problem.orig).strip().splitlines()[0]
        hint = (
            "Free some space: until then nothing can be written down, so nothing is begun either."
            if "full" in said
            else "Watchkeeper goes on watching and tries again; begin nothing by hand that it would do."
        )
        raise Transient(f"The database did not take it: {said}.", hint=hint, code="WK411") from problem
    except PoolTimeout as problem:
        raise Transient("The database gave no connection in time.", code="WK411") from problem
    except DBAPIError as problem:
        if problem.connection_invalidated:
            raise Transient("The connection to the database broke.", code="WK411") from problem
        raise
