"""The output file of a running job: shown as it grows, and kept from filling the disk.

Beyond its limit the file keeps its head and its tail; the middle is given back to the disk while the job still writes, so that a
job may print for hours. Where the file system cannot do that, a job that floods is stopped instead.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from watchkeeper.run.output import gap

_KEEP_SIZE_PUNCH_HOLE = 0x03
_PAGE = 4096
#: most that is shown at once, in bytes
_PIECE = 1_000_000
#: what may be written between two looks, in bytes
_BETWEEN = 8_000_000
_SHORTEST_S, _LONGEST_S = 0.005, 0.25
#: how much longer each pause is while nothing is written: many programs begin to print only after they have started
_LONGER = 1.2
#: raw output beyond which a job is stopped, in bytes: where its middle can be given back, and where it cannot
FLOOD, FLOOD_WHOLE = 10_000_000_000, 64_000_000


class Output:
    """One output file, looked at again and again while its job runs."""

    def __init__(self, path: Path, keep: int, show: Callable[[str], None] | None = None) -> None:
        """Watch a file of which `keep` bytes are wanted."""
        self._path, self._show = path, show
        self._head = max(keep // 2, _PAGE)
        self._shown = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a character may lie on the border of two reads
        self._freed = -(-self._head // _PAGE) * _PAGE
        self._size = 0
        #: how long to wait before the next look, in seconds
        self.pause_s = 0.02
        #: whether the middle can be given back
        self.sparse = True

    def look(self, after_s: float) -> int:
        """Show what is new, give back the middle of what is long, and say how large the output is by now, in bytes."""
        size = self._size
        with contextlib.suppress(OSError):
            self._show_more()
            size = self._path.stat().st_size
            self._free(size)
        rate = (size - self._size) / max(after_s, 0.001)
        self._size = size
        calm = min(_LONGEST_S, self.pause_s * _LONGER)
        self.pause_s = max(_SHORTEST_S, min(calm, _BETWEEN / rate)) if rate > 0 else calm
        return size

    def _show_more(self) -> None:
        if self._show is None:
            return
        with self._path.open("rb") as file:
            size = file.seek(0, 2)
            # what was printed faster than it can be shown is passed over
            passed = size - _PIECE - self._shown if size - self._shown > 2 * _PIECE else 0
            file.seek(self._shown + passed)
            piece = file.read(_PIECE)
        self._shown += passed + len(piece)
        if passed:
            self._show(gap(passed))
        if piece:
            self._show(self._decoder.decode(piece))

    def _free(self, size: int) -> None:
        upto = (size - self._head) // _PAGE * _PAGE
        if not self.sparse or upto - self._freed < _PIECE:
            return
        descriptor = os.open(self._path, os.O_WRONLY)
        try:
            self.sparse = _punch(descriptor, self._freed, upto - self._freed)
        finally:
            os.close(descriptor)
        self._freed = upto if self.sparse else self._freed


def _punch(descriptor: int, start: int, length: int) -> bool:
    """Give a part of a file back to the disk; its size stays. Answers whether that can be done here."""
    try:
        fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    except (AttributeError, OSError):
        return False
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong)
    return bool(fallocate(descriptor, _KEEP_SIZE_PUNCH_HOLE, start, length) == 0)
