"""Healthchecks' webhook, with the body that docs/guide/alerts.md gives (its owner writes it, from Healthchecks' own words)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, must, tags_of, unlike


def reports(body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read one check that went down or up: {"code": "$CODE", "name": "$NAME", "status": "$STATUS", "tags": "$TAGS", …}."""
    sent = must(body, "Healthchecks")
    name, status = first(sent.get("name"), sent.get("code"), most=LONGEST_NAME), first(sent.get("status"), most=20).casefold()
    if not name or status not in ("down", "up", "grace", "started", "paused", "new"):
        raise unlike("Healthchecks")
    if status not in ("down", "up"):
        return []
    tags = sent.get("tags")
    last = first(sent.get("last_ping"), most=60)
    heard = f", last heard of at {last}" if last and status == "down" else ""
    return [
        Report(
            id=identity("check", first(sent.get("code"), sent.get("unique_key"), name)),
            name=name,
            status="firing" if status == "down" else "resolved",
            sentence=first(sent.get("message"), f"{name} is {status}{heard}"),
            at=instant(sent.get("now")),
            labels=tags_of(tags.split() if isinstance(tags, str) else tags),
        )
    ]
