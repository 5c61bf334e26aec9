"""A target at the end of a line: jobs there outlive the line and us, and a successor adopts them over a new one.

What is known of the other place is written down here before anything is sent there: a job without such a record never began,
and a place that is not the recorded one any more (a container made anew, a machine installed anew) can prove nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from watchkeeper.base.errors import OutsideError, Transient
from watchkeeper.estate.config import target_options
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.remote import script
from watchkeeper.plugins.remote.errors import away, unfit
from watchkeeper.plugins.remote.line import Channel, Line
from watchkeeper.plugins.shell.commands import command_as, command_for, exports
from watchkeeper.plugins.shell.guard import GUARD, limits
from watchkeeper.plugins.shell.keeping import FLOOD, Output
from watchkeeper.plugins.shell.shims import shims
from watchkeeper.plugins.shell.wrapper import STOPPED
from watchkeeper.run.output import read_raw
from watchkeeper.run.target import Found, Job

log = logging.getLogger(__name__)

#: how long the other side may be silent before the line counts as cut, in seconds
SILENCE_S = 20.0
#: how much longer than its time limit a job is waited for where nothing can be heard of it, in seconds
PATIENCE_S = 40.0
#: how many lines a script that only reads may print
_MOST_LINES = 20_000
_AGAIN_S = (0.2, 1.0, 3.0, 5.0)
_CUT = (OSError, EOFError, asyncio.IncompleteReadError, TimeoutError, Transient)


@dataclass(frozen=True, slots=True)
class _Place:
    """The other place as it was when a job was sent to it."""

    boot: str
    mark: str
    root: str
    fixed: str


@dataclass(slots=True)
class _Following:
    channel: Channel
    place: _Place


class RemoteTarget:
    """Runs jobs at the end of a line."""

    elsewhere: ClassVar[bool] = True

    def __init__(self, config: TargetConfig, estate: Estate, line: Line) -> None:
        self._config = config
        self._line = line
        table = target_options(config, estate)
        self._become = table.maybe_text("become")
        self._root = table.text("folder", "")
        self._flood = int(table.number("flood_bytes", FLOOD, 0))
        if self._become and config.words:
            raise table.error("become", "`become` and `words` do not go together.", "Another user cannot enter our folders.")
        self._open: dict[str, _Following] = {}

    async def start(self, job: Job) -> None:
        """Begin the job and return once its wrapper runs there, or once that cannot be known: then `wait` finds out."""
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        following = await self._reach(job, None)
        _record(job.folder, following.place)
        try:
            await following.channel.write((script.about(job.id, self._become) + self._begin(job)).encode())
            said = await _line(following.channel)
        except _CUT as problem:
            # it may have begun, or may yet begin: `wait` asks for it until it can be said
            log.info("%s was cut off while a job began: %s", self._line.name, problem, extra={"action": "line_cut"})
            await following.channel.close()
            return
        if said[:1] != ["B"]:
            await following.channel.close()
            why = " ".join(said[1:]) or "nothing was said"
            raise unfit(self._line.name, f"it could not begin: {why}")
        self._open[job.id] = following

    async def read(self, script: str, *, within_s: float | None = None, most_bytes: int = 1_000_000) -> str:
        """Run a script that only reads in a shell there, and give what it prints; nothing is written down about it.

        Raises Transient where the place does not answer, does not end in time or prints more; the line's own errors else.
        """
        mark = f"end-{os.urandom(8).hex()}"
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(within_s):
                channel, _ = await self._line.open(None)
                try:
                    await channel.write(f"exec 2>/dev/null\n{script}\nprintf '\\n%s\\n' {mark}\nexit\n".encode())
                    while (line := await channel.reader.readline()).strip() != mark.encode():
                        parts.append(line)
                        size += len(line)
                        if not line or size > most_bytes or len(parts) > _MOST_LINES:
                            raise away(self._line.name, "it printed too much" if line else channel.said() or "the shell ended")
                finally:
                    await channel.close()
        except (OSError, EOFError, ValueError, TimeoutError) as problem:
            raise away(self._line.name, str(problem) or "nothing came in time") from problem
        return b"".join(parts).decode(errors="replace")

    async def find(self, job: Job) -> Found:
        """Say what is known of a job; "never-begun" is proved, and holds."""
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _sent(job.folder) and await self._adopt(job) is None and _void_record(job.folder):
            return Found("never-begun", sentence="Nothing was sent there.")
        try:
            return await self._ask(job, "void")
        except _CUT as problem:
            return Found("lost", sentence=self._why(problem))
        except OutsideError as problem:
            return Found("lost", sentence=problem.message)

    async def wait(self, job: Job, output: Callable[[str], None] | None = None) -> Found:
        """Wait for the job's end; a line that is cut is opened anew. The time limit is kept at the other end."""
        printed = Output(job.folder / "output", job.output_bytes, output)
        until = time.monotonic() + job.timeout_s + PATIENCE_S
        tries = 0
        while True:
            began = time.monotonic()
            try:
                following = self._open.pop(job.id, None) or await self._reach(job, _recorded(job.folder))
                ended = await self._follow(job, following, printed)
                if ended is not None:
                    return ended
                return await self.find(job)
            except _CUT as problem:
                why = self._why(problem)
            except OutsideError as problem:
                return Found("lost", sentence=problem.message)
            tries = 1 if time.monotonic() - began > 1.0 else tries + 1
            pause = _AGAIN_S[min(tries, len(_AGAIN_S)) - 1]
            if time.monotonic() + pause > until:
                return Found("lost", sentence=f"Nobody saw how it ended. {why}")
            await asyncio.sleep(pause)

    def read_output(self, job: Job) -> str:
        """Give the output as far as it came over the line."""
        return read_raw(job.folder / "output", job.output_bytes)

    async def kill(self, job: Job) -> None:
        """End the job and all it started."""
        with contextlib.suppress(*_CUT):
            await self._ask(job, "stop cancelled; look")

    async def forget(self, job: Job) -> None:
        """Remove the job's folder there, and what others left there a month ago."""
        try:
            async with asyncio.timeout(SILENCE_S):
                following = self._open.pop(job.id, None) or await self._reach(job, _recorded(job.folder))
                try:
                    await following.channel.write(b"forget; exit\n")
                finally:
                    await following.channel.close()
        except (OutsideError, *_CUT) as problem:
            log.info("%s keeps the folder of a job: %s", self._line.name, problem, extra={"action": "job_kept"})

    async def close(self) -> None:
        """Let go of all lines; what runs goes on."""
        while self._open:
            await self._open.popitem()[1].channel.close()
        await self._line.close()

    async def examine(self) -> str:
        """Look whether commands could run there; gives the sentence for a person, or raises what speaks against it."""
        channel, _ = await self._line.open(None)
        try:
            place = await self._greet(channel, "")
            return f"Commands run as jobs below {place.root} on {self._line.name}."
        finally:
            await channel.close()

    def _why(self, problem: BaseException) -> str:
        return problem.message if isinstance(problem, OutsideError) else away(self._line.name, str(problem) or "cut").message

    async def _adopt(self, job: Job) -> _Place | None:
        """Look for a job that somebody with another folder sent; only where one is there, it is ours to follow from now on."""
        with contextlib.suppress(OutsideError, *_CUT):
            following = await self._reach(job, None)
            try:
                await following.channel.write(b"look\n")
                if _found(await _line(following.channel)).state in ("running", "ended"):
                    _record(job.folder, following.place)
                    return following.place
            finally:
                await following.channel.close()
        return None

    async def _reach(self, job: Job, known: _Place | None) -> _Following:
        channel, fixed = await self._line.open(known.fixed if known else None)
        try:
            place = await self._greet(channel, fixed)
            if known is not None and (known.mark, known.root) != (place.mark, place.root):
                raise unfit(self._line.name, "it is not the place to which the job was sent, but was made anew")
            await channel.write(script.about(job.id, self._become).encode())
        except BaseException:
            await channel.close()
            raise
        return _Following(channel, place)

    async def _greet(self, channel: Channel, fixed: str) -> _Place:
        try:
            await channel.write(script.hello(self._root).encode())
            said = await _line(channel)
        except _CUT:
            await asyncio.sleep(0.05)
            raise away(self._line.name, channel.said() or "the line was cut") from None
        if said[:1] == ["X"]:
            raise unfit(
                self._line.name,
                f"jobs have no folder there, for {' '.join(said[1:])} cannot be written",
                'Name one that can: folder = "/var/tmp/watchkeeper".',
            )
        return _Place(said[1], said[2], " ".join(said[3:]), fixed)

    def _begin(self, job: Job) -> str:
        options = self._config.options
        if self._become:
            command = command_as(self._become, job, options)
        else:
            command = command_for(job, script.SCRIPT, options, (script.SHELL,))
        limit = limits(math.ceil(job.timeout_s) + 1, job.output_bytes, self._flood)
        text = job.script if job.script.endswith("\n") else job.script + "\n"
        files = {"script": text, "variables": exports(job.variables), "limits": limit}
        files |= {"wrapper": script.WRAPPER, "guard": GUARD}
        programs = {} if self._become else shims(job.script, self._config.words)
        return script.begin(command, str(self._config.directory), files, programs, [str(each) for each in self._config.path])

    async def _ask(self, job: Job, what: str) -> Found:
        """Open a line of its own and put one question, again while a claim is just being written."""
        following = await self._reach(job, _recorded(job.folder))
        try:
            for _ in range(50):
                await following.channel.write(f"{what}\n".encode())
                answer = await _line(following.channel)
                if answer != ["torn"]:
                    return _found(answer)
                await asyncio.sleep(0.02)
            return Found("lost", sentence="A wrapper began to begin, and nothing more is known.")
        finally:
            await following.channel.close()

    async def _follow(self, job: Job, following: _Following, printed: Output) -> Found | None:
        """Take what comes until the job's end; None where it did not begin as far as can be seen from there."""
        channel, path = following.channel, job.folder / "output"
        keep = True
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            at, looked = os.fstat(descriptor).st_size, time.monotonic()
            await channel.write(f"follow {at} {job.output_bytes}\n".encode())
            while True:
                said = await _line(channel)
                if said[:1] == ["O"]:
                    os.pwrite(descriptor, await channel.reader.readexactly(int(said[2])), int(said[1]))
                if said[:1] != ["E"]:
                    now = time.monotonic()
                    if said[:1] == ["O"] or now - looked > printed.pause_s:
                        printed.look(now - looked)
                        looked = now
                    continue
                printed.look(0.0)
                if said[1] in ("open", "void"):
                    keep = False
                    return None
                self._open[job.id], keep = following, True
                return _found(said[1:])
        except BaseException:
            keep = False
            raise
        finally:
            os.close(descriptor)
            if not keep:
                await channel.close()


async def _line(channel: Channel) -> list[str]:
    async with asyncio.timeout(SILENCE_S):
        line = await channel.reader.readline()
    if not line:
        raise EOFError("the line was cut")
    return line.decode(errors="replace").split()


def _found(said: list[str]) -> Found:
    match said:
        case ["ended", status, *why]:
            stopped = STOPPED.get(why[0]) if why else None
            return Found("ended", int(status), why == ["timeout"], stopped or f"It ended with status {status}.")
        case ["running", pid]:
            sentence = (
                f"It runs there as process {pid}." if pid != "0" else "Its wrapper was killed, and what it started still runs."
            )
            return Found("running", sentence=sentence)
        case ["lost", why]:
            how = "its wrapper was killed" if why == "wrapper" else "the place restarted"
            return Found("lost", sentence=f"Nobody saw how it ended: {how}.")
        case ["void"] | ["open"]:
            return Found("never-begun", sentence="Its wrapper never ran there.")
    return Found("lost", sentence=f"Nobody saw how it ended: the answer was {' '.join(said) or 'empty'}.")


def _record(folder: Path, place: _Place) -> None:
    """Write down durably where a job is sent, before anything is sent; refuses where somebody declared it never begun."""
    number = 0
    while _read(folder / f"place.{number}") == "void":
        number += 1
    text = json.dumps({"boot": place.boot, "mark": place.mark, "root": place.root, "fixed": place.fixed})
    _put(folder / f"place.{number}", text)


def _sent(folder: Path) -> bool:
    """Tell whether something was sent, as far as is recorded here."""
    return _recorded(folder) is not None


def _void_record(folder: Path) -> bool:
    """Tell whether nothing was ever sent, and see to it that a start on its way can send nothing any more."""
    number = 0
    while (text := _read(folder / f"place.{number}")) == "void":
        number += 1
    if text:
        return False
    try:
        _put(folder / f"place.{number}", "void")
    except FileExistsError:
        return False
    return True


def _recorded(folder: Path) -> _Place | None:
    newest = None
    for number in range(1000):
        text = _read(folder / f"place.{number}")
        if text is None:
            break
        with contextlib.suppress(ValueError):
            newest = _Place(**json.loads(text)) if text != "void" else None
    return newest


def _put(path: Path, text: str) -> None:
    """Make a file that must not be there yet; it appears whole, and is on disk when this returns."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    with made.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(made, path)
    finally:
        made.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
