"""Alerts: a threshold of the book that fires, until it is healthy again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from watchkeeper.estate.hours import Hours


@dataclass(frozen=True, slots=True)
class Alert:
    """One threshold firing, from its first breach to its end."""

    id: str
    #: the threshold's key: one open alert at a time for each; "blind:<signal>" for a signal that gives no readings
    key: str
    subject: str
    component: str | None
    severity: str | None
    #: when the breach began (the sample that was first over the threshold)
    breached_at: datetime
    #: when it had held long enough
    fired_at: datetime
    ended_at: datetime | None
    value: float | None
    sentence: str
    #: the incident it belongs to; None while it waits to be grouped
    incident_id: str | None = None
    #: the component that explains it, by the book's dependency diagram; None where it is a cause itself
    explained_by: str | None = None
    #: the silence under which it waits or waited: a silence's id, or "window:<title>" for a maintenance window of the book
    silenced_by: str | None = None
    #: the hook whose sender says so; None: Watchkeeper saw it itself
    source: str | None = None
    #: key of the book's threshold that it means, where that is not its own key
    threshold: str | None = None
    #: what it is grouped by where it has no component
    grouped: str | None = None
    #: the route of watchkeeper.toml by which it is told
    route: str | None = None
    #: 1: it is decided about by itself; 0: it follows one like it, however many there are
    lead: int = 1
    #: since when nobody knows whether it still fires
    stale_at: datetime | None = None

    @property
    def rule(self) -> str:
        """Give the key of the book's threshold that it is about."""
        return self.threshold or self.key


#: blind: the sender itself says that it sees nothing; unheard: said to be over, and nobody had said that it began
ReportStatus: TypeAlias = Literal["firing", "resolved", "blind", "acknowledged"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a sender says of one alert in one delivery."""

    #: the same for the same alert, by the sender's own identity of it
    id: str
    name: str
    status: ReportStatus
    sentence: str
    #: the sender's instant of this status, and of the beginning of it all
    at: datetime | None = None
    began_at: datetime | None = None
    severity: str | None = None
    component: str | None = None
    value: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    #: as the sender groups it
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was heard of an alert of others before."""

    key: str
    status: str
    began_at: datetime
    at: datetime
    heard_at: datetime
    #: its alert, where one was opened
    alert_id: str | None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Named:
    """What of the book an alert of others is about, and the sentence why."""

    subject: str
    component: str | None
    severity: str | None
    #: key of the book's threshold; None where none is meant
    threshold: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody's word that some alerts are to open no incident for a time; it always ends."""

    id: str
    author: str
    why: str
    begins_at: datetime
    ends_at: datetime
    #: what an alert must have, each where it is given: words of the component or of the subject, the severity, the exact key
    component: str | None = None
    subject: str | None = None
    severity: str | None = None
    key: str | None = None
    #: it holds only within these hours of the week; None: all the time
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """One occurrence of a maintenance window of the book."""

    title: str
    line: int
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """What grouping must know of an incident that is not over: its cause and its alerts, ended ones too."""

    id: str
    cause: str | None
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouping:
    """What to do with an alert: open an incident for its cause, join one, or wait; and the sentence why."""

    alert_id: str
    #: "open", "join" or "wait"
    move: str
    cause: str | None
    #: the incident to join; None with "join" means the one that `leader` opens
    incident_id: str | None
    sentence: str
    #: the waiting alert whose incident this one joins, where that incident is opened in the same round
    leader: str | None = None
    #: the component that explains the alert; None where it is (part of) the cause
    explained_by: str | None = None
    #: True: the incident had another cause until now
    new_cause: bool = False
