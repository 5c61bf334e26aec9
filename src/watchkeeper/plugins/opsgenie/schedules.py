"""Opsgenie's schedules, users and escalations, as its REST API v2 gives them (GET /v2/schedules?expand=rotation …)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from watchkeeper.estate.rota import Layer, Unit
from watchkeeper.people.importing import Imported, Rungs, Schedule, hours_of, records

_UNITS: Mapping[str, Unit] = {"hourly": "hours", "daily": "days", "weekly": "weeks"}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SECONDS = {"minutes": 60.0, "hours": 3600.0, "days": 86_400.0, "seconds": 1.0}


def read(documents: Sequence[Any], now: datetime) -> Imported:
    """Read what stands in the answers, in any order: a record says by its fields what it is."""
    found = Imported()
    listed = [record for document in documents for record in _records(document)]
    for user in (each for each in listed if "username" in each and "rotations" not in each and "rules" not in each):
        found.person(str(user["username"]), str(user.get("fullName") or ""), str(user["username"]))
    for schedule in (each for each in listed if "rotations" in each):
        _schedule(found, schedule, now)
    for policy in (each for each in listed if "rules" in each):
        _policy(found, policy)
    return found


def _records(document: Any) -> list[Mapping[str, Any]]:
    data = document.get("data", document) if isinstance(document, Mapping) else document
    if isinstance(data, Mapping) and not {"rotations", "rules", "username"} & set(data):
        return records([data], "schedules", "users", "escalations")
    return [each for each in (data if isinstance(data, list) else [data]) if isinstance(each, Mapping)]


def _schedule(found: Imported, schedule: Mapping[str, Any], now: datetime) -> None:
    name, zone = str(schedule.get("name")), str(schedule.get("timezone") or "UTC")
    key = f"schedule:{name}"
    found.schedule(key, name)
    if schedule.get("enabled") is False:
        found.left.append(f"The schedule {name} was disabled there; here it counts.")
    layers: list[tuple[Layer, tuple[str, ...]]] = []
    for rotation in schedule.get("rotations") or []:
        called = f"The rotation {rotation.get('name')} of {name}"
        if rotation.get("endDate") and datetime.fromisoformat(str(rotation["endDate"])) <= now:
            found.left.append(f"{called} has ended.")
            continue
        people = []
        for each in rotation.get("participants") or []:
            if each.get("type") == "user":
                username = str(each.get("username") or each.get("name") or each.get("id"))
                people.append((found.person(username, "", username),))
            else:
                said = each.get("name") or each.get("type")
                found.left.append(
                    f"{called}: the turn of {said} ({each.get('type')}) is left out, so the order of the others moves."
                )
        unit = _UNITS.get(str(rotation.get("type")))
        if unit is None or not people:
            found.left.append(f"{called} has nobody in it, or turns of an unknown kind.")
            continue
        starts, ends = _local(rotation.get("startDate"), zone), _local(rotation.get("endDate"), zone)
        assert starts is not None
        # all rotations of a schedule are on call together there
        layer = Layer(tuple(people), zone, starts, int(rotation.get("length") or 1), unit, ends,
                      beside=bool(layers), name=str(rotation.get("name") or ""))  # fmt: skip
        layers.append((layer, tuple(_hours(rotation.get("timeRestriction") or {}))))
    found.schedules.append(Schedule(key, name, zone, tuple(layers)))


def _hours(restriction: Mapping[str, Any]) -> list[str]:
    if restriction.get("type") == "time-of-day":
        span = restriction.get("restriction") or {}
        begins, ends = _second(span, "start"), _second(span, "end")
        return hours_of(range(7), begins, (ends - begins) % 86_400 or 86_400)
    hours: list[str] = []
    for span in restriction.get("restrictions") or []:
        first, last = _DAYS.index(str(span["startDay"])), _DAYS.index(str(span["endDay"]))
        begins, ends = _second(span, "start"), _second(span, "end")
        hours += hours_of([first], begins, ((last - first) * 86_400 + ends - begins) % (7 * 86_400) or 7 * 86_400)
    return hours


def _second(span: Mapping[str, Any], side: str) -> int:
    return int(span.get(f"{side}Hour") or 0) * 3600 + int(span.get(f"{side}Min") or 0) * 60


def _local(text: Any, zone: str) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) if text else None


def _policy(found: Imported, policy: Mapping[str, Any]) -> None:
    name, steps = str(policy.get("name")), []
    for rule in policy.get("rules") or []:
        recipient, delay = rule.get("recipient") or {}, rule.get("delay") or {}
        said = str(recipient.get("name") or recipient.get("username") or recipient.get("id"))
        if rule.get("condition", "if-not-acked") != "if-not-acked" or recipient.get("type") not in ("user", "schedule"):
            found.left.append(
                f"A rule of {name}: {recipient.get('type')} {said}, {rule.get('condition')}, {rule.get('notifyType')}."
            )
            continue
        if rule.get("notifyType", "default") != "default":
            found.left.append(f"A rule of {name} tells {rule.get('notifyType')} of {said}; here it tells who is on call.")
        key = f"schedule:{said}" if recipient["type"] == "schedule" else said
        who = found.schedule(key, said) if recipient["type"] == "schedule" else found.person(key, "", said)
        after_s = float(delay.get("timeAmount") or 0) * _SECONDS.get(str(delay.get("timeUnit") or "minutes"), 60.0)
        steps.append((after_s, (who,)))
    if repeat := policy.get("repeat"):
        found.left.append(f"{name} repeats ({repeat.get('count')} times); here late is said again, and updates go out.")
    found.ladders.append(Rungs(name, tuple(sorted(steps))))
