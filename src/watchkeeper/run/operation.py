"""The unit of doing: plan, effect, perform. A command of the book is one.

What is rendered here reaches a target as a script and variables; a value of the estate never becomes part of the script's text.
The effect gives preview, evidence and way back; where one is not known that is said and never guessed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from watchkeeper.book.model import Command
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.run.effect.derive import effect_of
from watchkeeper.run.effect.model import Effect, Look
from watchkeeper.run.model import Act
from watchkeeper.run.target import Job

#: set by the target itself or by bash, whatever the estate says
_ALWAYS_SET = frozenset({"HOME", "PATH", "PWD", "LANG", "TERM", "USER", "SHELL", "HOSTNAME", "RANDOM", "SECONDS", "PPID", "IFS"})


#: a look takes at most this long, in seconds, and this much of what it prints is read, in bytes
LOOK_S = 15.0
LOOK_BYTES = 1_000_000


class Operation(Protocol):
    """One thing that can be done."""

    def plan(self) -> str:
        """Say what would be done."""
        ...

    def effect(self) -> Effect:
        """Say what is known of its effect: looks that only read, taken before it as preview and after it as evidence."""
        ...

    def look(self, look: Look, job_id: str, folder: Path) -> Job:
        """Give the job of one of its looks."""
        ...

    def perform(self, job_id: str, folder: Path) -> Job:
        """Give the job that does it."""
        ...


@dataclass(frozen=True, slots=True)
class BookCommand:
    """A command as the book has it, on a target of the estate."""

    act: Act
    command: Command
    target: TargetConfig
    estate: Estate
    output_bytes: int = 2_000_000

    def plan(self) -> str:
        """Give the command."""
        return self.command.text

    def effect(self) -> Effect:
        """Give what the families of effects know of the command."""
        return effect_of(self.command)

    def look(self, look: Look, job_id: str, folder: Path) -> Job:
        """Give the job of a look: the same place, a shorter time, and nothing that would have to be kept."""
        command = replace(self.command, text=look.script, language=look.language, risk="read")
        act = replace(self.act, command=command, risk="read")
        job = replace(self, act=act, command=command, output_bytes=LOOK_BYTES).perform(job_id, folder)
        return replace(job, timeout_s=min(job.timeout_s, LOOK_S), durable=False)

    def perform(self, job_id: str, folder: Path) -> Job:
        """Give the job, with the estate's variables beside the script."""
        variables = {name: variable.reveal() for name, variable in self.estate.variables.items()}
        limits = {"timeout_s": self.target.timeout_s, "output_bytes": self.output_bytes}
        return Job(job_id, self.command.text, self.command.language, folder, variables, durable=self.act.mutating, **limits)  # type: ignore[arg-type]

    def digest(self, preview: str | None = None) -> str:
        """Give the sha256 of all that an approval stands for: text, names of the variables, target and preview."""
        return digest(self.command, self.estate, self.target, preview)


def command_of(act: Act) -> Command | None:
    """Give the command that an act runs, its own or that of its condition."""
    return act.command or (act.condition.command if act.condition else None)


def digest(command: Command, estate: Estate, target: TargetConfig, preview: str | None = None) -> str:
    """Give the sha256 of a rendered command with its inputs, target and preview; a secret counts by its name alone."""
    inputs = sorted(f"{v.name}={v.value}" for v in estate.variables.values())
    meant = [command.language, command.text, inputs, target.name, target.kind, str(target.directory), preview]
    if target.words:
        meant.append(json.dumps(dict(target.words), sort_keys=True))
    return hashlib.sha256(json.dumps(meant, ensure_ascii=False).encode()).hexdigest()


def languages(target: TargetConfig) -> frozenset[str]:
    """Say which languages a target can run: SQL and Redis words only where it names the client to give them to."""
    clients = {"sql": "psql", "redis": "redis_cli"}
    return frozenset({"bash", "sh", "shell", "python", *(name for name, option in clients.items() if target.options.get(option))})


def unfilled(command: Command, estate: Estate) -> tuple[str, ...]:
    """Give the placeholders that neither the estate nor the environment fills.

    An environment variable is filled by a variable of the same name; any other kind of placeholder stands in the text itself and
    is for a person to fill.
    """
    known = _ALWAYS_SET | set(estate.variables)
    return tuple(token for token in command.placeholders if not _is_variable(token) or token.strip("${}") not in known)


def _is_variable(token: str) -> bool:
    return token.startswith("$") or (token.isidentifier() and token.isupper())
