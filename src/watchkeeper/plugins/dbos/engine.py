"""DBOS as the durable engine: it checkpoints, takes up again and queues, no more. SQLite beside our own, or PostgreSQL.

It runs a half-done step again after a crash, which is harmless: a step is one `advance`, and the journal keeps acts from being
done twice. What bites in DBOS is settled here: the application's version is fixed (else every release strands open runs), the
executor's id is unique under a lock (else two processes run each other's work), nothing is pickled, restarts are not counted,
and it is launched inside the running loop (else runs live in a loop and thread of its own).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import sqlite3
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from watchkeeper.base.errors import Conflict, Permanent
from watchkeeper.run.engine import Advance
from watchkeeper.store.database import STILL_MS

log = logging.getLogger(__name__)

VERSION = "engine-1"
_TABLES = "dbos"
#: how long one checkpointed step goes on advancing a run, in seconds
STEP_S = 1.0
#: the rests after an `advance` that raised, in seconds; the last one again and again
RESTS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class DbosEngine:
    """Drives runs as workflows `run_v1`, which is frozen for ever: a change of it becomes `run_v2` beside it."""

    def __init__(self, state: Path, settings: Mapping[str, str] | None = None) -> None:
        """Take the state folder, and settings whose `database_url` may name PostgreSQL, else SQLite is used; opens nothing."""
        self._state = state
        self.executor = ""
        database_url = (settings or {}).get("database_url", "")
        self._postgres = database_url if database_url.startswith(("postgres://", "postgresql://")) else ""
        self._lock: IO[str] | None = None
        self._advance: Advance | None = None
        self._closing = asyncio.Event()
        self._workflow: Callable[[str, int], Coroutine[Any, Any, None]] | None = None
        #: workflows alive here, those of them that are held for good, and the news of either
        self._driving: set[asyncio.Task[Any]] = set()
        self._parked: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Event()

    async def open(self, advance: Advance) -> None:
        """Launch inside the running loop and take up what a predecessor left."""
        self._advance = advance
        self._lock, self.executor = _executor(self._state)
        await asyncio.to_thread(self._prepare)
        for name in ("dbos", "dbos.queue"):
            logging.getLogger(name).setLevel(logging.ERROR)
        DBOS(config=self._config(self.executor))

        @DBOS.workflow(name="run_v1", max_recovery_attempts=None)
        async def run_v1(run_id: str, turn: int) -> None:
            await self._drive(run_id)

        self._workflow = run_v1
        DBOS.launch()
        await self._refuse_strangers()

    async def drive(self, run_id: str, turn: int) -> None:
        """Drive a run until it waits or ends; the same turn again changes nothing."""
        assert self._workflow is not None
        if self._closing.is_set():
            return
        with SetWorkflowID(f"{run_id}/{turn}"):
            await DBOS.start_workflow_async(self._workflow, run_id, turn)

    async def take_over(self, executor: str) -> None:
        """Queue what a dead worker was driving; whoever lives takes it, once.

        DBOS itself never takes another's work. Its one call for that is not for the public, so a test of ours pins it.
        """
        if not executor or executor == self.executor or self._closing.is_set():
            return
        recovered = await asyncio.to_thread(DBOS._recover_pending_workflows, [executor])
        log.info("%d drives of %s are taken over.", len(recovered), executor, extra={"action": "drives_taken_over"})

    async def close(self, grace_s: float = 25.0) -> None:
        """Let the acts under way end, begin no new one, and stop; what is unfinished is taken up at the next open."""
        self._closing.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._driving - self._parked:
                    self._changed.clear()
                    await self._changed.wait()
        # a cancelled workflow is left as it stands; whoever is still in an act after the grace is cut off like a crash
        for task in self._driving:
            task.cancel()
        await asyncio.gather(*self._driving, return_exceptions=True)
        # DBOS made its own pool the loop's default, and takes that pool away with it
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="after-engine"))
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _drive(self, run_id: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._driving.add(task)
        task.add_done_callback(self._leave)
        await self._park_if_closing(task)
        while await DBOS.run_step_async({"name": "advance"}, self._step, run_id):
            await self._park_if_closing(task)

    async def _step(self, run_id: str) -> bool:
        """Advance a run for a while: what a lost checkpoint repeats, the run's own log knows to be done.

        An `advance` that raises is tried again after a rest; DBOS itself would end the workflow, and the run would lie there.
        """
        assert self._advance is not None
        until, failures = time.monotonic() + STEP_S, 0
        while True:
            try:
                more, failures = await self._advance(run_id), 0
            except Exception as problem:
                rest = RESTS_S[min(failures, len(RESTS_S) - 1)]
                log.warning("run %s stumbled and goes on in %g s: %s", run_id, rest, problem, extra={"action": "advance_failed"})
                failures += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), rest)
                more = True
            if not more:
                return False
            if self._closing.is_set() or (not failures and time.monotonic() >= until):
                return True

    async def _park_if_closing(self, task: asyncio.Task[Any]) -> None:
        """Hold a workflow for good once we close, so that it stays unfinished and goes on under our successor."""
        if self._closing.is_set():
            self._parked.add(task)
            self._changed.set()
            await asyncio.Event().wait()

    def _leave(self, task: asyncio.Task[Any]) -> None:
        self._driving.discard(task)
        self._parked.discard(task)
        self._changed.set()

    def _config(self, executor: str) -> DBOSConfig:
        sqlite_url = f"sqlite:///{self._state / 'engine.sqlite'}"
        return DBOSConfig(
            name="watchkeeper",
            system_database_url=self._postgres or sqlite_url,
            dbos_system_schema=_TABLES,
            application_version=VERSION,
            executor_id=executor,
            serializer=DBOSPortableJSONSerializer(),
            log_level="ERROR",
            notification_listener_polling_interval_sec=1.0,
            scheduler_polling_interval_sec=3600,
            # as our own sessions: who stands still keeps its locks no longer
            sys_db_idle_transaction_timeout_sec=STILL_MS / 1000,
        )

    def _prepare(self) -> None:
        if self._postgres:
            return
        with contextlib.closing(sqlite3.connect(self._state / "engine.sqlite")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")

    async def _refuse_strangers(self) -> None:
        """Refuse to run beside unfinished work that this release would never take up."""
        status = ["PENDING", "ENQUEUED", "DELAYED"]
        unfinished = await DBOS.list_workflows_async(status=status, load_input=False, load_output=False)
        strange = [each for each in unfinished if each.app_version not in (VERSION, None) or each.name != "run_v1"]
        if strange:
            await self.close(0)
            raise Permanent(
                f"The engine's database holds unfinished work of another release: {strange[0].workflow_id}.",
                hint="Start the release that wrote it, let its runs end, then upgrade.",
                code="WK423",
            )


def _executor(state: Path) -> tuple[IO[str], str]:
    """Give this state folder's executor id, held under a lock for as long as the file stays open."""
    state.mkdir(parents=True, exist_ok=True)
    file = (state / "engine.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        hint = "Stop it first, or give this one a state folder of its own."
        raise Conflict(f"Another Watchkeeper runs on {state}.", hint=hint, code="WK314") from None
    file.seek(0)
    executor = file.read().strip()
    if not executor:
        executor = uuid4().hex
        file.write(executor)
        file.flush()
    return file, executor
