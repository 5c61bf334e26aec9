"""Reads the rotas of watchkeeper.toml ([rotas.NAME], with layers below it) and the holidays that they keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.hours import Hours, parse_hours
from watchkeeper.estate.model import Person
from watchkeeper.estate.rota import Layer, OnHolidays, Rota, Unit
from watchkeeper.estate.table import Table, did_you_mean

_TURN = re.compile(r"(?:(?P<number>\d{1,4})\s*)?(?P<unit>hours?|h|days?|d|weeks?|w|months?)", re.IGNORECASE)
_WORDS: Mapping[str, tuple[int, Unit]] = {"hourly": (1, "hours"), "daily": (1, "days"), "weekly": (1, "weeks")}
_WORDS = {**_WORDS, "fortnightly": (2, "weeks"), "monthly": (1, "months")}
_UNITS: Mapping[str, Unit] = {"h": "hours", "d": "days", "w": "weeks", "m": "months"}
_YEARLY = re.compile(r"(\d\d)-(\d\d)")
#: how far ahead a calendar's recurring holidays are written out
_AHEAD = timedelta(days=366 * 30)


def read_rotas(root: Table) -> dict[str, Rota]:
    """Read all of them."""
    return {name: _read_rota(table, name) for name, table in root.named_tables("rotas")}


def check_rotas(rotas: Iterable[Rota], people: Mapping[str, Person], root: Table) -> None:
    """Raise ConfigError where a rota names somebody whom [people] does not know, or is named like a person."""
    for rota in rotas:
        table = root.table("rotas").table(rota.name)
        if rota.name in people:
            hint = "Both can be told by their name: give one another."
            raise table.error("roles", f"{rota.name!r} is the name of a person and of a rota.", hint)
        for layer in rota.layers:
            for person in (each for turn in layer.turns for each in turn):
                if person not in people:
                    said = f"The rota {rota.name} names {person!r}, whom [people] does not know."
                    hint = f"Add [people.{person}] with notify.{did_you_mean(person, people)}"
                    raise ConfigError(said, hint=hint, code="WK132", where=f"{table.file}:{layer.line}")


def _read_rota(table: Table, name: str) -> Rota:
    zone = _zone(table, "UTC")
    holidays, yearly = read_holidays(table)
    layers = [_read_layer(table, zone)] if "people" in table.values else []
    layers += [_read_layer(each, zone) for each in table.tables("layers")]
    announce = table.flag("announce", False)
    rota = Rota(name, table.line, zone, tuple(layers), table.texts("roles"), holidays, announce, yearly)
    table.finish()
    if not layers:
        hint = 'Add people = ["anna", "ben"], turn = "weekly" and start = "2026-01-05 09:00", or [[rotas.NAME.layers]].'
        raise table.error("people", f"{table.name()} has nobody in it.", hint)
    if not (holidays or yearly) and any(layer.on_holidays != "as usual" for layer in layers):
        hint = 'Add holidays = ["2026-12-25", "01-01", "holidays.ics"] to it.'
        raise table.error("on_holidays", f"{table.name()} says what holds on holidays, but not when they are.", hint)
    return rota


def _read_layer(table: Table, zone: str) -> Layer:
    zone = _zone(table, zone)
    turns = _read_turns(table)
    every, unit = _read_turn(table)
    starts = _local(table, "start", zone)
    if starts is None and len(turns) > 1:
        hint = 'Add when the first turn of the first of them begins: start = "2026-01-05 09:00".'
        raise table.error("people", f"{table.name()} has no start, so nobody can say whose turn it is.", hint)
    layer = Layer(
        turns=turns,
        zone=zone,
        starts=starts or datetime(2000, 1, 1),  # noqa: DTZ001 - on the clocks of the zone
        every=every,
        unit=unit,
        ends=_local(table, "end", zone),
        hours=tuple(_hours(table, text, zone) for text in table.texts("hours")),
        on_holidays=cast(OnHolidays, table.choice("on_holidays", ("as usual", "off", "only"), "as usual")),
        beside=table.flag("beside", False),
        name=table.text("name", "") if "layers" in table.path else "",
        line=table.line,
    )
    if "layers" in table.path:
        table.finish()
    return layer


def _read_turns(table: Table) -> tuple[tuple[str, ...], ...]:
    value = table.take("people", [])
    items = [value] if isinstance(value, str) else value
    turns: list[tuple[str, ...]] = []
    for item in items if isinstance(items, list) else [None]:
        turn = [item] if isinstance(item, str) else item
        if not isinstance(turn, list) or not turn or not all(isinstance(each, str) for each in turn):
            hint = (
                'Write ["anna", "ben"]; two who are on call together stand in brackets of their own: [["anna", "ben"], "cara"].'
            )
            raise table.error("people", f"{table.name('people')} is not a list of people.", hint)
        turns.append(tuple(turn))
    if not turns:
        raise table.error("people", f"{table.name()} has nobody in it.", 'Add people = ["anna", "ben"].')
    return tuple(turns)


def _read_turn(table: Table) -> tuple[int, Unit]:
    text = table.text("turn", "weekly").strip().casefold()
    if text in _WORDS:
        return _WORDS[text]
    match = _TURN.fullmatch(text)
    number = int(match["number"] or 1) if match else 0
    if match is None or number == 0:
        hint = 'Write "daily", "weekly", "12 hours", "3 days", "2 weeks" or "monthly".'
        raise table.error("turn", f"{text!r} is no length of a turn.", hint)
    return number, _UNITS[match["unit"][0]]


def _hours(table: Table, text: str, zone: str) -> Hours:
    hours = parse_hours(f"{text} {zone}") or parse_hours(text)
    if hours is None:
        hint = 'Write them so: "Mon-Fri 09:00-17:00" or "Sat-Sun 00:00-24:00"; they are on the clocks of the layer\'s zone.'
        raise table.error("hours", f"{text!r} are no hours.", hint)
    return hours


def _zone(table: Table, default: str) -> str:
    name = table.text("zone", default)
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):
        raise table.error("zone", f"{name!r} is no time zone.", 'Write it as "Europe/Berlin" or "UTC".') from None


def _local(table: Table, key: str, zone: str) -> datetime | None:
    """Take a time on the clocks of a zone; one that says its offset is brought to them."""
    value: Any = table.take(key)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise table.error(key, f"{table.name(key)} is no time.", 'Write it as "2026-01-05 09:00".')
    return (value.astimezone(ZoneInfo(zone)) if value.tzinfo else value).replace(tzinfo=None)


def read_holidays(table: Table) -> tuple[frozenset[date], frozenset[tuple[int, int]]]:
    """Read the days that are holidays, once and every year, of a table."""
    days: set[date] = set()
    yearly: set[tuple[int, int]] = set()
    value = table.take("holidays", [])
    for item in value if isinstance(value, list) else [value]:
        each_year = _YEARLY.fullmatch(item) if isinstance(item, str) else None
        if isinstance(item, date) and not isinstance(item, datetime):
            days.add(item)
        elif each_year is not None and _is_day(int(each_year[1]), int(each_year[2])):
            yearly.add((int(each_year[1]), int(each_year[2])))
        elif isinstance(item, str) and item.casefold().endswith(".ics"):
            days |= _days_of(table, table.file.parent / item)
        else:
            try:
                days.add(date.fromisoformat(item if isinstance(item, str) else ""))
            except ValueError:
                hint = 'Write days as "2026-12-25", those of every year as "12-25", or name a calendar: "holidays.ics".'
                raise table.error("holidays", f"{item!r} is no day.", hint) from None
    return frozenset(days), frozenset(yearly)


def _is_day(month: int, day: int) -> bool:
    try:
        date(2000, month, day)
    except ValueError:
        return False
    return True


def _days_of(table: Table, path: Path) -> set[date]:
    """Read the whole days of a calendar's file; an event at a time of day is no holiday."""
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(path.read_bytes())
    except OSError as problem:
        raise table.error("holidays", f"{path.name} cannot be read: {problem.strerror}.", "Put it beside the file.") from None
    except ValueError:
        raise table.error("holidays", f"{path.name} is no calendar.", "Save it as iCalendar (.ics).") from None
    days: set[date] = set()
    for event in calendar.walk("VEVENT"):
        first = event.get("DTSTART").dt if event.get("DTSTART") else None
        if not isinstance(first, date) or isinstance(first, datetime):
            continue
        last = event.get("DTEND").dt if event.get("DTEND") else first + timedelta(days=1)
        for begins in _occurrences(event, first):
            days |= {begins + timedelta(days=n) for n in range(max(1, (last - first).days))}
    return days


def _occurrences(event: Any, first: date) -> list[date]:
    rule = event.get("RRULE")
    if rule is None:
        return [first]
    begins = datetime.combine(first, time())
    found = rrulestr(rule.to_ical().decode(), dtstart=begins, ignoretz=True)
    return [each.date() for each in found.between(begins, begins + _AHEAD, inc=True)]
