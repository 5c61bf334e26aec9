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

from watchkeeper.base.errors import Permanent
from watchkeeper.book.model import Command
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.run.effect.derive import effect_of
from watchkeeper.run.effect.model import Effect, Look
from watchkeeper.run.guarding import PGOPTIONS, guarded, read_only
from watchkeeper.run.model import Act, Run
from watchkeeper.run.target import Job
from watchkeeper.run.values.carrying import in_folder, keeping
from watchkeeper.run.values.clients import SHELLS, client_for
from watchkeeper.run.values.filling import fill
from watchkeeper.run.values.render import Rendered, render

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
    #: how the run stands, from which the command's inputs are filled; None: by the estate alone
    run: Run | None = None
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
        act = replace(self.act, command=command, risk="read", keeps=())
        job = replace(self, act=act, command=command, output_bytes=LOOK_BYTES).perform(job_id, folder)
        return replace(job, timeout_s=min(job.timeout_s, LOOK_S), durable=False)

    def perform(self, job_id: str, folder: Path) -> Job:
        """Give the job, with all values beside the script; Permanent where the command cannot be rendered."""
        made = rendered(self.command, self.estate, self.target, self.run)
        variables = {name: variable.reveal() for name, variable in self.estate.variables.items()}
        script = keeping(made.script, self.act.keeps, job_id) if self.act.keeps else made.script
        return Job(
            job_id,
            script,
            self.command.language,
            folder,
            {**variables, **made.variables},
            timeout_s=self.target.timeout_s,
            output_bytes=self.output_bytes,
            durable=self.act.mutating,
        )

    def digest(self, preview: str | None = None) -> str | None:
        """Give the sha256 of all that an approval stands for: text, names of the variables, target and preview."""
        return digest(self.command, self.estate, self.target, self.run, preview)


def rendered(command: Command, estate: Estate, target: TargetConfig, run: Run | None = None) -> Rendered:
    """Render a command as it would run now; Permanent where only a person can, or a value is missing."""
    filled = fill(command, run, estate)
    missing = filled.refused or (f"nothing fills {filled.missing[0].token}" if filled.missing else None)
    if missing is not None:
        raise Permanent(f"It cannot run as it stands: {missing}.", code="WK437")
    made = render(command, filled.values, filled.known, client_for(command.language, command.text, target.options) or "psql")
    script, where = in_folder(made.script, run.folder if run and command.language in SHELLS else None)
    held: dict[str, str] = {}
    if command.language in SHELLS and PGOPTIONS not in estate.variables:
        script = guarded(script, target.timeout_s, reads=command.risk == "read")
        held = {PGOPTIONS: read_only(target.timeout_s)} if command.risk == "read" and "psql" in script else {}
    return Rendered(script, {**(filled.carried or {}), **made.variables, **where, **held})


def command_of(act: Act) -> Command | None:
    """Give the command that an act runs, its own or that of its condition."""
    return act.command or (act.condition.command if act.condition else None)


def digest(
    command: Command, estate: Estate, target: TargetConfig, run: Run | None = None, preview: str | None = None
) -> str | None:
    """Give the sha256 of a rendered command with its inputs, target and preview; a secret counts by its name alone.

    None where it cannot be rendered yet, so that nobody can approve it.
    """
    try:
        made = rendered(command, estate, target, run)
    except Permanent:
        return None
    secrets = {secret.reveal() for secret in estate.secrets()}
    inputs = sorted(f"{v.name}={v.value}" for v in estate.variables.values())
    masked = {name: value for name, value in made.variables.items() if value not in secrets}
    meant = [
        command.language,
        made.script,
        sorted(made.variables),
        masked,
        inputs,
        target.name,
        target.kind,
        str(target.directory),
        preview,
    ]
    if target.words:
        meant.append(json.dumps(dict(target.words), sort_keys=True))
    return hashlib.sha256(json.dumps(meant, ensure_ascii=False).encode()).hexdigest()
