"""Where lines come from: files, the journal or containers. Each goes on where the last read ended, and begins at the end.

A source hands every line to `count` with the level that it knows besides; it reads a bounded number of bytes and says what it
passed over. What it cannot read is Unreadable, with the sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from watchkeeper.plugins.logs.tally import Tally

Count: TypeAlias = Callable[[Tally, str, int | None], None]


class Unreadable(Exception):
    """It cannot be read, and why."""


@dataclass(slots=True)
class Read:
    """What one read gave."""

    tallies: list[Tally] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: bytes that were passed over because there were too many
    skipped: int = 0


class Source(Protocol):
    """Something that is written to, line by line."""

    async def read(self, count: Count, most_bytes: int, until_s: float) -> Read:
        """Read on, no longer than until an instant of the monotonic clock; the first time only the end is found."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...
