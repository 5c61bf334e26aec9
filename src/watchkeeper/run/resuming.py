"""Going on where a run ended: a new run of the same plan that carries what is done as done.

What was done stays done: its outcome is written into the new run's log, so that a branch stays decided and no change is made
twice. A change whose outcome nobody knows is carried as unknown, one that failed as failed: a person is asked about either first,
as in the old run. Checks that only look are made again, for an old look proves nothing. No approval is carried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from watchkeeper.base.errors import Conflict, NotFound, Refused
from watchkeeper.base.ids import new_id
from watchkeeper.run.fold import outcome_to_json
from watchkeeper.run.ledger import append_event, create_run, load_run, read_events, runs
from watchkeeper.run.model import Act, Event, Run, Standing
from watchkeeper.store import ledger


def resume_run(connection: Connection, now: datetime, run_id: str, actor: str, why: str = "", person: str = "") -> Run:
    """Start the run that goes on where one ended; gives it as it begins.

    Raises Conflict where the run is not over or was resumed already, Refused where nothing is left to do.
    """
    old = load_run(connection, run_id)
    if old is None:
        raise NotFound(f"There is no run {run_id}.", hint="`watchkeeper run list` shows them.", code="WK203")
    _check(connection, old)
    carried = list(_carried(old, read_events(connection, run_id)))
    new = new_id("run", now)
    about: dict[str, Any] = {"incident_id": old.incident_id, "component": old.component, "severity": old.severity}
    create_run(connection, new, now, old.plan, actor=actor, target=old.target, **about)
    try:
        connection.execute(runs.update().where(runs.c.id == new).values(resumes=old.id))
    except IntegrityError:
        raise Conflict(
            f"Run {old.id} was resumed by somebody else just now.", hint="See `watchkeeper run list`.", code="WK339"
        ) from None
    done = sum(kind == "outcome" and body["outcome"]["result"] == "ok" for kind, _, body in carried)
    sentence = f"It goes on where {old.id} ended ({old.state}): {done} of {len(old.plan.acts)} acts are carried as done."
    sentence = f"{sentence} {why}".strip()
    body: dict[str, Any] = {"procedure": old.plan.procedure_id, "title": old.plan.title, "book": old.plan.book}
    body |= {"sentence": sentence, "resumes": old.id} | ({"person": person} if person else {})
    left = {"inputs": old.given, "labels": old.labels, "carried": old.carried}
    body |= {name: dict(values) for name, values in left.items() if values} | ({"folder": old.folder} if old.folder else {})
    append_event(connection, new, now, "started", actor, body=body)
    for kind, act, told in carried:
        append_event(connection, new, now, kind, act=act, body=told)
    ledger.append(connection, now, actor, "run resumed", new, why=why, body={**body, **about, "target": old.target})
    made = load_run(connection, new)
    assert made is not None
    return made


def successor_of(connection: Connection, run_id: str) -> str | None:
    """Give the run that goes on where this one ended; None where none does."""
    return connection.execute(select(runs.c.id).where(runs.c.resumes == run_id)).scalar()


def predecessor_of(connection: Connection, run_id: str) -> str | None:
    """Give the run that this one goes on from; None where it is none's successor."""
    return connection.execute(select(runs.c.resumes).where(runs.c.id == run_id)).scalar()


def _check(connection: Connection, old: Run) -> None:
    if old.ended_at is None:
        raise Conflict(
            f"Run {old.id} is not over: it goes on by itself, or asks.",
            hint=f"`watchkeeper run follow {old.id}` says what it waits for.",
            code="WK339",
        )
    successor = successor_of(connection, old.id)
    if successor is not None:
        raise Conflict(
            f"Run {old.id} was resumed already, as {successor}.", hint="Resume that one, once it is over.", code="WK339"
        )
    if old.state == "succeeded":
        raise Refused(f"Run {old.id} succeeded: nothing is left to do.", hint="Start the procedure anew.", code="WK306")


def _carried(old: Run, log: list[Event]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give the events that stand at the beginning of the new run's log: (kind, act, body)."""
    left_out = {
        event.act: event.body.get("sentence", "") for event in log if event.kind == "answered" and event.body["answer"] == "skip"
    }
    for act in old.plan.acts:
        standing = old.acts[act.key]
        if standing.state == "skipped" and act.key in left_out:
            yield "skipped", act.key, {"sentence": f"In {old.id}: {left_out[act.key]}", "from": old.id}
        elif standing.outcome is not None and _stays(act, standing):
            said = standing.outcome.sentence
            outcome = replace(standing.outcome, sentence=f"In {old.id}: {said}" if said else f"In {old.id}.")
            yield "outcome", act.key, {"attempt": 0, "outcome": outcome_to_json(outcome), "from": old.id}


def _stays(act: Act, standing: Standing) -> bool:
    """Tell whether how an act stands is carried over."""
    if standing.state in ("unknown", "failed", "skipped"):  # skipped: the question about its failure was dropped with the run
        return act.mutating
    return standing.state == "done" and not (act.phase == "verify" and not act.mutating)
