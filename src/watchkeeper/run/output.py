"""What acts print: where it lies while they run, and how it is read without a secret in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.base.secrets import Scrubber, Secret

#: most of a live output that is given at once, in bytes from its end
LIVE_BYTES = 200_000


def job_id(run_id: str, act: str, attempt: int) -> str:
    """Name the job of an attempt."""
    return f"{run_id}.{act}.{attempt}"


def job_folder(state: Path, name: str) -> Path:
    """Give the folder of a job."""
    return state / "jobs" / name


def read_live_output(state: Path, run_id: str, act: str, attempt: int, secrets: Iterable[Secret]) -> str:
    """Give what an attempt that is under way printed so far, scrubbed; empty where nothing lies there (any more)."""
    path = job_folder(state, job_id(run_id, act, attempt)) / "output"
    secrets = tuple(secrets)
    # a secret may be cut by either end of what is read: the front is cut at a line, the back held until it cannot be one
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LIVE_BYTES))
            raw = file.read(LIVE_BYTES)
    except OSError:
        return ""
    if size > LIVE_BYTES:
        raw = raw[raw.find(b"\n") + 1 :]
    return Scrubber(secrets).feed(raw.decode(errors="replace"))


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """Take every known secret out of a whole output."""
    return Scrubber(secrets).clean(text)


def forget_jobs(state: Path, run_id: str) -> None:
    """Remove the folders of a run's jobs; what is worth keeping stands in its outcomes."""
    for folder in (state / "jobs").glob(f"{run_id}.*"):
        shutil.rmtree(folder, ignore_errors=True)
