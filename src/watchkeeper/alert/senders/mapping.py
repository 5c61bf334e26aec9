"""Anybody who sends JSON: watchkeeper.toml says by paths where what stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from watchkeeper.alert.model import Report, ReportStatus
from watchkeeper.alert.senders.reading import LONGEST_NAME, first, identity, instant, labels_of, must, number, tags_of, text
from watchkeeper.base.errors import InputError
from watchkeeper.estate.model import Hook

_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")
#: words of a status that say so without an owner's word; a bare 0 or 1 says nothing, since senders differ
RESOLVED = ("resolved", "ok", "up", "normal", "recovered", "closed", "success", "passed", "healthy")


def reports(body: Any, hook: Hook) -> list[Report]:
    """Read a delivery by the paths of its hook; with `each` one report an element of that list."""
    listed = find(body, hook.fields["each"]) if "each" in hook.fields else [must(body, hook.name)]
    if not isinstance(listed, list):
        raise _unfit(hook, "each", "a list")
    return [_report(each, hook) for each in listed]


def find(value: Any, path: str) -> Any:
    """Give what stands at a path such as "$.alerts[0].labels.name"; None where nothing does.

    >>> find({"a": [{"b": 1}]}, "$.a[0].b"), find({"a": 1}, "a.b.c")
    (1, None)
    """
    for step in _STEP.findall(path.removeprefix("$").removeprefix(".")):
        if step.startswith("["):
            at = int(step[1:-1])
            value = value[at] if isinstance(value, list) and at < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _report(alert: Any, hook: Hook) -> Report:
    def said(field: str, most: int = 1000) -> str:
        return text(find(alert, hook.fields[field]), most) if field in hook.fields else ""

    name = said("name", LONGEST_NAME)
    if not name:
        raise _unfit(hook, "name", "a text")
    raw = find(alert, hook.fields["labels"]) if "labels" in hook.fields else None
    return Report(
        id=identity("own", said("id") or name, "" if said("id") else said("component")),
        name=name,
        status=_status(said("status", 60), hook),
        sentence=first(said("sentence"), name),
        at=instant(find(alert, hook.fields["at"])) if "at" in hook.fields else None,
        began_at=instant(find(alert, hook.fields["began"])) if "began" in hook.fields else None,
        severity=said("severity", 50) or None,
        component=said("component", LONGEST_NAME) or None,
        value=number(find(alert, hook.fields["value"])) if "value" in hook.fields else None,
        labels=labels_of(raw) if isinstance(raw, dict) else tags_of(raw),
        group=said("group", 200) or None,
    )


def _status(word: str, hook: Hook) -> ReportStatus:
    """Read a status by the hook's own words, else by those that most senders use; what nobody knows fires, never rests."""
    plain = word.casefold()
    if plain in {each.casefold() for each in hook.resolved}:
        return "resolved"
    if plain in {each.casefold() for each in hook.firing}:
        return "firing"
    return "resolved" if plain in RESOLVED else "firing"


def _unfit(hook: Hook, field: str, what: str) -> InputError:
    where: Mapping[str, str] = hook.fields
    said = f"Where [hooks.{hook.name}] looks for {field} ({where.get(field, '')}) stands not {what}."
    return InputError(said, hint="Set [hooks.NAME.fields] right for what is sent.", code="WK166")
