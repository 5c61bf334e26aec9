"""When a procedure was last carried out, how often that worked, and how long it took: what its runs of the last year say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection, select

from watchkeeper.run.ledger import runs

SPAN = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Exercised:
    """What the runs of one procedure came to."""

    last_at: datetime
    #: runs that succeeded or failed; those that were cancelled say nothing
    times: int
    #: that succeeded, and were not found afterwards to have helped nothing
    worked: int
    #: of those that worked, in seconds; None where none did
    median_s: float | None


def exercised(connection: Connection, now: datetime, procedure_ids: Sequence[str] | None = None) -> dict[str, Exercised]:
    """Give of each procedure that was carried out in the last year what came of it."""
    columns = (runs.c.procedure_id, runs.c.state, runs.c.judged, runs.c.started_at, runs.c.ended_at)
    query = select(*columns).where(runs.c.state.in_(("succeeded", "failed")), runs.c.started_at >= now - SPAN)
    if procedure_ids is not None:
        query = query.where(runs.c.procedure_id.in_(procedure_ids))
    of_each: dict[str, list[tuple[datetime, float | None]]] = defaultdict(list)
    for row in connection.execute(query):
        worked = row.state == "succeeded" and row.judged != 2
        took = (row.ended_at - row.started_at).total_seconds() if worked and row.ended_at is not None else None
        of_each[row.procedure_id].append((row.started_at, took))
    return {name: _sum(found) for name, found in of_each.items()}


def _sum(found: Sequence[tuple[datetime, float | None]]) -> Exercised:
    took = [seconds for _, seconds in found if seconds is not None]
    return Exercised(max(at for at, _ in found), len(found), len(took), median(took) if took else None)
