"""What one look has found so far, and what is dear to find and therefore kept for a while."""

from __future__ import annotations

from dataclasses import dataclass, field


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
