"""Stand-ins for the five doors that keep their contracts: for tests of one's own plug-ins, procedures and policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from watchkeeper.base.errors import Transient
from watchkeeper.run.engine import Advance
from watchkeeper.run.target import Found, Job


@dataclass
class FakeTarget:
    """A place where commands run in no time: `answer(script)` gives exit status and output, and every start is counted.

    It outlives the Watchkeeper that uses it, as a real one does: hand the same FakeTarget to the successor.
    """

    answer: Callable[[str], tuple[int, str]] = lambda script: (0, "")
    #: scripts in the order in which they were started
    started: list[str] = field(default_factory=list)
    _jobs: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def start(self, job: Job) -> None:
        """Run the script at once."""
        if job.id in self._jobs:
            raise AssertionError(f"job {job.id} was started twice")
        self.started.append(job.script)
        self._jobs[job.id] = self.answer(job.script)

    async def find(self, job: Job) -> Found:
        """Say how a started job ended."""
        if job.id not in self._jobs:
            return Found("never-begun", sentence="It was never begun.")
        return Found("ended", exit_status=self._jobs[job.id][0])

    async def wait(self, job: Job, output: Callable[[str], None] | None = None) -> Found:
        """Give the end of a started job."""
        if output is not None:
            output(self.read_output(job))
        return await self.find(job)

    def read_output(self, job: Job) -> str:
        """Give what the script printed."""
        return self._jobs.get(job.id, (0, ""))[1]

    async def kill(self, job: Job) -> None:
        """Do nothing: every job has ended."""

    async def forget(self, job: Job) -> None:
        """Do nothing: the successor may still ask."""

    async def close(self) -> None:
        """Do nothing."""


@dataclass
class RecordingNotifier:
    """Keeps what it was asked to send; `fails` decides by address which sends are refused for now."""

    fails: Callable[[str], bool] = lambda address: False
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
        """Keep the message, or refuse it for now."""
        if self.fails(address):
            raise Transient("The provider does not answer.")
        self.sent.append((address, subject, body))
        self.keys.append(idempotency_key)


class DirectEngine:
    """Drives runs at once in the caller's task and remembers nothing: the rows are the truth."""

    executor = ""

    def __init__(self) -> None:
        self._advance: Advance | None = None

    async def open(self, advance: Advance) -> None:
        """Keep what to call."""
        self._advance = advance

    async def drive(self, run_id: str, turn: int) -> None:
        """Drive until the run waits or ends."""
        if self._advance is None:
            raise AssertionError("the engine was not opened")
        while await self._advance(run_id):
            pass

    async def take_over(self, executor: str) -> None:
        """Do nothing: nothing is held."""

    async def close(self, grace_s: float = 25.0) -> None:
        """Do nothing."""
