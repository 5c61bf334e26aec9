"""From alerts to incidents: one a cause, opened, joined or given a deeper cause, in one transaction with the alerts' rows.

1. Every waiting alert is grouped by the book's diagram (alert/rules.py).
2. What opens gets a row, its timeline, its clocks as due rows and its ledger entry.
3. What joins may raise the severity, become the cause, and takes a recovered incident back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from watchkeeper.alert import crowds
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.graph import Graph, graph_of
from watchkeeper.alert.model import Alert, Grouping, OpenIncident
from watchkeeper.alert.rules import Scene, group, place_of
from watchkeeper.alert.silencing import WINDOW, held, windows_at
from watchkeeper.base.ids import new_id
from watchkeeper.book.model import Book, Threshold
from watchkeeper.estate.hours import USUAL, Office
from watchkeeper.estate.model import Alerting, Bindings
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, rules, timers
from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.incident.privacy import why_private
from watchkeeper.incident.routing import clocks_now
from watchkeeper.people.gravity import gravity, severity_of
from watchkeeper.store import ledger
from watchkeeper.watch.ledger import standings as standing_rows
from watchkeeper.watch.model import Standing

log = logging.getLogger(__name__)


def group_alerts(
    connection: Connection,
    book: Book,
    bindings: Bindings,
    service: str,
    now: datetime,
    group_wait_s: float,
    alerting: Alerting = Alerting(),  # noqa: B008 - frozen
    office: Office = USUAL,
) -> list[Incident]:
    """Give every waiting alert its incident; returns the incidents that were opened or changed, as they are now."""
    if not alerts.any_waiting(connection):
        return []
    quieting = crowds.Quieting(alerts.list_silences(connection, now), windows_at(book, now), now)
    waiting = _not_held(connection, alerts.waiting_alerts(connection), quieting)
    scene = scene_of(connection, [], book, bindings, now, group_wait_s)
    room = _Room(connection, book, bindings, service, now, scene.graph, alerting, office)
    room.crowds = {crowd.lead.id: crowd for crowd in crowds.gather(connection, quieting, scene.incidents, alerting.storm)}
    waiting |= room.lead_on(scene.incidents)
    scene = replace(scene, waiting=list(waiting.values()), open_alerts=alerts.open_alerts(connection))
    groupings = group(scene)
    for grouping in groupings:
        if grouping.move == "open":
            followers = [g for g in groupings if g.leader == grouping.alert_id]
            room.open(grouping, waiting[grouping.alert_id], [(g, waiting[g.alert_id]) for g in followers])
        elif grouping.move == "join" and grouping.incident_id is not None:
            room.join(grouping, waiting[grouping.alert_id], grouping.incident_id)
    return [found for i in room.touched if (found := incidents.get_incident(connection, i)) is not None]


def scene_of(
    connection: Connection, waiting: Sequence[Alert], book: Book, bindings: Bindings, now: datetime, group_wait_s: float
) -> Scene:
    """Give all that grouping looks at for these alerts."""
    open_ones = incidents.list_incidents(connection, open_only=True, limit=1000)
    members = alerts.alerts_of_all(connection, [i.id for i in open_ones])
    return Scene(
        waiting=waiting,
        open_alerts=alerts.open_alerts(connection),
        incidents=[OpenIncident(i.id, i.cause, tuple(members[i.id])) for i in open_ones],
        standings=_standings(connection),
        bindings=bindings,
        graph=graph_of(book),
        now=now,
        group_wait_s=group_wait_s,
    )


def _not_held(connection: Connection, found: Sequence[Alert], quieting: crowds.Quieting) -> dict[str, Alert]:
    """Leave out the alerts that a silence or a window holds back now; that is said once of each."""
    free: dict[str, Alert] = {}
    for alert in found:
        holding = held(alert, quieting.silences, quieting.windows, quieting.now)
        if holding is None:
            free[alert.id] = alert
        elif alerts.hold_back(connection, alert.id, holding.by):
            ledger.append(connection, quieting.now, lifecycle.AUTOMATION, "alert.held", alert.id, why=holding.sentence)
            log.info("%s", holding.sentence, extra={"action": "alert_held", "alert": alert.id})
    return free


class _Room:
    """What opening and joining need, for one round."""

    def __init__(
        self,
        connection: Connection,
        book: Book,
        bindings: Bindings,
        service: str,
        now: datetime,
        graph: Graph,
        alerting: Alerting,
        office: Office,
    ) -> None:
        self.connection, self.book, self.service, self.now, self.graph = connection, book, service, now, graph
        self.bounds = {bound.key: bound for bound in bindings.bound}
        self.thresholds: Mapping[str, Threshold] = bindings.thresholds
        self.alerting, self.office = alerting, office
        self.touched: dict[str, None] = {}
        #: by the alert that leads each
        self.crowds: dict[str, crowds.Crowd] = {}

    def lead_on(self, listed: Sequence[OpenIncident]) -> dict[str, Alert]:
        """Let the crowds whose like leads in an open incident follow it; gives the first alert of each other crowd."""
        left: dict[str, Alert] = {}
        for crowd in self.crowds.values():
            found = crowds.leader(crowd, listed)
            if found is None:
                left[crowd.lead.id] = crowd.lead
            else:
                incident_id, lead = found
                self._follow(crowd, incident_id, lead.explained_by)
        return left

    def _follow(self, crowd: crowds.Crowd, incident_id: str, explained_by: str | None) -> None:
        """Have the alerts of a crowd follow its lead; that is said whenever their number has passed a round one."""
        number = crowds.follow(self.connection, crowd, incident_id, explained_by)
        if number == 0:
            return
        self.touched[incident_id] = None
        size = crowds.size(self.connection, incident_id)
        if (step := crowds.passed(size - number, size)) is not None:
            sentence = f"More than {step - 1:,} alerts belong to this incident by now; the last came from {crowd.lead.source}."
            self._entry(incident_id, "storm", sentence, {"alerts": size, "source": crowd.lead.source})

    def _attach(self, alert: Alert, incident_id: str) -> None:
        """Put an alert into an incident, and with it the crowd that it leads."""
        alerts.attach(self.connection, alert.id, incident_id, alert.explained_by)
        if alert.source is not None:
            crowds.step_aside(self.connection, alert, incident_id)
        if (crowd := self.crowds.get(alert.id)) is not None:
            self._follow(crowd, incident_id, alert.explained_by)

    def open(self, grouping: Grouping, alert: Alert, followers: Sequence[tuple[Grouping, Alert]]) -> None:
        """Open an incident for a cause, with all alerts that this round gives it."""
        first = replace(alert, explained_by=grouping.explained_by)
        members = [first, *(replace(a, explained_by=g.explained_by) for g, a in followers)]
        called = rules.call(self.book, members)
        incident = Incident(
            id=new_id("inc", self.now),
            service=self.service,
            title=rules.title(members, self.thresholds, self.book),
            severity=called.severity,
            status="open",
            cause=grouping.cause,
            began_at=min(a.breached_at for a in members),
            opened_at=self.now,
            book=self.book.digest,
        )
        incidents.open_incident(self.connection, incident)
        self.touched[incident.id] = None
        self._tell_held(incident.id, members)
        for how, member in [(grouping, first), *((g, m) for (g, _), m in zip(followers, members[1:], strict=True))]:
            self._tell_alert(incident.id, member, how, min(member.fired_at, self.now))
            self._attach(member, incident.id)
        named = f"{incident.severity}: " if incident.severity else ""
        self._entry(incident.id, "opened", f"Incident opened. {named}{incident.title}. {called.sentence} {grouping.sentence}")
        timers.set_clocks(self.connection, incident, self._clocks(incident, members))
        ledger.append(
            self.connection, self.now, lifecycle.AUTOMATION, "incident.open", incident.id, why=grouping.sentence,
            body={"title": incident.title, "severity": incident.severity, "alerts": [a.id for a in members]},
        )  # fmt: skip
        self._keep_private(incident, [member.subject for member in members if member.explained_by is None])
        log.info("Incident opened: %s", incident.title, extra={"action": "incident_opened", "incident": incident.id})

    def _keep_private(self, incident: Incident, subjects: Sequence[str]) -> None:
        """Let only those whom it concerns see what is about security."""
        why = why_private(incident.title, subjects, severity_of(self.book, incident.severity))
        lifecycle.private_by_itself(self.connection, self.now, incident.id, why)

    def join(self, grouping: Grouping, alert: Alert, incident_id: str) -> None:
        """Add an alert to an open incident; it may change its cause, raise its severity or take it back from recovered."""
        before = incidents.get_incident(self.connection, incident_id)
        assert before is not None
        self.touched[incident_id] = None
        member = replace(alert, explained_by=grouping.explained_by, incident_id=incident_id)
        self._tell_alert(incident_id, member, grouping, self.now)
        self._attach(member, incident_id)
        if before.status == "recovered":
            lifecycle.reopen(self.connection, self.now, incident_id, f"{alert.subject} is red again, so it is not over.")
        values: dict[str, Any] = {"began_at": min(before.began_at, alert.breached_at)}
        if grouping.new_cause:
            values |= self._new_cause(before, grouping)
        elif before.procedure_id == "" and member.explained_by is None:
            values["procedure_id"] = None  # none fitted before; what the cause itself says may decide it
        members = alerts.alerts_of(self.connection, incident_id)
        called = rules.call(self.book, members)
        graver = gravity(self.book, called.severity) < gravity(self.book, before.severity)
        if graver and self._may_raise(incident_id, alert, members):
            values["severity"] = called.severity
            if member.explained_by is None:
                values["procedure_id"] = None  # it was chosen for something less grave; what is graver may name another
        if grouping.new_cause or "severity" in values:
            values["title"] = rules.title(members, self.thresholds, self.book)
        incidents.update_incident(self.connection, incident_id, **values)
        if "severity" in values:
            self._raise(incident_id, before, called, members)
        if member.explained_by is None:
            self._keep_private(before, [member.subject])

    def _may_raise(self, incident_id: str, alert: Alert, members: Sequence[Alert]) -> bool:
        """Tell whether an alert may make its incident graver; over a person's word only one graver than the others may."""
        if incidents.severity_by(self.connection, incident_id) in (None, lifecycle.AUTOMATION):
            return True
        others = [gravity(self.book, member.severity) for member in members if member.id != alert.id]
        return gravity(self.book, alert.severity) < min(others, default=1000)

    def _tell_held(self, incident_id: str, members: Sequence[Alert]) -> None:
        for alert in members:
            if alert.silenced_by:
                by = alert.silenced_by.removeprefix(WINDOW) if alert.silenced_by.startswith(WINDOW) else alert.silenced_by
                self._entry(incident_id, "held", f"{alert.subject} was held back until now, by {by}, and still fires.")

    def _new_cause(self, before: Incident, grouping: Grouping) -> dict[str, Any]:
        for old in alerts.alerts_of(self.connection, before.id):
            if old.explained_by is None and grouping.cause is not None and old.id != grouping.alert_id:
                beneath = self.graph.beneath(place_of(old, self.graph, self.bounds))
                if self.graph.place(grouping.cause) in beneath or old.component == before.cause:
                    alerts.attach(self.connection, old.id, before.id, grouping.cause)
        body = {"from": before.cause, "to": grouping.cause}
        self._entry(before.id, "cause", f"The cause is {grouping.cause}, no longer {before.cause}: {grouping.sentence}", body)
        ledger.append(
            self.connection, self.now, lifecycle.AUTOMATION, "incident.cause", before.id, why=grouping.sentence, body=body
        )
        # the procedure was chosen for another cause
        return {"cause": grouping.cause, "procedure_id": None, "because": ""}

    def _raise(self, incident_id: str, before: Incident, called: rules.Called, members: Sequence[Alert]) -> None:
        incident = incidents.get_incident(self.connection, incident_id)
        assert incident is not None
        lifecycle.say_severity(self.connection, self.now, before, called.severity, lifecycle.AUTOMATION, called.sentence)
        timers.set_clocks(self.connection, incident, self._clocks(incident, members))

    def _clocks(self, incident: Incident, members: Sequence[Alert]) -> list[ClockRun]:
        return clocks_now(self.book, incident, members, self.thresholds, self.alerting, self.office)

    def _tell_alert(self, incident_id: str, alert: Alert, how: Grouping, at: datetime) -> None:
        body = {"alert": alert.id, "key": alert.key, "fired_at": alert.fired_at.isoformat(), "explained_by": alert.explained_by}
        sentence = alert.sentence if how.move == "open" else f"{alert.sentence} {how.sentence}"
        incidents.add_entry(self.connection, incident_id, at, "alert", lifecycle.AUTOMATION, sentence, body)

    def _entry(self, incident_id: str, kind: str, sentence: str, body: Mapping[str, Any] | None = None) -> None:
        incidents.add_entry(self.connection, incident_id, self.now, kind, lifecycle.AUTOMATION, sentence, body)


def _standings(connection: Connection) -> dict[str, Standing]:
    return {row.key: Standing(row.key, row.state, row.since, row.breached_since, row.value, row.at, row.sentence)
            for row in connection.execute(standing_rows.select())}  # fmt: skip
