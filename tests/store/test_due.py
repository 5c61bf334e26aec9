"""Due rows are claimed by one, taken again from the dead, and done once."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchkeeper.store import due
from watchkeeper.store.database import Database
from watchkeeper.store.due import Due

SECOND = timedelta(seconds=1)


def owed(key: str, at: datetime) -> Due:
    return Due(key, "clock", "inc-1", at, {"level": 1})


def claim(database: Database, now: datetime, owner: str = "one") -> list[str]:
    return [d.key for d in database.write_now(lambda connection: due.claim(connection, now, owner))]


def test_only_what_is_due_is_claimed_and_by_one_only(database: Database, now: datetime) -> None:
    database.write_now(lambda connection: due.schedule(connection, owed("now", now)))
    database.write_now(lambda connection: due.schedule(connection, owed("later", now + 60 * SECOND)))
    assert claim(database, now) == ["now"]
    assert claim(database, now, "two") == []


def test_a_dead_claimers_row_is_taken_again(database: Database, now: datetime) -> None:
    database.write_now(lambda connection: due.schedule(connection, owed("rung", now)))
    assert claim(database, now) == ["rung"]
    assert claim(database, now + due.LEASE + SECOND, "two") == ["rung"]


def test_what_is_done_stays_done(database: Database, now: datetime) -> None:
    database.write_now(lambda connection: due.schedule(connection, owed("rung", now)))
    database.write_now(lambda connection: due.settle(connection, "rung", now))
    database.write_now(lambda connection: due.schedule(connection, owed("rung", now)))
    assert claim(database, now + 600 * SECOND) == []


def test_scheduling_again_moves_it(database: Database, now: datetime) -> None:
    database.write_now(lambda connection: due.schedule(connection, owed("hold", now)))
    database.write_now(lambda connection: due.schedule(connection, owed("hold", now + 10 * SECOND)))
    assert claim(database, now) == []
    assert database.read_now(due.next_at) == now + 10 * SECOND


def test_cancelling_a_subject_drops_what_is_open(database: Database, now: datetime) -> None:
    database.write_now(lambda connection: due.schedule(connection, owed("a", now)))
    database.write_now(lambda connection: due.schedule(connection, owed("b", now)))
    database.write_now(lambda connection: due.settle(connection, "a", now))
    assert database.write_now(lambda connection: due.cancel(connection, "inc-1")) == 1
