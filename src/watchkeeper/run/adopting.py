"""Where a job of a worker that is gone lies, and whether we can see there what became of it.

A job under the local shell leaves its pid, start and exit status in a folder of the worker that began it. A peer on the same
machine that sees the same processes and can read that folder takes the job over as if it were its own. On a target whose jobs
lie at the other end (SSH, containers) anybody finds one that was begun. Elsewhere what it left is out of sight, and nothing
follows from finding none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from watchkeeper.run.output import job_folder
from watchkeeper.run.target import Job, Target
from watchkeeper.store.membership import process_space
from watchkeeper.store.workers import Worker

#: the file of a state folder that tells it from any other
MARK = "place"


@dataclass(frozen=True, slots=True)
class Sight:
    """A job where its predecessor put it."""

    job: Job
    #: finding nothing there proves that it never began
    proves: bool = True
    #: what it did, it did where we look
    in_sight: bool = True


def sight_of(job: Job, target: Target, began_at: str, here: str, began_by: Worker | None) -> Sight:
    """Say where to look for a job that a predecessor began at a place, by its worker's row if it had one."""
    if began_at == here:
        return Sight(job)
    if began_by is not None and began_by.place == began_at and _is_shared(began_by, here):
        return Sight(replace(job, folder=job_folder(Path(began_by.state), job.id)))
    # after a restart of the machine the folder is the same, while what ran in it is gone
    same_folder = began_at.rpartition(".")[2] == here.rpartition(".")[2]
    return Sight(job, proves=False, in_sight=same_folder or getattr(target, "elsewhere", False))


def _is_shared(worker: Worker, here: str) -> bool:
    """Tell whether a worker's folder and processes are ours to see: same boot, same process ids, its mark there."""
    boot, _, mark = worker.place.rpartition(".")
    if not mark or boot != here.rpartition(".")[0] or not worker.processes or worker.processes != process_space():
        return False
    try:
        return (Path(worker.state) / MARK).read_text() == mark
    except OSError:
        return False
