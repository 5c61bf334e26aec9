"""PagerDuty's schedules, users and escalation policies, as its REST API v2 gives them (GET /schedules/ID, /users …)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from watchkeeper.estate.rota import Layer
from watchkeeper.people.importing import Imported, Rungs, Schedule, hours_of, records, turn_of


def read(documents: Sequence[Any], now: datetime) -> Imported:
    """Read what stands in the answers, in any order; a list of schedules without layers names them only."""
    found = Imported()
    for user in records(documents, "users", "user"):
        found.person(str(user.get("id")), str(user.get("name") or user.get("summary") or ""), str(user.get("email") or ""))
    for schedule in records(documents, "schedules", "schedule"):
        _schedule(found, schedule, now)
    for policy in records(documents, "escalation_policies", "escalation_policy"):
        _policy(found, policy)
    return found


def _schedule(found: Imported, schedule: Mapping[str, Any], now: datetime) -> None:
    name, zone = str(schedule.get("name") or schedule.get("summary")), str(schedule.get("time_zone") or "UTC")
    if not schedule.get("schedule_layers"):
        found.left.append(
            f"The schedule {name} has no layers in this file: fetch it by itself, GET /schedules/{schedule.get('id')}."
        )
        return
    found.schedule(str(schedule.get("id")), name)
    layers: list[tuple[Layer, tuple[str, ...]]] = []
    # the layer that goes before all others comes first there, and last here
    for each in reversed(schedule["schedule_layers"]):
        made = _layer(found, each, zone, name, now)
        if made is not None:
            layers.append(made)
    overrides = (schedule.get("overrides_subschedule") or {}).get("rendered_schedule_entries") or []
    if overrides:
        found.left.append(
            f"{len(overrides)} overrides of {name}: make those that are still to come with `watchkeeper oncall override`."
        )
    found.schedules.append(Schedule(str(schedule.get("id")), name, zone, tuple(layers)))


def _layer(
    found: Imported, layer: Mapping[str, Any], zone: str, schedule: str, now: datetime
) -> tuple[Layer, tuple[str, ...]] | None:
    called = f"The layer {layer.get('name')} of {schedule}"
    ends = _local(layer.get("end"), zone)
    if layer.get("end") and datetime.fromisoformat(str(layer["end"])) <= now:
        found.left.append(f"{called} has ended.")
        return None
    turn = turn_of(int(layer.get("rotation_turn_length_seconds") or 0))
    starts = _local(layer.get("rotation_virtual_start") or layer.get("start"), zone)
    users = [each.get("user") or each for each in layer.get("users") or []]
    if turn is None or starts is None or not users:
        found.left.append(f"{called} has nobody in it, or turns of a length that is no whole number of hours.")
        return None
    begins = _local(layer.get("start"), zone)
    if begins is not None and begins > now.astimezone(ZoneInfo(zone)).replace(tzinfo=None):
        found.left.append(f"{called} begins only at {begins:%Y-%m-%d %H:%M}; here it counts from {starts:%Y-%m-%d %H:%M} on.")
    turns = tuple((found.person(str(user.get("id")), str(user.get("summary") or user.get("name") or "")),) for user in users)
    hours: list[str] = []
    for restriction in layer.get("restrictions") or []:
        hour, minute = (int(part) for part in str(restriction["start_time_of_day"]).split(":")[:2])
        weekly = restriction.get("type") == "weekly_restriction"
        days = [int(restriction["start_day_of_week"]) - 1] if weekly else range(7)
        hours += hours_of(days, hour * 3600 + minute * 60, int(restriction["duration_seconds"]))
    return Layer(turns, zone, starts, *turn, ends, name=str(layer.get("name") or "")), tuple(hours)


def _local(text: Any, zone: str) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) if text else None


def _policy(found: Imported, policy: Mapping[str, Any]) -> None:
    steps, after_s = [], 0.0
    for rule in policy.get("escalation_rules") or []:
        who = []
        for target in rule.get("targets") or []:
            kind = str(target.get("type") or "")
            key, said = str(target.get("id")), str(target.get("summary") or target.get("name") or "")
            who.append(found.schedule(key, said) if kind.startswith("schedule") else found.person(key, said))
        steps.append((after_s, tuple(who)))
        after_s += 60.0 * float(rule.get("escalation_delay_in_minutes") or 0)
    name = str(policy.get("name") or policy.get("summary"))
    if policy.get("num_loops"):
        found.left.append(f"The policy {name} repeats {policy['num_loops']} times; here late is said again, and updates go out.")
    found.ladders.append(Rungs(name, tuple(steps), int(policy.get("num_loops") or 0)))
