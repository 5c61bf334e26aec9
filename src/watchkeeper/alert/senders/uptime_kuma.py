"""Uptime Kuma's webhook: one monitor and its heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report, ReportStatus
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, labels_of, must, number, table, tags_of

#: DOWN, UP, PENDING, MAINTENANCE
_STATES: dict[int, ReportStatus | None] = {0: "firing", 1: "resolved", 2: None, 3: None}


def reports(body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read a delivery; a test message, and the warning about a certificate, have no heartbeat."""
    sent = must(body, "Uptime Kuma")
    monitor, beat, said = table(sent.get("monitor")), table(sent.get("heartbeat")), first(sent.get("msg"))
    if not beat:
        return [_certificate(monitor, said)] if monitor and "certificate" in said.casefold() else []
    state = number(beat.get("status"))
    status = _STATES.get(int(state)) if state is not None else None
    if status is None:
        return []
    name = first(monitor.get("name"), "Uptime Kuma monitor", most=LONGEST_NAME)
    more = {"type": monitor.get("type"), "url": monitor.get("url"), "hostname": monitor.get("hostname")}
    return [
        Report(
            id=identity("monitor", first(monitor.get("id"), name)),
            name=name,
            status=status,
            sentence=first(f"{name}: {first(beat.get('msg'), most=600)}" if beat.get("msg") else "", said, name),
            at=instant(beat.get("time")),
            value=number(beat.get("ping")),
            labels=labels_of(more) | tags_of(monitor.get("tags")),
        )
    ]


def _certificate(monitor: Mapping[str, Any], said: str) -> Report:
    name = first(monitor.get("name"), most=LONGEST_NAME)
    return Report(identity("certificate", first(monitor.get("id"), name)), f"Certificate of {name}", "firing", said or name)
