"""A worker that dies by SIGKILL at its n-th journal write, before or after the commit. Product code knows nothing of it.

Run as a program it is a nursery: for each line "url folder run n when engine" on stdin it forks a worker that drives the run
until it dies or is done, and prints how that ended. Forking spares each worker the time of its imports.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Literal

from run_cast import Desk

from watchkeeper.plugins.dbos.engine import DbosEngine
from watchkeeper.store.database import open_database
from watchkeeper.testing import DyingJournal


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def work(url: str, folder: Path, run_id: str, dies_at: int, when: str, engine: bool) -> None:
    def death(write: int) -> Literal["before", "after"] | None:
        return None if write != dies_at else "after" if when == "after" else "before"

    journal = partial(DyingJournal, when=death, die=die)
    desk = Desk(open_database(url, folder), folder, journal=journal)
    asyncio.run(drive_on_engine(desk, run_id) if engine else desk.drive(run_id))


async def drive_on_engine(desk: Desk, run_id: str | None) -> None:
    """Drive a run on the durable engine until it is over; without a run, whatever the engine takes up by itself."""
    engine, ended = DbosEngine(desk.folder / "state"), asyncio.Event()

    async def advance(each: str) -> bool:
        more = await desk.interpreter.advance(each)
        if not more:
            ended.set()
        return more

    await engine.open(advance)
    try:
        if run_id is not None:
            await engine.drive(run_id, 1)
        async with asyncio.timeout(20):
            await ended.wait()
    finally:
        await engine.close()


def main() -> None:
    for line in sys.stdin:
        url, folder, run_id, dies_at, when, engine = line.split()
        child = os.fork()
        if child == 0:
            try:
                work(url, Path(folder), run_id, int(dies_at), when, engine == "engine")
            except BaseException as problem:
                print(f"broke: {problem!r}", file=sys.stderr, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
