"""Which function reads the deliveries of which kind of sender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.alert.model import Report
from watchkeeper.alert.senders import (
    alertmanager,
    cloudwatch,
    datadog,
    healthchecks,
    mapping,
    pagerduty,
    sentry,
    uptime_kuma,
)
from watchkeeper.estate.model import Hook

READERS: Mapping[str, Callable[[Any, Mapping[str, str]], list[Report]]] = {
    "alertmanager": alertmanager.reports,
    "grafana": alertmanager.reports,
    "cloudwatch": cloudwatch.reports,
    "datadog": datadog.reports,
    "sentry": sentry.reports,
    "uptime-kuma": uptime_kuma.reports,
    "healthchecks": healthchecks.reports,
    "pagerduty": pagerduty.reports,
}


def read_delivery(hook: Hook, body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read what a delivery says of which alerts; InputError where its sender would not send that."""
    return mapping.reports(body, hook) if hook.kind == "mapping" else READERS[hook.kind](body, headers)
