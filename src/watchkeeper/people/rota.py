"""Who is on call: a rota's layers, people's changes and an instant enter; people leave, with the sentence why. Pure.

Every turn begins at a time on the clocks of its zone, so that a hand-over at 09:00 stays at 09:00 whatever the clocks do; the day
on which they are put back has 25 hours of duty. Every instant belongs to one turn: a time that the clocks show twice begins a
turn at the first of the two, one that they skip begins it at the instant that it would have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from watchkeeper.base.words import counted
from watchkeeper.estate.hours import instant_of
from watchkeeper.estate.rota import Layer, Rota
from watchkeeper.people.model import Change, OnCall, Shift

#: how far ahead somebody is looked for where nobody is on call next
HORIZON = timedelta(days=400)
_STEP = {"hours": timedelta(hours=1), "days": timedelta(days=1), "weeks": timedelta(weeks=1)}


def on_call(rota: Rota, changes: Iterable[Change], now: datetime) -> OnCall:
    """Say who is on call for a rota at an instant; what people changed goes before what the file declares."""
    people: tuple[str, ...] = ()
    reasons: list[str] = []
    for number, layer in enumerate(rota.layers, 1):
        mine = people_of(layer, rota, now)
        if not mine:
            continue
        called = layer.name or (f"layer {number}" if len(rota.layers) > 1 else "")
        said = f"{_and(mine)} by their turn{f' in {called}' if called else ''}"
        beside = layer.beside and people
        people, reasons = (_once((*people, *mine)), [*reasons, said]) if beside else (mine, [said])
    for change in sorted(changes, key=lambda c: (c.made_at, c.id)):
        if change.rota != rota.name or not change.begins_at <= now < change.ends_at:
            continue
        if change.instead_of is None:
            people, reasons = (change.person,), [_said(change, "whoever it would be")]
        elif change.instead_of in people:
            people = _once(tuple(change.person if each == change.instead_of else each for each in people))
            reasons = [*reasons, _said(change, change.instead_of)]
    if not people:
        return OnCall(rota.name, (), f"Nobody is on call for {rota.name}.")
    return OnCall(rota.name, people, f"{_and(people)} {'is' if len(people) == 1 else 'are'} on call: {'; '.join(reasons)}.")


def people_of(layer: Layer, rota: Rota, now: datetime) -> tuple[str, ...]:
    """Give whose turn it is in a layer; nobody outside its hours, on holidays that it leaves out, and before or after it."""
    turn = turn_at(layer, now)
    if turn < 0 or (layer.ends is not None and now >= instant_of(layer.ends, layer.zone)):
        return ()
    if not any(_counts(layer, rota, day) for day in _days_of_duty(layer, rota, now)):
        return ()
    return layer.turns[turn % len(layer.turns)]


def turn_at(layer: Layer, now: datetime) -> int:
    """Give the number of the turn that goes on at an instant: the last that has begun; -1 before the first."""
    there = now.astimezone(ZoneInfo(layer.zone)).replace(tzinfo=None)
    if layer.unit == "months":
        number = ((there.year - layer.starts.year) * 12 + there.month - layer.starts.month) // layer.every
    else:
        number = (there - layer.starts) // (layer.every * _STEP[layer.unit])
    number += 2  # a time that the clocks show again lies after turns that have begun already
    while number >= 0 and turn_begins(layer, number) > now:
        number -= 1
    return max(number, -1)


def turn_begins(layer: Layer, number: int) -> datetime:
    """Give the instant at which a turn begins."""
    if layer.unit == "months":
        local = layer.starts + relativedelta(months=number * layer.every)
    else:
        local = layer.starts + number * layer.every * _STEP[layer.unit]
    return instant_of(local, layer.zone)


def shifts(rota: Rota, changes: Sequence[Change], begins: datetime, ends: datetime) -> list[Shift]:
    """Give who is on call over a time, span by span without a hole; a span with nobody is a gap.

    Nothing changes but where a turn, hours, a holiday or a change begins or ends, so that it is enough to look there.
    """
    mine = [change for change in changes if change.rota == rota.name]
    points = {begins, *(point for point in _points(rota, mine, begins, ends) if begins < point < ends)}
    ordered = [*sorted(points), ends]
    found: list[Shift] = []
    for since, until in pairwise(ordered):
        who = on_call(rota, mine, since)
        if found and found[-1].people == who.people:
            before = found[-1]
            found[-1] = Shift(rota.name, before.people, before.begins_at, until, before.sentence)
        else:
            found.append(Shift(rota.name, who.people, since, until, who.sentence))
    return found


def around(rota: Rota, changes: Sequence[Change], now: datetime) -> tuple[Shift, Shift | None]:
    """Give the shift that goes on, from its own beginning, and the next one with somebody in it; None where there is none."""
    reach = timedelta(days=8)
    while True:
        found = shifts(rota, changes, now - reach, now + reach)
        place = next(n for n, shift in enumerate(found) if shift.begins_at <= now < shift.ends_at)
        following = next((shift for shift in found[place + 1 :] if shift.people), None)
        whole = following is not None and place > 0 and following is not found[-1]
        if whole or reach >= HORIZON:
            return found[place], following
        reach *= 3


def gaps(rota: Rota, changes: Sequence[Change], begins: datetime, ends: datetime) -> list[Shift]:
    """Give the spans of a time in which nobody is on call."""
    return [shift for shift in shifts(rota, changes, begins, ends) if not shift.people]


def gap_finding(rota: Rota, changes: Sequence[Change], now: datetime, days: int = 28) -> str | None:
    """Say where a rota leaves nobody on call within some days; None where it leaves no gap."""
    found = gaps(rota, changes, now, now + timedelta(days=days))
    if not found:
        return None
    first, more = found[0], len(found) - 1
    since = "now" if first.begins_at == now else said_at(first.begins_at, rota.zone)
    further = f" and {counted(more, 'more time')} within {days} days" if more else ""
    whole = "" if first.ends_at - first.begins_at < timedelta(days=days) else f" for {days} days at least"
    until = "" if whole else f" until {said_at(first.ends_at, rota.zone)}"
    return (
        f"Nobody is on call for {rota.name} (line {rota.line} of watchkeeper.toml) from {since}{until}{whole}{further}: "
        "a level of the ladder that means it is passed over then, and the next one told at once."
    )


def said_at(instant: datetime, zone: str) -> str:
    """Say an instant on the clocks of a zone.

    >>> said_at(datetime(2026, 10, 25, 8, 0, tzinfo=UTC), "Europe/Berlin")
    'Sun 25 Oct 09:00 CET'
    """
    return f"{instant.astimezone(ZoneInfo(zone)):%a %d %b %H:%M %Z}"


def _counts(layer: Layer, rota: Rota, day: date) -> bool:
    if layer.on_holidays == "as usual":
        return True
    return rota.is_holiday(day) == (layer.on_holidays == "only")


def _days_of_duty(layer: Layer, rota: Rota, now: datetime) -> list[date]:
    """Give the days whose duty goes on now: the day itself, or with hours those whose span holds it."""
    if not layer.hours:
        return [now.astimezone(ZoneInfo(rota.zone)).date()]
    found = []
    for hours in layer.hours:
        today = now.astimezone(ZoneInfo(hours.zone)).date()
        for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
            span = hours.span_on(day)
            if span is not None and span[0] <= now < span[1]:
                found.append(day)
    return found


def _points(rota: Rota, changes: Iterable[Change], begins: datetime, ends: datetime) -> Iterable[datetime]:
    """Give every instant at which something may change; some may lie outside the time."""
    for change in changes:
        yield from (change.begins_at, change.ends_at)
    days = [begins.date() + timedelta(days=n) for n in range(-2, (ends - begins).days + 4)]
    for layer in rota.layers:
        number = max(0, turn_at(layer, begins))
        while (at := turn_begins(layer, number)) < ends:
            yield at
            number += 1
        if layer.ends is not None:
            yield instant_of(layer.ends, layer.zone)
        for hours in layer.hours:
            for span in filter(None, map(hours.span_on, days)):
                yield from span
        if layer.on_holidays != "as usual":
            for day in filter(rota.is_holiday, days):
                for midnight in (day, day + timedelta(days=1)):
                    yield instant_of(datetime.combine(midnight, datetime.min.time()), rota.zone)


def _said(change: Change, instead: str) -> str:
    until = f"{change.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    why = f" ({change.why})" if change.why else ""
    return f"{change.person} stands in for {instead} until {until} by {change.author}'s {change.kind}{why}"


def _once(people: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(people))


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
