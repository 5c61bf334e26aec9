"""Drills several estates, each in a process of its own, some of them side by side, and brings their rows together."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from watchkeeper.base.errors import Permanent
from watchkeeper.drill import turns
from watchkeeper.drill.model import Judged

#: a line of progress is never longer
LONGEST = 1 << 20


async def drill_several(
    folders: Sequence[Path], options: Sequence[str], side_by_side: int, say: Callable[[str, str], None]
) -> Mapping[str, list[Judged]]:
    """Play the faults of several, so many at a time; `say` hears each line of progress. Gives their rows by their names.

    One estate more is up, so that there is a fault to play while another starts or is stopped. Those with the most faults begin,
    so that none of them is left to run alone at the end.
    """
    up = asyncio.Semaphore(side_by_side + 1)
    with tempfile.TemporaryDirectory(prefix="watchkeeper-turns-") as shared:
        turns.make_places(Path(shared), side_by_side)

        async def one(folder: Path) -> tuple[str, list[Judged]]:
            async with up:
                return await _drill(folder, options, shared, say)

        return dict(await asyncio.gather(*(one(folder) for folder in sorted(folders, key=_faults, reverse=True))))


def _faults(folder: Path) -> int:
    return len(list((folder / "faults").glob("*.toml")))


async def _stopped(process: asyncio.subprocess.Process) -> None:
    """Wait until a drill has stopped its estate, however often we are told to end meanwhile."""
    assert process.stderr is not None
    draining = asyncio.create_task(process.stderr.read())
    while process.returncode is None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([draining])
            await process.wait()


async def _drill(folder: Path, options: Sequence[str], shared: str, say: Callable[[str, str], None]) -> tuple[str, list[Judged]]:
    call = (sys.executable, "-m", "watchkeeper", "drill", str(folder), "--format", "json", *options)
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    environment = {**os.environ, turns.VARIABLE: shared}
    process = await asyncio.create_subprocess_exec(*call, stdin=nothing, stdout=pipe, stderr=pipe, limit=LONGEST, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None
    told: list[str] = []
    reading = asyncio.create_task(process.stdout.read())
    try:
        while line := await process.stderr.readline():
            told.append(line.decode(errors="replace").rstrip())
            say(folder.name, told[-1])
        found = await reading
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await _stopped(process)
    try:
        given = json.loads(found)
    except ValueError:
        last = next((line for line in reversed(told) if line.startswith("watchkeeper: ")), f"status {process.returncode}")
        raise Permanent(f"{folder.name} could not be drilled: {last.removeprefix('watchkeeper: ')}", code="WK927") from None
    return given["estate"], [Judged.from_dict(row) for row in given["faults"]]
