"""What every target at the end of a line has to keep, whatever the line is: jobs for the tests and their hands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from watchkeeper.plugins.remote.target import RemoteTarget
from watchkeeper.run.target import Job

MakeJob = Callable[..., Job]


def job_maker(folder: Path) -> MakeJob:
    """Give a maker of jobs whose local folders lie in one folder; ids are unique across the tests of a machine."""

    def make(script: str, name: str = "1.1.1", language: str = "bash", **values: object) -> Job:
        name = f"run-{abs(hash(str(folder))):x}.{name}"
        return Job(name, script, language, folder / "jobs" / name, **values)  # type: ignore[arg-type]

    return make


async def carry_out(target: RemoteTarget, job: Job) -> tuple[int | None, str]:
    """Run a job to its end; gives status and output."""
    await target.start(job)
    found = await target.wait(job)
    assert found.state == "ended", found
    output = target.read_output(job)
    await target.forget(job)
    return found.exit_status, output
