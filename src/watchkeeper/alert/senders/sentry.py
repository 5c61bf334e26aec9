"""Sentry's webhooks of an internal integration: issues, issue alerts and metric alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, must, table, tags_of, unlike


def reports(body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read a delivery by the resource that its header names."""
    sent = must(body, "Sentry")
    data, action = table(sent.get("data")), first(sent.get("action"), most=40)
    at = instant(headers.get("sentry-hook-timestamp"))
    resource = headers.get("sentry-hook-resource", "")
    if "metric_alert" in data:
        return [_metric(data, action, at)]
    if "event" in data:
        return [_event(data, at)]
    if "issue" in data:
        return _issue(table(data["issue"]), action, at)
    if resource in ("installation", "comment", "error", "seer"):
        return []
    raise unlike("Sentry")


def _metric(data: Mapping[str, Any], action: str, at: Any) -> Report:
    alert = table(data["metric_alert"])
    rule = table(alert.get("alert_rule"))
    name = first(rule.get("name"), data.get("description_title"), "Sentry metric alert", most=LONGEST_NAME)
    over = action == "resolved"
    return Report(
        id=identity("metric", first(alert.get("id"), alert.get("identifier"), name)),
        name=name,
        status="resolved" if over else "firing",
        sentence=first(data.get("description_text"), data.get("description_title"), name),
        at=at or instant(alert.get("date_closed" if over else "date_started")),
        severity=None if over else action or None,
        labels=_projects(alert.get("projects")),
    )


def _event(data: Mapping[str, Any], at: Any) -> Report:
    event = table(data["event"])
    title = first(event.get("title"), "Sentry event", most=LONGEST_NAME)
    return Report(
        id=identity("issue", first(event.get("issue_id"), event.get("groupID"), title)),
        name=first(data.get("triggered_rule"), title, most=LONGEST_NAME),
        status="firing",
        sentence=title,
        at=at or instant(event.get("datetime")),
        severity=first(event.get("level"), most=50) or None,
        labels=tags_of(event.get("tags")),
        group=first(event.get("issue_id"), title, most=200),
    )


def _issue(issue: Mapping[str, Any], action: str, at: Any) -> list[Report]:
    title = first(issue.get("title"), "Sentry issue", most=LONGEST_NAME)
    if action not in ("created", "resolved", "unresolved", "archived", "ignored"):
        return []  # assigned, commented: nothing begins and nothing ends
    project = first(table(issue.get("project")).get("slug"), most=100)
    return [
        Report(
            id=identity("issue", first(issue.get("id"), title)),
            name=title,
            status="firing" if action in ("created", "unresolved") else "resolved",
            sentence=first(title, issue.get("culprit")),
            at=at or instant(issue.get("lastSeen")),
            severity=first(issue.get("level"), most=50) or None,
            labels={"project": project} if project else {},
            group=first(issue.get("id"), title, most=200),
        )
    ]


def _projects(value: Any) -> dict[str, str]:
    names = [first(each, most=100) for each in value] if isinstance(value, list) else []
    return {"project": names[0]} if names and names[0] else {}
