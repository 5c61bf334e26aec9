"""What the pages show of the ledger and of reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.actions.views.model import Frame
from watchkeeper.learn.follow_up import FollowUp


@dataclass(frozen=True, slots=True)
class ActEntry:
    """One act or decision in the chained ledger."""

    seq: int
    at: datetime
    actor: str
    act: str
    subject: str
    why: str
    hash: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LedgerView:
    """Acts and decisions, newest first, and whether the chain holds."""

    frame: Frame
    entries: tuple[ActEntry, ...]
    head: int
    head_hash: str
    #: what is wrong with the chain; empty where it holds
    broken: tuple[str, ...]
    #: False where it is too long to be walked for a page
    verified: bool
    #: sequence number to ask for next; None at the end
    older: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A review in a list."""

    incident_id: str
    title: str
    severity: str | None
    at: datetime
    measures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One review as Markdown."""

    frame: Frame
    review: ReviewLine
    markdown: str
    follow_ups: tuple[FollowUp, ...] = ()
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reviews:
    """All reviews, newest first."""

    frame: Frame
    reviews: tuple[ReviewLine, ...]
    #: what is still to be done after any incident, what is due first at first
    follow_ups: tuple[FollowUp, ...] = ()
