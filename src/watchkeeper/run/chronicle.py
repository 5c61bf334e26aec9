"""What a run does, told to the incident's timeline in the same transaction: one sentence an event that people care about."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from watchkeeper.incident.ledger import add_entry
from watchkeeper.run.model import Act, Event, Run

_LONGEST = 120
ENDS = {"succeeded": "was carried out", "failed": "failed", "cancelled": "was stopped"}


def chronicle(connection: Connection, run: Run, event: Event) -> None:
    """Add the timeline entry of an event, where it has one and the run belongs to an incident."""
    if run.incident_id is None:
        return
    told = entry_of(run, event)
    if told is not None:
        kind, sentence, body = told
        add_entry(connection, run.incident_id, event.at, kind, event.actor, sentence, {"run": run.id, **body})


def entry_of(run: Run, event: Event) -> tuple[str, str, dict[str, Any]] | None:
    """Give kind, sentence and body of the entry for an event; None for what only the run's own page shows."""
    act = next((each for each in run.plan.acts if each.key == event.act), None)
    body: dict[str, Any] = {"act": event.act} if event.act else {}
    if event.kind == "ended":
        state = str(event.body.get("state"))
        told = f"{event.body.get('sentence', '')} {event.body.get('offer', '')}"
        return "run", f"“{run.plan.title}” {ENDS.get(state, state)}. {told}".strip(), body
    if act is None:
        return None
    what = _what(act)
    if event.kind == "outcome":
        outcome = event.body["outcome"]
        if act.kind == "condition":
            answer = {True: "yes", False: "no"}.get(outcome.get("holds"), "nobody can tell")
            return "branch", f"{act.text.rstrip(':')}: {answer}. {outcome.get('sentence', '')}".strip(), body
        if act.phase == "verify" and outcome.get("result") != "ok":
            return None  # a check is repeated until it passes; the run's end says it where it never does
        return "step", f"{what}: {outcome.get('result')}. {outcome.get('sentence', '')}".strip(), body
    if event.kind == "asked":
        would = event.body.get("previews", {}).get(event.act, {}).get("sentence", "")
        return "asked", f"{what}: a person is asked. {event.body.get('sentence', '')} {would}".strip(), body
    if event.kind in ("answered", "approved"):
        return "answered", f"{what}: {event.body.get('sentence', '')}", body
    return None


def _what(act: Act) -> str:
    text = " ".join((act.command.text if act.command and act.kind == "command" else act.text).split())
    return f"“{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}”"
