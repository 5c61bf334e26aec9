"""The only door to an act: intent, effect, outcome, in this order and never another.

1. The intent is written, or it is found that a predecessor wrote it.
2. A fresh one is started under the target's wrapper. Of a predecessor's, the target says what became of it: one that runs is
   adopted, one that ended is taken as it ended, one that provably never began is left to a new attempt.
3. What nobody can say is unknown where it may have changed something, and simply lost where it only read.
4. The outcome is written. Nothing here repeats anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from watchkeeper.base.clock import Clock, pace_of
from watchkeeper.base.errors import OutsideError, Permanent
from watchkeeper.base.printed import words_of
from watchkeeper.base.secrets import Scrubber
from watchkeeper.estate.model import Estate
from watchkeeper.run.adopting import Sight, sight_of
from watchkeeper.run.fan_in import fan_in
from watchkeeper.run.gate import Gate
from watchkeeper.run.journal import Intent, Journal
from watchkeeper.run.judge import judge_command, judge_condition
from watchkeeper.run.ledger import Attempt
from watchkeeper.run.live import LiveOutput
from watchkeeper.run.model import Act, Do, Outcome, Preview, Run
from watchkeeper.run.operation import BookCommand, command_of
from watchkeeper.run.output import job_folder, job_id, safe
from watchkeeper.run.preview import Previewer
from watchkeeper.run.stopping import ended_when_cancelled
from watchkeeper.run.target import Found, Job, Target, longest_s
from watchkeeper.run.values.carrying import kept, without_kept
from watchkeeper.store.database import Database

T = TypeVar("T")

#: how long after its time limit an act still holds its component
MARGIN = timedelta(seconds=60)
_STOPPED_STATUS = (137, 143)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    target: Target
    job: Job


class Performer:
    """Carries out single acts on the estate's targets."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        estate: Estate,
        targets: Mapping[str, Target],
        state: Path,
        output_bytes: int,
        database: Database,
    ) -> None:
        self._journal = journal
        self._database = database
        self._clock = clock
        self._estate = estate
        self._targets = targets
        self._state = state
        self._output_bytes = output_bytes
        self._previewer = Previewer(estate, targets, state)
        self._under_way: dict[str, _UnderWay] = {}
        self._idle = asyncio.Event()

    async def perform(
        self,
        run: Run,
        do: Do,
        digest: str,
        allowed: Callable[[Connection], Gate],
        then: Callable[[Connection], T],
        before: Preview | None = None,
    ) -> T | None:
        """Carry out one act as one attempt; when this returns, its outcome is on disk. Gives what `then` saw right after it.

        `before` is what was seen right before, kept with the intent.
        """
        operation = self._operation(run, do.act)
        name = job_id(run.id, do.act.key, do.attempt)
        job = operation.perform(name, job_folder(self._state, name))
        job = replace(job, passes=lambda found, output: self._judge_printed(do.act, found, output).result == "ok")
        target = self._targets[run.target_of(do.act)]
        began_at = self._clock.now()
        until = began_at + (timedelta(seconds=longest_s(target, job)) + MARGIN) * pace_of(self._clock)
        component = run.component or self._estate.service
        intent = Intent(run, do.act, do.attempt, digest, component, until, do.sentence, before)
        self._under_way[run.id] = _UnderWay(target, job)
        self._idle.clear()
        try:
            earlier = await self._journal.begin(intent, began_at, allowed)
            if earlier is not None and earlier.outcome is not None:
                return None
            sight = Sight(job) if earlier is None else await self._sight(target, job, earlier)
            job = sight.job
            self._under_way[run.id] = _UnderWay(target, job)
            async with (
                LiveOutput(self._database, run.id, do.act.key, do.attempt, self._estate.secrets()) as live,
                ended_when_cancelled(self._database, run.id, lambda: target.kill(job)),
            ):
                if earlier is None:
                    outcome = await self._begin(target, job, do.act, live)
                else:
                    await live.take_up()
                    outcome = await self._recover(target, sight, do.act, live)
            if outcome.result == "unknown" and do.act.mutating and sight.in_sight:
                seen_before = before or run.acts[do.act.key].before
                outcome = await self._by_evidence(run, do.act, do.attempt, outcome, seen_before)
            began_at = earlier.begun_at if earlier else began_at
            now = self._clock.now()
            ended = replace(outcome, started_at=began_at, ended_at=now)
            seen = await self._journal.end(run, do.act, do.attempt, ended, now, then)
        finally:
            self._under_way.pop(run.id, None)
            if not self._under_way:
                self._idle.set()
        if outcome.result not in ("unknown", "lost"):
            await target.forget(job)
            shutil.rmtree(job.folder, ignore_errors=True)
        return seen

    async def kill(self, run_id: str) -> bool:
        """End the act of a run that is under way here; answers whether there was one."""
        under_way = self._under_way.get(run_id)
        if under_way is None:
            return False
        await under_way.target.kill(under_way.job)
        return True

    async def drain(self, grace_s: float) -> bool:
        """Wait until no act is under way here; answers whether that came to be in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._under_way:
                    await self._idle.wait()
        return not self._under_way

    def _operation(self, run: Run, act: Act) -> BookCommand:
        name = run.target_of(act)
        command, config = command_of(act), self._estate.targets.get(name)
        if command is None or config is None or name not in self._targets:
            raise Permanent(f"There is no target {name} to run act {act.key} on.", code="WK422")
        return BookCommand(act, command, config, self._estate, run, self._output_bytes)

    async def _sight(self, target: Target, job: Job, earlier: Attempt) -> Sight:
        here, began_by = self._journal.boot_id, None
        if earlier.boot_id != here and self._journal.worker is not None:
            began_by = await self._journal.find_worker(earlier.owner)
        return sight_of(job, target, earlier.boot_id, here, began_by)

    async def _begin(self, target: Target, job: Job, act: Act, live: LiveOutput) -> Outcome:
        if self._journal.worker is not None and not self._journal.worker.holds():
            return Outcome("lost", sentence="The worker's lease ended before it began; a new attempt follows.")
        try:
            await target.start(job)
        except OutsideError as problem:
            return Outcome("failed", sentence=f"{problem} {problem.hint or ''}".strip())
        return self._judge(act, await target.wait(job, live.take), target, job)

    async def _recover(self, target: Target, sight: Sight, act: Act, live: LiveOutput) -> Outcome:
        job = sight.job
        found = await target.find(job)
        if found.state in ("running", "ended"):
            return self._judge(act, await target.wait(job, live.take), target, job)
        if found.state == "never-begun" and sight.proves:
            return Outcome("lost", sentence="It was meant and never began; a new attempt follows.")
        if not act.mutating:
            return Outcome("lost", sentence="Its outcome is lost and nothing was changed; a new attempt follows.")
        elsewhere = "It was meant before the machine restarted, or by another worker."
        why = found.sentence if found.state == "lost" else elsewhere
        return Outcome("unknown", output=self._output(target, job), sentence=why)

    async def _by_evidence(self, run: Run, act: Act, attempt: int, outcome: Outcome, before: Preview | None) -> Outcome:
        """Settle what nobody saw the end of by what it left behind, else lay out what is known for a person.

        What is unchanged proves nothing: a program that lost its wrapper may still be at it, and so may a server.
        """
        happened, now = await self._previewer.evidence(job_id(run.id, act.key, attempt), act, run, before)
        if happened:
            return replace(outcome, result="ok", sentence=f"It left its mark, so it happened. Seen now: {now}")
        known = (f"Seen before it: {before.sentence}" if before else "", f"Seen now: {now}" if now else "")
        return replace(outcome, sentence=" ".join(filter(None, (outcome.sentence, *known))))

    def _judge(self, act: Act, found: Found, target: Target, job: Job) -> Outcome:
        secrets = self._estate.secrets()
        if found.parts:
            return self._judge_parts(act, found, self._output(target, job))
        raw, left = kept(target.read_output(job), job.id, Scrubber(secrets).clean)
        return replace(self._judge_by(act, found, safe(raw, secrets)), kept=left)

    def _judge_parts(self, act: Act, found: Found, output: str) -> Outcome:
        """Judge each member of a group by what it printed itself; variables that members set go no further."""
        begun = {part.name: part for part in found.parts if part.found.state != "never-begun"}
        outcomes = {name: self._judge_printed(act, part.found, part.output) for name, part in begun.items()}
        left_out = {part.name: part.found.sentence for part in found.parts if part.name not in begun}
        return fan_in(outcomes, left_out, output, condition=act.kind == "condition")

    def _judge_printed(self, act: Act, found: Found, printed: str) -> Outcome:
        return self._judge_by(act, found, safe(without_kept(printed), self._estate.secrets()))

    def _judge_by(self, act: Act, found: Found, output: str) -> Outcome:
        if found.state == "never-begun":
            return Outcome("lost", sentence="It never began; a new attempt follows.")
        if found.state == "ended" and found.exit_status is None:
            return Outcome("failed", output=output, sentence=found.sentence)
        if found.state != "ended":
            return Outcome("unknown" if act.mutating else "lost", output=output, sentence=found.sentence)
        if act.kind == "condition" and act.condition is not None:
            status = None if found.timed_out else found.exit_status
            holds, sentence = judge_condition(act.condition, status, words_of(output))
            return Outcome("ok", found.exit_status, output, sentence=sentence, holds=holds)
        judged = judge_command(act, found.exit_status, words_of(output), timed_out=found.timed_out)
        outcome = replace(judged, output=output)
        if outcome.result == "failed" and found.exit_status in _STOPPED_STATUS:
            return replace(outcome, sentence=found.sentence)
        return outcome

    def _output(self, target: Target, job: Job) -> str:
        return safe(without_kept(target.read_output(job)), self._estate.secrets())
