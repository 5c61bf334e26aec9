"""Procedure -> plan: the list of acts that a run carries out, printable before anything runs.

A procedure of the book enters; acts with stable keys leave, each with the sentence why where it is left out. Nothing is run,
looked up or rendered here, and a plan survives the trip to JSON and back without loss.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from watchkeeper.base.errors import NotFound
from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Book, Command, Condition, Expectation, Procedure, Risk, Step, Threshold
from watchkeeper.estate.model import InputRule
from watchkeeper.run.model import Act, Plan
from watchkeeper.run.ticking import in_lists
from watchkeeper.run.twin import stating_twin_of, twin_of
from watchkeeper.run.values.carrying import with_keeping
from watchkeeper.run.values.inputs import name_of
from watchkeeper.run.values.render import needs_of

#: the procedure of a plan of one command is called after its place
COMMAND = "command:"
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
    for place, (step, boxes) in enumerate(in_lists(book, procedure), start=1):
        number = step.n if all(act.step != step.n for act in acts) else 1000 + place
        branch = _branch(step, number, acts, branches)
        acts += _box_acts(boxes, number, platform) if boxes else _step_acts(step, number, branch, platform)
    acts = _without_empty_branches([_with_samples(act, book) for act in acts])
    return Plan(procedure.id, procedure.title, book.digest, procedure.line, with_keeping(acts))


def risk_of(command: Command) -> Risk:
    """Give the risk by which a command is let run: what only reads by the name of a script is unknown until a person says so."""
    return "unknown" if command.believed else command.risk


def plan_command(book: Book, where: str) -> Plan:
    """Make the plan of one command, found by file:line (or the line alone in a book of one file); NotFound where none stands."""
    command = find_command(book, where)
    step = Step(
        n=1, text=command.purpose or "One command of the runbook.", line=command.line, file=command.file, commands=(command,)
    )
    place = f"{command.file or 'line'}:{command.line}"
    acts = [_with_samples(act, book) for act in _step_acts(step, 1, None, command.alternative)]
    return Plan(f"{COMMAND}{place}", f"The command at {place}", book.digest, command.line, with_keeping(acts))


def find_command(book: Book, where: str) -> Command:
    """Find the command that stands on a line of the book, in a procedure or anywhere else."""
    file, _, number = where.rpartition(":")
    line = int(number) if number.isdigit() else 0
    every = (*(c for p in book.procedures for s in p.steps for c in s.commands), *book.commands)
    near = [command for command in every if file in ("", command.file) or command.file is None or _is_file(command.file, file)]
    on = [command for command in near if command.line <= line <= command.line + command.text.count("\n")]
    if not on:
        nearest = sorted({command.line for command in near}, key=lambda each: (abs(each - line), each))[:3]
        hint = f"Commands stand on lines {', '.join(map(str, sorted(nearest)))}." if nearest else "The book has no commands."
        raise NotFound(f"No command of the book stands at {where}.", hint=hint, code="WK214")
    return min(on, key=lambda command: line - command.line)


def _is_file(own: str, given: str) -> bool:
    return given.endswith(f"/{own}") or own.endswith(f"/{given}")


def with_queries(plan: Plan, rules: Mapping[str, InputRule]) -> Plan:
    """Put a look before the first act that needs an input for which the estate has a query: it lists the choices."""
    acts: list[Act] = []
    listed: set[str] = set()
    for act in plan.acts:
        command = act.command or (act.condition.command if act.condition else None)
        for token in needs_of(command).places if command is not None and act.skip is None else ():
            rule = rules.get(name_of(token))
            if rule is not None and rule.query is not None and rule.name not in listed:
                listed.add(rule.name)
                look = make_command(rule.query, act.line, "bash")
                text = f"Lists what {token} may be, as watchkeeper.toml says."
                made = replace(act, key=f"{act.key}.{len(listed)}", kind="command", text=text, phase="diagnose", command=look)
                acts.append(
                    replace(made, condition=None, risk=look.risk, expects=None, lists=rule.name, stands_for=None, keeps=())
                )
        acts.append(act)
    return replace(plan, acts=tuple(acts))


def _with_samples(act: Act, book: Book) -> Act:
    """Give an act's command the samples that the book's placeholders mark on its lines: `pod-name`, `server-ip`."""
    command = act.command
    if command is None:
        return act
    lines = range(command.line, command.line + command.text.count("\n") + 1)
    marked = [
        slot.token for slot in book.placeholders if slot.file == command.file and slot.kind == "word" and _on(slot.lines, lines)
    ]
    found = [token for token in marked if re.search(rf"(?<![\w-]){re.escape(token)}(?![\w-])", command.text)]
    return (
        replace(act, command=replace(command, placeholders=tuple(dict.fromkeys((*command.placeholders, *found)))))
        if found
        else act
    )


def _without_empty_branches(acts: Sequence[Act]) -> list[Act]:
    """Leave a condition out of which nothing follows here: all that it leads to is meant for another platform."""
    led: dict[str, list[str | None]] = {}
    for act in acts:
        if act.branch is not None:
            led.setdefault(act.branch, []).append(act.skip)
    return [
        replace(act, skip=next(iter(led[act.key]))) if act.key in led and None not in led[act.key] and act.skip is None else act
        for act in acts
    ]


def _on(lines: Sequence[int], among: range) -> bool:
    return any(line in among for line in lines)


def _branch(step: Step, number: int, acts: list[Act], branches: dict[tuple[int, str], str]) -> str | None:
    """Give the key of the step's condition act, adding it where the step is the first under it."""
    condition = step.condition or (Condition(text=step.when, line=step.line) if step.when else None)
    if condition is None:
        return None
    name = (condition.line, condition.text)
    if name not in branches:
        branches[name] = f"{number}.if"
        risk = risk_of(condition.command) if condition.command else "read"
        text = condition.text
        acts.append(Act(f"{number}.if", number, "condition", text, condition.line, condition=condition, risk=risk))
    return branches[name]


def _box_acts(boxes: Sequence[Step], number: int, platform: str | None) -> list[Act]:
    """Make each box of a checklist an act: a person ticks it, unless the book gives a command for it."""
    made: list[Act] = []
    for box in boxes:
        for act in _step_acts(box, number, None, platform):
            made.append(replace(act, key=f"{number}.{len(made) + 1}", skip=None if act.kind == "manual" else act.skip))
    return made


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


#: pages for people on which a service or its provider says how it is
_STATUS_PAGE = re.compile(
    r"https?://(?:www\.)?(?:status\.[\w.-]+|[\w-]*status\.(?:com|io|org)|[\w.-]+\.statuspage\.io|health\.aws\.amazon\.com)"
    r"(?:/(?!\S*(?:api|json|rss|atom|xml))\S*)?(?=[\s\"']|$)"
)
_PROVES_NOTHING = (
    "This fetches a page that is made for people: that it answers does not prove that the service is well. "
    "Read the page, or ask its API, such as /api/v2/status.json."
)


def _command_act(act: Any, index: int, step: Step, command: Command, chosen: str | None, platform: str | None) -> Act:
    values: dict[str, Any] = {"command": command, "risk": risk_of(command), "line": command.line, "expects": command.expects}
    if command.tools == ("curl",) and _STATUS_PAGE.search(command.text):
        values["caution"] = f"{step.caution} {_PROVES_NOTHING}" if step.caution else _PROVES_NOTHING
    if len(step.commands) > 1 and command.purpose:
        values["text"] = command.purpose
    if command.alternative and command.alternative != chosen:
        why = f"the estate runs on {platform}" if platform else f"the alternative for {chosen} comes first"
        made: Act = act(index, kind="command", skip=f"Meant for {command.alternative}; {why}.", **values)
        return made
    trouble = _ENDLESS if command.endless else _INTERACTIVE if command.interactive else None
    twin = twin_of(command) if trouble else None
    if trouble is None:
        stating = stating_twin_of(command) if _asks_status(command.expects) else None
        made = act(index, kind="command", **{**values, "command": stating or command, "stands_for": stating and command.text})
    elif twin is not None:
        text = (
            f"{values.get('text', step.text)} — {trouble.lower()}, so what runs instead of `{command.text}` ends: `{twin.text}`"
        )
        made = act(
            index, kind="command", **{**values, "command": twin, "risk": twin.risk, "text": text, "stands_for": command.text}
        )
    elif step.phase in ("diagnose", None) and risk_of(command) == "read":
        made = act(index, kind="command", skip=f"{trouble}, so it is left to people.", **values)
    else:
        made = act(index, kind="manual", text=f"{step.text} — {trouble.lower()}, so a person runs: {command.text}", **values)
    return made


def _asks_status(expects: Expectation | None) -> bool:
    """Tell whether the status of an answer is all that is asked of a request."""
    if expects is None or expects.kind == "succeeds":
        return True
    words = expects.any_of or (str(expects.value),)
    return expects.kind == "shows" and all(re.fullmatch(r"[1-5]\d\d", word) for word in words)


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
    known["words"], known["keeps"] = tuple(known.get("words", ())), tuple(known.get("keeps", ()))
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
