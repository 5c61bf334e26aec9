"""The rows of runs: the run, its log, the attempts (intent before, outcome after), leases and brakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from watchkeeper.base.errors import Conflict, Refused
from watchkeeper.run.fold import begin, fold, outcome_from_json, outcome_to_json
from watchkeeper.run.model import Event, Outcome, Plan, Run
from watchkeeper.run.plan import plan_from_json, plan_to_json
from watchkeeper.store.locks import hold
from watchkeeper.store.schema import Instant, Json, metadata
from watchkeeper.store.sight import unseen_ids

runs = Table(
    "run",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("incident_id", String(40)),
    Column("procedure_id", String(300), nullable=False),
    Column("title", Text, nullable=False),
    Column("component", String(200)),
    Column("severity", String(50)),
    Column("target", String(100), nullable=False),
    Column("actor", String(200), nullable=False),
    #: the plan as JSON: a run goes on under the book it was started from
    Column("plan", Json, nullable=False),
    Column("book", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("sentence", Text, nullable=False, server_default=""),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    #: 1 once the verify chapter has judged it
    Column("judged", Integer, nullable=False, server_default="0"),
    #: the ended run on which this one goes on; one at most does
    Column("resumes", String(40)),
    Index("ix_run_incident", "incident_id"),
    Index("ix_run_state", "state"),
    Index("ix_run_resumes", "resumes", unique=True),
    Index("ix_run_started", "started_at"),
    Index("ix_run_ended", "ended_at"),
)

events = Table(
    "run_event",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("act", String(30)),
    Column("body", Json, nullable=False),
)

attempts = Table(
    "attempt",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("act", String(30), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    #: process that began it, and the boot of the machine it began on
    Column("owner", String(100), nullable=False),
    Column("boot_id", String(64), nullable=False),
    #: digest of rendered text + inputs + target: what was meant
    Column("digest", String(64), nullable=False),
    Column("risk", String(10), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("outcome", Json),
    Column("ended_at", Instant),
)

leases = Table(
    "lease",
    metadata,
    Column("component", String(200), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)

brakes = Table(
    "brake",
    metadata,
    #: "halt" stops everything automatic
    Column("name", String(50), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("why", Text, nullable=False),
)

ENDED = ("succeeded", "failed", "cancelled")
HALT = "halt"

# What every act needs is put together once: SQLAlchemy takes longer to build a statement than SQLite to carry it out.
_OF_RUN: BindParameter[str] = bindparam("of_run")
_SET_STATE = update(runs).where(runs.c.id == _OF_RUN, runs.c.state.not_in(ENDED)).values(state=bindparam("new_state"))
_INSERT_EVENT = insert(events)
_LAST_SEQ = select(func.coalesce(func.max(events.c.seq), 0)).where(events.c.run_id == _OF_RUN).scalar_subquery()
_APPEND_EVENT = (
    insert(events)
    .values({name: bindparam(name) for name in ("at", "kind", "actor", "act", "body")})
    .values(run_id=_OF_RUN, seq=_LAST_SEQ + 1)
    .returning(events.c.seq)
)
_STOP_WANTED = select(events.c.body).where(events.c.run_id == _OF_RUN, events.c.kind == "cancelled")
_SEVERITY = select(runs.c.severity).where(runs.c.id == _OF_RUN)
_READ_EVENTS = select(events).where(events.c.run_id == _OF_RUN, events.c.seq > bindparam("after_seq")).order_by(events.c.seq)
_INSERT_ATTEMPT = insert(attempts)
_ATTEMPT = (attempts.c.run_id == _OF_RUN, attempts.c.act == bindparam("of_act"), attempts.c.n == bindparam("of_n"))
_READ_ATTEMPT = select(attempts).where(*_ATTEMPT)
_WRITE_OUTCOME = (
    update(attempts).where(*_ATTEMPT, attempts.c.ended_at.is_(None)).values(outcome=bindparam("what"), ended_at=bindparam("at"))
)
_HALTED = select(brakes.c.actor + " halted everything automatic: " + brakes.c.why).where(brakes.c.name == HALT)
_NOW: BindParameter[datetime] = bindparam("now")
_COMPONENT: BindParameter[str | None] = bindparam("of_component")
_HOLDER: BindParameter[str] = bindparam("new_holder")
_OBSTACLES = select(
    _HALTED.scalar_subquery(),
    select(leases.c.holder)
    .where(leases.c.component == _COMPONENT, leases.c.until > _NOW, leases.c.holder != _OF_RUN)
    .scalar_subquery(),
    select(runs.c.id)
    .join(attempts, attempts.c.run_id == runs.c.id)
    .where(attempts.c.ended_at.is_(None), attempts.c.risk != "read", runs.c.actor == "automation")
    .where(runs.c.id != _OF_RUN, runs.c.state == "running")
    .limit(1)
    .scalar_subquery(),
)
_EARLIER_CHANGES = select(runs.c.state, runs.c.judged).where(
    runs.c.procedure_id == bindparam("of_procedure"),
    runs.c.component.is_not_distinct_from(_COMPONENT),
    runs.c.started_at > bindparam("since"),
    runs.c.id != _OF_RUN,
    runs.c.id.in_(select(attempts.c.run_id).where(attempts.c.risk != "read")),
)
_RENEW_LEASE = (
    update(leases)
    .where(leases.c.component == _COMPONENT, or_(leases.c.holder == _HOLDER, leases.c.until <= _NOW))
    .values(holder=_HOLDER, fence=leases.c.fence + case((leases.c.holder == _HOLDER, 0), else_=1), until=bindparam("new_until"))
    .returning(leases.c.fence)
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an act: the intent, and the outcome once there is one."""

    run_id: str
    act: str
    n: int
    owner: str
    boot_id: str
    digest: str
    risk: str
    begun_at: datetime
    outcome: Outcome | None
    ended_at: datetime | None


# --- runs and their log


def create_run(
    connection: Connection,
    run_id: str,
    now: datetime,
    plan: Plan,
    *,
    actor: str,
    target: str,
    incident_id: str | None = None,
    component: str | None = None,
    severity: str | None = None,
) -> None:
    """Write the run's row; the caller appends the event "started" in the same transaction."""
    row = {"id": run_id, "incident_id": incident_id, "procedure_id": plan.procedure_id, "title": plan.title, "sentence": ""}
    row |= {"component": component, "severity": severity, "target": target, "actor": actor, "book": plan.book}
    connection.execute(insert(runs).values(**row, plan=plan_to_json(plan), state="running", started_at=now, judged=0))


def load_run(connection: Connection, run_id: str) -> Run | None:
    """Give a run as its log tells it; None where there is no such run, and where whoever reads may not see its incident."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    return None if row is None or row.incident_id in unseen_ids(connection) else _folded(connection, [row])[0]


def catch_up(connection: Connection, run: Run) -> Run:
    """Fold what was appended to the log since the run was loaded; its severity is that of the incident by now."""
    severity = connection.execute(_SEVERITY, {"of_run": run.id}).scalar()
    known = run if severity == run.severity else replace(run, severity=severity)
    return fold(known, read_events(connection, run.id, after_seq=run.seq))


def list_runs(
    connection: Connection,
    incident_id: str | None = None,
    limit: int = 100,
    open_only: bool = False,
    *,
    state: str | None = None,
    procedure: str | None = None,
    since: datetime | None = None,
) -> list[Run]:
    """Give runs, newest first, each folded from its log; `procedure` is a part of a procedure's id or title."""
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    if incident_id is not None:
        query = query.where(runs.c.incident_id == incident_id)
    if open_only or state == "open":
        query = query.where(runs.c.state.not_in(ENDED))
    elif state is not None:
        query = query.where(runs.c.state == state)
    if procedure is not None:
        named = or_(*(column.icontains(procedure, autoescape=True) for column in (runs.c.procedure_id, runs.c.title)))
        query = query.where(named)
    if since is not None:
        query = query.where(runs.c.started_at >= since)
    if left_out := unseen_ids(connection):
        query = query.where(or_(runs.c.incident_id.is_(None), runs.c.incident_id.not_in(left_out)))
    return _folded(connection, connection.execute(query).all())


def runs_that_changed(connection: Connection, since: datetime, until: datetime, limit: int) -> list[Run]:
    """Give the runs that ended within a span and carried out something that was more than a look, newest first."""
    changing = exists().where(attempts.c.run_id == runs.c.id, attempts.c.risk != "read", attempts.c.ended_at.is_not(None))
    query = select(runs).where(runs.c.ended_at >= since, runs.c.ended_at <= until, changing)
    if left_out := unseen_ids(connection):
        query = query.where(or_(runs.c.incident_id.is_(None), runs.c.incident_id.not_in(left_out)))
    newest = query.order_by(runs.c.ended_at.desc(), runs.c.id.desc()).limit(limit)
    return _folded(connection, connection.execute(newest).all())


def latest_of_incidents(connection: Connection, incident_ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Give of several incidents the latest run of each, by its rows alone: its id, title and state."""
    if not incident_ids:
        return {}
    query = select(runs.c.incident_id, runs.c.id, runs.c.title, runs.c.state).where(runs.c.incident_id.in_(incident_ids))
    rows = connection.execute(query.order_by(runs.c.started_at, runs.c.id)).all()
    return {row.incident_id: (row.id, row.title, row.state) for row in rows}


def open_run_ids(connection: Connection) -> list[str]:
    """Give the runs that are not over, oldest first: what a start-up or the end of a halt drives on."""
    query = select(runs.c.id).where(runs.c.state.not_in(ENDED)).order_by(runs.c.started_at)
    return list(connection.execute(query).scalars())


def unjudged_runs(connection: Connection, limit: int = 100) -> list[str]:
    """Give the ended runs that the verify chapter has not judged yet."""
    query = select(runs.c.id).where(runs.c.state.in_(ENDED), runs.c.judged == 0).order_by(runs.c.ended_at).limit(limit)
    return list(connection.execute(query).scalars())


def set_severity(connection: Connection, run_id: str, severity: str | None) -> None:
    """Let the policy judge what a run still does by how grave its incident has become."""
    connection.execute(update(runs).where(runs.c.id == run_id, runs.c.state.not_in(ENDED)).values(severity=severity))


def mark_judged(connection: Connection, run_id: str, verified: bool) -> None:
    """Note that the run was judged; 2 stands for "it did not work", which the repetition brake asks for."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(judged=1 if verified else 2))


def append_event(
    connection: Connection,
    run_id: str,
    now: datetime,
    kind: str,
    actor: str = "automation",
    act: str | None = None,
    body: Mapping[str, Any] | None = None,
    *,
    expect_seq: int | None = None,
    stays_running: bool = False,
) -> Event:
    """Append to a run's log, without holes; Conflict where somebody else appended since `expect_seq`.

    `stays_running` spares the run's row an update that would change nothing; the sequence number alone then keeps order.
    """
    event_body = dict(body or {})
    # the update also holds the run's row, so that two who append on PostgreSQL come one after the other
    if not stays_running and not _set_state(connection, run_id, now, kind, event_body):
        raise Conflict(f"Run {run_id} is over, or there never was one.", code="WK311")
    row: dict[str, Any] = {"at": now, "kind": kind, "actor": actor, "act": act, "body": event_body}
    if expect_seq is None:
        seq = connection.execute(_APPEND_EVENT, {"of_run": run_id, **row}).scalar_one()
        return Event(seq, now, kind, actor, act, event_body)
    try:
        connection.execute(_INSERT_EVENT, {"run_id": run_id, "seq": expect_seq + 1, **row})
    except IntegrityError:
        raise Conflict(f"Run {run_id} went on in the meantime.", code="WK311") from None
    return Event(expect_seq + 1, now, kind, actor, act, event_body)


def _set_state(connection: Connection, run_id: str, now: datetime, kind: str, body: Mapping[str, Any]) -> bool:
    """Keep the run's row at what its log says; False where the run is over."""
    if kind == "ended":
        ending = _SET_STATE.values(sentence=body.get("sentence", ""), ended_at=now)
        return bool(connection.execute(ending, {"of_run": run_id, "new_state": body["state"]}).rowcount)
    state = {"asked": "asking", "waiting": "waiting"}.get(kind, "running")
    return bool(connection.execute(_SET_STATE, {"of_run": run_id, "new_state": state}).rowcount)


def read_events(connection: Connection, run_id: str, after_seq: int = 0) -> list[Event]:
    """Give a run's log from after a sequence number."""
    return [_event(row) for row in connection.execute(_READ_EVENTS, {"of_run": run_id, "after_seq": after_seq})]


def stop_wanted(connection: Connection, run_id: str) -> bool:
    """Tell whether somebody cancelled a run and wants what is under way to be ended."""
    found = connection.execute(_STOP_WANTED, {"of_run": run_id}).scalars()
    return any(body.get("stops") for body in found)


def _folded(connection: Connection, rows: Sequence[Any]) -> list[Run]:
    """Give the runs of some rows, each folded from its log; the logs are read at once."""
    logs: dict[str, list[Event]] = {row.id: [] for row in rows}
    for row in connection.execute(select(events).where(events.c.run_id.in_(logs)).order_by(events.c.run_id, events.c.seq)):
        logs[row.run_id].append(_event(row))
    return [_with_log(row, logs[row.id]) for row in rows]


def _event(row: Any) -> Event:
    return Event(row.seq, row.at, row.kind, row.actor, row.act, row.body)


def _with_log(row: Any, log: list[Event]) -> Run:
    run = fold(_begun(row), log)
    if row.ended_at is not None and run.ended_at is None:
        # its log was dropped by the policy of retention; how it ended stays in its row
        return replace(run, state=row.state, sentence=row.sentence, ended_at=row.ended_at)
    return run


def _begun(row: Any) -> Run:
    plan = plan_from_json(row.plan)
    known = {"incident_id": row.incident_id, "severity": row.severity, "component": row.component, "target": row.target}
    return begin(Run(row.id, plan, actor=row.actor, started_at=row.started_at, **known))


# --- attempts


def read_attempt(connection: Connection, run_id: str, act: str, n: int) -> Attempt | None:
    """Give one attempt; None where it was never begun."""
    row = connection.execute(_READ_ATTEMPT, {"of_run": run_id, "of_act": act, "of_n": n}).first()
    return None if row is None else _attempt(row)


def list_attempts(connection: Connection, run_id: str) -> list[Attempt]:
    """Give all attempts of a run in the order in which they began."""
    query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.begun_at, attempts.c.act, attempts.c.n)
    return [_attempt(row) for row in connection.execute(query)]


def write_intent(
    connection: Connection, run_id: str, act: str, n: int, owner: str, boot_id: str, digest: str, risk: str, now: datetime
) -> None:
    """Write that an attempt is about to begin."""
    row = {"run_id": run_id, "act": act, "n": n, "owner": owner, "boot_id": boot_id, "digest": digest, "risk": risk}
    connection.execute(_INSERT_ATTEMPT, {**row, "begun_at": now})


def write_outcome(connection: Connection, run_id: str, act: str, n: int, outcome: Outcome, now: datetime) -> bool:
    """Write what came of an attempt, once; answers whether it was the first to say so."""
    given = {"of_run": run_id, "of_act": act, "of_n": n, "what": outcome_to_json(outcome), "at": now}
    return bool(connection.execute(_WRITE_OUTCOME, given).rowcount)


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What may stand in the way of a change right now."""

    #: who halted everything automatic, and why
    halted: str | None
    #: the run that holds the component
    holder: str | None
    #: another automatic run of which a change was begun and has no outcome yet
    other: str | None


def obstacles(connection: Connection, component: str, run_id: str, now: datetime) -> Obstacles:
    """Look for what stands in the way of a run's change, in one statement."""
    row = connection.execute(_OBSTACLES, {"of_component": component, "of_run": run_id, "now": now}).one()
    return Obstacles(*row)


def earlier_changes(
    connection: Connection, procedure_id: str, component: str | None, now: datetime, within: timedelta, apart_from: str
) -> list[bool | None]:
    """Give, of each other run of a procedure on a component that changed something, whether it turned out well.

    None of one that has not ended.
    """
    given = {"of_procedure": procedure_id, "of_component": component, "since": now - within, "of_run": apart_from}
    found = connection.execute(_EARLIER_CHANGES, given)
    return [row.state == "succeeded" and row.judged != 2 if row.state in ENDED else None for row in found]


def _attempt(row: Any) -> Attempt:
    outcome = outcome_from_json(row.outcome) if row.outcome else None
    where = (row.run_id, row.act, row.n, row.owner, row.boot_id, row.digest, row.risk, row.begun_at)
    return Attempt(*where, outcome=outcome, ended_at=row.ended_at)


# --- leases and brakes


def take_lease(connection: Connection, component: str, holder: str, now: datetime, until: datetime) -> int:
    """Take or renew the one right to change a component; gives the fencing number, raises Conflict where another holds it."""
    given = {"of_component": component, "new_holder": holder, "now": now, "new_until": until}
    fence = connection.execute(_RENEW_LEASE, given).scalar()
    if fence is None and _holder_of(connection, component) is None:
        # nobody ever had it: of two who see that at once, one makes the row and the other finds it
        hold(connection, f"first lease of {component}")
        fence = connection.execute(_RENEW_LEASE, given).scalar()
    if fence is not None:
        return int(fence)
    other = _holder_of(connection, component)
    if other is not None:
        raise Conflict(f"{component} is being changed by {other}.", code="WK312")
    connection.execute(insert(leases).values(component=component, holder=holder, fence=1, until=until))
    return 1


def _holder_of(connection: Connection, component: str) -> str | None:
    return connection.execute(select(leases.c.holder).where(leases.c.component == component)).scalar()


def release_leases(connection: Connection, holder: str, now: datetime) -> None:
    """Let go of all that a run holds; the fencing numbers stay."""
    connection.execute(update(leases).where(leases.c.holder == holder, leases.c.until > now).values(until=now))


def halted(connection: Connection) -> str | None:
    """Say who halted everything automatic, and why; None where nobody did."""
    return connection.execute(_HALTED).scalar()


def check_halt(connection: Connection) -> None:
    """Refuse to go on while a halt stands."""
    sentence = halted(connection)
    if sentence:
        raise Refused(sentence, hint="watchkeeper unhalt lifts it.", code="WK301")


def set_brake(connection: Connection, name: str, now: datetime, actor: str, why: str) -> None:
    """Pull a brake; it stays until it is lifted, over restarts too."""
    hold(connection, f"brake {name}")
    lift_brake(connection, name)
    connection.execute(insert(brakes).values(name=name, at=now, actor=actor, why=why))


def lift_brake(connection: Connection, name: str) -> bool:
    """Lift a brake; answers whether it was pulled."""
    return bool(connection.execute(delete(brakes).where(brakes.c.name == name)).rowcount)
