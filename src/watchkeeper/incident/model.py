"""Incidents: what we are living through, with a severity of the book's own and a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

#: open: nobody has it yet; acknowledged: a person or a running procedure has it; recovered: healthy again, holding;
#: resolved: over and verified
Status: TypeAlias = Literal["open", "acknowledged", "recovered", "resolved"]


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause and all that follows from it."""

    id: str
    service: str
    title: str
    #: the book's own code or word; None where the book gives none
    severity: str | None
    status: Status
    #: the component that is taken for the cause
    cause: str | None
    #: when the first breach began
    began_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    recovered_at: datetime | None = None
    resolved_at: datetime | None = None
    #: procedure chosen, and the sentence why
    procedure_id: str | None = None
    because: str = ""
    #: digest of the book under which it was opened
    book: str = ""
    #: since when only those whom it concerns may see it; None where everybody may
    private_at: datetime | None = None

    @property
    def is_private(self) -> bool:
        """Whether only those whom it concerns may see it."""
        return self.private_at is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline."""

    incident_id: str
    seq: int
    at: datetime
    #: "alert", "opened", "severity", "told", "run", "step", "asked", "answered", "verified", "resolved", "note", "late" …
    kind: str
    actor: str
    sentence: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClockRun:
    """A promise of the book with a deadline: respond, a rung of the ladder, update."""

    kind: str
    due_at: datetime
    sentence: str
    #: who is told when it comes due (role words of the book); empty where nobody is
    role: str = ""
    level: int = 0
    #: of a rung: how many ladders of the incident were begun before, by a repeat or by another severity
    round: int = 0
    #: of a rung: how often its ladder was begun again since the incident has this severity
    lap: int = 0


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """Something that was changed outside of an incident: a deployment, a release, a commit, a setting, a run of ours."""

    id: str
    at: datetime
    #: "deployment", "release", "commit", "configuration", "run", "runbook", or a word of whoever told of it
    kind: str
    sentence: str
    actor: str = ""
    component: str | None = None
    link: str = ""
