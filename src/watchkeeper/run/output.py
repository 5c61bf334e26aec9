"""What acts print: where it lies while they run, how much of it is kept, and that it holds no secret and steers nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.base.printed import tame
from watchkeeper.base.secrets import Scrubber, Secret

#: what a target says where it left something out of an output
CUT = re.compile(r"\n… [\d,]+ bytes left out …\n")

_REMARK = re.compile(r"^.{0,40}\bUsing a password .{0,40}on the command line interface .{0,40}\n?", re.MULTILINE)


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
    return head.decode(errors="replace") + gap(left_out) + tail.decode(errors="replace")


def gap(left_out: int) -> str:
    """Say how many bytes of an output are left out, on a line of its own."""
    return f"\n… {left_out:,} bytes left out …\n"


def without_remarks(output: str) -> str:
    """Leave out what redis-cli, mysql and mariadb remark of a password on their command line: no word of it is an answer.

    >>> without_remarks("Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\\noff")
    'off'
    """
    return _REMARK.sub("", output) if "sing a password" in output else output


def safe(raw: str, secrets: Iterable[Secret]) -> str:
    """Give a whole output without its secrets, and with nothing in it but words and colours.

    What can steer a terminal goes first: taken out later, it would join what it stood between. Where something was left out of
    the middle, half a secret may stand on either side of the gap.
    """
    scrubber, gaps = Scrubber(secrets), [found[0] for found in CUT.finditer(raw)]
    parts = [tame(part) for part in CUT.split(raw)]
    last = len(gaps)
    cleaned = [scrubber.clean_cut(part, front=place > 0, back=place < last) for place, part in enumerate(parts)]
    return "".join(piece for pair in zip(cleaned, [*gaps, ""], strict=True) for piece in pair)


def forget_jobs(state: Path, run_id: str) -> None:
    """Remove the folders of a run's jobs; what is worth keeping stands in its outcomes."""
    for folder in (state / "jobs").glob(f"{run_id}.*"):
        shutil.rmtree(folder, ignore_errors=True)
