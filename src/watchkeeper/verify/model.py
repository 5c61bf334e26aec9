"""Verdicts: did it work?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an incident is over, and why."""

    #: verified: the procedure's checks passed and the thresholds held; waiting: not long enough yet; failed: it did not work
    kind: Literal["verified", "waiting", "failed"]
    sentence: str
    #: when to look again, while waiting
    again_at: datetime | None = None
    #: since when all thresholds of the incident are healthy; None while one is not
    healthy_since: datetime | None = None
