"""Every wake-up of a run is a row of its own: one that was done does not swallow the next."""

from __future__ import annotations

from datetime import datetime

from watchkeeper.actions import acts
from watchkeeper.store import due
from watchkeeper.store.database import Database


def test_two_wake_ups_in_one_instant_are_two(database: Database, now: datetime) -> None:
    for _ in range(2):
        database.write_now(lambda c: acts.drive_at(c, "run-1", now))
        claimed = database.write_now(lambda c: due.claim(c, now, "one"))
        assert [row.subject for row in claimed] == ["run-1"]
        for row in claimed:
            database.write_now(lambda c, key=row.key: due.settle(c, key, now))
