"""A worker that carries a job out on a group of shells until it ends or is killed: FOLDER SCRIPT OPTIONS-AS-JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.group.target import GroupTarget
from watchkeeper.run.target import Job


def group_in(folder: Path, count: int, **options: object) -> GroupTarget:
    """Give a group of shells, each in a folder of its own."""
    targets = {}
    for number in range(1, count + 1):
        place = folder / f"web-{number}"
        place.mkdir(exist_ok=True)
        targets[place.name] = TargetConfig(place.name, "shell", number, place)
    members = {"members": list(targets), **options}
    config = targets["all"] = TargetConfig("all", "group", 99, folder, options=members)
    return GroupTarget(config, Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", targets=targets))


def job_in(folder: Path, script: str, **values: object) -> Job:
    """Give the job of these tests."""
    return Job("run-1.1.1.1", script, "bash", folder / "jobs" / "run-1.1.1.1", **values)  # type: ignore[arg-type]


async def work(folder: Path, script: str, count: int, options: dict[str, object]) -> None:
    """Carry it out."""
    target, job = group_in(folder, count, **options), job_in(folder, script)
    await target.start(job)
    await target.wait(job)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])))
