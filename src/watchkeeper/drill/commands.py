"""An estate's own commands, each run by bash in its folder, in a process group of its own that ends with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from watchkeeper.base.errors import Permanent
from watchkeeper.drill.model import Course
from watchkeeper.plugins.shell.processes import lives, marked

#: starting may build images first
UP_S = 1800.0
SHORT_S = 180.0
#: databases may have to be copied back
MEND_S = 300.0
ASKED_S = 30.0
SHOWN = 600
GRACE_S = 5.0
#: the variable that each process of a command carries
MARK = "WATCHKEEPER_DRILL"


@dataclass
class Commands:
    """Starts and ends an estate, breaks and mends it, and asks how it is."""

    course: Course
    #: where what is begun and goes on says what it has to say
    logs: Path
    #: what was begun, each with the mark in its environment
    _running: dict[asyncio.subprocess.Process, str] = field(default_factory=dict)

    async def up(self, *, alone: bool = False) -> None:
        """Start the estate; `alone` with restart policies of its own."""
        await self.must("restarts" if alone else "up", UP_S)
        os.environ.update(variables_of(self.course.folder / ".env"))

    async def down(self) -> None:
        """End everything that was begun here, then the estate."""
        await self.end_begun()
        await self.must("down", SHORT_S)

    async def complaint(self) -> str | None:
        """Give what the estate says against being well; None where it is well."""
        status, said = await self.call(self.course.commands["well"], ASKED_S)
        return None if status == 0 else said or f"well ended with status {status}"

    async def wait_until_well(self, patience_s: float) -> float | None:
        """Wait until the estate says that it is well; gives after how many seconds, None where it was not."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while await self.complaint() is not None:
            if loop.time() - started > patience_s:
                return None
            await asyncio.sleep(0.5)
        return loop.time() - started

    async def promised(self) -> tuple[int, tuple[str, ...]]:
        """Give how many promises customers were made so far, and which of them are gone; none where nobody counts."""
        if "promised" not in self.course.commands:
            return 0, ()
        status, said = await self.call(self.course.commands["promised"], ASKED_S, both=False)
        try:
            found = json.loads(said)
            return int(found["acknowledged"]), tuple(str(each) for each in found["lost"])
        except (ValueError, KeyError, TypeError):
            raise self._failed("promised", status, said) from None

    async def must(self, name: str, within_s: float) -> None:
        """Carry out one of the estate's commands; raises where it fails."""
        status, said = await self.call(self.course.commands[name], within_s)
        if status != 0:
            raise self._failed(name, status, said)

    async def begin(self, command: str, name: str) -> asyncio.subprocess.Process:
        """Begin a command that may go on for as long as it likes, until `end`; what it says is in NAME.log."""
        folder = self.logs / self.course.name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.log").open("ab") as log:
            process, mark = await self._start(command, log.fileno())
        self._running[process] = mark
        return process

    async def end(self, process: asyncio.subprocess.Process) -> None:
        """End what was begun, with all that it started."""
        await _end(process, self._running.pop(process))

    async def end_begun(self) -> None:
        """End what was begun and still runs, with all that it started."""
        while self._running:
            await _end(*self._running.popitem())

    async def call(self, command: str, within_s: float, *, both: bool = True) -> tuple[int, str]:
        """Run a command to its end, at most so long; gives its exit status and what it said last."""
        process, mark = await self._start(command, asyncio.subprocess.PIPE, both=both)
        try:
            async with asyncio.timeout(within_s):
                said, _ = await process.communicate()
        except TimeoutError:
            await _end(process, mark)
            return 124, f"it took longer than {within_s:.0f} s"
        except BaseException:
            await _end(process, mark)
            raise
        return process.returncode or 0, said.decode(errors="replace").strip()[-SHOWN:]

    async def _start(self, command: str, output: int, *, both: bool = True) -> tuple[asyncio.subprocess.Process, str]:
        errors = asyncio.subprocess.STDOUT if both else asyncio.subprocess.DEVNULL
        silent: dict[str, Any] = {"stdin": asyncio.subprocess.DEVNULL, "stdout": output, "stderr": errors}
        mark = uuid4().hex
        where: dict[str, Any] = {"cwd": self.course.folder, "env": {**os.environ, MARK: mark}, "start_new_session": True}
        process = await asyncio.create_subprocess_exec("bash", "-c", command, **where, **silent)
        return process, mark

    def _failed(self, name: str, status: int, said: str) -> Permanent:
        said = said.splitlines()[-1] if said else "it said nothing"
        return Permanent(f"{self.course.name}: {name} ended with status {status}: {said}", code="WK923")


def variables_of(path: Path) -> dict[str, str]:
    """Read NAME=VALUE lines, as `up` leaves them; nothing where there is no such file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip().strip("'\"") for name, value in pairs}


async def _end(process: asyncio.subprocess.Process, mark: str) -> None:
    """End a command with what it started and left in its group; nobody else, should the group's number be another's by now."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = await asyncio.to_thread(_left_of, process.pid, mark)
        for each in left:
            with suppress(psutil.Error):
                each.send_signal(number)
        deadline = asyncio.get_running_loop().time() + GRACE_S
        while any(map(lives, left)):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.05)
    await process.wait()


def _left_of(group: int, mark: str) -> list[psutil.Process]:
    found = []
    for each in marked(MARK, mark):
        with suppress(OSError):
            if os.getpgid(each.pid) == group:
                found.append(each)
    return found
