"""Reads systemd's journal onward through journalctl, from the cursor of the last entry that was read.

journalctl is the journal's only reader that understands every version of its files. Its output is bounded: where more came
between two looks than is read, reading goes on at the end, and the counts are projected by the time that the entries read span.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from watchkeeper.plugins.logs.lines import LONGEST, SYSLOG
from watchkeeper.plugins.logs.source import Count, Read, Unreadable
from watchkeeper.plugins.logs.tally import Tally

_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_PID"


class JournalSource:
    """The journal, or that of some units."""

    def __init__(self, units: Sequence[str], directory: Path | None) -> None:
        where = [f"--directory={directory}"] if directory else []
        self._command = ["journalctl", "--output=json", "--no-pager", f"--output-fields={_FIELDS}", *where]
        self._command += [f"--unit={unit}" for unit in units]
        self._from: str | None = None

    async def read(self, count: Count, most_bytes: int, until_s: float) -> Read:
        """Read on."""
        if self._from is None:
            self._from = await self._end(until_s)
            return Read()
        printed, cut = await self._ask([self._from], most_bytes, until_s)
        tally, cursor, reach_s = await asyncio.to_thread(_take, printed, count)
        read = Read(tallies=[tally])
        if cursor is not None:
            self._from = f"--after-cursor={cursor}"
        if cut:
            read.skipped = 1
            self._from = await self._end(until_s)
            if reach_s:
                tally.factor = max(1.0, (time.time() - reach_s[0]) / max(reach_s[1] - reach_s[0], 0.001))
        return read

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _end(self, until_s: float) -> str:
        printed, _ = await self._ask(["--lines=1"], LONGEST * 4, until_s)
        _, cursor, _ = _take(printed, lambda *_: None)
        return f"--after-cursor={cursor}" if cursor else f"--since=@{time.time():.6f}"

    async def _ask(self, words: list[str], most: int, until_s: float) -> tuple[bytes, bool]:
        """Run journalctl; give what it printed, and whether there was more."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as problem:
            raise Unreadable(f"journalctl cannot be run: {problem.strerror}") from None
        assert process.stdout is not None
        assert process.stderr is not None
        parts: list[bytes] = []
        size, late = 0, False
        try:
            async with asyncio.timeout(max(0.1, until_s - time.monotonic())):
                while size <= most and (part := await process.stdout.read(262_144)):
                    parts.append(part)
                    size += len(part)
                if size <= most:
                    # journalctl shows who may not read all a part of it, and says so only here
                    said = (await process.stderr.read(2_000)).decode(errors="replace").strip()
                    if "not seeing messages" in said:
                        raise Unreadable("this user may read a part of the journal alone: add it to the group systemd-journal")
                    if await process.wait() or (said and not size):
                        raise Unreadable(f"journalctl says: {said.splitlines()[0][:200] if said else process.returncode}")
        except TimeoutError:
            late = True
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if late and not size:
            raise Unreadable("journalctl printed nothing in time")
        return b"".join(parts), late or size > most


def _take(printed: bytes, count: Count) -> tuple[Tally, str | None, tuple[float, float] | None]:
    """Count every whole entry; give the cursor of the last, and the instants of the first and the last."""
    tally = Tally()
    cursor: str | None = None
    first = last = 0.0
    for raw in printed.split(b"\n"):
        try:
            entry = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            continue
        if not isinstance(entry, dict):
            continue
        if isinstance(entry.get("__CURSOR"), str):
            cursor = entry["__CURSOR"]
        with contextlib.suppress(TypeError, ValueError):
            last = float(entry.get("__REALTIME_TIMESTAMP") or 0.0) / 1e6
            first = first or last
        level = entry.get("PRIORITY")
        number = int(level) if isinstance(level, str) and level in "01234567" and len(level) == 1 else None
        for line in _text(entry.get("MESSAGE")).splitlines() or [""]:
            count(tally, f"{_name(entry)}: {line[:LONGEST]}", SYSLOG[number] if number is not None else None)
    return tally, cursor, (first, last) if first else None


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or "?"
    return f"{name}[{entry['_PID']}]" if "_PID" in entry else f"{name}"


def _text(message: object) -> str:
    """Give a message as text: journald prints what is not text as the numbers of its bytes."""
    if isinstance(message, str):
        return message
    if isinstance(message, list) and all(isinstance(each, int) and 0 <= each < 256 for each in message):
        return bytes(message).decode(errors="replace")
    return str(message[0]) if isinstance(message, list) and message else ""
