"""What people decide about incidents by hand: opened, graver or less grave, merged, split.

Each changes rows, timeline, clocks and the ledger in the caller's transaction. What a person opened has no threshold: nothing but
a person says that it is over, and no procedure begins by itself. An incident that was merged into another is over with it: its
alerts, its people and its place in the figures go to the other one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert
from watchkeeper.base.ids import new_id
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Bindings, Estate
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, rules, timers
from watchkeeper.incident.lifecycle import AUTOMATION
from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.incident.privacy import why_private
from watchkeeper.incident.relations import RelationKind, relate
from watchkeeper.incident.routing import clocks_now
from watchkeeper.people.gravity import gravity, severity_of
from watchkeeper.store import ledger


class Desk:
    """Whatever a person decides, with what the book and the file say about it."""

    def __init__(self, connection: Connection, book: Book, estate: Estate, bindings: Bindings, actor: str, now: datetime) -> None:
        self.connection, self.book, self.estate, self.bindings = connection, book, estate, bindings
        self.actor, self.now = actor, now

    def open(self, title: str, severity: str | None, cause: str | None, why: str, *, private: bool = False) -> Incident:
        """Open an incident of which no threshold tells; private where that is said, or where it is about security by itself."""
        because = f"{self.actor} opened it by hand, so no procedure begins by itself."
        made = Incident(new_id("inc", self.now), self.estate.service, title, severity, "open", cause, self.now, self.now,
                        procedure_id="", because=because, book=self.book.digest)  # fmt: skip
        named = f"{severity}: " if severity else ""
        self._write_new(made, [], f"{self.actor} opened an incident. {named}{title}.{' ' + why if why else ''}")
        by_itself = why_private(title, severity=severity_of(self.book, severity))
        if private:
            return self.set_private(made, True, f"{self.actor} opened it so.")
        return lifecycle.set_private(self.connection, self.now, made.id, True, AUTOMATION, by_itself) if by_itself else made

    def set_private(self, incident: Incident, private: bool, why: str) -> Incident:
        """Let only those whom it concerns see an incident, or everybody again."""
        return lifecycle.set_private(self.connection, self.now, incident.id, private, self.actor, why)

    def set_severity(self, incident: Incident, severity: str, why: str) -> Incident:
        """Make an incident graver or less grave; the clocks of the new severity run from its opening."""
        changed = replace(incident, severity=severity)
        incidents.update_incident(self.connection, incident.id, severity=severity)
        lifecycle.say_severity(self.connection, self.now, incident, severity, self.actor, why)
        timers.set_clocks(self.connection, changed, self._clocks(changed, alerts.alerts_of(self.connection, incident.id)))
        return changed

    def merge(self, one: Incident, into: Incident, why: str) -> Incident:
        """End an incident in favour of another, which gets its alerts and is at least as grave."""
        alerts.move(self.connection, one.id, into.id)
        timers.stop_clocks(self.connection, one.id)
        incidents.update_incident(self.connection, one.id, status="resolved", resolved_at=self.now)
        self._relate(one.id, into.id, "merged", why)
        self._say(one.id, "merged", f"It goes on as “{into.title}” ({into.id}). {why}", {"into": into.id})
        self._say(into.id, "merged", f"“{one.title}” ({one.id}) was merged into this incident. {why}", {"incident": one.id})
        ledger.append(self.connection, self.now, self.actor, "incident.merge", one.id, why=why, body={"into": into.id})
        if one.is_private:
            self.set_private(into, True, "A private incident was merged into it.")
        incidents.update_incident(self.connection, into.id, began_at=min(one.began_at, into.began_at))
        if into.acknowledged_by in (None, AUTOMATION) and one.acknowledged_by not in (None, AUTOMATION):
            lifecycle.acknowledge(self.connection, self.now, into.id, one.acknowledged_by)
        whole = self._get(into.id)
        if gravity(self.book, one.severity) < gravity(self.book, whole.severity) and one.severity is not None:
            return self.set_severity(whole, one.severity, f"“{one.title}” was {one.severity}.")
        return whole

    def split(self, one: Incident, ids: Collection[str], why: str) -> Incident:
        """Give some of an incident's alerts an incident of their own."""
        moved = [replace(a, explained_by=None) for a in alerts.alerts_of(self.connection, one.id) if a.id in ids]
        thresholds = self.bindings.thresholds
        called = rules.call(self.book, moved)
        began, title = min(alert.breached_at for alert in moved), rules.title(moved, thresholds, self.book)
        cause = next((alert.component for alert in moved if alert.component), None)
        made = Incident(new_id("inc", self.now), one.service, title, called.severity, "open", cause, began, self.now,
                        book=self.book.digest)  # fmt: skip
        alerts.move(self.connection, one.id, made.id, [alert.id for alert in moved])
        for alert in moved:
            alerts.attach(self.connection, alert.id, made.id, None)
        named = f"{made.severity}: " if made.severity else ""
        self._write_new(made, moved, f"{self.actor} split it off from “{one.title}” ({one.id}). {named}{title}. {why}")
        if one.is_private:
            made = self.set_private(made, True, "It was split off from a private incident.")
        self._relate(made.id, one.id, "split", why)
        subjects = ", ".join(alert.subject for alert in moved)
        self._say(one.id, "split", f"{subjects} went on as “{title}” ({made.id}). {why}", {"incident": made.id})
        return made

    def _write_new(self, made: Incident, members: Sequence[Alert], sentence: str) -> None:
        incidents.open_incident(self.connection, made)
        self._say(made.id, "opened", sentence)
        timers.set_clocks(self.connection, made, self._clocks(made, members))
        body = {"title": made.title, "severity": made.severity, "alerts": [alert.id for alert in members]}
        ledger.append(self.connection, self.now, self.actor, "incident.open", made.id, why=sentence, body=body)

    def _clocks(self, incident: Incident, members: Sequence[Alert]) -> list[ClockRun]:
        return clocks_now(self.book, incident, members, self.bindings.thresholds, self.estate.alerting, self.estate.office)

    def _relate(self, one: str, other: str, kind: RelationKind, why: str) -> None:
        relate(self.connection, one, other, kind, why, self.actor, self.now)

    def _say(self, incident_id: str, kind: str, sentence: str, body: dict[str, str | None] | None = None) -> None:
        incidents.add_entry(self.connection, incident_id, self.now, kind, self.actor, sentence.strip(), body)

    def _get(self, incident_id: str) -> Incident:
        found = incidents.get_incident(self.connection, incident_id)
        assert found is not None
        return found
