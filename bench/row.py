"""What a measurement gives: one row of the table, its value beside a limit or a peer that was measured in the same run."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `goal` is for people; `passed` says whether it was reached."""

    name: str
    value: float
    unit: str
    goal: str
    passed: bool
    #: what stands beside it, and what that gave in the same run; None where it is not here
    beside: str = ""
    beside_value: float | None = None

    @property
    def ratio(self) -> float | None:
        """Our value as a multiple of the one beside it."""
        return self.value / self.beside_value if self.beside_value else None

    def as_dict(self) -> dict[str, Any]:
        """Give the row as bench/latest.json has it."""
        return {
            "name": self.name, "value": _plain(self.value), "unit": self.unit, "goal": self.goal,
            "beside": self.beside, "beside_value": _plain(self.beside_value), "ratio": _plain(self.ratio), "pass": self.passed,
        }  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """Give the median."""
    return statistics.median(values)


def say(sentence: str) -> None:
    """Show a sentence of progress; the table takes it from our standard error."""
    print(sentence, file=sys.stderr, flush=True)


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.4g}")
