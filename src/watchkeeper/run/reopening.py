"""Runs of a database that was restored from a backup: what they did after it nobody remembers, so each change asks again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from watchkeeper.run.fold import outcome_to_json
from watchkeeper.run.ledger import append_event, attempts, leases, open_run_ids, write_outcome
from watchkeeper.run.model import Outcome

_UNKNOWN = "It was under way when the backup was made, and the database was restored since."


def reopen_runs(connection: Connection, now: datetime, epoch: int, sentence: str) -> list[str]:
    """Put every unfinished run to a person; gives their ids.

    An act under way is unknown (one that only read is simply done again), approvals are void, and every change that is still to
    come asks, since it may have been done already.
    """
    open_ids = open_run_ids(connection)
    for run_id in open_ids:
        under_way = select(attempts).where(attempts.c.run_id == run_id, attempts.c.ended_at.is_(None))
        for row in connection.execute(under_way).all():
            outcome = Outcome("lost" if row.risk == "read" else "unknown", ended_at=now, sentence=_UNKNOWN)
            write_outcome(connection, run_id, row.act, row.n, outcome, now)
            body = {"attempt": row.n, "outcome": outcome_to_json(outcome)}
            append_event(connection, run_id, now, "outcome", act=row.act, body=body)
        append_event(connection, run_id, now, "reopened", body={"epoch": epoch, "sentence": sentence})
    connection.execute(update(leases).where(leases.c.until > now).values(until=now))
    return open_ids
