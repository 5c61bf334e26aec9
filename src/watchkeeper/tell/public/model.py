"""The status page as data: components, incidents in public words, maintenance, ninety days, and who asked to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

#: how a component stands, in the words that clients of status pages know, and our own for what nobody sees
Impact: TypeAlias = Literal["operational", "degraded", "outage", "maintenance", "unknown"]
#: how far an incident is, for the public
Progress: TypeAlias = Literal["investigating", "identified", "monitoring", "resolved"]
#: how far a maintenance is; it goes on by itself
Stage: TypeAlias = Literal["scheduled", "in progress", "completed"]

PROGRESS: tuple[Progress, ...] = ("investigating", "identified", "monitoring", "resolved")
#: worst first
IMPACTS: tuple[Impact, ...] = ("outage", "degraded", "unknown", "maintenance", "operational")


@dataclass(frozen=True, slots=True)
class Spell:
    """A time during which a component was not as it should be; `until` None: it still is not."""

    component: str
    impact: Impact
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a component, in UTC."""

    on: date
    #: the worst of the day; None where nobody was watching yet
    worst: Impact | None
    #: seconds of the day in which it was out
    out_s: float


@dataclass(frozen=True, slots=True)
class PublicComponent:
    """A component under its public name."""

    name: str
    now: Impact
    #: oldest first
    days: tuple[Day, ...]
    #: share of the watched time in which it was not out; None where it was never watched
    uptime: float | None


@dataclass(frozen=True, slots=True)
class Post:
    """Something that was said to the public about an incident."""

    incident_id: str
    at: datetime
    progress: Progress
    text: str
    #: who wrote it; None: the page's own words
    author: str | None = None


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """An incident in public words."""

    id: str
    title: str
    impact: Impact
    components: tuple[str, ...]
    progress: Progress
    began_at: datetime
    resolved_at: datetime | None
    #: newest first
    posts: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Work that was announced: it begins and ends by itself."""

    id: str
    title: str
    text: str
    components: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime
    announced_at: datetime
    author: str = ""

    def stage(self, now: datetime) -> Stage:
        """Tell how far it is."""
        if now < self.begins_at:
            return "scheduled"
        return "in progress" if now < self.ends_at else "completed"


@dataclass(frozen=True, slots=True)
class PublicPage:
    """The whole page at one instant."""

    title: str
    #: where the page is, without a slash at the end; empty where that is not known
    address: str
    at: datetime
    now: Impact
    sentence: str
    components: tuple[PublicComponent, ...]
    #: those that go on, newest first
    incidents: tuple[PublicIncident, ...]
    #: those that are over, of the last days, newest first
    past: tuple[PublicIncident, ...]
    #: those that go on or come, the next first
    maintenance: tuple[Maintenance, ...]
    #: anybody may ask to be told by e-mail
    by_mail: bool = False


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody who asked to be told of the page's news; nothing is sent before they said so a second time."""

    id: str
    kind: Literal["mail", "webhook"]
    address: str
    #: what the links in their messages carry
    token: str
    asked_at: datetime
    confirmed_at: datetime | None = None
