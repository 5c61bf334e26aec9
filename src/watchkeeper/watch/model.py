"""What a probe saw and what the book's thresholds make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

#: ok; pending: breached, but not yet for as long as the book asks; firing; blind: there is no reading to judge
State: TypeAlias = Literal["ok", "pending", "firing", "blind"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a signal."""

    signal: str
    #: when the look was complete
    at: datetime
    took_s: float
    #: reading -> value; `up` is 1.0 or 0.0
    values: Mapping[str, float] = field(default_factory=dict)
    #: why there are no values (the probe itself could not look); None where it could
    problem: str | None = None
    #: words beside the values, for people: "503 Service Unavailable", "connection refused"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a threshold stands."""

    key: str
    state: State
    #: since when it is in this state
    since: datetime
    #: since when it has been breached without a break; None while it is not
    breached_since: datetime | None
    #: the last value judged; None while blind
    value: float | None
    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Flip:
    """A change of a threshold's state: the row that the alert chapter claims."""

    id: int
    key: str
    before: State
    after: State
    at: datetime
    value: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Count:
    """What the looks of one stretch of time said of an objective."""

    #: when the stretch began
    at: datetime
    looks: int
    #: looks that were worse than the objective allows
    failed: int
    #: the sum of what was bad in each look, from 0 to 1
    bad: float
