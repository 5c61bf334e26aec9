"""Procedure -> plan: the list of acts that a run carries out, printable before anything runs.

A procedure of the book enters; acts with stable keys leave, each with the sentence why where it is left out. Nothing is run,
looked up or rendered here, and a plan survives the trip to JSON and back without loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from watchkeeper.book.model import Book, Command, Condition, Expectation, Procedure, Step, Threshold
from watchkeeper.run.model import Act, Plan
from watchkeeper.run.twin import stating_twin_of, twin_of

_ENDLESS = "It never ends by itself"
_INTERACTIVE = "It waits for somebody to type"
_LEFT_TO_PEOPLE = {
    "diagnose": "Left to people: the book gives no command for this look.",
    "prevent": "Left to people: it prevents the next time and repairs nothing now.",
    "communicate": "Left to people: it is a message, not an act on the system.",
}


def plan(book: Book, procedure: Procedure, platform: str | None = None) -> Plan:
    """Make a procedure into acts; `platform` ("docker", "kubernetes", "systemd") picks among alternatives."""
    acts: list[Act] = []
    branches: dict[tuple[int, str], str] = {}
    for place, step in enumerate(procedure.steps, start=1):
        number = step.n if all(act.step != step.n for act in acts) else 1000 + place
        branch = _branch(step, number, acts, branches)
        acts += _step_acts(step, number, branch, platform)
    return Plan(procedure.id, procedure.title, book.digest, procedure.line, tuple(acts))


def _branch(step: Step, number: int, acts: list[Act], branches: dict[tuple[int, str], str]) -> str | None:
    """Give the key of the step's condition act, adding it where the step is the first under it."""
    condition = step.condition or (Condition(text=step.when, line=step.line) if step.when else None)
    if condition is None:
        return None
    name = (condition.line, condition.text)
    if name not in branches:
        branches[name] = f"{number}.if"
        risk = condition.command.risk if condition.command else "read"
        text = condition.text
        acts.append(Act(f"{number}.if", number, "condition", text, condition.line, condition=condition, risk=risk))
    return branches[name]


def _step_acts(step: Step, number: int, branch: str | None, platform: str | None) -> list[Act]:
    def act(index: int, **values: Any) -> Act:
        stated: dict[str, Any] = {"text": step.text, "line": step.line, "phase": step.phase, "caution": step.caution}
        return Act(f"{number}.{index}", number, **{**stated, "branch": branch, **values})

    if step.phase == "prevent":
        return [act(1, kind="manual", skip=_LEFT_TO_PEOPLE["prevent"])]
    made: list[Act] = []
    chosen = platform or next((c.alternative for c in step.commands if c.alternative), None)
    for index, command in enumerate(step.commands, start=1):
        made.append(_command_act(act, index, step, command, chosen, platform))
    if step.wait_s is not None:
        made.append(act(len(made) + 1, kind="wait", wait_s=step.wait_s))
    if not made:
        made.append(act(1, kind="manual", skip=_LEFT_TO_PEOPLE.get(step.phase or "")))
    return made


def _command_act(act: Any, index: int, step: Step, command: Command, chosen: str | None, platform: str | None) -> Act:
    values: dict[str, Any] = {"command": command, "risk": command.risk, "line": command.line, "expects": command.expects}
    if len(step.commands) > 1 and command.purpose:
        values["text"] = command.purpose
    if command.alternative and command.alternative != chosen:
        why = f"the estate runs on {platform}" if platform else f"the alternative for {chosen} comes first"
        made: Act = act(index, kind="command", skip=f"Meant for {command.alternative}; {why}.", **values)
        return made
    trouble = _ENDLESS if command.endless else _INTERACTIVE if command.interactive else None
    twin = twin_of(command) if trouble else None
    if trouble is None:
        stating = stating_twin_of(command) if command.expects is None and step.condition is None else None
        made = act(index, kind="command", **{**values, "command": stating or command, "stands_for": stating and command.text})
    elif twin is not None:
        text = (
            f"{values.get('text', step.text)} — {trouble.lower()}, so what runs instead of `{command.text}` ends: `{twin.text}`"
        )
        made = act(
            index, kind="command", **{**values, "command": twin, "risk": twin.risk, "text": text, "stands_for": command.text}
        )
    elif step.phase in ("diagnose", None) and command.risk == "read":
        made = act(index, kind="command", skip=f"{trouble}, so it is left to people.", **values)
    else:
        made = act(index, kind="manual", text=f"{step.text} — {trouble.lower()}, so a person runs: {command.text}", **values)
    return made


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Give the plan as plain JSON."""
    return asdict(plan)


def plan_from_json(value: Mapping[str, Any]) -> Plan:
    """Read what `plan_to_json` gave; fields that this release does not know are left out."""
    return Plan(**{**_known(Plan, value), "acts": tuple(_act(act) for act in value["acts"])})


def _act(value: Mapping[str, Any]) -> Act:
    known = _known(Act, value)
    known["command"] = _command(known.get("command"))
    known["condition"] = _condition(known.get("condition"))
    known["expects"] = _expectation(known.get("expects"))
    known["words"] = tuple(known.get("words", ()))
    return Act(**known)


def _command(value: Mapping[str, Any] | None) -> Command | None:
    if value is None:
        return None
    known = _known(Command, value)
    known["tools"], known["placeholders"] = tuple(known.get("tools", ())), tuple(known.get("placeholders", ()))
    return Command(**{**known, "expects": _expectation(known.get("expects"))})


def _condition(value: Mapping[str, Any] | None) -> Condition | None:
    if value is None:
        return None
    known = _known(Condition, value)
    threshold = known.get("threshold")
    if threshold is not None:
        threshold = Threshold(**{**_known(Threshold, threshold), "actions": tuple(threshold.get("actions", ()))})
    known |= {"command": _command(known.get("command")), "test": _expectation(known.get("test")), "threshold": threshold}
    return Condition(**known)


def _expectation(value: Mapping[str, Any] | None) -> Expectation | None:
    if value is None:
        return None
    return Expectation(**{**_known(Expectation, value), "any_of": tuple(value.get("any_of", ()))})


def _known(kind: type, value: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {name: each for name, each in value.items() if name in names}
