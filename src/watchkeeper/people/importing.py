"""What was read of somebody else's on-call tool, and the sections of watchkeeper.toml that say the same. Pure.

Whatever cannot be carried over is named in `left`, one sentence each: nothing is dropped in silence.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.base.durations import format_duration
from watchkeeper.base.words import counted
from watchkeeper.estate.rota import Layer, Unit

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Someone:
    """A person there."""

    id: str
    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule there, as a rota's layers; hours are written as watchkeeper.toml writes them, on the clocks of the layer."""

    id: str
    name: str
    zone: str
    layers: tuple[tuple[Layer, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Rungs:
    """An escalation policy there: (seconds after the beginning, who), and how often it repeats."""

    name: str
    steps: tuple[tuple[float, tuple[str, ...]], ...]
    repeats: int = 0


@dataclass
class Imported:
    """All that was read."""

    people: dict[str, Someone] = field(default_factory=dict)
    schedules: list[Schedule] = field(default_factory=list)
    ladders: list[Rungs] = field(default_factory=list)
    #: what was not carried over, and why
    left: list[str] = field(default_factory=list)
    #: what it is called there -> the name here
    names: dict[str, str] = field(default_factory=dict)

    def person(self, key: str, name: str, email: str = "") -> str:
        """Give the id here of somebody there; the same key is the same person."""
        if key not in self.names:
            self.names[key] = slug(name or email.split("@")[0] or key, self.names.values())
            self.people[self.names[key]] = Someone(self.names[key], name or email, email)
        elif email and not self.people[self.names[key]].email:
            self.people[self.names[key]] = Someone(self.names[key], name or email, email)
        return self.names[key]

    def schedule(self, key: str, name: str) -> str:
        """Give the name here of a schedule there."""
        if key not in self.names:
            self.names[key] = slug(name or key, self.names.values())
        return self.names[key]


def slug(name: str, taken: Iterable[str] = ()) -> str:
    """Make a name of watchkeeper.toml out of any other.

    >>> slug("Zoë d'Arc"), slug("Primary (EU)", ["primary-eu"])
    ('zoe-d-arc', 'primary-eu-2')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "somebody"
    used, found, number = set(taken), made, 2
    while found in used:
        found, number = f"{made}-{number}", number + 1
    return found


def turn_of(seconds: int) -> tuple[int, Unit] | None:
    """Say a turn's length in the largest whole unit; None where it has no whole hours.

    >>> turn_of(604800), turn_of(172800), turn_of(43200), turn_of(90)
    ((1, 'weeks'), (2, 'days'), (12, 'hours'), None)
    """
    units: tuple[tuple[int, Unit], ...] = ((7 * _DAY_S, "weeks"), (_DAY_S, "days"), (3600, "hours"))
    return next(((seconds // size, unit) for size, unit in units if seconds >= size and seconds % size == 0), None)


def hours_of(days: Iterable[int], begins_s: int, lasts_s: int) -> list[str]:
    """Write a span that begins at a second of some days (Monday is 0) as hours, one a day where it goes over several.

    >>> hours_of(range(5), 9 * 3600, 8 * 3600), hours_of([4], 17 * 3600, 64 * 3600)
    (['Mon-Fri 09:00-17:00'], ['Fri 17:00-24:00', 'Sat-Sun 00:00-24:00', 'Mon 00:00-09:00'])
    """
    spans: dict[tuple[int, int], set[int]] = {}
    for day in days:
        at, left, on = begins_s, lasts_s, day
        while left > 0:
            # a night that ends within the next day is one span; what is longer is cut at midnight
            whole = at + left <= _DAY_S or (left < _DAY_S and at + left < 2 * _DAY_S and lasts_s < _DAY_S)
            part = left if whole else _DAY_S - at
            spans.setdefault((at, at + part), set()).add(on % 7)
            at, left, on = 0, left - part, on + 1
    return [f"{_days(sorted(on))}{_clock(at)}-{_clock(end)}" for (at, end), on in spans.items()]


def _clock(seconds: int) -> str:
    if seconds == _DAY_S:
        return "24:00"
    return f"{seconds % _DAY_S // 3600:02d}:{seconds % 3600 // 60:02d}"


def _days(on: list[int]) -> str:
    if len(on) == 7:
        return ""
    if len(on) > 1 and on == list(range(on[0], on[-1] + 1)):
        return f"{DAYS[on[0]]}-{DAYS[on[-1]]} "
    return f"{','.join(DAYS[day] for day in on)} "


def records(documents: Iterable[Any], *keys: str) -> list[Mapping[str, Any]]:
    """Collect the records that stand under one of some keys in any document, alone or in a list, paged or not."""
    found: list[Mapping[str, Any]] = []
    for document in documents:
        if not isinstance(document, Mapping):
            continue
        if isinstance(document.get("data"), Mapping) and not any(key in document for key in keys):
            found += records([document["data"]], *keys)
        for key in keys:
            value = document.get(key)
            value = value.get("nodes") if isinstance(value, Mapping) and isinstance(value.get("nodes"), list) else value
            items = value if isinstance(value, list) else [value]
            found += [item for item in items if isinstance(item, Mapping)]
    return found


def toml_of(found: Imported, source: str) -> str:
    """Write what was read as sections of watchkeeper.toml, with the ladders as Markdown for the runbook and what was left."""
    lines = [f"# Read from {source}. Put the sections into watchkeeper.toml, and the ladder into the runbook."]
    for person in found.people.values():
        lines += ["", f"[people.{person.id}]", f"name = {_text(person.name)}"]
        lines += [f"email = {_text(person.email)}"] if person.email else []
        lines += ["notify = []  # how they are told: docs/guide/people.md"]
    for schedule in found.schedules:
        name = found.names[schedule.id]
        lines += ["", f"[rotas.{name}]", f"roles = [{_text(schedule.name)}]", f"zone = {_text(schedule.zone)}"]
        for layer, hours in schedule.layers:
            lines += ["", f"[[rotas.{name}.layers]]", *_layer(layer, hours, schedule.zone)]
    for ladder in found.ladders:
        lines += ["", f"# For the runbook, the policy {ladder.name}:", "#", "# ## Escalation", "#"]
        for number, (after_s, who) in enumerate(ladder.steps, 1):
            when = "immediately" if after_s == 0 else format_duration(after_s)
            lines.append(f"# {number}. {' and '.join(who)} ({when})")
    lines += ["", f"# Not carried over: {counted(len(found.left), 'thing')}."]
    lines += [f"#   {' '.join(sentence.split())}" for sentence in found.left]
    return "\n".join(lines) + "\n"


def _layer(layer: Layer, hours: tuple[str, ...], zone: str) -> list[str]:
    turns = [_text(turn[0]) if len(turn) == 1 else f"[{', '.join(map(_text, turn))}]" for turn in layer.turns]
    lines = [f"name = {_text(layer.name)}"] if layer.name else []
    lines += [f"zone = {_text(layer.zone)}"] if layer.zone != zone else []
    unit = layer.unit.removesuffix("s") if layer.every == 1 else layer.unit
    lines += [f"people = [{', '.join(turns)}]", f'turn = "{layer.every} {unit}"', f'start = "{layer.starts:%Y-%m-%d %H:%M:%S}"']
    lines += [f'end = "{layer.ends:%Y-%m-%d %H:%M:%S}"'] if layer.ends is not None else []
    lines += [f"hours = [{', '.join(map(_text, hours))}]"] if hours else []
    return lines + (["beside = true"] if layer.beside else [])


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def since_week(starts: datetime, day: int) -> datetime:
    """Move an instant back to the beginning of its week at a day, midnight.

    >>> since_week(datetime(2026, 1, 7, 9), 0).isoformat()
    '2026-01-05T00:00:00'
    """
    back = (starts.weekday() - day) % 7
    return datetime.combine(starts.date() - timedelta(days=back), datetime.min.time())
