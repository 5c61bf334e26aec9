"""The ledger's head, written outside the database from time to time: one line an anchor, so that a cut or an edit shows."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from watchkeeper.store.ledger import Head


def write_anchor(path: Path, head: Head, now: datetime) -> None:
    """Add the head to the anchor file, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(f"{now.isoformat()} {head.seq} {head.hash}\n")
        file.flush()
        os.fsync(file.fileno())


def read_anchors(path: Path) -> dict[int, str]:
    """Read the anchors (sequence number -> hash); an absent file holds none, a line cut by a crash is left out."""
    if not path.is_file():
        return {}
    anchors: dict[int, str] = {}
    for line in path.read_text().splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[1].isdigit() and len(parts[2]) == 64:
            anchors[int(parts[1])] = parts[2]
    return anchors
