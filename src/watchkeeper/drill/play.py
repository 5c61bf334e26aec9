"""Plays an estate's faults one after another: breaks, follows, mends by force, waits until all is calm, and measures.

1. The estate is started; its customers come.
2. For each fault Watchkeeper is opened anew on an empty state, so that nothing of one fault is left for the next. Once all is
   calm the fault is made, and Watchkeeper's rows are followed until it is over or patience is.
3. Whatever happened, the estate is mended by force; what does not become well again then is harm.
4. Where it is asked for, the same faults are made once more with restart policies and without Watchkeeper.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from watchkeeper.api.metrics import router as metrics
from watchkeeper.api.routes import router as api
from watchkeeper.app import App, open_app
from watchkeeper.base.errors import Permanent, WatchkeeperError
from watchkeeper.drill.approver import THINKS_S, Approver
from watchkeeper.drill.calm import CALM_S, still_red
from watchkeeper.drill.commands import MEND_S, Commands
from watchkeeper.drill.model import Alone, Break, Course, Judged, Lived, Played
from watchkeeper.drill.pace import PacedClock
from watchkeeper.drill.rules import is_over, judge
from watchkeeper.drill.turns import turn
from watchkeeper.drill.watching import Followed, follow, wait_until_calm
from watchkeeper.settings import load_settings
from watchkeeper.verify.rules import changed_before
from watchkeeper.web.serving import serving

#: how long restart policies alone are waited for at most, in real seconds
ALONE_S = 60.0
#: how soon a fault is felt at all, where nobody repairs it
FELT_S = 20.0


class Show(Protocol):
    """Who watches a drill."""

    def stage(self, sentence: str) -> None:
        """Hear what the drill itself is at."""

    def begins(self, fault: Break, number: int, of: int, pace: float) -> None:
        """Hear that a fault is made now."""

    def console(self, address: str) -> None:
        """Hear where Watchkeeper's console is to be seen while a fault is played."""

    def say(self, elapsed: float, stage: str, sentence: str) -> None:
        """Hear what Watchkeeper's timeline says, with the real seconds since the fault."""

    def judged(self, row: Judged) -> None:
        """Hear how a fault went."""

    def alone(self, fault: Break, found: Alone) -> None:
        """Hear what restart policies alone made of a fault."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an estate is drilled."""

    #: where Watchkeeper's state is put, a folder a fault
    folder: Path
    #: for all faults, instead of their own
    pace: float | None = None
    beside_restarts: bool = False
    #: leave the estate up
    keep: bool = False
    port: int = 0
    thinks_s: float = THINKS_S


async def drill(course: Course, chosen: Sequence[Break], options: Options, show: Show) -> list[Judged]:
    """Play the faults on an estate that is started for it; gives a row for each."""
    commands = Commands(course, options.folder)
    try:
        show.stage(f"Starting {course.name}.")
        async with turn(quiet=False):
            await commands.up()
        if "customers" in course.commands:
            await commands.begin(course.commands["customers"], "customers")
        rows = []
        for number, fault in enumerate(chosen, 1):
            show.begins(fault, number, len(chosen), options.pace or fault.pace)
            async with turn(quiet=fault.quiet):
                rows.append(await _Drilled(course, commands, fault, options, show).row())
            show.judged(rows[-1])
        if options.beside_restarts and "restarts" in course.commands:
            alone = await _without_us(commands, chosen, show)
            rows = [replace(row, alone=alone[row.fault]) for row in rows]
        return rows
    finally:
        await _leave(commands, options, show)


async def drill_alone(course: Course, chosen: Sequence[Break], options: Options, show: Show) -> dict[str, Alone]:
    """Make the faults with restart policies alone, and never with Watchkeeper; gives what became of each."""
    if "restarts" not in course.commands:
        raise Permanent(f"{course.name} has no command `restarts`.", hint="Give it in estate.toml.", code="WK928")
    commands = Commands(course, options.folder)
    try:
        return await _without_us(commands, chosen, show)
    finally:
        await _leave(commands, options, show)


async def _leave(commands: Commands, options: Options, show: Show) -> None:
    if options.keep:
        await commands.end_begun()
        return
    try:
        show.stage(f"Stopping {commands.course.name}.")
    finally:
        # also where whoever listened is gone
        await commands.down()


class _Drilled:
    """One fault."""

    def __init__(self, course: Course, commands: Commands, fault: Break, options: Options, show: Show) -> None:
        self.course, self.commands, self.fault, self.options, self.show = course, commands, fault, options, show
        self.pace = options.pace or fault.pace

    async def row(self) -> Judged:
        """Play it; what keeps it from being played is a red row, not the end of the drill."""
        try:
            return judge(self.fault, await self._play(), self.pace)
        except WatchkeeperError as problem:
            await self.commands.call(self.fault.mends, MEND_S)
            await self.commands.wait_until_well(CALM_S)
            return Judged(self.fault.name, self.fault.sentence, self.pace, "red", (f"It could not be played: {problem}",))

    async def _play(self) -> Played:
        state = self.options.folder / self.course.name / self.fault.name
        settings = load_settings(state=str(state), database_url="", engine="dbos")
        app = open_app(self.course.folder / "watchkeeper.toml", settings, PacedClock(self.pace))
        async with serving(app, "127.0.0.1", self.options.port, [api, metrics]) as (address, loop):
            self.show.console(address)
            calm = asyncio.create_task(wait_until_calm(app, CALM_S))
            await asyncio.wait({calm, loop}, return_when=asyncio.FIRST_COMPLETED)
            if loop.done():
                calm.cancel()
                await loop
            await calm
            return await self._break(app)

    async def _break(self, app: App) -> Played:
        before, gone = await self.commands.promised()
        approver = Approver(app, self.commands, self.fault, self.options.thinks_s)
        broken_at = app.clock.now()
        self.show.say(0.0, "broken", self.fault.sentence)
        breaking = await self.commands.begin(self.fault.breaks, f"{self.fault.name}.break")
        seen = await follow(
            app,
            broken_at,
            self.fault.patience_s,
            self.show.say,
            lambda seen: is_over(self.fault, lived(seen.incidents, broken_at), len(approver.open_questions)),
            approver.attend,
        )
        found = lived(seen.incidents, broken_at)
        over = is_over(self.fault, found, 0) and self.fault.expected.recovers
        complaint = await self.commands.complaint() if over else None
        status = breaking.returncode
        if status not in (None, 0):
            raise Permanent(f"`{self.fault.breaks}` ended with status {status}.", code="WK924")
        await self._mend(breaking)
        self.show.stage("It is well. Waiting until all is calm.")
        broken = await still_red(app, app.clock.now(), self.pace)
        acknowledged, lost = await self.commands.promised()
        return Played(
            lived=found,
            asked=tuple(approver.asked),
            thought_s=approver.thought_s,
            open_questions=tuple(approver.open_questions),
            complaint=complaint,
            broken=broken,
            acknowledged=acknowledged - before,
            # what an earlier fault lost is no fault of this one
            lost=tuple(each for each in lost if each not in gone),
        )

    async def _mend(self, breaking: asyncio.subprocess.Process) -> None:
        self.show.stage("Putting everything right by force.")
        await self.commands.end(breaking)
        await _put_right(self.commands, self.fault)


async def _put_right(commands: Commands, fault: Break) -> None:
    status, said = await commands.call(fault.mends, MEND_S)
    if status != 0:
        raise Permanent(f"`{fault.mends}` ended with status {status}: {said}", code="WK924")
    if await commands.wait_until_well(CALM_S) is None:
        raise Permanent(f"After `{fault.mends}` it is not well: {await commands.complaint()}", code="WK924")


def lived(followed: Sequence[Followed], broken_at: datetime) -> tuple[Lived, ...]:
    """Measure what was followed from the instant of the fault on."""

    def since(at: datetime | None) -> float | None:
        return None if at is None else (at - broken_at).total_seconds()

    return tuple(
        Lived(
            alerts=tuple(dict.fromkeys(alert.subject for alert in each.alerts)),
            severity=each.incident.severity,
            cause=each.incident.cause,
            fired_s=since(each.fired_at),
            resolved=each.incident.status == "resolved",
            healthy_s=since(each.incident.recovered_at),
            resolved_s=since(each.incident.resolved_at),
            runs=tuple((run.plan.title, run.state, run.sentence) for run in each.runs),
            changed=tuple(_changed(each)),
            waited_s=sum(
                act.wait_s or 0.0
                for run in each.runs
                for act in run.plan.acts
                if run.acts[act.key].state == "done" and act.wait_s
            ),
            enough=_was_enough(each),
            still=tuple(dict.fromkeys(alert.subject for alert in each.alerts if alert.ended_at is None)),
            quiet_s=since(_quiet_since(each)),
        )
        for each in followed
    )


def _quiet_since(followed: Followed) -> datetime | None:
    ended = [*(alert.ended_at for alert in followed.alerts), *(run.ended_at for run in followed.runs)]
    return max((each for each in ended if each is not None), default=None)


def _was_enough(followed: Followed) -> bool:
    last, healthy_at = followed.runs[-1] if followed.runs else None, followed.incident.recovered_at
    if last is None or last.state != "cancelled" or healthy_at is None:
        return False
    return changed_before(last, healthy_at) is not None


def _changed(followed: Followed) -> list[tuple[str, str]]:
    """Give the commands that change something and were begun, each with its procedure."""
    return [
        (run.plan.title, act.command.text)
        for run in followed.runs
        for act in run.plan.acts
        if act.mutating and act.command is not None and run.acts[act.key].since is not None
    ]


async def _without_us(commands: Commands, chosen: Sequence[Break], show: Show) -> dict[str, Alone]:
    """Make the faults with restart policies and without Watchkeeper."""
    show.stage("The faults with restart policies alone.")
    await commands.up(alone=True)
    found = {}
    for fault in chosen:
        show.stage(f"{fault.name}, with restart policies alone.")
        found[fault.name] = await _alone(commands, fault)
        show.alone(fault, found[fault.name])
    return found


async def _alone(commands: Commands, fault: Break) -> Alone:
    """Make one fault and see whether the estate becomes well again by itself."""
    started = time.monotonic()
    breaking = await commands.begin(fault.breaks, f"{fault.name}.alone")
    felt, well_after_s = False, None
    while (elapsed := time.monotonic() - started) < min(fault.patience_s, ALONE_S):
        if await commands.complaint() is not None:
            felt = True
        elif felt:
            well_after_s = round(time.monotonic() - started, 1)
            break
        elif elapsed > FELT_S:
            break
        await asyncio.sleep(0.1)
    await commands.end(breaking)
    # the next fault is made of a sound estate, or of none
    await _put_right(commands, fault)
    return Alone(felt, well_after_s)
