"""Runs a command of watchkeeper.toml and reads its exit status and the first number it prints.

The command is the estate's own text, run by bash without a terminal, with a minimal environment and the estate's variables in
it (never pasted into the text). It gets a bound on time and on output, and whatever it started is killed with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal as signals
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.watch.probe import Look

_NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
#: output is kept up to the first bound; beyond the second the command is killed
_KEPT_BYTES, _MOST_BYTES = 65_536, 8_000_000
#: how long output may come after the command has ended (a child that stayed holds the pipe open)
_LINGER_S = 0.2
_CANNOT_RUN = {126: "it cannot be executed", 127: "a program was not found"}


class CommandProbe:
    """One command."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the exit status is 0, else 0",
        "exit": "exit status",
        "value": "the first number that it prints",
    }
    called: ClassVar[tuple[str, ...]] = ("worker", "scheduler", "cron")
    options: ClassVar[Mapping[str, str]] = {
        "command": "what bash runs; the estate's variables are in its environment",
        "directory": "where it runs, relative to watchkeeper.toml (default: beside it)",
    }
    #: bash fills the variables in, so that a value never becomes code
    as_written: ClassVar[tuple[str, ...]] = ("command",)

    def __init__(self, signal: SignalConfig, estate: Estate, more: Mapping[str, str] | None = None) -> None:
        options = options_of(signal, estate)
        self._command = options.text("command")
        self._folder = estate.folder / options.text("directory", ".")
        self._timeout_s = signal.timeout_s
        self._environment = {**environment_for(estate), **(more or {})}

    async def look(self) -> Look:
        """Run it once."""
        bash = shutil.which("bash")
        if bash is None:
            return Look(problem="there is no bash on this machine")
        try:
            process, output, errors = await self._start(bash)
        except OSError as problem:
            return Look(problem=f"it cannot be started in {self._folder}: {problem.strerror}")
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._ended(process, output, errors)
        except TimeoutError:
            return Look(problem=f"it did not end within {self._timeout_s:g} s")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signals.SIGKILL)
            output.close()
            errors.close()
            await process.wait()
        if output.is_over:
            return Look(problem=f"it printed more than {_MOST_BYTES:,} bytes")
        return _read(process.returncode or 0, bytes(output.kept), bytes(errors.kept))

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _start(self, bash: str) -> tuple[asyncio.subprocess.Process, _Pipe, _Pipe]:
        output, errors = _Pipe(), _Pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                bash, "-o", "pipefail", "-c", self._command,
                stdin=asyncio.subprocess.DEVNULL, stdout=output.write_end, stderr=errors.write_end,
                cwd=self._folder, env=self._environment, start_new_session=True,
            )  # fmt: skip
        except BaseException:
            output.close()
            errors.close()
            raise
        finally:
            output.close_write_end()
            errors.close_write_end()
        return process, output, errors

    async def _ended(self, process: asyncio.subprocess.Process, output: _Pipe, errors: _Pipe) -> None:
        waiting = asyncio.ensure_future(process.wait())
        over = asyncio.ensure_future(output.over.wait())
        try:
            await asyncio.wait([waiting, over], return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                await asyncio.wait([asyncio.ensure_future(pipe.ended.wait()) for pipe in (output, errors)], timeout=_LINGER_S)
        finally:
            waiting.cancel()
            over.cancel()


class _Pipe:
    """Reads what a process writes, as it comes; keeps the head of it and drops the rest."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self.kept = bytearray()
        self._seen = 0
        self.ended = asyncio.Event()
        self.over = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._read_end, self._read)

    @property
    def is_over(self) -> bool:
        return self.over.is_set()

    def close_write_end(self) -> None:
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def close(self) -> None:
        if self._read_end >= 0:
            asyncio.get_running_loop().remove_reader(self._read_end)
            os.close(self._read_end)
            self._read_end = -1
        self.close_write_end()
        self.ended.set()

    def _read(self) -> None:
        try:
            part = os.read(self._read_end, 65_536)
        except BlockingIOError:
            return
        if not part:
            asyncio.get_running_loop().remove_reader(self._read_end)
            self.ended.set()
            return
        self._seen += len(part)
        self.kept += part[: max(0, _KEPT_BYTES - len(self.kept))]
        if self._seen > _MOST_BYTES:
            self.over.set()


def environment_for(estate: Estate) -> dict[str, str]:
    """Give the environment of a probe's command: what every program needs, and the estate's variables."""
    folders = [str(folder) for target in estate.targets.values() for folder in target.path]
    usual = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        "PATH": os.pathsep.join([*dict.fromkeys(folders), usual]),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        **{variable.name: variable.reveal() for variable in estate.variables.values()},
    }


def _read(status: int, output: bytes, errors: bytes) -> Look:
    said = _last_line(errors) or _last_line(output)
    if status in _CANNOT_RUN:
        return Look(problem=f"{_CANNOT_RUN[status]}: {said}" if said else _CANNOT_RUN[status])
    values = {"up": 1.0 if status == 0 else 0.0, "exit": float(status)}
    number = _NUMBER.search(output)
    if number:
        values["value"] = float(number.group())
    words = _last_line(output) if status == 0 else f"exit status {status}{f': {said}' if said else ''}"
    return Look(values, detail=words)


def _last_line(text: bytes) -> str:
    lines = [line.strip() for line in text.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
