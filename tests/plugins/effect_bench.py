"""A bench on which effects are looked at by the shell target, and the commands carried out beside it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from watchkeeper.book.commands import make_command
from watchkeeper.estate.model import Estate, TargetConfig, Variable
from watchkeeper.plugins.shell.target import ShellTarget
from watchkeeper.run.effect.derive import effect_of
from watchkeeper.run.fold import begin
from watchkeeper.run.model import Act, Plan, Preview, Run
from watchkeeper.run.preview import Previewer

RUN = begin(Run("run-1", Plan("p", "P", "d", 1, ()), None, None, None, "anna", datetime(2026, 3, 14, 3, tzinfo=UTC)))


@dataclass
class Bench:
    """Looks at commands on this machine, and carries them out."""

    previewer: Previewer
    path: str
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    async def look(self, text: str) -> Preview:
        seen = await self.previewer.preview("look", act_of(text), RUN)
        assert seen is not None
        return seen

    async def happened(self, text: str, before: Preview) -> bool | None:
        return (await self.previewer.evidence("look", act_of(text), RUN, before))[0]

    def run(self, text: str) -> str:
        environment = {"PATH": self.path, "HOME": str(self.folder), **self.variables}
        done = subprocess.run(["bash", "-c", text], env=environment, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def back(self, text: str, before: Preview) -> None:
        way = effect_of(make_command(text, 1, "bash")).way_back(before.before)
        assert way is not None, before
        self.run(way)


def act_of(text: str) -> Act:
    command = make_command(text, 1, "bash")
    return Act("1.1", 1, "command", text, 1, command=command, risk=command.risk)


def bench_in(folder: Path, path: tuple[Path, ...] = (), variables: Mapping[str, str] | None = None) -> Bench:
    """Make a bench in a folder, with folders before PATH and variables of the estate."""
    given = {name: Variable(name, value, "literal", 1) for name, value in (variables or {}).items()}
    config = TargetConfig("local", "shell", 1, folder, path=path, timeout_s=20)
    estate = Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", given, targets={"local": config})
    words = ":".join([*map(str, path), os.environ["PATH"]])
    return Bench(Previewer(estate, {"local": ShellTarget(config, estate)}, folder / "state"), words, folder, variables or {})
