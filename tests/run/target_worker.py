"""A worker that drives one run on targets beside the local shell until it ends or is killed: URL FOLDER RUN TARGETS-AS-JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from run_cast import Desk

from watchkeeper.estate.model import TargetConfig
from watchkeeper.store.database import open_database


def configs(folder: Path, targets: dict[str, Any]) -> tuple[TargetConfig, ...]:
    """Give targets by name, each with its kind, components and options; a shell has a folder of its own."""
    made = []
    for line, (name, given) in enumerate(targets.items(), start=2):
        place = folder / name if given["kind"] == "shell" else folder
        place.mkdir(exist_ok=True)
        made.append(TargetConfig(name, given["kind"], line, place, options=given["options"], stands_for=tuple(given["for"])))
    return tuple(made)


if __name__ == "__main__":
    url, folder, run_id, targets = sys.argv[1], Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
    desk = Desk(open_database(url, folder), folder, others=configs(folder, targets))
    asyncio.run(desk.drive(run_id))
