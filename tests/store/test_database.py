"""The seam holds: what was written is there, failures come out as ours, the schema is what the code says."""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text

from watchkeeper.base.errors import ConfigError, Transient
from watchkeeper.estate.ledger import books
from watchkeeper.store import database as store
from watchkeeper.store.database import Database, engine_for_migrations, open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.store.schema import metadata


def add_book(connection: Connection, digest: str, now: datetime) -> None:
    connection.execute(insert(books).values(digest=digest, service="shop", path="runbook.md", at=now, source="# Shop"))


async def test_what_was_written_is_read_back_to_the_microsecond(database: Database, now: datetime) -> None:
    at = now.replace(microsecond=123_457)
    await database.write(lambda connection: add_book(connection, "a", at))
    assert await database.read(lambda connection: connection.execute(select(books.c.at)).scalar_one()) == at


async def test_a_failing_write_leaves_the_others_of_its_batch_alone(database: Database, now: datetime) -> None:
    def broken(connection: Connection) -> None:
        add_book(connection, "broken", now)
        raise ValueError("no")

    results = await asyncio.gather(
        *(database.write(lambda connection, n=n: add_book(connection, str(n), now)) for n in range(5)),
        database.write(broken),
        *(database.write(lambda connection, n=n: add_book(connection, str(n), now)) for n in range(5, 10)),
        return_exceptions=True,
    )
    assert [type(r).__name__ for r in results if r is not None] == ["ValueError"]
    digests = await database.read(lambda connection: set(connection.execute(select(books.c.digest)).scalars()))
    assert digests == {str(n) for n in range(10)}


async def test_who_stops_waiting_for_a_write_does_not_stop_the_writer(database: Database, now: datetime) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        started.set()
        go_on.wait(10)
        add_book(connection, "slow", now)

    waiting = asyncio.ensure_future(database.write(slow))
    await asyncio.to_thread(started.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    async with asyncio.timeout(10):
        await database.write(lambda connection: add_book(connection, "after", now))
    digests = await database.read(lambda connection: set(connection.execute(select(books.c.digest)).scalars()))
    assert "after" in digests


async def test_who_stands_still_in_a_transaction_loses_its_locks(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect == "sqlite":
        return  # one process, one writer
    monkeypatch.setattr(store, "STILL_MS", 300)
    still = open_database(database.url, Path())
    held = threading.Event()

    def stand_still(connection: Connection) -> None:
        connection.execute(text("LOCK TABLE book IN EXCLUSIVE MODE"))
        held.set()
        time.sleep(1.5)
        add_book(connection, "late", now)

    standing = asyncio.ensure_future(still.write(stand_still))
    await asyncio.to_thread(held.wait, 10)
    async with asyncio.timeout(20):
        await database.write(lambda connection: add_book(connection, "peer", now))
    with pytest.raises(Transient):
        await standing
    assert await database.read(lambda connection: set(connection.execute(select(books.c.digest)).scalars())) == {"peer"}
    await still.write(lambda connection: add_book(connection, "again", now))
    still.close()


async def test_a_read_changes_nothing(database: Database, now: datetime) -> None:
    await database.read(lambda connection: add_book(connection, "a", now))
    assert await database.read(lambda connection: connection.execute(select(books)).all()) == []


def test_a_closed_database_says_so(tmp_path: Path) -> None:
    made = open_database("", tmp_path)
    made.close()
    with pytest.raises(Transient):
        made.write_now(lambda connection: None)


def test_a_foreign_url_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        open_database("mysql://somewhere/else", tmp_path)
    assert "postgresql://" in (caught.value.hint or "")


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    source = Path(store.__file__).parents[1]
    for path in source.rglob("*.py"):
        if " = Table(" in path.read_text():
            importlib.import_module(".".join(("watchkeeper", *path.relative_to(source).with_suffix("").parts)))
    engine = engine_for_migrations(database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        ours = {table.name for table in metadata.sorted_tables}
        differences = [d for d in compare_metadata(context, metadata) if not _foreign(d, ours)]
    engine.dispose()
    assert differences == []


def _foreign(difference: object, ours: set[str]) -> bool:
    if not isinstance(difference, tuple):
        return False
    kept_by_the_database = difference[0] == "remove_index" and difference[1].name == "ix_timeline_words"
    return kept_by_the_database or (difference[0] == "remove_table" and difference[1].name not in ours)


def test_migrating_twice_changes_nothing_and_a_newer_schema_is_refused(tmp_path: Path) -> None:
    made = open_database("", tmp_path)
    migrate(made)
    migrate(made)
    made.write_now(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(ConfigError) as caught:
        migrate(made)
    made.close()
    assert "9999" in caught.value.message
