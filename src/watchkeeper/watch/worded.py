"""Fills the message that a monitor's definition in the book has for its team, when its alert fires here.

The message and what is known of the alert enter; one bounded line leaves. Slots of Datadog ({{value}}, {{threshold}},
{{host.name}}, {{#is_alert}} … {{/is_alert}}) and of Prometheus ({{ $value }}, {{ $labels.instance }}) are filled with numbers and
names of ours, once: what is filled in is not read again. A slot of which nothing is known shows its name. Who is to be told
(@slack-devops) is no part of the sentence.
"""

from __future__ import annotations

import re

_SLOT = re.compile(r"\{\{\s*([^{}]{1,120}?)\s*\}\}")
_BLOCK = re.compile(r"\{\{\s*([#^])\s*(is_\w{1,40})[^{}]{0,120}\}\}(.*?)\{\{\s*/\s*\2\s*\}\}", re.DOTALL)
_MENTION = re.compile(r"(?<!\S)@[\w.+-]+(?:@[\w.-]+)?(?=[\s.,;:!?)]|$)")
#: conditions of Datadog that hold while an alert fires
_HOLDS = frozenset({"is_alert", "is_renotify"})
_DEEPEST, _LONGEST, _TAKEN = 5, 400, 2_000


def fill(message: str, value: str, limit: str, name: str) -> str:
    """Fill a message with the value, the limit, and the name of what it is about; one line.

    >>> fill("{{value}}% fail; {{threshold}}% is the limit. @pagerduty-oncall", "31", "5", "API")
    '31% fail; 5% is the limit.'
    """
    text = message[:_TAKEN]
    for _ in range(_DEEPEST):
        shown = _BLOCK.sub(lambda found: found[3] if (found[2] in _HOLDS) == (found[1] == "#") else "", text)
        if shown == text:
            break
        text = shown
    text = _MENTION.sub("", text)
    text = " ".join(_SLOT.sub(lambda found: _filled(found[1], value, limit, name), text).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _filled(slot: str, value: str, limit: str, name: str) -> str:
    if slot[:1] in "#^/":
        return ""
    # Prometheus passes a value through functions: {{ $value | humanize }}, {{ printf "%.2f" $value }}
    if slot == "value" or "$value" in slot:
        return value
    if slot in ("threshold", "critical_threshold", "alert_threshold"):
        return limit
    word = slot.split("|")[0].strip().removeprefix("$labels.")
    return name if word in ("host.name", "host", "instance", "name", "service.name", "service") else f"({word})"
