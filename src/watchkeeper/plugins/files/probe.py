"""Looks at files of this machine by a pattern: the newest one's age and size, such as the last backup's."""

from __future__ import annotations

import asyncio
import glob
import os
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.files.newest import Newest, Thing
from watchkeeper.watch.aside import Aside
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look

_MOST = 100_000


class FilesProbe:
    """The files that match one pattern."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where there is at least one file that counts, else 0",
        "age_seconds": "time since the newest file was written last, in seconds",
        "bytes": "its size, in bytes",
        "size_percent": "the same as a share of the one before it, in percent: a backup that shrank",
        "count": "how many files match",
        "total_bytes": "size of all of them, in bytes",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"backup_age": ("age_seconds",)}
    options: ClassVar[Mapping[str, str]] = {
        "path": "pattern such as /var/backups/shop-*.dump; ** goes into folders; from watchkeeper.toml's folder on",
        "min_bytes": "files smaller than this do not count as the newest (default 1)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        path = options.text("path")
        if "\0" in path or not path.strip():
            raise options.error("path", f"{options.name('path')} is no pattern of files.", 'Write path = "/var/backups/*.dump".')
        # the folder of watchkeeper.toml is no pattern, whatever signs are in its name
        self._pattern = path if os.path.isabs(path) else os.path.join(glob.escape(str(estate.path.parent)), path)
        self._least = int(options.number("min_bytes", 1, 0))
        self._timeout_s = signal.timeout_s
        self._aside: Aside[Look] = Aside(f"files {signal.name}")

    async def look(self) -> Look:
        """Look once, in a thread: a folder on a network may not answer."""
        if self._aside.is_busy:
            return Look(problem="the folder still does not answer since an earlier look")
        stop = threading.Event()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._aside.run(lambda: self._look(stop))
        except TimeoutError:
            return Look(problem=f"the folder was not read within {self._timeout_s:g} s")
        finally:
            stop.set()

    async def close(self) -> None:
        """Nothing is held between looks."""

    def _look(self, stop: threading.Event) -> Look:
        found, newest = Found(time.monotonic()), Newest(self._least)
        try:
            root = _fixed_part(self._pattern)
            if not os.path.isdir(root):
                if not os.path.lexists(root):
                    return Look({"up": 0.0, "count": 0.0}, detail=f"there is no folder {root}")
                return Look(problem=f"{root} is not a folder")
            if not os.access(root, os.R_OK | os.X_OK):
                return Look(problem=f"we may not read the folder {root}")
            newest.see(_things(self._pattern, stop))
        except OSError as problem:
            return Look(problem=f"the files could not be read: {problem.strerror or problem}")
        if newest.count >= _MOST:
            return Look(problem=f"more than {_MOST:,} files match: the newest of them is not known")
        newest.tell(found, time.time())
        found.put(up=newest.first is not None)
        return Look(found.values, detail="; ".join(found.notes))


def _fixed_part(pattern: str) -> str:
    """Give the folders before the first one that has a sign of a pattern."""
    parts = Path(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return str(Path(*parts[: max(1, fixed)]))


def _things(pattern: str, stop: threading.Event) -> Iterator[Thing]:
    """Give the files that match, at most so many; one that goes away meanwhile is none."""
    count = 0
    for name in glob.iglob(pattern, recursive=True):
        if stop.is_set() or count >= _MOST:
            return
        try:
            status = os.stat(name)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            count += 1
            yield Thing(name, status.st_mtime, status.st_size)
