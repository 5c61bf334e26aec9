"""Door 2: where commands run. A target starts a job so that it outlives us, and finds it again.

A plug-in is a class registered under the entry-point group `watchkeeper.targets`; its name is the `kind` in watchkeeper.toml.
The job runs under a small wrapper that writes pid, start and exit status durably into the job's folder, so that a successor of
a dead Watchkeeper adopts it and never starts beside it. No terminal is given; the environment is minimal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from watchkeeper.estate.model import Estate, TargetConfig


@dataclass(frozen=True, slots=True)
class Job:
    """One command to run, with all that it needs."""

    #: unique for the attempt; names the job's folder
    id: str
    #: the script as rendered; values reach it through `variables`, never pasted in
    script: str
    #: "bash", "sql", "redis", "python"
    language: str
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 300.0
    #: most output kept, in bytes
    output_bytes: int = 2_000_000
    #: True: the effect may not be repeated, so the wrapper's files are synced to disk
    durable: bool = True
    #: tells by how it ended and what it printed whether it is well, where that is more than a status; for groups, which stop
    passes: Callable[[Found, str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a target finds of a job: whether it was begun, still runs, or how it ended."""

    state: Literal["never-begun", "running", "ended", "lost"]
    exit_status: int | None = None
    timed_out: bool = False
    sentence: str = ""
    #: of a group, each member's own
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What a group finds of a job on one of its members."""

    name: str
    found: Found
    #: unscrubbed
    output: str


def longest_s(target: Target, job: Job) -> float:
    """Give how long a job may take, in seconds: a group's members take turns, and each may use its time limit."""
    longest: Callable[[Job], float] | None = getattr(target, "longest_s", None)
    return longest(job) if longest is not None else job.timeout_s


class Target(Protocol):
    """One configured place where commands run.

    A class that sets `elsewhere = True` keeps its jobs at the other end, where any worker can see what they did; without it only
    who is where the job's worker was can see that.
    """

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        """Take the configuration; contacts nothing."""
        ...

    async def start(self, job: Job) -> None:
        """Begin the job and return once its wrapper runs."""
        ...

    async def find(self, job: Job) -> Found:
        """Say what is known of a job, begun by us or by a predecessor."""
        ...

    async def wait(self, job: Job, output: Callable[[str], None] | None = None) -> Found:
        """Wait for a begun job to end, showing output as it comes; kills the whole process group at the job's time limit."""
        ...

    def read_output(self, job: Job) -> str:
        """Give the job's output so far, unscrubbed: head and tail where it is longer than the job's limit."""
        ...

    async def kill(self, job: Job) -> None:
        """End the job and all it started."""
        ...

    async def forget(self, job: Job) -> None:
        """Remove what an ended job left elsewhere; its local folder is the caller's."""
        ...

    async def close(self) -> None:
        """Let go of connections; what runs goes on."""
        ...
