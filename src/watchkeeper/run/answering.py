"""A person's answer to what a run asks, and cancelling: rows in the run's log, never an act by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from watchkeeper.base.errors import Conflict, InputError, NotFound
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Policy
from watchkeeper.run.approving import check_approval, check_seen
from watchkeeper.run.ledger import append_event, load_run, read_events
from watchkeeper.run.model import Event, Run
from watchkeeper.run.ticking import open_boxes
from watchkeeper.run.values.inputs import by_name, check_value, input_from_json, no_input
from watchkeeper.store import ledger

#: question -> the answers it takes
ANSWERS: dict[str, tuple[str, ...]] = {
    "approve": ("approve", "refuse", "skip", "abort"),
    "settle": ("happened", "did-not-happen", "abort"),
    "manual": ("done", "skip", "abort"),
    "branch": ("yes", "no", "abort"),
    "input": ("input", "skip", "abort"),
    "failed": ("again", "done", "skip", "abort"),
}
_SAYS = {
    "approve": "approved it",
    "refuse": "refused it",
    "happened": "says that it happened",
    "did-not-happen": "says that it did not happen",
    "again": "lets it be tried again",
    "skip": "skipped it",
    "done": "says that it is done",
    "yes": "says yes",
    "no": "says no",
    "input": "gave what it needs",
    "abort": "stopped the run",
}
APPROVAL_S = 900.0


def answer(
    connection: Connection,
    now: datetime,
    run_id: str,
    act_key: str,
    answer: str,
    actor: str,
    why: str = "",
    approval_s: float = APPROVAL_S,
    *,
    policy: Policy | None = None,
    person: str = "",
    confirm: str = "",
    seen: datetime | None = None,
    inputs: Mapping[str, str] | None = None,
    secrets: Iterable[Secret] = (),
) -> Event:
    """Write down what a person answers; Conflict where the run does not ask that (any more), or asks another thing than was seen.

    `person` is as whom the actor counts, `confirm` what they typed; an approval is held against the policy where one is given.
    `inputs` are values for the question "input", by their names; each is checked here, and none may hold one of the secrets.
    """
    run = _open_run(connection, run_id)
    standing = run.acts.get(act_key)
    if standing is None or standing.state != "asking" or standing.question is None:
        raise _not_asked(connection, run_id, act_key)
    allowed = ANSWERS[standing.question]
    if answer not in allowed:
        hint = f"Say one of: {', '.join(allowed)}."
        raise InputError(f"{answer!r} does not answer “{standing.question}”.", hint=hint, code="WK152")
    act = next(each for each in run.plan.acts if each.key == act_key)
    check_seen(run, act, seen)
    if answer == "approve" and policy is not None:
        check_approval(run, act, person or actor, why, confirm, policy, now)
    asked = _last_asked(connection, run_id, act_key)
    sentence = f"{actor} {_SAYS[answer]}{': ' + why if why else ''}."
    body: dict[str, Any] = {"question": standing.question, "answer": answer, "sentence": sentence, "why": why}
    if person:
        body["person"] = person
    kind = "answered"
    if answer == "approve":
        kind = "approved"
        body |= {"digests": asked.body.get("digests", {}), "until": (now + timedelta(seconds=approval_s)).isoformat()}
    if answer == "input":
        body["inputs"] = _checked(asked.body.get("inputs", ()), inputs or {}, secrets)
        body["sentence"] = sentence = f"{sentence.rstrip('.')}: {', '.join(f'{k} = {v}' for k, v in body['inputs'].items())}."
    event = append_event(connection, run_id, now, kind, actor, act_key, body, expect_seq=run.seq)
    ledger.append(connection, now, actor, f"run {kind}", run_id, why=why, body={"act": act_key, **body})
    return event


def tick(
    connection: Connection,
    now: datetime,
    run_id: str,
    keys: Iterable[str],
    answer_: str,
    actor: str,
    why: str = "",
    person: str = "",
) -> list[Event]:
    """Write down one answer for several acts of a step that a person does; Conflict where one of them cannot be ticked now."""
    made: list[Event] = []
    for key in keys:
        run = _open_run(connection, run_id)
        standing = run.acts.get(key)
        if standing is not None and standing.state == "to-do" and any(act.key == key for act in open_boxes(run, key)):
            # the boxes of one step are seen together, so the answer to one is not waited for before the next is asked
            body = {"question": "manual", "sentence": "Ticked together with others of its step."}
            append_event(connection, run_id, now, "asked", actor, key, body, expect_seq=run.seq)
        elif standing is None or standing.question != "manual":
            raise _not_asked(connection, run_id, key)
        made.append(answer(connection, now, run_id, key, answer_, actor, why, person=person))
        if answer_ == "abort":
            break
    return made


def cancel(connection: Connection, now: datetime, run_id: str, actor: str, why: str = "", stops: bool = False) -> Event:
    """Ask a run to end: nothing more is begun; what is under way is ended where it `stops`, and gets its outcome either way."""
    _open_run(connection, run_id)
    sentence = f"{actor} cancelled it{': ' + why if why else ''}."
    event = append_event(connection, run_id, now, "cancelled", actor, body={"sentence": sentence, "stops": stops})
    ledger.append(connection, now, actor, "run cancelled", run_id, why=why)
    return event


def _open_run(connection: Connection, run_id: str) -> Run:
    run = load_run(connection, run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id}.", hint="`watchkeeper run list` shows them.", code="WK203")
    if run.ended_at is not None:
        raise Conflict(f"Run {run_id} is over: {run.sentence}", code="WK313")
    return run


def _not_asked(connection: Connection, run_id: str, act_key: str) -> Conflict:
    """Give the error for an answer that nobody waits for, naming who was first."""
    log = reversed(read_events(connection, run_id))
    first = next((event for event in log if event.kind in ("approved", "answered") and event.act == act_key), None)
    if first is None:
        sentence = f"Run {run_id} does not ask anything about act {act_key}."
    else:
        sentence = (
            f"Run {run_id} does not ask anything about act {act_key} any more: at {first.at:%H:%M:%S} {first.body['sentence']}"
        )
    return Conflict(sentence, hint="Look at the run again.", code="WK313")


def _last_asked(connection: Connection, run_id: str, act_key: str) -> Event:
    return next(event for event in reversed(read_events(connection, run_id)) if event.kind == "asked" and event.act == act_key)


def _checked(asked: Iterable[Mapping[str, Any]], given: Mapping[str, str], secrets: Iterable[Secret]) -> dict[str, str]:
    """Give the values for what was asked, each held against its input; InputError names the first that is wrong."""
    wanted = {one.name: one for one in (input_from_json(each) for each in asked)}
    values = by_name(given)
    for name in values:
        if name not in wanted:
            raise no_input(name, wanted)
    for name, one in wanted.items():
        value = values.get(name, one.default)
        if value is None:
            raise InputError(f"Nothing is given for {name} ({one.words}).", hint=f"Give it: --set {name}=…", code="WK171")
        check_value(one, value, secrets)
        values[name] = value
    return values
