"""Who has which role in an incident, what of the book's phases is done, and where the incident stands among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from watchkeeper.book.model import Phase
from watchkeeper.incident.model import Incident
from watchkeeper.store.schema import Instant, metadata

#: who leads, who tells others, who writes down
ROLES = ("commander", "communicator", "scribe")

_PUBLIC = re.compile(
    r"\bstatus ?page|statusseite|page de statut|página de estado|"
    r"\b(?:customers?|users|public)\b.*\b(?:updat|inform|notif|tell)|"
    r"\b(?:updat|inform|notif|tell)\w*\b.*\b(?:customers?|users|public|kunden)\b",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"\b(?:notif|inform|tell|announce|communicat|post (?:an? )?(?:update|message)|send (?:an? )?update|"
    r"benachrichtig|informier|prévenir|avisar)\w*|\bstakeholders?\b",
    re.IGNORECASE,
)

assigned = Table(
    "incident_role",
    metadata,
    Column("incident_id", String(40), primary_key=True),
    Column("role", String(40), primary_key=True),
    Column("person", String(100), nullable=False),
    Column("at", Instant, nullable=False),
)
ticked = Table(
    "phase_task",
    metadata,
    Column("incident_id", String(40), primary_key=True),
    #: line of the phase and its number within it: "369/2"
    Column("task", String(200), primary_key=True),
    Column("actor", String(200), nullable=False),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a phase, and who did it when."""

    key: str
    text: str
    done_by: str | None = None
    done_at: datetime | None = None
    #: whom it wants told: "team" or "public"; None where it is about something else
    tells: str | None = None


@dataclass(frozen=True, slots=True)
class PhaseOfIncident:
    """A phase of the book as it stands in one incident."""

    name: str
    line: int
    #: "past", "now", "ahead"; "open" where the book gives it no time
    when: str
    tasks: tuple[Task, ...]


def assign(connection: Connection, incident_id: str, role: str, person: str, now: datetime) -> str | None:
    """Give somebody a role; gives who had it before."""
    mine = (assigned.c.incident_id == incident_id, assigned.c.role == role)
    before = connection.execute(select(assigned.c.person).where(*mine)).scalar()
    connection.execute(delete(assigned).where(*mine))
    connection.execute(insert(assigned).values(incident_id=incident_id, role=role, person=person, at=now))
    return before


def roles_of(connection: Connection, incident_id: str) -> dict[str, str]:
    """Give who has which role, in their order."""
    query = select(assigned.c.role, assigned.c.person).where(assigned.c.incident_id == incident_id)
    found = {row.role: row.person for row in connection.execute(query)}
    return {role: found[role] for role in ROLES if role in found}


def tick(connection: Connection, incident_id: str, task: str, actor: str, now: datetime) -> bool:
    """Note that a task is done; tells whether it was not before."""
    mine = (ticked.c.incident_id == incident_id, ticked.c.task == task)
    if connection.execute(select(ticked.c.task).where(*mine)).first() is not None:
        return False
    connection.execute(insert(ticked).values(incident_id=incident_id, task=task, actor=actor, at=now))
    return True


def phases_of(connection: Connection, phases: Sequence[Phase], incident: Incident, now: datetime) -> list[PhaseOfIncident]:
    """Give the phases of the book for an incident, those for its severity where they name one, with what is done of each."""
    query = select(ticked).where(ticked.c.incident_id == incident.id)
    done = {row.task: (row.actor, row.at) for row in connection.execute(query)}
    return [
        PhaseOfIncident(phase.name, phase.line, when(phase, incident, now), tuple(_tasks(phase, done)))
        for phase in phases
        if phase.severity is None or phase.severity == incident.severity
    ]


def when(phase: Phase, incident: Incident, now: datetime) -> str:
    """Say whether a phase is over, on, or ahead, by its window from the opening on. Pure."""
    if phase.starts_s is None and phase.ends_s is None:
        return "open"
    age_s = ((incident.resolved_at or now) - incident.opened_at).total_seconds()
    if phase.ends_s is not None and age_s >= phase.ends_s:
        return "past"
    return "now" if age_s >= (phase.starts_s or 0.0) else "ahead"


def _tasks(phase: Phase, done: dict[str, tuple[str, datetime]]) -> list[Task]:
    found = []
    for number, text in enumerate(phase.tasks, 1):
        key = f"{phase.line}/{number}"
        actor, at = done.get(key, (None, None))
        found.append(Task(key, text, actor, at, whom_it_tells(text)))
    return found


def whom_it_tells(text: str) -> str | None:
    """Say whom a task wants told. Pure.

    >>> [whom_it_tells(t) for t in ("Update the status page", "Notify the team in Slack", "Restart the database")]
    ['public', 'team', None]
    """
    if _PUBLIC.search(text):
        return "public"
    return "team" if _TELLS.search(text) else None
