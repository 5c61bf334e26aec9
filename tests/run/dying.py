"""A worker that dies by SIGKILL at its n-th journal write, before or after the commit. Product code knows nothing of it.

Run as a program it is a nursery: for each line "url folder run n when engine" on stdin it forks a worker that drives the run
until it dies or is done, and prints how that ended. Forking spares each worker the time of its imports.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from run_cast import Desk
from sqlalchemy import Connection

from watchkeeper.plugins.dbos.engine import DbosEngine
from watchkeeper.run.journal import Journal
from watchkeeper.store.database import open_database

T = TypeVar("T")


class DyingJournal(Journal):
    """Counts its writes and kills its process at one of them."""

    dies_at = 0
    after_commit = False
    writes = 0

    async def write(self, work: Callable[[Connection], T]) -> T:
        self.writes += 1
        if self.writes == self.dies_at and not self.after_commit:
            os.kill(os.getpid(), signal.SIGKILL)
        given = await super().write(work)
        if self.writes == self.dies_at and self.after_commit:
            os.kill(os.getpid(), signal.SIGKILL)
        return given


def work(url: str, folder: Path, run_id: str, dies_at: int, when: str, engine: bool) -> None:
    class Journal(DyingJournal):
        pass

    Journal.dies_at, Journal.after_commit = dies_at, when == "after"
    desk = Desk(open_database(url, folder), folder, journal=Journal)
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
