"""What old runs may forget: what their acts printed, then their whole log. What is open forgets nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from watchkeeper.run.ledger import ENDED, attempts, events, runs

#: runs that one call looks at
AT_ONCE = 200
FORGOTTEN = "… the policy of retention dropped what it printed …"


def drop_outputs(connection: Connection, before: datetime, after: datetime | None = None) -> datetime | None:
    """Drop what acts of runs printed that ended before an instant, a bounded number at once.

    Gives the end of the last one looked at, from which the next call goes on; `after` itself where there was none.
    """
    query = select(runs.c.id, runs.c.ended_at).where(runs.c.state.in_(ENDED), runs.c.ended_at < before)
    if after is not None:
        query = query.where(runs.c.ended_at > after)
    ended = connection.execute(query.order_by(runs.c.ended_at).limit(AT_ONCE)).all()
    for run_id in (row.id for row in ended):
        for row in connection.execute(select(attempts).where(attempts.c.run_id == run_id)).all():
            if (short := _without_output(row.outcome)) is not None:
                mine = (attempts.c.run_id == run_id, attempts.c.act == row.act, attempts.c.n == row.n)
                connection.execute(update(attempts).where(*mine).values(outcome=short))
        for row in connection.execute(select(events).where(events.c.run_id == run_id, events.c.kind == "outcome")).all():
            if (short := _without_output(row.body.get("outcome"))) is not None:
                line = (events.c.run_id == run_id, events.c.seq == row.seq)
                connection.execute(update(events).where(*line).values(body={**row.body, "outcome": short}))
    return ended[-1].ended_at if ended else after


def drop_logs(connection: Connection, before: datetime) -> int:
    """Drop the logs of runs that ended before an instant, a bounded number at once; how each ended stays in its row."""
    logged = select(events.c.run_id).where(events.c.run_id == runs.c.id).exists()
    old = (runs.c.state.in_(ENDED), runs.c.ended_at < before, logged)
    ids = list(connection.execute(select(runs.c.id).where(*old).order_by(runs.c.id).limit(AT_ONCE)).scalars())
    connection.execute(delete(events).where(events.c.run_id.in_(ids)))
    connection.execute(delete(attempts).where(attempts.c.run_id.in_(ids)))
    return len(ids)


def _without_output(outcome: dict[str, Any] | None) -> dict[str, Any] | None:
    if not outcome or outcome.get("output") in ("", None, FORGOTTEN):
        return None
    return {**outcome, "output": FORGOTTEN}
