"""On call: what people change about a rota, and who is on call when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

#: override: somebody takes a span over; swap: two exchange spans, each half a change of its own
ChangeKind: TypeAlias = Literal["override", "swap"]


@dataclass(frozen=True, slots=True)
class Change:
    """A person's word that somebody else is on call for a span."""

    id: str
    rota: str
    kind: ChangeKind
    #: who is on call instead
    person: str
    #: whom they stand in for; None: for whoever it would be
    instead_of: str | None
    begins_at: datetime
    ends_at: datetime
    author: str
    why: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Handover:
    """What somebody leaves for who is on call next."""

    id: str
    rota: str
    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is on call for a rota at an instant, and the sentence why; nobody is a gap."""

    rota: str
    #: ids of people; empty where there is a gap
    people: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Shift:
    """A span in which the same people are on call; with nobody it is a gap."""

    rota: str
    people: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime
    sentence: str
