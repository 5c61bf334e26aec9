"""Lets drills side by side take turns: so many faults at a time, and alone one whose sign is a busy processor.

Estates that are drilled at a time share a folder of locked files. Whoever plays a fault holds one of its places; who needs quiet
holds all of them. The door is held while one waits for a place, so that nobody who comes later goes in before.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

#: names the folder of the files; an estate that is drilled by itself has none and never waits
VARIABLE = "WATCHKEEPER_DRILL_TURNS"
LOOK_EVERY_S = 0.1


def make_places(folder: Path, number: int) -> None:
    """Make the files by which so many faults are played at a time."""
    for each in ("door", *(f"place-{n}" for n in range(number))):
        (folder / each).touch(mode=0o600)


@contextlib.asynccontextmanager
async def turn(*, quiet: bool) -> AsyncIterator[None]:
    """Hold a place beside others, or with `quiet` all of them; a process that dies gives its places back."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        yield
        return
    places = sorted(Path(folder).glob("place-*"))
    with contextlib.ExitStack() as held:
        door = await _hold([Path(folder) / "door"])
        try:
            for wanted in [[place] for place in places] if quiet else [places]:
                held.callback(os.close, await _hold(wanted))
        finally:
            os.close(door)
        yield


async def _hold(paths: Sequence[Path]) -> int:
    """Wait for the lock on any one of some files; closing what is given lets it go."""
    with contextlib.ExitStack() as opened:
        files = [os.open(path, os.O_RDWR | os.O_CLOEXEC) for path in paths]
        for file in files:
            opened.callback(os.close, file)
        while True:
            for file in files:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # another number for the same lock, which outlives the others
                    return os.dup(file)
            await asyncio.sleep(LOOK_EVERY_S)
