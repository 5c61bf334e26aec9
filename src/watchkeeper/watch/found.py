"""What one look has found so far, and what is dear to find and therefore kept for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from watchkeeper.watch.probe import Look


@dataclass(slots=True)
class Found:
    """Readings and words of one look, at one instant of a clock that only goes forward."""

    now_s: float
    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def put(self, **values: float | int | None) -> None:
        """Take readings; one that is None is left out."""
        self.values |= {name: float(value) for name, value in values.items() if value is not None}

    def take(self, other: Found) -> None:
        """Take what another look found."""
        self.values |= other.values
        self.notes += other.notes

    def whole(self) -> Look:
        """Give the look of something that answered all that was asked."""
        return Look({**self.values, "up": 1.0, "seconds": time.monotonic() - self.now_s}, detail="; ".join(self.notes))

    def late(self, timeout_s: float, address: str) -> Look:
        """Give the look of something that did not answer all in time: up where it answered anything."""
        if not self.values:
            return Look({"up": 0.0, "seconds": timeout_s}, detail=f"no answer from {address} within {timeout_s:g} s")
        said = "; ".join([*self.notes, f"not everything was read within {timeout_s:g} s"])
        return Look({**self.values, "up": 1.0, "seconds": timeout_s}, detail=said)


class Seldom:
    """Keeps what is dear to read until it is to be read again."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._found: Found | None = None

    def kept(self, now_s: float) -> Found | None:
        """Give what was found last, while it still counts; None where it is to be read again."""
        return self._found if self._found is not None and now_s - self._found.now_s < self._every_s else None

    def keep(self, found: Found) -> None:
        """Keep what was found."""
        self._found = found
