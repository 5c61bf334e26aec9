"""Alertmanager's webhook, and Grafana's, which sends the same with some more of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, labels_of, must, number, table, text, unlike

_TELLING = ("summary", "description", "message", "title")


def reports(body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read a delivery of either; `alerts` and `status` are what both have."""
    delivery = must(body, "Alertmanager")
    listed = delivery.get("alerts")
    if not isinstance(listed, list):
        raise unlike("Alertmanager")
    group = text(delivery.get("groupKey"), 300) or None
    return [_report(table(each), group) for each in listed]


def left_out(body: Any) -> int:
    """Tell how many alerts the sender itself left out, as its max_alerts told it."""
    return int(number(table(body).get("truncatedAlerts")) or 0)


def _report(alert: Mapping[str, Any], group: str | None) -> Report:
    raw = table(alert.get("labels"))
    labels, notes = labels_of(raw), table(alert.get("annotations"))
    name = first(raw.get("alertname"), raw.get("rulename"), notes.get("summary"), "alert", most=LONGEST_NAME)
    over = alert.get("status") == "resolved"
    began = instant(alert.get("startsAt"))
    unseen = name in ("DatasourceNoData", "DatasourceError")  # what Grafana sends where its own query saw nothing
    return Report(
        id=first(alert.get("fingerprint"), most=64) or identity(json.dumps(labels, sort_keys=True)),
        name=first(raw.get("rulename"), name, most=LONGEST_NAME) if unseen else name,
        status="resolved" if over else "blind" if unseen else "firing",
        sentence=first(*(notes.get(each) for each in _TELLING), _shown(labels, name)),
        at=instant(alert.get("endsAt")) if over else began,
        began_at=began,
        severity=first(raw.get("severity"), raw.get("priority"), most=50) or None,
        value=_value(alert),
        labels=labels,
        group=group,
    )


def _value(alert: Mapping[str, Any]) -> float | None:
    values = table(alert.get("values"))
    found = [value for value in (number(each) for each in values.values()) if value is not None]
    return found[0] if found else None


def _shown(labels: Mapping[str, str], name: str) -> str:
    told = [f"{key}={value}" for key, value in labels.items() if key not in ("alertname", "severity")][:4]
    return f"{name} ({', '.join(told)})" if told else name
