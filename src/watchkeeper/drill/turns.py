"""Lets drills side by side take turns where a fault needs the machine for itself: one whose sign is a busy processor.

Estates that are drilled at a time share two locked files. Whoever plays a fault holds `room` together with others; who needs
quiet holds it alone. `door` is held while one waits for `room`, so that nobody who comes later goes in before.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path

#: names the folder of the two files; an estate that is drilled by itself has none and never waits
VARIABLE = "WATCHKEEPER_DRILL_TURNS"
LOOK_EVERY_S = 0.1


@contextlib.asynccontextmanager
async def turn(*, quiet: bool) -> AsyncIterator[None]:
    """Hold a place beside others, or with `quiet` the only one; a process that dies gives its place back."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        yield
        return
    door = await _hold(Path(folder) / "door", fcntl.LOCK_EX)
    try:
        room = await _hold(Path(folder) / "room", fcntl.LOCK_EX if quiet else fcntl.LOCK_SH)
    finally:
        os.close(door)
    try:
        yield
    finally:
        os.close(room)


async def _hold(path: Path, how: int) -> int:
    """Wait for a lock on a file; closing what is given lets it go."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, how | fcntl.LOCK_NB)
                return file
            await asyncio.sleep(LOOK_EVERY_S)
    except BaseException:
        os.close(file)
        raise
