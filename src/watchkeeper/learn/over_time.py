"""How long incidents took over a span of time, by severity, cause or month, and how much people were paged. Pure.

Incidents with what was measured of each enter, and the notices that people were paged by; means leave, and the longest beside
them, since a mean hides the one night that counted. What did not happen has no measure and counts in no mean.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from watchkeeper.learn.measures import Promise

By: TypeAlias = Literal["all", "severity", "cause", "procedure", "service", "month", "person", "promise"]
#: what each time is counted from is said by learn.measures: detected, acknowledged by a person, healthy again, resolved
TIMES = {"mttd_s": "detection_s", "mtta_s": "acknowledge_s", "mttm_s": "recovery_s", "mttr_s": "resolution_s"}
#: a page between these hours of the service's zone is one of a night
NIGHT_BEGINS, NIGHT_ENDS = 22, 7


@dataclass(frozen=True, slots=True)
class Lived:
    """An incident that is over, as far as it is counted."""

    id: str
    service: str
    severity: str | None
    cause: str | None
    procedure: str | None
    began_at: datetime
    measures: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Times:
    """How long the incidents of one group took: means in seconds, None where nothing was measured."""

    group: str
    incidents: int
    mttd_s: float | None
    mtta_s: float | None
    mttm_s: float | None
    mttr_s: float | None
    #: the longest time to recover, and the incident
    longest_s: float | None
    longest_id: str | None


@dataclass(frozen=True, slots=True)
class Load:
    """How often somebody was paged."""

    person: str
    pages: int
    #: in how many nights, how often in all of them, and in the worst
    nights: int
    at_night: int
    worst_night: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How often a promise of the book was kept in a month, for the incidents of one severity."""

    month: str
    severity: str
    #: "response", "recovery"
    promise: str
    #: what was promised, in seconds: the shortest of the month
    promised_s: float
    incidents: int
    kept: int
    #: the longest that was measured; None where one of them was never measured
    longest_s: float | None


def promises_kept(held: Iterable[tuple[str, str | None, Promise]]) -> list[Kept]:
    """Count (month, severity, promise) that was held against what was measured; what the book does not promise counts nowhere."""
    groups: dict[tuple[str, str, str], list[Promise]] = defaultdict(list)
    for month, severity, promise in held:
        if promise.kept is not None and promise.promised_s is not None:
            groups[month, severity or "no severity", promise.name].append(promise)
    found = []
    for (month, severity, name), members in sorted(groups.items(), reverse=True):
        measured = [each.measured_s for each in members]
        longest = None if None in measured else max(seconds for seconds in measured if seconds is not None)
        least = min(each.promised_s for each in members if each.promised_s is not None)
        found.append(Kept(month, severity, name, least, len(members), sum(bool(each.kept) for each in members), longest))
    return found


def over_time(lived: Iterable[Lived], by: By = "all") -> list[Times]:
    """Give the times of each group, the group with the most incidents first; months in their order. People have loads instead."""
    if by in ("person", "promise"):
        return []
    groups: dict[str, list[Lived]] = defaultdict(list)
    for one in lived:
        groups[_group(one, by)].append(one)
    found = [_times(name, members) for name, members in groups.items()]
    return sorted(found, key=lambda each: each.group if by == "month" else (-each.incidents, each.group))


def loads(pages: Iterable[tuple[str, datetime]], zone: str) -> list[Load]:
    """Give how often each person was paged, who was paged most at night first; a night is that of the day on which it begins."""
    by_person: dict[str, list[datetime]] = defaultdict(list)
    for person, at in pages:
        by_person[person].append(at.astimezone(ZoneInfo(zone)))
    found = []
    for person, instants in by_person.items():
        nights: dict[int, int] = defaultdict(int)
        for at in instants:
            if at.hour >= NIGHT_BEGINS or at.hour < NIGHT_ENDS:
                nights[at.toordinal() - (at.hour < NIGHT_ENDS)] += 1
        found.append(Load(person, len(instants), len(nights), sum(nights.values()), max(nights.values(), default=0)))
    return sorted(found, key=lambda each: (-each.at_night, -each.pages, each.person))


def _group(one: Lived, by: By) -> str:
    match by:
        case "severity":
            return one.severity or "no severity"
        case "cause":
            return one.cause or "no cause known"
        case "procedure":
            return one.procedure or "no procedure"
        case "service":
            return one.service
        case "month":
            return f"{one.began_at:%Y-%m}"
        case _:
            return "all"


def _times(name: str, members: Sequence[Lived]) -> Times:
    means = {ours: _mean(one.measures.get(theirs) for one in members) for ours, theirs in TIMES.items()}
    recovered = [(seconds, one.id) for one in members if (seconds := one.measures.get("recovery_s")) is not None]
    longest_s, longest_id = max(recovered, default=(None, ""))
    return Times(
        name,
        len(members),
        **means,
        longest_s=longest_s,
        longest_id=longest_id or None,
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
