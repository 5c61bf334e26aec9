"""Lets drills side by side take turns: so many faults at a time, and alone one whose sign is a busy processor.

Estates that are drilled at a time share a folder of locked files. Whoever plays a fault holds one of its places; who needs quiet
holds all of them, and what takes next to nothing of the machine (it waits for minutes) none. The door is held while one waits
for a place, so that nobody who comes later goes in before. A place is passed on once the estate is well again: to wait until it
is calm takes next to nothing either. Whoever needs quiet waits for that too: a busy machine would keep it from becoming calm.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from watchkeeper.drill.model import Places

#: names the folder of the files; an estate that is drilled by itself has none and never waits
VARIABLE = "WATCHKEEPER_DRILL_TURNS"
LOOK_EVERY_S = 0.1
#: locked by all who wait for calm, and by nobody else but who needs quiet
CALMING = "calming"


def make_places(folder: Path, number: int) -> None:
    """Make the files by which so many faults are played at a time."""
    for each in ("door", CALMING, *(f"place-{n}" for n in range(number))):
        (folder / each).touch(mode=0o600)


class Turn:
    """What is held while a fault is played."""

    def __init__(self, places: contextlib.ExitStack, calming: int | None = None) -> None:
        self._places, self._calming = places, calming

    def pass_on(self) -> None:
        """Give the place to the next; whoever needs quiet waits until this turn is over."""
        if self._calming is not None:
            # nobody has it alone who has not all places, so this is never waited for
            fcntl.flock(self._calming, fcntl.LOCK_SH)
        self._places.close()


@contextlib.asynccontextmanager
async def turn(wanted: Places = "one") -> AsyncIterator[Turn]:
    """Hold a place beside others, all of them or none; a process that dies gives its places back."""
    with contextlib.ExitStack() as places, contextlib.ExitStack() as held:
        folder = os.environ.get(VARIABLE)
        if not folder or wanted == "none":
            yield Turn(places)
            return
        door = await _hold([Path(folder) / "door"])
        try:
            every = sorted(Path(folder).glob("place-*"))
            for any_of in [[place] for place in every] if wanted == "all" else [every]:
                places.callback(os.close, await _hold(any_of))
            if wanted == "all":
                calming = await _hold([Path(folder) / CALMING])
            else:
                calming = os.open(Path(folder) / CALMING, os.O_RDWR | os.O_CLOEXEC)
            held.callback(os.close, calming)
        finally:
            os.close(door)
        yield Turn(places, calming)


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
