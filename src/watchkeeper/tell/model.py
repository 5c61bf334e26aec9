"""Notices: one message to one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

NoticeState: TypeAlias = Literal["waiting", "sending", "sent", "failed"]


@dataclass(frozen=True, slots=True)
class Message:
    """Words ready to be sent: nothing in them is still a placeholder."""

    subject: str
    body: str
    #: slots of the template that nothing filled; a message with any is a draft, never sent
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A message on its way to a person."""

    id: str
    incident_id: str | None
    person: str
    #: "initial", "update", "resolution", "escalation", "severity", "ask", "proposal", "late", "page"
    kind: str
    subject: str
    body: str
    state: NoticeState
    tries: int
    at: datetime
    sent_at: datetime | None = None
    #: which of the person's addresses took it (scheme only: "json", "mailto")
    channel: str | None = None
    problem: str | None = None
