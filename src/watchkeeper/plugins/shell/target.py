"""The local shell: jobs run under a small wrapper of their own session, so that they outlive us and are found again."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from watchkeeper.base.errors import Permanent
from watchkeeper.estate.config import target_options
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.shell.commands import command_as, command_for, exports
from watchkeeper.plugins.shell.guard import GUARD, limits
from watchkeeper.plugins.shell.keeping import FLOOD, FLOOD_WHOLE, Output
from watchkeeper.plugins.shell.processes import age_s, boot_id, end_group, gone, marked, start_of
from watchkeeper.plugins.shell.shims import shims
from watchkeeper.plugins.shell.wrapper import BLANK, END_MARKED, MARK, STOPPED, VOID, WRAPPER, mark_of
from watchkeeper.run.output import read_raw
from watchkeeper.run.target import Found, Job
from watchkeeper.run.values.clients import CLIENT_OPTIONS

_PASSED = ("HOME", "USER", "LOGNAME", "TZ", "TMPDIR")
GRACE_S = 3.0
#: how long a job lasts before it gets a guard of its own, and how much later than we that acts, in seconds
GUARDED_AFTER_S, GUARD_LATER_S = 2.0, 2


class ShellTarget:
    """Runs jobs with bash on this machine."""

    options: ClassVar[Mapping[str, str]] = {
        **CLIENT_OPTIONS,
        "become": "user as whom commands run, by sudo without a password",
        "flood_bytes": "output beyond which a command is stopped (default 10 GB; only head and tail are kept of a long one)",
    }

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        self._config = config
        table = target_options(config, estate)
        flood = table.number("flood_bytes", 0, 0)
        self._flood, self._flood_whole = (int(flood), int(flood)) if flood else (FLOOD, FLOOD_WHOLE)
        self._become = table.maybe_text("become")
        if self._become and config.words:
            raise table.error("become", "`become` and `words` do not go together.", "Another user cannot enter our folders.")
        self._boot = boot_id()
        #: jobs that we began ourselves: who their wrapper is, known before it says so
        self._begun: dict[str, tuple[int, int]] = {}

    async def start(self, job: Job) -> None:
        """Begin the job; when this returns, its wrapper runs."""
        self._begun[job.id] = self._spawn(job)

    def _spawn(self, job: Job) -> tuple[int, int]:
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        script = job.folder / "script"
        durable = "durable" if job.durable else ""
        where = [str(job.folder), str(_open_claim(job.folder)), str(self._config.directory), durable, self._boot]
        words = {} if self._become else shims(job.script, self._config.words)
        output = os.open(job.folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        silence = os.open(os.devnull, os.O_RDONLY)
        try:
            _write(script, job.script if job.script.endswith("\n") else job.script + "\n")
            _write(job.folder / "exit", BLANK)
            _write_programs(job.folder / "words", words)
            if self._become:
                os.close(silence)
                silence = _as_input(job.folder, self._environment(job))
            pid = os.posix_spawn(
                "/bin/sh",
                ["/bin/sh", "-c", WRAPPER, "watchkeeper-job", *where, *self._argv(job, script)],
                self._environment(job, bool(words)),
                file_actions=[(os.POSIX_SPAWN_DUP2, each, to) for to, each in enumerate((silence, output, output))],
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
            )
        except OSError as problem:
            raise Permanent(f"The shell could not be started: {problem.strerror}.", code="WK425") from problem
        finally:
            os.close(output)
            os.close(silence)
        return pid, start_of(pid) or 0

    async def find(self, job: Job) -> Found:
        """Say what is known of a job. "never-begun" is proved, and holds: a wrapper on its way can no longer begin."""
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for _ in range(100):
            found = self._look(job.folder)
            if found is not None:
                return found
            await asyncio.sleep(0.01)
        return Found("lost", sentence="A wrapper began to begin, and nothing more is known.")

    async def wait(self, job: Job, output: Callable[[str], None] | None = None) -> Found:
        """Wait for the job's end; past its time limit, or when it floods, end it with all it started."""
        printed = Output(job.folder / "output", job.output_bytes, output)
        claim = self._begun.pop(job.id, None)
        if claim is None or not claim[1]:
            # begun before us, or over before we could look at it: then only its own word tells since when it ran
            claim = await self._claim(job.folder) or claim
        if claim is not None:
            pid, start = claim
            looked = time.monotonic()
            while not await gone(pid, start, min(printed.pause_s, max(0.0, job.timeout_s - age_s(start)))):
                looked = await self._look_after(job, printed, start, looked)
            if not _line(job.folder / "exit") and start:
                await self._outlast(job, printed, start, looked)
        printed.look(0.0)
        found = await self.find(job)
        while found.state == "running" and claim is not None and claim[1]:
            # one look may have missed what is left, in the instant of an exec
            await self._outlast(job, printed, claim[1], time.monotonic())
            found = await self.find(job)
        return found

    async def _look_after(self, job: Job, printed: Output, start: int, looked: float) -> float:
        now = time.monotonic()
        size = printed.look(now - looked)
        if age_s(start) >= GUARDED_AFTER_S and not (job.folder / "guard").exists():
            await self._guard(job)
        if age_s(start) >= job.timeout_s:
            await self._stop(job, "timeout")
        elif size > (self._flood if printed.sparse else self._flood_whole):
            await self._stop(job, "flood")
        return now

    async def _guard(self, job: Job) -> None:
        """Put a guard beside a job that lasts, for the case that we die before it ends."""
        claim = _read_claim(job.folder)
        if claim is None:
            return
        path = job.folder / "guard"
        _write(job.folder / "limits", limits(math.ceil(job.timeout_s) + GUARD_LATER_S, job.output_bytes, self._flood))
        _write(path, GUARD)
        words = ("/bin/sh", str(path), str(claim[0]), str(claim[1]), self._become or "")
        away = ("/bin/sh", "-c", '"$@" &', "watchkeeper-guard", *words)
        given = {"PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"), "LANG": "C.UTF-8"}
        with contextlib.suppress(OSError):
            process = await asyncio.create_subprocess_exec(
                *away, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=given, start_new_session=True
            )
            await process.wait()

    async def _outlast(self, job: Job, printed: Output, start: int, looked: float) -> None:
        """Wait for what a killed wrapper left behind: its status is lost, but the next act must not begin beside it."""
        while marked(MARK, mark_of(job.folder)):
            looked = await self._look_after(job, printed, start, looked)
            await asyncio.sleep(printed.pause_s)

    def read_output(self, job: Job) -> str:
        """Give the output so far: all of it, or its first and last lines with a note of how much is left out."""
        return read_raw(job.folder / "output", job.output_bytes)

    async def kill(self, job: Job) -> None:
        """End the job and all it started."""
        await self._stop(job, "cancelled")

    async def forget(self, job: Job) -> None:
        """Do nothing: all that is left of a job lies in its folder."""

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    async def _stop(self, job: Job, why: str) -> None:
        claim, mark = _read_claim(job.folder), mark_of(job.folder)
        lives = claim is not None and start_of(claim[0]) == claim[1]
        if claim is None or not (lives or marked(MARK, mark)):
            return
        with contextlib.suppress(OSError):
            _write(job.folder / "stopped", f"{why} .\n")
        if self._become:
            await self._end_as_user("TERM", mark)
        await end_group(claim[0], GRACE_S, lambda: marked(MARK, mark))
        if self._become:
            await self._end_as_user("KILL", mark)

    async def _end_as_user(self, number: str, mark: str) -> None:
        words = ("sudo", "-n", "-u", str(self._become), "--", "/bin/sh", "-c", END_MARKED, "watchkeeper-end", number, mark)
        with contextlib.suppress(OSError):
            process = await asyncio.create_subprocess_exec(*words, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            await process.wait()

    def _look(self, folder: Path) -> Found | None:
        """Look once; None where a claim is just being written."""
        ended = self._ended(folder)
        if ended is not None:
            return ended
        number = _open_claim(folder)
        newest = folder / f"pid.{number}"
        if not newest.exists():
            try:
                descriptor = os.open(newest, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return None
            with os.fdopen(descriptor, "w") as file:
                file.write(VOID)
            return Found("never-begun", sentence="Its wrapper never ran.")
        fields = _line(newest)
        if not fields or fields == ["void"]:
            return None
        pid, start, boot = int(fields[0]), int(fields[1]), fields[2] if len(fields) > 2 else ""
        if boot == self._boot and start_of(pid) == start:
            return Found("running", sentence=f"It runs as process {pid}.")
        ended = self._ended(folder)
        if ended is not None:
            return ended
        if boot == self._boot and marked(MARK, mark_of(folder)):
            return Found("running", sentence="Its wrapper was killed, and what it started still runs.")
        stopped = _line(folder / "stopped")
        if stopped:
            return Found("ended", 137, stopped[0] == "timeout", STOPPED[stopped[0]])
        why = "its wrapper was killed" if boot == self._boot else "the machine restarted"
        return Found("lost", sentence=f"Nobody saw how it ended: {why}.")

    def _ended(self, folder: Path) -> Found | None:
        status = _line(folder / "exit")
        if not status:
            return None
        stopped = _line(folder / "stopped")
        sentence = STOPPED[stopped[0]] if stopped else f"It ended with status {status[0]}."
        return Found("ended", int(status[0]), stopped == ["timeout"], sentence)

    async def _claim(self, folder: Path) -> tuple[int, int] | None:
        """Wait for the wrapper to say who it is; None where it does not, or has ended already."""
        for _ in range(500):
            claim = _read_claim(folder)
            if claim is not None or _line(folder / "exit"):
                return claim
            await asyncio.sleep(0.0005)
        return None

    def _argv(self, job: Job, script: Path) -> list[str]:
        if self._become:
            return command_as(self._become, job, self._config.options)
        return command_for(job, str(script), self._config.options)

    def _environment(self, job: Job, words: bool = False) -> dict[str, str]:
        own = {name: os.environ[name] for name in _PASSED if name in os.environ}
        first = [str(job.folder / "words")] if words else []
        path = ":".join([*first, *map(str, self._config.path), os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")])
        mark = {MARK: mark_of(job.folder)}
        return {"HOME": "/", **own, "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", **job.variables, **mark}


def _write_programs(folder: Path, programs: Mapping[str, str]) -> None:
    if programs:
        folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in programs.items():
        _write(folder / name, text)
        (folder / name).chmod(0o700)


def _as_input(folder: Path, variables: Mapping[str, str]) -> int:
    """Give a descriptor from which a shell reads the variables that it is to set; nothing of it is left on disk."""
    path = folder / "variables"
    _write(path, exports(variables))
    descriptor = os.open(path, os.O_RDONLY)
    path.unlink()
    return descriptor


def _open_claim(folder: Path) -> int:
    """Give the number of the claim that is open or taken: the first that was not voided."""
    number = 0
    while _line(folder / f"pid.{number}") == ["void"]:
        number += 1
    return number


def _read_claim(folder: Path) -> tuple[int, int] | None:
    fields = _line(folder / f"pid.{_open_claim(folder)}")
    return (int(fields[0]), int(fields[1])) if fields else None


def _line(path: Path) -> list[str] | None:
    """Give the words of a one-line file; None where it is missing or not written to its final dot."""
    try:
        words = path.read_text().split()
    except OSError:
        return None
    return words[:-1] if words and words[-1] == "." else None


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
