"""GoAlert's schedules, rotations and escalation policies, as its GraphQL API gives them.

Asked with: query { users { nodes { id name email } } rotations { nodes { id name timeZone type shiftLength start userIDs
activeUserIndex nextHandoffTimes(num: 1) } } schedules { nodes { id name timeZone targets { target { id type name }
rules { start end weekdayFilter } } } } escalationPolicies { nodes { id name repeat steps { delayMinutes
targets { id type name } } } } }
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from watchkeeper.estate.rota import Layer, Unit
from watchkeeper.people.importing import Imported, Rungs, Schedule, hours_of, records

_UNITS: Mapping[str, Unit] = {"hourly": "hours", "daily": "days", "weekly": "weeks", "monthly": "months"}


def read(documents: Sequence[Any], now: datetime) -> Imported:
    """Read what stands in the answers, in any order."""
    found = Imported()
    for user in records(documents, "users"):
        found.person(str(user.get("id")), str(user.get("name") or ""), str(user.get("email") or ""))
    rotations = {str(each.get("id")): each for each in records(documents, "rotations")}
    for schedule in records(documents, "schedules"):
        _schedule(found, schedule, rotations)
    for policy in records(documents, "escalationPolicies"):
        _policy(found, policy, rotations)
    return found


def _schedule(found: Imported, schedule: Mapping[str, Any], rotations: Mapping[str, Mapping[str, Any]]) -> None:
    name, zone = str(schedule.get("name")), str(schedule.get("timeZone") or "UTC")
    found.schedule(str(schedule.get("id")), name)
    layers: list[tuple[Layer, tuple[str, ...]]] = []
    for each in schedule.get("targets") or []:
        target, hours = each.get("target") or {}, _hours(each.get("rules") or [])
        if hours is None:
            continue
        made = _target(found, target, rotations, zone, bool(layers))
        if made is None:
            found.left.append(f"{name}: {target.get('type')} {target.get('name')} is not in this file, or has nobody in it.")
        else:
            layers.append((made, tuple(hours)))
    if not layers:
        found.left.append(f"The schedule {name} has nobody in it.")
        return
    found.schedules.append(Schedule(str(schedule.get("id")), name, zone, tuple(layers)))


def _target(
    found: Imported, target: Mapping[str, Any], rotations: Mapping[str, Mapping[str, Any]], zone: str, beside: bool
) -> Layer | None:
    key, called = str(target.get("id")), str(target.get("name") or "")
    if target.get("type") == "user":
        # everybody whom a schedule names is on call together there
        return Layer(((found.person(key, called),),), zone, datetime(2000, 1, 1), beside=beside, name=called)  # noqa: DTZ001
    rotation = rotations.get(key)
    return _rotation(found, rotation, beside) if rotation else None


def _rotation(found: Imported, rotation: Mapping[str, Any], beside: bool) -> Layer | None:
    unit, zone = _UNITS.get(str(rotation.get("type"))), str(rotation.get("timeZone") or "UTC")
    users = rotation.get("userIDs") or [each.get("id") for each in rotation.get("users") or []]
    if unit is None or not users:
        return None
    every = int(rotation.get("shiftLength") or 1)
    turns = [(found.person(str(user), ""),) for user in users]
    starts = datetime.fromisoformat(str(rotation["start"])).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    following = (rotation.get("nextHandoffTimes") or [None])[0]
    name = str(rotation.get("name"))
    if following and rotation.get("activeUserIndex") is not None:
        # whose turn it is follows there from who was active last and not from the start alone: begin with this turn
        handoff = datetime.fromisoformat(str(following)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        starts = handoff - (relativedelta(months=every) if unit == "months" else timedelta(**{unit: every}))
        active = int(rotation["activeUserIndex"])
        turns = turns[active:] + turns[:active]
    else:
        found.left.append(
            f"Whose turn it is in {name}: ask for activeUserIndex and nextHandoffTimes(num: 1); now it begins anew."
        )
    return Layer(tuple(turns), zone, starts, every, unit, beside=beside, name=name)


def _hours(rules: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Give the hours of a target; none of them where it is on at any time, None where it is never on."""
    hours: list[str] = []
    for rule in rules:
        # the filter begins on Sunday there
        days = [(number - 1) % 7 for number, on in enumerate(rule.get("weekdayFilter") or [True] * 7) if on]
        begins, ends = (sum(int(part) * size for part, size in zip(str(rule[side]).split(":"), (3600, 60), strict=False))
                        for side in ("start", "end"))  # fmt: skip
        lasts = (ends - begins) % 86_400 or 86_400
        if len(days) == 7 and lasts == 86_400:
            return []
        hours += hours_of(sorted(days), begins, lasts)
    return hours or None


def _policy(found: Imported, policy: Mapping[str, Any], rotations: Mapping[str, Mapping[str, Any]]) -> None:
    name, steps, after_s = str(policy.get("name")), [], 0.0
    for step in policy.get("steps") or []:
        who = []
        for target in step.get("targets") or []:
            key, called, kind = str(target.get("id")), str(target.get("name") or ""), str(target.get("type"))
            if kind == "schedule":
                who.append(found.schedule(key, called))
            elif kind == "user":
                who.append(found.person(key, called))
            elif kind == "rotation" and (layer := _rotation(found, rotations.get(key) or {}, False)) is not None:
                if key not in found.names:
                    found.schedules.append(Schedule(key, called or layer.name, layer.zone, ((layer, ()),)))
                who.append(found.schedule(key, called or layer.name))
            else:
                found.left.append(f"{name} tells {kind} {called}.")
        steps.append((after_s, tuple(who)))
        after_s += 60.0 * float(step.get("delayMinutes") or 0)
    if policy.get("repeat"):
        found.left.append(f"The policy {name} repeats {policy['repeat']} times; here late is said again, and updates go out.")
    found.ladders.append(Rungs(name, tuple(step for step in steps if step[1]), int(policy.get("repeat") or 0)))
