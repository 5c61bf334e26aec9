"""Datadog's webhooks, with the payload that docs/guide/alerts.md gives (Datadog lets its owner write the payload)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report, ReportStatus
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, must, number, tags_of, unlike


def reports(body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read one monitor's change."""
    sent = must(body, "Datadog")
    name = first(sent.get("alert_title"), sent.get("title"), most=LONGEST_NAME)
    turned = first(*(sent.get(key) for key in ("alert_transition", "alert_status", "alert_type", "event_type")), most=60)
    if not name or not turned:
        raise unlike("Datadog")
    at = instant(sent.get("date")) or instant(sent.get("last_updated"))
    status = _status(turned)
    bare = name.removeprefix(f"[{turned}] ")
    return [
        Report(
            id=identity(first(sent.get("alert_id"), sent.get("aggreg_key"), bare), first(sent.get("alert_scope"), "*")),
            name=_bare(bare),
            status=status,
            sentence=first(sent.get("event_msg"), sent.get("text_only_msg"), sent.get("body"), bare),
            at=at,
            severity=first(sent.get("priority"), sent.get("alert_priority"), most=50) or None,
            value=number(sent.get("value")),
            labels=tags_of(sent.get("tags")),
            group=first(sent.get("alert_id"), most=200) or None,
        )
    ]


def _status(turned: str) -> ReportStatus:
    """Read "Triggered", "Re-Triggered", "Warn", "Recovered", "No Data", "No Data Recovered", "success", "error" …"""
    plain = turned.casefold()
    if "recover" in plain or plain in ("success", "ok", "resolved"):
        return "resolved"
    return "blind" if "no data" in plain else "firing"


def _bare(name: str) -> str:
    """Take the transition and the priority off a title: "[P2] [Triggered] CPU is high on {host:a}"."""
    while name.startswith("[") and "] " in name:
        name = name.split("] ", 1)[1]
    return name
