"""Grafana OnCall's schedules, shifts, users and escalation chains, as its HTTP API (/api/v1/schedules …) gives them.

Each answer is {"results": [...]}; a record says by its fields what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watchkeeper.base.durations import format_duration
from watchkeeper.estate.rota import Layer, Unit
from watchkeeper.people.importing import Imported, Rungs, Schedule, hours_of, records

_UNITS: Mapping[str, Unit] = {"hourly": "hours", "daily": "days", "weekly": "weeks", "monthly": "months"}
_SECONDS = {"hours": 3600, "days": 86_400, "weeks": 604_800, "months": 28 * 86_400}
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SHIFTS = frozenset({"rolling_users", "recurrent_event", "single_event", "override"})


def read(documents: Sequence[Any], now: datetime) -> Imported:
    """Read what stands in the answers, in any order."""
    found, keys = Imported(), ("results", "schedules", "on_call_shifts", "users", "escalation_chains", "escalation_policies")
    listed = records(documents, *keys) + [each for one in documents if isinstance(one, list) for each in one]
    for user in (each for each in listed if "username" in each):
        found.person(str(user["id"]), str(user["username"]), str(user.get("email") or ""))
    shifts = {str(each["id"]): each for each in listed if each.get("type") in _SHIFTS}
    for schedule in (each for each in listed if each.get("type") in ("web", "calendar", "ical")):
        _schedule(found, schedule, shifts, now)
    chains = {str(each["id"]): str(each.get("name")) for each in listed if set(each) <= {"id", "name", "team_id"}}
    policies = [each for each in listed if "escalation_chain_id" in each]
    for chain in dict.fromkeys(str(each["escalation_chain_id"]) for each in policies):
        mine = sorted((p for p in policies if str(p["escalation_chain_id"]) == chain), key=lambda p: int(p.get("position") or 0))
        _chain(found, chains.get(chain, chain), mine)
    return found


def _schedule(found: Imported, schedule: Mapping[str, Any], shifts: Mapping[str, Mapping[str, Any]], now: datetime) -> None:
    name, zone, key = str(schedule.get("name")), str(schedule.get("time_zone") or "UTC"), str(schedule["id"])
    found.schedule(key, name)
    if schedule["type"] == "ical":
        found.left.append(
            f"The schedule {name} is a calendar of its own ({schedule.get('ical_url_primary')}): write it as a rota."
        )
        return
    missing = [each for each in schedule.get("shifts") or [] if str(each) not in shifts]
    if missing:
        found.left.append(f"{name}: {len(missing)} of its shifts are not in this file; fetch /api/v1/on_call_shifts.")
    mine = [shifts[str(each)] for each in schedule.get("shifts") or [] if str(each) in shifts]
    layers: list[tuple[Layer, tuple[str, ...]]] = []
    level: int | None = None
    for shift in sorted(mine, key=lambda each: int(each.get("level") or 0)):
        made = _shift(found, shift, name, zone, now)
        if made is None:
            continue
        # shifts of one level are on call together there; a higher level covers a lower one
        same = level == int(shift.get("level") or 0)
        level = int(shift.get("level") or 0)
        layer, hours = made
        layers.append((Layer(layer.turns, layer.zone, layer.starts, layer.every, layer.unit, layer.ends, beside=same,
                             name=layer.name), hours))  # fmt: skip
    if layers:
        found.schedules.append(Schedule(key, name, zone, tuple(layers)))
    else:
        found.left.append(f"The schedule {name} has no shift that comes again.")


def _shift(
    found: Imported, shift: Mapping[str, Any], schedule: str, zone: str, now: datetime
) -> tuple[Layer, tuple[str, ...]] | None:
    called = f"The shift {shift.get('name') or shift.get('id')} of {schedule}"
    if shift["type"] in ("single_event", "override"):
        found.left.append(f"{called} comes once ({shift.get('start')}): make it with `watchkeeper oncall override`.")
        return None
    ends = datetime.fromisoformat(str(shift["until"])).replace(tzinfo=None) if shift.get("until") else None
    if ends is not None and ends <= now.replace(tzinfo=None):
        found.left.append(f"{called} has ended.")
        return None
    rolling = shift["type"] == "rolling_users"
    groups = shift.get("rolling_users") if rolling else [shift.get("users")]
    turns = [tuple(found.person(str(user), "") for user in group) for group in groups or [] if group]
    unit, every = _UNITS.get(str(shift.get("frequency"))), int(shift.get("interval") or 1)
    if unit is None or not turns or shift.get("by_month") or shift.get("by_monthday"):
        found.left.append(f"{called} has nobody in it, or comes again in a way that a layer cannot say.")
        return None
    if not rolling and every > 1:
        found.left.append(f"{called} comes every {every} {unit}: a layer of one turn counts each time.")
    first = int(shift.get("start_rotation_from_user_index") or 0) % len(turns)
    starts = datetime.fromisoformat(str(shift.get("rotation_start") or shift["start"])).replace(tzinfo=None)
    at, lasts = datetime.fromisoformat(str(shift["start"])), int(shift.get("duration") or 0)
    hours = [] if lasts >= _SECONDS[unit] else _hours(shift, unit, at, lasts)
    here = str(shift.get("time_zone") or zone)
    layer = Layer(tuple(turns[first:] + turns[:first]), here, starts, every, unit, ends, name=str(shift.get("name") or ""))
    return layer, tuple(hours)


def _hours(shift: Mapping[str, Any], unit: Unit, at: datetime, lasts: int) -> list[str]:
    by_day = [_DAYS.index(str(day)[-2:]) for day in shift.get("by_day") or []]
    days = by_day or ([at.weekday()] if unit == "weeks" else list(range(7)))
    return hours_of(sorted(days), at.hour * 3600 + at.minute * 60, lasts) if unit != "hours" else []


def _chain(found: Imported, name: str, policies: Sequence[Mapping[str, Any]]) -> None:
    steps: list[tuple[float, tuple[str, ...]]] = []
    after_s = 0.0
    for policy in policies:
        kind = str(policy.get("type"))
        if kind == "wait":
            after_s += float(policy.get("duration") or 0)
        elif kind == "notify_on_call_from_schedule":
            steps.append((after_s, (found.schedule(str(policy.get("notify_on_call_from_schedule")), ""),)))
        elif kind == "notify_persons":
            steps.append((after_s, tuple(found.person(str(p), "") for p in policy.get("persons_to_notify") or [])))
        else:
            found.left.append(f"The chain {name}, step {policy.get('position')}: {kind}, after {format_duration(after_s)}.")
    found.ladders.append(Rungs(name, tuple(step for step in steps if step[1])))
