"""Ends an act under way once a person cancels its run; the row that says so may come from any process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine

from watchkeeper.base.errors import OutsideError
from watchkeeper.run.ledger import stop_wanted
from watchkeeper.store.database import Database

#: how often it is looked whether somebody wants the act to be ended, in seconds
LOOK_S = 0.4


@contextlib.asynccontextmanager
async def ended_when_cancelled(
    database: Database, run_id: str, kill: Callable[[], Coroutine[None, None, None]]
) -> AsyncIterator[None]:
    """Kill what runs inside, as often as it takes; a kill that began is finished before this is left."""
    kills: list[asyncio.Task[None]] = []

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(OutsideError):
                if await database.read(lambda connection: stop_wanted(connection, run_id)):
                    # a task of its own: the act ends with its leader, and what ignores TERM is still to be killed then
                    kills.append(asyncio.create_task(kill()))
                    await asyncio.wait(kills)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        if kills:
            await asyncio.wait(kills)
