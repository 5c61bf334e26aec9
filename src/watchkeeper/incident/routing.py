"""By which route of watchkeeper.toml an incident is told, and how often again: as the first of its cause's alerts has it."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.alert.model import Alert
from watchkeeper.estate.model import Alerting, Route


def routed(members: Iterable[Alert], alerting: Alerting) -> tuple[Route | None, float | None]:
    """Give the route of an incident and how often it is said again; None for the book's own way."""
    named = (alerting.route(alert.route) for alert in members if alert.explained_by is None and alert.route)
    route = next((found for found in named if found is not None), None)
    repeat_s = route.repeat_s if route is not None and route.repeat_s is not None else alerting.repeat_s
    return route, repeat_s
