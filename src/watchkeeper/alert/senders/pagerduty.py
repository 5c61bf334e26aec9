"""PagerDuty's Events API v2, for whatever speaks it: trigger, acknowledge and resolve under one dedup_key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report, ReportStatus
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, labels_of, must, number, table

_ACTIONS: dict[str, ReportStatus] = {"trigger": "firing", "acknowledge": "acknowledged", "resolve": "resolved"}


def reports(body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read one event; `errors` has said before that it is one."""
    sent = must(body, "PagerDuty's Events API v2")
    payload, status = table(sent.get("payload")), _ACTIONS[first(sent.get("event_action"))]
    details = table(payload.get("custom_details"))
    name = first(payload.get("class"), payload.get("summary"), "PagerDuty event", most=LONGEST_NAME)
    shown = {key: payload.get(key) for key in ("source", "component", "group", "class")}
    return [
        Report(
            id=dedup_key(sent),
            name=name,
            status=status,
            sentence=first(payload.get("summary"), name),
            at=instant(payload.get("timestamp")),
            severity=first(payload.get("severity"), most=50) or None,
            component=first(payload.get("component"), most=LONGEST_NAME) or None,
            value=number(details.get("value")),
            labels=labels_of(shown, details),
            group=first(payload.get("group"), most=200) or None,
        )
    ]


def errors(body: Any) -> list[str]:
    """Say what the Events API would say is wrong with an event; nothing where it would take it."""
    if not isinstance(body, dict):
        return ["Request body must be a JSON object"]
    action, payload, found = first(body.get("event_action")), table(body.get("payload")), []
    if action not in _ACTIONS:
        found.append("'event_action' must be one of: trigger, acknowledge, resolve")
    if action == "trigger":
        needed = ("summary", "source", "severity")
        found += [f"'payload.{key}' is missing or blank" for key in needed if not first(payload.get(key))]
        if first(payload.get("severity")) not in ("", "critical", "error", "warning", "info"):
            found.append("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
    elif not first(body.get("dedup_key")):
        found.append("'dedup_key' is missing or blank")
    if len(str(body.get("dedup_key") or "")) > 255:
        found.append("'dedup_key' is longer than 255 characters")
    return found


def dedup_key(body: Mapping[str, Any]) -> str:
    """Give the event's key: its own, else one made of what it says, so that a repeated delivery is the same event."""
    own = first(body.get("dedup_key"), most=255)
    if own:
        return own if len(own) <= 80 else identity("dedup", own)
    payload = table(body.get("payload"))
    return identity(*(first(payload.get(key)) for key in ("summary", "source", "component", "group", "class", "timestamp")))
