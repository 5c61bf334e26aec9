"""Looks at what an act would do, and what became of it: runs the looks of its effect on its target and reads what they gave.

Nothing here changes anything: a look is a job of its own with a short time limit, its folder is gone when it was read, and one
that fails is said to have failed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from watchkeeper.base.errors import OutsideError, Permanent
from watchkeeper.estate.model import Estate
from watchkeeper.run.effect.model import Answer, Effect, Look, Seen
from watchkeeper.run.model import Act, Preview, Run
from watchkeeper.run.operation import BookCommand, command_of
from watchkeeper.run.output import job_folder, safe
from watchkeeper.run.target import Target

#: a previous value that is longer as JSON is not kept, in characters
KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Previewer:
    """Looks, on the estate's targets."""

    estate: Estate
    targets: Mapping[str, Target]
    state: Path

    def effect(self, act: Act, run: Run) -> Effect | None:
        """Give what is known of an act's effect; None where the act runs no command or has no target."""
        operation = self._operation(act, run)
        return operation.effect() if operation else None

    async def preview(self, name: str, act: Act, run: Run) -> Preview | None:
        """Look at what an act would do; None where it runs no command. `name` begins the names of the jobs."""
        operation = self._operation(act, run)
        if operation is None:
            return None
        effect = operation.effect()
        return to_preview(effect, await self.look(name, operation, run.target_of(act)))

    async def evidence(self, name: str, act: Act, run: Run, before: Preview | None) -> tuple[bool | None, str]:
        """Look for what an act left behind; None where nothing tells whether it happened. The sentence says what is seen."""
        operation = self._operation(act, run)
        effect = operation.effect() if operation else None
        if operation is None or effect is None or not effect.looks:
            return None, ""
        seen = await self.look(name, operation, run.target_of(act))
        return effect.happened(before.before if before else None, seen), seen.sentence

    async def look(self, name: str, operation: BookCommand, target_name: str) -> Seen:
        """Run the looks of an operation one after the other and read what they gave."""
        effect = operation.effect()
        answers = [await self._answer(name, look, operation, self.targets[target_name]) for look in effect.looks]
        return effect.read(answers)

    def _operation(self, act: Act, run: Run) -> BookCommand | None:
        target_name = run.target_of(act)
        command, config = command_of(act), self.estate.targets.get(target_name)
        if command is None or config is None or target_name not in self.targets:
            return None
        return BookCommand(act, command, config, self.estate, run)

    async def _answer(self, name: str, look: Look, operation: BookCommand, target: Target) -> Answer:
        job_id = f"{name}.look-{uuid4().hex[:12]}"
        try:
            job = operation.look(look, job_id, job_folder(self.state, job_id))
        except Permanent as problem:
            return Answer("", None, problem.message)
        try:
            await target.start(job)
            found = await target.wait(job)
            output = safe(target.read_output(job), self.estate.secrets())
        except OutsideError as problem:
            return Answer("", None, str(problem))
        finally:
            await target.forget(job)
            shutil.rmtree(job.folder, ignore_errors=True)
        if found.timed_out:
            return Answer(output, None, f"it did not answer within {job.timeout_s:g} s")
        if found.exit_status is None:
            return Answer(output, None, found.sentence)
        return Answer(output, found.exit_status)


def to_preview(effect: Effect, seen: Seen) -> Preview:
    """Give what was seen with the way back in words; a previous value too long to keep is left out, and that is said."""
    back = effect.way_back(seen.before)
    if back is not None and len(json.dumps(seen.before, ensure_ascii=False)) > KEPT:
        return Preview(seen.sentence, seen.scope, "No way back: the previous value is too long to be kept.")
    return Preview(seen.sentence, seen.scope, f"Way back: {back}" if back else effect.no_way_back, seen.before)
