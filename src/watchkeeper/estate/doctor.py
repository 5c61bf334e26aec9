"""Says of each signal, target, person and tool whether it works, each as one sentence with a hint where it does not.

Signals are looked at once and target folders are opened; nothing is sent to anybody and no command of the book runs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from apprise import Apprise

from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Command
from watchkeeper.estate.clients import EXAMPLES, lines_without_client
from watchkeeper.estate.model import Bindings, Estate, Person, SignalConfig, TargetConfig

_AT_ONCE = 16
#: how long a target may take to answer, in seconds
_TARGET_S = 30.0
#: what bash brings itself, and what the book's readers name by kind
_WITHIN_BASH = frozenset(
    {
        ".", ":", "[", "[[", "alias", "bg", "bind", "break", "builtin", "case", "cd", "command", "continue", "declare", "dirs",
        "disown", "do", "done", "echo", "elif", "else", "enable", "esac", "eval", "exec", "exit", "export", "false", "fc", "fg",
        "fi", "for", "function", "getopts", "hash", "help", "history", "if", "in", "jobs", "kill", "let", "local", "logout",
        "mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "select", "set", "shift", "shopt",
        "source", "suspend", "test", "then", "time", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias",
        "unset", "until", "wait", "while",
    }
)  # fmt: skip
#: the kind of signal that watches a sender of [hooks]
DELIVERIES = "deliveries"
_PROGRAMS = {"sql": "psql", "redis": "redis-cli"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was examined."""

    name: str
    ok: bool
    sentence: str
    hint: str = ""


class _Look(Protocol):
    values: dict[str, float]
    problem: str | None
    detail: str


class _Probe(Protocol):
    async def look(self) -> _Look: ...


async def examine(
    estate: Estate, book: Book, bindings: Bindings, probes: Mapping[str, _Probe], targets: Mapping[str, object] | None = None
) -> list[Check]:
    """Examine everything; a check that fails is an answer, never an exception. `targets` elsewhere are asked themselves."""
    turns = asyncio.Semaphore(_AT_ONCE)
    scrubber = Scrubber(estate.secrets())

    async def one(name: str, probe: _Probe) -> Check:
        async with turns:
            return await _signal(estate.signals[name], probe, scrubber)

    checks = list(await asyncio.gather(*(one(name, probe) for name, probe in probes.items())))
    checks += _thresholds(bindings)
    asked = [one_target(target, (targets or {}).get(target.name), scrubber) for target in estate.targets.values()]
    checks += await asyncio.gather(*asked)
    if not estate.targets:
        checks.append(
            Check("targets", False, "No target is set, so no procedure can run.", 'Add [targets.local] with kind = "shell".')
        )
    checks += _clients(estate, book)
    checks += _tools(estate, book)
    checks += _people(estate, book)
    return checks


async def _signal(signal: SignalConfig, probe: _Probe, scrubber: Scrubber) -> Check:
    name = f"signal {signal.name}"
    if getattr(probe, "acts", False):
        return Check(
            name, True, "Not tried here, since looking acts on the outside; `watchkeeper serve` does it on its schedule."
        )
    try:
        async with asyncio.timeout(signal.timeout_s + 1.0):
            look = await probe.look()
    except TimeoutError:
        return Check(name, False, f"Nothing came within {format_duration(signal.timeout_s)}.", "Is the address right?")
    except Exception as problem:
        return Check(
            name, False, f"The probe broke: {type(problem).__name__}: {scrubber.clean(str(problem))}.", "Tell its author."
        )
    detail = scrubber.clean(look.detail)
    if look.problem is not None:
        hint = f"See [signals.{signal.name}], line {signal.line}."
        return Check(name, False, f"It cannot look: {scrubber.clean(look.problem)}.", hint)
    if look.values.get("up", 1.0) == 0.0:
        return Check(
            name, False, f"It looks, and what it sees is down: {detail or 'no reason given'}.", "Start it, or mend the address."
        )
    missing = sorted(set(signal.metrics.values()) - look.values.keys())
    # a rate needs two looks, and only one was taken
    unseen = [reading for reading in missing if "[" not in reading]
    if unseen:
        return Check(name, False, f"It has no reading {', '.join(unseen)}: {detail or 'no reason given'}.", "Mend the metric.")
    return Check(name, True, f"It sees {len(look.values)} readings{f' ({detail})' if detail and not missing else ''}.")


def _thresholds(bindings: Bindings) -> Iterable[Check]:
    for item in bindings.unbound:
        yield Check(f"threshold {item.key}", False, f"Line {item.threshold.line} of the book waits for a signal.", item.sentence)
    for signal, metric, _, sentence in bindings.unused:
        yield Check(f"metric {metric} of {signal}", True, sentence)


def hook_checks(estate: Estate, delivered: Mapping[str, float]) -> Iterable[Check]:
    """Say of each of [hooks] when it last delivered (so many seconds ago), and what would notice that it does not any more."""
    watched = {str(signal.options.get("sender")): signal.name for signal in estate.signals.values() if signal.kind == DELIVERIES}
    for hook in estate.alerting.hooks.values():
        ago = delivered.get(hook.name)
        last = f"the last delivery came {format_duration(ago)} ago" if ago is not None else "nothing was delivered yet"
        watch = (
            f"the signal {watched[hook.name]} notices where it stops"
            if hook.name in watched
            else (f'nothing notices where it stops: a signal with kind = "{DELIVERIES}" and sender = "{hook.name}" does')
        )
        yield Check(f"hook {hook.name}", True, f"{hook.kind} sends to /hooks/{hook.name}; {last}; {watch}.")


async def one_target(config: TargetConfig, target: object, scrubber: Scrubber) -> Check:
    """Examine a target: one elsewhere by going there, one here by its folders."""
    ask: Callable[[], Awaitable[str]] | None = getattr(target, "examine", None)
    if ask is None:
        return _target(config)
    name = f"target {config.name}"
    try:
        async with asyncio.timeout(_TARGET_S):
            return Check(name, True, await ask())
    except TimeoutError:
        return Check(name, False, f"Nothing came within {_TARGET_S:g} s.", "Is the address right?")
    except WatchkeeperError as problem:
        return Check(name, False, scrubber.clean(problem.message), problem.hint or f"Mend line {config.line}.")


def _target(target: TargetConfig) -> Check:
    name = f"target {target.name}"
    if not target.directory.is_dir():
        return Check(name, False, f"Its folder {target.directory} is not there.", f"Mend `directory` in line {target.line}.")
    missing = [str(folder) for folder in target.path if not folder.is_dir()]
    if missing:
        return Check(name, False, f"Of its path {', '.join(missing)} is not there.", f"Mend `path` in line {target.line}.")
    if not os.access(target.directory, os.R_OK | os.X_OK):
        return Check(name, False, f"Its folder {target.directory} may not be entered.", "Run Watchkeeper as a user who may.")
    return Check(name, True, f"Commands run in {target.directory}.")


def _clients(estate: Estate, book: Book) -> Iterable[Check]:
    """Name the lines of the book in SQL, Redis' words and the like that no target has a client for."""
    waiting = lines_without_client(book, [target.options for target in estate.targets.values()])
    for option, lines in waiting.items():
        shown = ", ".join(lines[:8]) + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")
        target = next(iter(estate.targets), "local")
        hint = f"Put {EXAMPLES[option]} under [targets.{target}]; until then a person runs {'it' if len(lines) == 1 else 'them'}."
        said = f"{'Line' if len(lines) == 1 else 'Lines'} {shown} of the book {'waits' if len(lines) == 1 else 'wait'} for it."
        yield Check(f"client {option}", False, said, hint)


def _tools(estate: Estate, book: Book) -> Iterable[Check]:
    """Look for the programs of the book's procedures; those of a platform's alternative may be missing."""
    folders = [str(folder) for target in estate.targets.values() for folder in (*target.path, target.directory)]
    path = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    users: dict[str, tuple[str, int]] = {}
    for command, where in _commands(book):
        for tool in command.tools:
            program = _PROGRAMS.get(tool, tool)
            if program and program not in _WITHIN_BASH and not command.alternative:
                users.setdefault(program, (where, command.line))
    found = [program for program in users if shutil.which(program, path=path)]
    for program, (where, line) in users.items():
        if program not in found:
            hint = "Install it, or put its folder into `path` of the target."
            yield Check(f"tool {program}", False, f"It is not on the path, and {where!r} needs it (line {line}).", hint)
    if found:
        yield Check("tools", True, f"{len(found)} programs of the book are here: {', '.join(sorted(found))}.")


def _commands(book: Book) -> Iterable[tuple[Command, str]]:
    for procedure in book.procedures:
        for step in procedure.steps:
            condition = step.condition.command if step.condition else None
            for command in (*step.commands, *([condition] if condition else [])):
                yield command, procedure.title


def _people(estate: Estate, book: Book) -> Iterable[Check]:
    for person in estate.people.values():
        yield _person(person)
    held = [words(role) for person in estate.people.values() for role in person.roles]
    held += [words(role) for rota in estate.rotas.values() for role in (*rota.roles, rota.name)]
    for rung in book.escalation:
        if not any(role == words(rung.role) or role <= words(rung.role) for role in held):
            hint = f'Give somebody roles = ["{rung.role}"] in [people].'
            yield Check(
                f"role {rung.role}", False, f"Nobody holds this role, which level {rung.level} of the ladder tells.", hint
            )


def _person(person: Person) -> Check:
    name = f"person {person.id}"
    if not person.notify:
        return Check(name, False, f"{person.name} has no address.", f'Add notify = ["mailto://…"] in line {person.line}.')
    for position, address in enumerate(person.notify, start=1):
        text = address.reveal() if isinstance(address, Secret) else address
        if Apprise.instantiate(text, suppress_exceptions=True) is None:
            said = f"Address {position} of {person.name} is not one that Apprise knows."
            return Check(name, False, said, "See the list of services of Apprise for how to write it.")
    return Check(name, True, f"{person.name} can be told at {len(person.notify)} addresses (nothing was sent).")
