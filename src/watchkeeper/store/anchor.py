"""The ledger's head, written outside the database from time to time: one line an anchor, so that a cut or an edit shows."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from watchkeeper.store.ledger import Head

#: the anchor file of a state folder
NAME = "ledger.anchor"


def write_anchor(path: Path, head: Head, now: datetime) -> None:
    """Add the head to the anchor file, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(f"{now.isoformat()} {head.seq} {head.hash}\n")
        file.flush()
        os.fsync(file.fileno())


def read_anchors(path: Path) -> list[tuple[int, str]]:
    """Read the anchors (sequence number and hash), oldest first; an absent file holds none, a line cut by a crash is left out.

    One number with two hashes stays two: that the ledger was written anew must not be hidden by the later of them.
    """
    if not path.is_file():
        return []
    lines = (line.split() for line in path.read_text().splitlines())
    found = [(int(parts[1]), parts[2]) for parts in lines if len(parts) == 3 and parts[1].isdigit() and len(parts[2]) == 64]
    return list(dict.fromkeys(found))


def anchor_files(state: Path, given: Path | None = None) -> list[Path]:
    """Give the anchor files that lie here: the one given, else the state folder's and those of workers below and beside it."""
    if given is not None:
        return [given]
    beside = state.parent if state.name.startswith("worker-") else state
    return sorted({state / NAME, beside / NAME, *beside.glob(f"worker-*/{NAME}")})
