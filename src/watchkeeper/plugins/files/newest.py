"""The newest of some files or objects, and those before it: names, times and sizes enter, readings leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.watch.found import Found


@dataclass(frozen=True, slots=True)
class Thing:
    """One file or object, with the seconds since 1970 at which it was written."""

    name: str
    at: float
    size: int


class Newest:
    """Goes through things one by one and keeps the two newest of those that count, with how many there are."""

    def __init__(self, least_bytes: int) -> None:
        self._least = least_bytes
        self.count = 0
        self.total = 0
        self.first: Thing | None = None
        self.second: Thing | None = None
        self._small: Thing | None = None

    def see(self, things: Iterable[Thing]) -> None:
        """Take more of them."""
        for thing in things:
            self.count += 1
            self.total += thing.size
            if thing.size < self._least:
                if self._small is None or thing.at > self._small.at:
                    self._small = thing
            elif self.first is None or (thing.at, thing.name) > (self.first.at, self.first.name):
                self.first, self.second = thing, self.first
            elif self.second is None or (thing.at, thing.name) > (self.second.at, self.second.name):
                self.second = thing

    def tell(self, found: Found, now: float) -> None:
        """Give the readings; without one that counts there is no age, which is never a young one."""
        found.put(count=self.count, total_bytes=self.total)
        newest = self.first
        if newest is None:
            found.notes.append("there is none" if not self.count else f"none of {self.count:,} is as large as min_bytes")
            return
        # what lies ahead of our clock would stay young for as long: nobody knows how old it is
        is_ahead = newest.at > now + 60
        found.put(age_seconds=None if is_ahead else max(0.0, now - newest.at), bytes=newest.size)
        if self.second is not None and self.second.size > 0:
            found.put(size_percent=100.0 * newest.size / self.second.size)
        found.notes.append(f"newest: {newest.name} ({newest.size:,} bytes)")
        if is_ahead:
            found.notes.append("its time lies ahead of ours")
        if self._small is not None and self._small.at > newest.at:
            found.notes.append(f"{self._small.name} is newer and smaller than min_bytes ({self._small.size:,} bytes)")
