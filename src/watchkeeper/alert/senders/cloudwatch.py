"""CloudWatch's alarms, as SNS carries them to a webhook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report, ReportStatus
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, labels_of, must, table, text, unlike

_STATES: dict[str, ReportStatus] = {"ALARM": "firing", "OK": "resolved", "INSUFFICIENT_DATA": "blind"}


def reports(body: Any, headers: Mapping[str, str]) -> list[Report]:
    """Read a notification of SNS; its signature is held against it elsewhere."""
    envelope = must(body, "SNS")
    if envelope.get("Type") != "Notification":
        return []
    message = envelope.get("Message")
    try:
        alarm = json.loads(message) if isinstance(message, str) else message
    except (ValueError, RecursionError):
        raise unlike("CloudWatch") from None
    alarm = must(alarm, "CloudWatch")
    if alarm.get("NewStateValue") not in _STATES:
        raise unlike("CloudWatch")
    return [_alarm(alarm)]


def _alarm(alarm: Mapping[str, Any]) -> Report:
    trigger = table(alarm.get("Trigger"))
    name = first(alarm.get("AlarmName"), "CloudWatch alarm", most=LONGEST_NAME)
    listed = trigger.get("Dimensions")
    dimensions = [table(each) for each in listed] if isinstance(listed, list) else []
    labels = {text(each.get("name"), 100): text(each.get("value"), 300) for each in dimensions[:30]}
    labels |= labels_of({key: trigger.get(key) for key in ("Namespace", "MetricName")}, {"Region": alarm.get("Region")})
    status = _STATES.get(text(alarm.get("NewStateValue")), "firing")
    at = instant(alarm.get("StateChangeTime"))
    return Report(
        id=identity(
            first(alarm.get("AlarmArn"), f"{text(alarm.get('AWSAccountId'))}/{text(alarm.get('Region'))}/{name}"), "alarm"
        ),
        name=name,
        status=status,
        sentence=first(alarm.get("AlarmDescription"), alarm.get("NewStateReason"), name),
        at=at,
        began_at=at if status != "resolved" else None,
        labels=labels,
    )
