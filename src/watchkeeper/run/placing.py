"""Where each act of a plan runs: a plan goes in, and comes out with the estate's targets and the sentences why.

A command that names a component runs on the target that stands for it. The lines after `ssh HOST` (or a shell inside a
container) in the same fence are meant for that host: they run on the target that stands for it, else a person runs them
there. They never run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from watchkeeper.base.words import words
from watchkeeper.book.model import Command
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.run.model import Act, Plan
from watchkeeper.run.words import meanings

#: kinds of target that are inside a container, where the programs that handle containers from outside are not
_INSIDE = ("docker", "kubernetes")
_FROM_OUTSIDE = frozenset({"docker", "docker-compose", "podman", "kubectl", "oc", "helm", "ssh", "scp", "rsync"})


def place(plan: Plan, estate: Estate) -> Plan:
    """Give each act of a plan the target on which it runs, and say what its words mean there."""
    bound = _bound(estate)
    default = next(iter(estate.targets.values()), None)
    return replace(plan, acts=tuple(_place(act, bound, default) for act in plan.acts))


def _bound(estate: Estate) -> Mapping[frozenset[str], TargetConfig]:
    found: dict[frozenset[str], TargetConfig] = {}
    for target in estate.targets.values():
        own = [str(target.options[key]) for key in ("host", "container", "service") if target.options.get(key)]
        for name in (*target.stands_for, *own):
            found.setdefault(words(name.rsplit("@", 1)[-1]), target)
    return found


def _place(act: Act, bound: Mapping[frozenset[str], TargetConfig], default: TargetConfig | None) -> Act:
    command = act.command or (act.condition.command if act.condition else None)
    if command is None:
        return act
    if command.interactive and command.target and command.session is None:
        return _entrance(act, command, bound)
    if act.skip is not None:
        return act
    if command.session is not None:
        target = bound.get(words(command.session))
        if target is None:
            return _by_a_person(act, command)
        if command.text in ("exit", "logout"):
            return replace(act, kind="command", skip=f"It leaves {command.session}, where nothing was entered.")
    else:
        target = _target_for(command, bound)
    at = target or default
    return replace(act, target=target.name if target else None, words=meanings(command, at) if at else ())


def _target_for(command: Command, bound: Mapping[frozenset[str], TargetConfig]) -> TargetConfig | None:
    target = bound.get(words(command.target)) if command.target else None
    if target is not None and target.kind in _INSIDE and _FROM_OUTSIDE & set(command.tools):
        return None
    return target


def _entrance(act: Act, command: Command, bound: Mapping[frozenset[str], TargetConfig]) -> Act:
    target = bound.get(words(command.target or ""))
    if target is None:
        return act
    why = f"What follows it runs on the target {target.name}, which stands for {command.target}."
    return replace(act, kind="command", skip=why)


def _by_a_person(act: Act, command: Command) -> Act:
    if act.kind == "condition":
        return replace(act, condition=replace(act.condition, command=None) if act.condition else None)
    text = f"{act.text} — it is meant for {command.session}, for which no target stands, so a person runs there: {command.text}"
    return replace(act, kind="manual", text=text)
