"""What two workers do for the first time at once is done by one of them, and the other finds it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from watchkeeper.base.errors import Conflict
from watchkeeper.estate.ledger import remember_book
from watchkeeper.run.ledger import set_brake, take_lease
from watchkeeper.store import ledger
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.migrate import migrate

NOW = datetime(2026, 3, 14, tzinfo=UTC)
MANY = 6


@pytest.fixture
def rows(url: str, tmp_path: Path) -> Iterator[Database]:
    made = open_database(url, tmp_path)
    migrate(made)
    yield made
    made.close()


def at_once(rows: Database, work: Callable[[Connection, int], object]) -> list[Any]:
    """Do something in several transactions that have all begun before the first goes on."""
    together = threading.Barrier(MANY)
    gave: list[Any] = []

    def one(number: int) -> None:
        def begun(connection: Connection) -> object:
            connection.exec_driver_sql("SELECT 1")
            together.wait(10)
            return work(connection, number)

        try:
            gave.append(rows.write_now(begun))
        except Exception as problem:
            gave.append(problem)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return gave


def test_the_first_entry_of_a_ledger(rows: Database) -> None:
    at_once(rows, lambda c, n: ledger.append(c, NOW, f"w{n}", "began", "shop"))
    head, broken = rows.read_now(lambda c: ledger.verify(c, {}))
    assert (head.seq, broken) == (MANY, [])


def test_the_first_lease_of_a_component(rows: Database) -> None:
    gave = at_once(rows, lambda c, n: take_lease(c, "web", f"run-{n}", NOW, NOW + timedelta(hours=1)))
    assert [each for each in gave if not isinstance(each, Conflict)] == [1]
    assert {each.code for each in gave if isinstance(each, Conflict)} == {"WK312"}


def test_a_book_and_a_brake(rows: Database) -> None:
    assert at_once(rows, lambda c, n: remember_book(c, NOW, "digest", "shop", "runbook.md", "# Shop")) == [None] * MANY
    assert at_once(rows, lambda c, n: set_brake(c, "halt", NOW, f"w{n}", "odd")) == [None] * MANY
