"""Temporal as the durable engine, for sites that already run one. It holds run ids and nothing else of ours.

Its server hands a dead worker's activity to another once heartbeats stop, and tries a failed one again without end; both are
harmless, since the journal keeps acts from being done twice. What bites is settled here: a step advances a run for a while (one
activity costs some 50 ms), history is cut by continue_as_new, and a dead worker's own queue is given up after two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from temporalio import activity, workflow
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from watchkeeper.base.errors import Transient
from watchkeeper.run.engine import Advance

#: how long one activity goes on advancing a run, in seconds
STEP_S = 1.0
#: how long a worker may be silent before the server gives its activity to another, in seconds
HEARTBEAT_S = 6.0
#: activities in one history before a run of the workflow hands over to the next
HISTORY = 500
_CALL = timedelta(seconds=5)
_LONG = timedelta(days=30)


@workflow.defn(name="run_v1")
class RunV1:
    """Calls `advance` while it answers True; frozen for ever: a change of it becomes `run_v2` beside it."""

    @workflow.run
    async def run(self, run_id: str) -> None:
        """Drive a run until it waits or ends."""
        for _ in range(HISTORY):
            more = await workflow.execute_activity(
                "advance",
                run_id,
                result_type=bool,
                start_to_close_timeout=_LONG,
                heartbeat_timeout=timedelta(seconds=HEARTBEAT_S),
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.5), maximum_interval=timedelta(seconds=30)),
            )
            if not more:
                return
        workflow.continue_as_new(run_id)


class TemporalEngine:
    """Drives runs as workflows on a Temporal server; its worker lives in the running event loop."""

    executor = ""

    def __init__(self, state: Path, settings: Mapping[str, str]) -> None:
        """Take the state folder and the settings; contacts nothing."""
        self._address = settings["temporal_address"]
        self._namespace = settings["temporal_namespace"]
        self._queue = settings["temporal_queue"] or _queue(state, settings.get("database_url", ""))
        self._advance: Advance | None = None
        self._client: Client | None = None
        self._worker: Worker | None = None
        self._working: asyncio.Task[None] | None = None
        self._closing = False
        self._acts: set[asyncio.Task[bool]] = set()

    async def open(self, advance: Advance) -> None:
        """Connect and start a worker in the running loop; the server hands it what a predecessor left."""
        self._advance = advance
        try:
            self._client = await asyncio.wait_for(Client.connect(self._address, namespace=self._namespace), _CALL.total_seconds())
            await self._client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=self._namespace), timeout=_CALL
            )
        except (RPCError, RuntimeError, TimeoutError) as problem:
            raise self._away(problem) from None
        self._worker = Worker(
            self._client,
            task_queue=self._queue,
            workflows=[RunV1],
            activities=[self._activity],
            workflow_runner=UnsandboxedWorkflowRunner(),
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
            graceful_shutdown_timeout=_LONG,
        )
        self._working = asyncio.create_task(self._worker.run(), name="temporal")

    async def drive(self, run_id: str, turn: int) -> None:
        """Drive a run until it waits or ends; the same turn again changes nothing."""
        assert self._client is not None
        if self._closing:
            return
        if self._working is not None and self._working.done():
            raise self._away(self._working.exception() or "its worker has stopped")
        never_twice = WorkflowIDReusePolicy.REJECT_DUPLICATE
        try:
            await self._client.start_workflow(
                RunV1.run, run_id, id=f"{run_id}/{turn}", task_queue=self._queue, id_reuse_policy=never_twice, rpc_timeout=_CALL
            )
        except WorkflowAlreadyStartedError:
            return
        except RPCError as problem:
            raise self._away(problem) from None

    async def take_over(self, executor: str) -> None:
        """Do nothing: the server hands a silent worker's activity to another by itself."""

    async def close(self, grace_s: float = 25.0) -> None:
        """Take no more work, let the acts under way end, and stop; what is unfinished goes to a peer or a successor."""
        self._closing = True
        if self._worker is None or self._working is None:
            return
        # shutdown stops the polling first and then waits for the activities, which end after the act they are in
        stopping = asyncio.create_task(self._worker.shutdown())
        await asyncio.wait({stopping, *self._acts}, timeout=grace_s)
        for act in self._acts:
            act.cancel()
        await asyncio.wait({stopping}, timeout=_CALL.total_seconds())
        for task in (stopping, self._working):
            task.cancel()
        await asyncio.gather(stopping, self._working, return_exceptions=True)
        self._worker = self._working = None

    @activity.defn(name="advance")
    async def _activity(self, run_id: str) -> bool:
        act = asyncio.create_task(self._step(run_id))
        self._acts.add(act)
        act.add_done_callback(self._acts.discard)
        # where the server gives up on us, only this wait is cancelled: the act ends by itself and its outcome is kept
        while not act.done():
            activity.heartbeat()
            await asyncio.wait({act}, timeout=HEARTBEAT_S / 4)
        with contextlib.suppress(asyncio.CancelledError):
            return act.result()
        raise ApplicationError("The worker stopped before the act had ended.", type="CutOff")

    async def _step(self, run_id: str) -> bool:
        """Advance a run for a while; once we close, the step is left to others."""
        assert self._advance is not None
        until = time.monotonic() + STEP_S
        while not self._closing and time.monotonic() < until:
            if not await self._advance(run_id):
                return False
        return True

    def _away(self, problem: BaseException | str) -> Transient:
        reason = str(problem).strip().splitlines()[0] if str(problem).strip() else "no answer in time"
        return Transient(
            f"Temporal at {self._address} (namespace {self._namespace}) does not answer as it should: {reason}.",
            hint="Start it, or mend WATCHKEEPER_TEMPORAL_ADDRESS and _NAMESPACE; WATCHKEEPER_ENGINE=dbos needs no server.",
            code="WK426",
        )


def _queue(state: Path, database_url: str) -> str:
    """Name a queue for everyone on the same rows, and for nobody else: a foreign worker would not know our runs."""
    url = urlsplit(database_url)
    rows = f"{url.hostname}:{url.port}{url.path}" if url.hostname else str(state.resolve())
    return f"watchkeeper-{sha256(rows.encode()).hexdigest()[:12]}"
