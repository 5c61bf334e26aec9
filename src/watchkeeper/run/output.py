"""What acts print: where it lies while they run, how much of it is kept, and how it is read without a secret in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.base.secrets import Scrubber, Secret

#: most of a live output that is given at once, in bytes from its end
LIVE_BYTES = 200_000
_GAP = re.compile(r"\n(… [\d,]+ bytes left out …)\n")


def job_id(run_id: str, act: str, attempt: int) -> str:
    """Name the job of an attempt."""
    return f"{run_id}.{act}.{attempt}"


def job_folder(state: Path, name: str) -> Path:
    """Give the folder of a job."""
    return state / "jobs" / name


def read_raw(path: Path, limit: int) -> str:
    """Read a raw output file, head and tail where it is longer than the limit (in bytes), cut at ends of lines."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            if size <= limit:
                return file.read(limit).decode(errors="replace")
            head = file.read(limit // 2)
            file.seek(size - limit // 2)
            tail = file.read(limit // 2)
    except FileNotFoundError:
        return ""
    head = head[: head.rfind(b"\n") + 1] or head
    tail = tail[tail.find(b"\n") + 1 :] or tail
    return join(head, tail, size - len(head) - len(tail))


def join(head: bytes, tail: bytes, left_out: int) -> str:
    """Put head and tail together with a line that says how much is left out between them."""
    return f"{head.decode(errors='replace')}\n… {left_out:,} bytes left out …\n{tail.decode(errors='replace')}"


def read_live_output(state: Path, run_id: str, act: str, attempt: int, secrets: Iterable[Secret]) -> str:
    """Give what an attempt that is under way printed so far, scrubbed; empty where nothing lies there (any more)."""
    path = job_folder(state, job_id(run_id, act, attempt)) / "output"
    # a secret may be cut by either end of what is read
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LIVE_BYTES))
            raw = file.read(LIVE_BYTES)
    except OSError:
        return ""
    cut = size > LIVE_BYTES
    text = Scrubber(secrets).clean_cut(raw.decode(errors="replace"), front=cut, back=True)
    return text[text.find("\n") + 1 :] if cut else text


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """Take every known secret out of a kept output, also where the part that was left out cut it in two."""
    scrubber = Scrubber(secrets)
    pieces = _GAP.split(text)
    last = len(pieces) - 1
    return "\n".join(
        piece if place % 2 else scrubber.clean_cut(piece, front=place > 0, back=place < last)
        for place, piece in enumerate(pieces)
    )


def forget_jobs(state: Path, run_id: str) -> None:
    """Remove the folders of a run's jobs; what is worth keeping stands in its outcomes."""
    for folder in (state / "jobs").glob(f"{run_id}.*"):
        shutil.rmtree(folder, ignore_errors=True)
