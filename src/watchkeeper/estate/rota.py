"""Rotas: who is on call when, as watchkeeper.toml declares it. Pure; who that is at an instant says `people.rota`.

A rota has layers. In each, people take turns on the clocks of a zone, all day or within hours; a later layer covers those before
it while somebody of it is on, or stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from watchkeeper.estate.hours import Hours

Unit: TypeAlias = Literal["hours", "days", "weeks", "months"]
#: what a layer does on a holiday: it counts as on any day; it does not count; it counts on holidays alone
OnHolidays: TypeAlias = Literal["as usual", "off", "only"]


@dataclass(frozen=True, slots=True)
class Layer:
    """People who take turns."""

    #: in their order; those of one turn are on call together
    turns: tuple[tuple[str, ...], ...]
    #: on whose clocks a turn begins
    zone: str
    #: when the first turn begins, on those clocks
    starts: datetime
    #: how long a turn lasts
    every: int = 1
    unit: Unit = "weeks"
    #: when it ends for good, on those clocks
    ends: datetime | None = None
    #: only within these; empty: at any time
    hours: tuple[Hours, ...] = ()
    on_holidays: OnHolidays = "as usual"
    #: beside the layers before it instead of over them
    beside: bool = False
    name: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call when."""

    name: str
    line: int
    zone: str
    layers: tuple[Layer, ...]
    #: the runbook's words that mean whoever is on call
    roles: tuple[str, ...] = ()
    holidays: frozenset[date] = frozenset()
    #: tell people that their turn begins even where nothing was left for them
    announce: bool = False
    #: (month, day) of holidays that come every year
    yearly: frozenset[tuple[int, int]] = frozenset()

    @property
    def people(self) -> tuple[str, ...]:
        """Give everybody of the rota, in the order of the file."""
        return tuple(dict.fromkeys(person for layer in self.layers for turn in layer.turns for person in turn))

    def is_holiday(self, day: date) -> bool:
        """Tell whether a day, on the rota's own clocks, is a holiday."""
        return day in self.holidays or (day.month, day.day) in self.yearly
