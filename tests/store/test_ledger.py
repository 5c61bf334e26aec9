"""The chain finds an edit, a gap, a cut, and a head that lies."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Connection, delete, update

from watchkeeper.store import ledger
from watchkeeper.store.database import Database


@pytest.fixture
def chained(database: Database, now: datetime) -> Database:
    for n in range(1, 6):
        database.write_now(
            lambda connection, n=n: ledger.append(connection, now, "anna", "acknowledge", f"inc-{n}", why="mine", body={"n": n})
        )
    return database


def broken(database: Database, anchors: dict[int, str] | None = None) -> list[str]:
    return [b.sentence for b in database.read_now(lambda connection: ledger.verify(connection, anchors or {}))[1]]


def change(database: Database, statement: object) -> None:
    def work(connection: Connection) -> None:
        connection.execute(statement)  # type: ignore[call-overload]

    database.write_now(work)


def test_an_untouched_chain_holds(chained: Database) -> None:
    head = chained.read_now(ledger.read_head)
    assert head.seq == 5
    assert broken(chained, {5: head.hash}) == []


def test_an_edit_is_found(chained: Database) -> None:
    change(chained, update(ledger.entries).where(ledger.entries.c.seq == 3).values(why="not mine"))
    assert broken(chained) == ["Entry 3 was altered after it was written."]


def test_a_removed_entry_is_found(chained: Database) -> None:
    change(chained, delete(ledger.entries).where(ledger.entries.c.seq == 2))
    assert broken(chained)[0] == "Entry 2 is missing; the next one is 3."


def test_a_cut_end_is_found_by_the_head_and_by_the_anchor(chained: Database) -> None:
    head = chained.read_now(ledger.read_head)
    change(chained, delete(ledger.entries).where(ledger.entries.c.seq > 3))
    assert broken(chained) == ["The head says entry 5, the last one there is 3."]
    third = chained.read_now(lambda connection: ledger.verify(connection, {})[0])
    change(chained, update(ledger.head).values(seq=3, hash=third.hash))
    assert broken(chained) == []
    assert broken(chained, {5: head.hash}) == ["Entry 5 was anchored outside and is gone: the end of the ledger was cut."]


def test_a_chain_written_anew_does_not_match_its_anchor(chained: Database, now: datetime) -> None:
    head = chained.read_now(ledger.read_head)
    change(chained, delete(ledger.entries))
    change(chained, delete(ledger.head))
    for n in range(1, 6):
        chained.write_now(lambda connection, n=n: ledger.append(connection, now, "mallory", "acknowledge", f"inc-{n}"))
    assert broken(chained) == []
    assert broken(chained, {5: head.hash}) == ["Entry 5 is not the one that was anchored outside."]


def test_an_anchor_from_before_the_first_entry_holds(chained: Database) -> None:
    assert broken(chained, {0: ledger.FIRST}) == []
