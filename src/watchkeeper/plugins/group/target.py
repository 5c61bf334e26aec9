"""A group of targets: one act is carried out on every member, in order, a batch at a time, and stops when too many failed.

Each member's job has a folder of its own below the group's, so a successor goes on where a crash left it: what ended stays
ended, what runs is adopted, what never began is begun, and no member is done twice.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar

from watchkeeper.base.errors import OutsideError
from watchkeeper.estate import plugins
from watchkeeper.estate.config import target_options
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.estate.table import Table, did_you_mean
from watchkeeper.run.target import Found, Job, Part, Target

#: least of a member's output that is kept, in bytes
_LEAST = 20_000
_TOO_MANY, _STOPPED = "too many failed", "it was stopped by a person"


class GroupTarget:
    """Runs a job on every member."""

    elsewhere: ClassVar[bool] = True
    options: ClassVar[Mapping[str, str]] = {
        "members": "names of the targets, in the order in which they take their turn",
        "order": "listed, or reversed",
        "batch": 'how many at a time: a number, or a share such as "25%" (default 1)',
        "stop_at": 'no further batch once this many failed: a number, or a share of the members such as "20%" (default 1)',
    }

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        table = target_options(config, estate)
        names = table.texts("members")
        self._check(table, names, estate)
        if table.choice("order", ("listed", "reversed"), "listed") == "reversed":
            names = names[::-1]
        self._batch = _count(table, "batch", len(names), 1)
        self._stop_at = _count(table, "stop_at", len(names), 1)
        self._members: dict[str, Target] = {
            name: plugins.load(plugins.TARGETS, estate.targets[name].kind)(estate.targets[name], estate) for name in names
        }

    @staticmethod
    def _check(table: Table, names: tuple[str, ...], estate: Estate) -> None:
        if not names or len(set(names)) != len(names):
            raise table.error("members", f"{table.name('members')} has no members, or one twice.", 'Write ["web-1", "web-2"].')
        others = [name for name, each in estate.targets.items() if each.kind != "group"]
        for name in names:
            if name not in others:
                hint = f"Its members are other targets: {', '.join(others)}.{did_you_mean(name, others)}"
                raise table.error("members", f"{table.name('members')} names {name!r}, which cannot be a member.", hint)

    def longest_s(self, job: Job) -> float:
        """Give how long all batches may take together, in seconds."""
        return job.timeout_s * math.ceil(len(self._members) / self._batch)

    async def start(self, job: Job) -> None:
        """Write down that it begins; the members take their turn while it is waited for."""
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(job.folder / "begun", "begun\n")

    async def find(self, job: Job) -> Found:
        """Say what is known of a job: what began and has not ended everywhere still runs, for its members take their turn."""
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (job.folder / "begun").exists():
            return Found("never-begun", sentence="It was begun on no member.")
        if all(_result(self._of(job, name)) for name in self._members):
            return self._together(job)
        return Found("running", sentence="Its members take their turn.")

    async def wait(self, job: Job, output: Callable[[str], None] | None = None) -> Found:
        """Carry the job out on the members that have not ended, batch after batch, until all ended or too many failed."""
        names = list(self._members)
        for at in range(0, len(names), self._batch):
            why = self._reason_to_stop(job)
            if why is None:
                await asyncio.gather(*(self._carry_out(job, name, output) for name in names[at : at + self._batch]))
                continue
            for name in names[at : at + self._batch]:
                await self._leave_out(job, name, why)
        return self._together(job)

    def read_output(self, job: Job) -> str:
        """Give every member's output under its name."""
        return "".join(self._section(job, name) for name in self._members)

    async def kill(self, job: Job) -> None:
        """End the job on all members; those whose turn did not come are left out."""
        _write(job.folder / "stopped", "stopped\n")
        running = [name for name in self._members if not _result(self._of(job, name)) and self._of(job, name).folder.exists()]
        await asyncio.gather(*(self._members[name].kill(self._of(job, name)) for name in running))

    async def forget(self, job: Job) -> None:
        """Remove what the members keep of it."""
        begun = [name for name in self._members if self._of(job, name).folder.exists()]
        await asyncio.gather(*(self._members[name].forget(self._of(job, name)) for name in begun))

    async def examine(self) -> str:
        """Say who takes a turn; the members are examined on their own."""
        return f"{len(self._members)} targets take turns, {self._batch} at a time: {', '.join(self._members)}."

    async def close(self) -> None:
        """Let go of the members' connections."""
        for member in self._members.values():
            await member.close()

    def _of(self, job: Job, name: str) -> Job:
        keep = max(_LEAST, job.output_bytes // len(self._members))
        return replace(job, id=f"{job.id}.at-{name}", folder=job.folder / "members" / name, output_bytes=keep)

    def _reason_to_stop(self, job: Job) -> str | None:
        if (job.folder / "stopped").exists():
            return _STOPPED
        failed = sum(not self._passed(job, name) for name in self._members if _result(self._of(job, name)))
        return _TOO_MANY if failed >= self._stop_at else None

    def _passed(self, job: Job, name: str) -> bool:
        own = self._of(job, name)
        found = _result(own)
        if found is None or found.state != "ended":
            return False
        if job.passes is not None:
            return job.passes(found, self._members[name].read_output(own))
        return found.exit_status == 0 and not found.timed_out

    async def _carry_out(self, job: Job, name: str, output: Callable[[str], None] | None) -> None:
        own, member = self._of(job, name), self._members[name]
        if _result(own) is not None:
            return
        own.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            found = await member.find(own)
            if found.state == "never-begun":
                await member.start(own)
            if found.state != "lost":
                found = await member.wait(own)
        except OutsideError as problem:
            found = Found("ended", None, sentence=f"It could not be begun: {problem}")
        if found.state == "never-begun":
            found = Found("ended", None, sentence="It could not be begun.")
        _write(own.folder / "result", json.dumps(asdict(replace(found, parts=()))))
        if output is not None:
            output(self._section(job, name))

    async def _leave_out(self, job: Job, name: str, why: str) -> None:
        """Leave a member out, unless it was begun before a crash: then it is waited for."""
        own = self._of(job, name)
        if _result(own) is None and own.folder.exists() and (await self._members[name].find(own)).state != "never-begun":
            await self._carry_out(job, name, None)
        elif _result(own) is None:
            own.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(own.folder / "result", json.dumps(asdict(Found("never-begun", sentence=why))))

    def _together(self, job: Job) -> Found:
        parts = []
        for name, member in self._members.items():
            own = self._of(job, name)
            found = _result(own)
            if found is not None:
                parts.append(Part(name, found, member.read_output(own)))
        lost = any(part.found.state in ("lost", "running") for part in parts)
        statuses = {part.found.exit_status for part in parts if part.found.state == "ended"}
        status = next(iter(statuses)) if len(statuses) == 1 else 1
        return Found("lost" if lost else "ended", status, sentence="It ran on several targets.", parts=tuple(parts))

    def _section(self, job: Job, name: str) -> str:
        own = self._of(job, name)
        found = _result(own)
        if found is None:
            return ""
        text = self._members[name].read_output(own)
        return f"== {name}: {_title(found)}\n{text}{'' if not text or text.endswith(chr(10)) else chr(10)}"


def _title(found: Found) -> str:
    if found.state == "never-begun":
        return f"left out, for {found.sentence}"
    return (
        f"status {found.exit_status}" if found.state == "ended" and found.exit_status is not None else found.sentence.rstrip(".")
    )


def _count(table: Table, key: str, of: int, default: int) -> int:
    """Read a number or a share of the members; a share is at least one of them."""
    value = table.take(key, default)
    share = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value) if isinstance(value, str) else None
    if share and 0 < float(share[1]) <= 100:
        return max(1, math.floor(of * float(share[1]) / 100))
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise table.error(key, f"{table.name(key)} is {value!r}.", 'Write a number of members such as 2, or a share such as "25%".')


def _result(own: Job) -> Found | None:
    """Read how a member ended; None where it has not."""
    try:
        return Found(**{**json.loads((own.folder / "result").read_text()), "parts": ()})
    except (OSError, ValueError):
        return None


def _write(path: Path, text: str) -> None:
    """Write a file so that it is there whole, and on disk, when this returns."""
    made = path.with_name(f"{path.name}.new")
    with made.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(made, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
