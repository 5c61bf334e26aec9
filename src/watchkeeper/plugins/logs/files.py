"""Reads log files onward, whatever is done to them meanwhile: renamed, cut to nothing, replaced, gone for a moment.

A file is held open between looks, so that what was written before it was renamed is read to its end. A file that was cut to
nothing and written again (copytruncate) shows by its length, or by other bytes where ours ended. Rotated siblings that a
pattern also names (app.log.1, app.log-20260314, app.log.2.gz) are not read: they have been already.
"""

from __future__ import annotations

import asyncio
import glob
import os
import re
import stat
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from watchkeeper.plugins.logs.lines import LONGEST
from watchkeeper.plugins.logs.source import Count, Read, Unreadable
from watchkeeper.plugins.logs.tally import Tally

_CHUNK = 262_144
_REMEMBERED = 64
_MOST_FILES = 200
_ROTATED = re.compile(r"\.(?:gz|xz|bz2|zst|lz4|zip|Z)$|\.(?:\d{1,5}|old)$|[-.]\d{8}(?:[-T.]?\d{2,6})?$", re.IGNORECASE)


class Tail:
    """One path."""

    def __init__(self, path: str, at_end: bool) -> None:
        self.path = path
        self._file: int | None = None
        self.inode = (0, 0)
        self._position = 0
        #: the last bytes before the position
        self._before = b""
        self._part = b""
        #: what comes up to the next end of a line belongs to a line of which the beginning was not read
        self._inside = False
        self._gone = 0
        self._open(at_end)

    def read(self, count: Count, most: int, until_s: float) -> Read:
        """Read what has been written since."""
        read = Read()
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            self._gone += 1
            if self._gone > 1:
                raise Unreadable(f"{self.path} is not there") from None
            read.notes.append(f"{self.path} is not there")
            self._read_on(read, count, most, until_s)
            return read
        self._gone = 0
        if (status.st_dev, status.st_ino) != self.inode:
            self._read_on(read, count, most, until_s)
            self._finish(read, count)
            self.close()
            self._open(at_end=False)
        elif self._was_cut():
            self._position, self._before, self._part, self._inside = 0, b"", b"", False
        self._read_on(read, count, most, until_s)
        return read

    @property
    def deleted(self) -> bool:
        """Say whether the file has no name any more."""
        return self._file is not None and os.fstat(self._file).st_nlink == 0

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self, at_end: bool) -> None:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as problem:
            raise Unreadable(f"{self.path} cannot be read: {problem.strerror}") from None
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            os.close(file)
            raise Unreadable(f"{self.path} is not a file")
        self._file, self.inode = file, (status.st_dev, status.st_ino)
        self._position = status.st_size if at_end else 0
        self._before = os.pread(file, _REMEMBERED, max(0, self._position - _REMEMBERED)) if at_end else b""
        self._part, self._inside = b"", bool(self._before) and not self._before.endswith(b"\n")

    def _was_cut(self) -> bool:
        assert self._file is not None
        if os.fstat(self._file).st_size < self._position:
            return True
        start = self._position - len(self._before)
        return os.pread(self._file, len(self._before), start) != self._before

    def _read_on(self, read: Read, count: Count, most: int, until_s: float) -> None:
        assert self._file is not None
        tally = Tally()
        there = max(0, os.fstat(self._file).st_size - self._position)
        skipped = max(0, there - most)
        if skipped:
            self._position += skipped
            self._part, self._inside = b"", True
            read.skipped += skipped
        left = there - skipped
        taken = 0
        while left > 0 and time.monotonic() < until_s:
            chunk = os.pread(self._file, min(_CHUNK, left), self._position)
            if not chunk:
                break
            self._position += len(chunk)
            self._before = (self._before + chunk)[-_REMEMBERED:] if len(chunk) < _REMEMBERED else chunk[-_REMEMBERED:]
            left -= len(chunk)
            taken += len(chunk)
            for line in self._lines(chunk):
                count(tally, line, None)
        if left > 0:
            read.notes.append(f"{left:,} bytes of {self.path} are left for the next look")
        if taken:
            tally.factor = (taken + skipped) / taken
            read.tallies.append(tally)

    def _finish(self, read: Read, count: Count) -> None:
        """Take the last line of a file that goes, though it has no end."""
        if self._part:
            tally = Tally()
            count(tally, self._part.decode(errors="replace"), None)
            read.tallies.append(tally)

    def _lines(self, chunk: bytes) -> Iterator[str]:
        pieces = (self._part + chunk).split(b"\n")
        self._part = pieces.pop()
        for piece in pieces:
            if self._inside:
                self._inside = False
            elif piece:
                yield piece[:LONGEST].decode(errors="replace").rstrip("\r")
        if len(self._part) > LONGEST:
            if not self._inside:
                yield self._part[:LONGEST].decode(errors="replace")
            self._part, self._inside = b"", True


class FilesSource:
    """All files that the patterns name; those that come later are read from their beginning."""

    def __init__(self, patterns: tuple[str, ...], folder: Path) -> None:
        self._patterns = tuple(str(folder / pattern) for pattern in patterns)
        self._tails: dict[str, Tail] = {}
        self._first = True
        self._reading = False
        #: paths that were there and could not be opened
        self._closed: set[str] = set()
        #: files that have been read, under whatever name they are now
        self._known: OrderedDict[tuple[int, int], None] = OrderedDict()

    async def read(self, count: Count, most_bytes: int, until_s: float) -> Read:
        """Read on in a thread of its own."""
        if self._reading:
            raise Unreadable("the read before this one has not come back")
        self._reading = True

        def read() -> Read:
            try:
                return self._read(count, most_bytes, until_s)
            finally:
                self._reading = False

        return await asyncio.to_thread(read)

    async def close(self) -> None:
        """Let go of all files."""
        if not self._reading:
            for tail in self._tails.values():
                tail.close()
            self._tails = {}

    def _read(self, count: Count, most_bytes: int, until_s: float) -> Read:
        read = Read()
        problems = []
        paths, left_off = self._paths()
        if left_off:
            read.notes.append(f"{left_off:,} more files are not read")
        # a file that a pattern no longer finds is read to its end once more
        paths += [path for path in self._tails if path not in paths]
        if not paths:
            raise Unreadable(f"no file is named {', '.join(self._patterns)}")
        most = max(_CHUNK, most_bytes // len(paths))
        for path in paths:
            try:
                each = self._tail(path).read(count, most, until_s)
            except Unreadable as problem:
                if path in self._patterns or os.path.lexists(path):
                    problems.append(str(problem))
                self._forget(path)
                continue
            read.tallies += each.tallies
            read.notes += each.notes
            read.skipped += each.skipped
        self._first = False
        if problems:
            raise Unreadable("; ".join(problems[:3]))
        return read

    def _tail(self, path: str) -> Tail:
        """Give the tail of a path. One that is new is read from its beginning, unless it was there, out of reach, before."""
        if path not in self._tails:
            inode = _inode_of(path)
            at_end = self._first or path in self._closed or inode in self._known
            try:
                self._tails[path] = Tail(path, at_end)
                self._closed.discard(path)
            except Unreadable:
                if inode is not None:
                    self._closed.add(path)
                raise
        self._drop_deleted(self._tails[path])
        if (inode := _inode_of(path)) is not None:
            self._known[inode] = None
            if len(self._known) > 5 * _MOST_FILES:
                self._known.popitem(last=False)
        return self._tails[path]

    def _forget(self, path: str) -> None:
        tail = self._tails.pop(path, None)
        if tail is not None:
            self._drop_deleted(tail)
            tail.close()

    def _drop_deleted(self, tail: Tail) -> None:
        """Forget a file that has no name any more: another may come to have its number."""
        if tail.deleted:
            self._known.pop(tail.inode, None)

    def _paths(self) -> tuple[list[str], int]:
        found: dict[str, None] = {}
        for pattern in self._patterns:
            if not glob.has_magic(pattern):
                found[pattern] = None
                continue
            found |= dict.fromkeys(path for path in sorted(glob.glob(pattern)) if not _ROTATED.search(path))
        paths = list(found)
        return paths[:_MOST_FILES], max(0, len(paths) - _MOST_FILES)


def _inode_of(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
