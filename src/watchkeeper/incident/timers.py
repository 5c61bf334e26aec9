"""Clocks as due rows: the promises of an incident, kept by whoever lives when they come due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.store import due

KIND = "clock"


def clock_key(incident: Incident, run: ClockRun) -> str:
    """Name a clock so that it is kept once for each severity that the incident has had, and each time the ladder is climbed."""
    again = f"again {run.round}/" if run.round else ""
    return f"clock/{incident.id}/{incident.severity or '-'}/{run.kind}/{run.level}/{again}{run.role}"[:200]


def set_clocks(connection: Connection, incident: Incident, runs: Sequence[ClockRun]) -> None:
    """Write an incident's clocks; those of an earlier severity that are still open are dropped, but for a procedure's own.

    Their rungs are a ladder of their own: what an earlier one has done does not stand for them.
    """
    stop_clocks(connection, incident.id, ("rung", "respond", "update"))
    begun = last_round(connection, incident.id) + 1
    for run in runs:
        set_clock(connection, incident, replace(run, round=begun) if run.kind == "rung" else run)


def set_clock(connection: Connection, incident: Incident, run: ClockRun) -> None:
    """Write one clock; one with the same key that is still open is moved."""
    body = {"clock": run.kind, "level": run.level, "role": run.role, "sentence": run.sentence, "round": run.round, "lap": run.lap}
    due.schedule(connection, due.Due(clock_key(incident, run), KIND, incident.id, run.due_at, body))


def read_clock(at: datetime, body: Mapping[str, Any]) -> ClockRun:
    """Give the clock that a due row stands for."""
    round = body.get("round", 0)
    return ClockRun(body["clock"], at, body["sentence"], body["role"], body["level"], round, body.get("lap", round))


def bring_forward(connection: Connection, incident: Incident, level: int, now: datetime, round: int = 0) -> int | None:
    """Let the next level above one come due now; gives which it is, None where there is no further one."""
    running = read_clocks(connection, incident.id)
    rungs = [run for run in running if run.kind == "rung" and run.round == round and run.level > level]
    following = min((run.level for run in rungs), default=None)
    for run in rungs:
        if run.level == following and run.due_at > now:
            set_clock(connection, incident, replace(run, due_at=now))
    return following


def last_round(connection: Connection, incident_id: str) -> int:
    """Give the number of the ladder that was begun last, whether it still runs or not; -1 where there was none."""
    table = due.dues.c
    bodies = connection.execute(select(table.body).where(table.subject == incident_id, table.kind == KIND)).scalars()
    return max((body.get("round", 0) for body in bodies if body["clock"] == "rung"), default=-1)


def put_off(connection: Connection, incident: Incident, run: ClockRun, key: str, until: datetime) -> None:
    """Let a rung wait for an instant; what earlier ladders let the same role wait for is dropped, so that it is told once."""
    table = due.dues.c
    rows = connection.execute(
        select(table.key, table.body).where(table.subject == incident.id, table.kind == KIND, table.done_at.is_(None))
    ).all()
    alike = [(row.key, read_clock(until, row.body)) for row in rows]
    older = [
        key for key, one in alike if (one.kind, one.level, one.role) == ("rung", run.level, run.role) and one.round < run.round
    ]
    connection.execute(delete(due.dues).where(table.key.in_(older)))
    due.put_off(connection, key, until)


def read_clocks(connection: Connection, incident_id: str) -> list[ClockRun]:
    """Give the clocks of an incident that still run, the next one first."""
    return read_clocks_of(connection, [incident_id])[incident_id]


def read_clocks_of(connection: Connection, incident_ids: Sequence[str]) -> dict[str, list[ClockRun]]:
    """Give the clocks of several incidents that still run, each incident's next one first."""
    found: dict[str, list[ClockRun]] = {incident_id: [] for incident_id in incident_ids}
    table = due.dues.c
    still_open = (table.subject.in_(incident_ids)) & (table.kind == KIND) & table.done_at.is_(None)
    query = select(table.subject, table.at, table.body).where(still_open).order_by(table.at, table.key)
    for row in connection.execute(query).all() if incident_ids else ():
        found[row.subject].append(read_clock(row.at, row.body))
    return found


def stop_clocks(connection: Connection, incident_id: str, kinds: Sequence[str] = ()) -> int:
    """Drop what still runs on an incident, all or only these kinds; returns how many."""
    if not kinds:
        return due.cancel(connection, incident_id, KIND)
    table = due.dues.c
    rows = connection.execute(
        select(table.key, table.body).where(table.subject == incident_id, table.kind == KIND, table.done_at.is_(None))
    ).all()
    keys = [row.key for row in rows if row.body["clock"] in kinds]
    return connection.execute(delete(due.dues).where(table.key.in_(keys))).rowcount if keys else 0


def again(run: ClockRun, every: timedelta, now: datetime) -> ClockRun:
    """Give the next round of a clock that comes again, after `now`."""
    rounds = max(1, (now - run.due_at) // every + 1)
    return ClockRun(run.kind, run.due_at + rounds * every, run.sentence, run.role, run.level + rounds)
