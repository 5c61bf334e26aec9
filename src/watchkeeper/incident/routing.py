"""By which route of watchkeeper.toml an incident is told, how often again, and which clocks it is to have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Book, Threshold
from watchkeeper.estate.hours import Office
from watchkeeper.estate.model import Alerting, Route
from watchkeeper.incident.lifecycle import AUTOMATION
from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.incident.rules import clocks


def routed(members: Iterable[Alert], alerting: Alerting) -> tuple[Route | None, float | None]:
    """Give the route of an incident and how often it is said again; None for the book's own way."""
    named = (alerting.route(alert.route) for alert in members if alert.explained_by is None and alert.route)
    route = next((found for found in named if found is not None), None)
    repeat_s = route.repeat_s if route is not None and route.repeat_s is not None else alerting.repeat_s
    return route, repeat_s


def clocks_now(
    book: Book,
    incident: Incident,
    members: Sequence[Alert],
    thresholds: Mapping[str, Threshold],
    alerting: Alerting,
    office: Office,
) -> list[ClockRun]:
    """Give the clocks that an incident with these alerts is to have; of one that a person has, what is still owed."""
    causes = [thresholds[alert.rule] for alert in members if alert.explained_by is None and alert.rule in thresholds]
    found = clocks(book, incident, causes, *routed(members, alerting), office=office)
    taken = incident.acknowledged_by not in (None, AUTOMATION)
    return [clock for clock in found if not taken or clock.kind == "update"]
