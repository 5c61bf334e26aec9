"""Draws the shifts of a rota as one bar over its days: who is on call, and where nobody is. Numbers and escaped names only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from watchkeeper.actions.views.oncall import RotaView
from watchkeeper.base.durations import format_duration
from watchkeeper.learn.over_time import Times
from watchkeeper.people.model import Shift

#: as many colours as the style sheet has
COLOURS = 6
#: a span narrower than this share of the whole, in percent, has no room for a name
LABELLED = 7.0


def shift_bar(rota: RotaView, names: Mapping[str, str]) -> Markup:
    """Give the bar of the days ahead as SVG; a span says who and when as its title."""
    first, last = rota.ahead[0].begins_at, rota.ahead[-1].ends_at
    whole = last - first
    parts = []
    for shift in rota.ahead:
        left, width = _percent(shift.begins_at - first, whole), _percent(shift.ends_at - shift.begins_at, whole)
        called = " and ".join(names.get(person, person) for person in shift.people) or "nobody"
        zone = ZoneInfo(rota.zone)
        span = f"{shift.begins_at.astimezone(zone):%a %d %b %H:%M} to {shift.ends_at.astimezone(zone):%a %d %b %H:%M}"
        box = f'x="{left}%" y="0" width="{width}%" height="30"'
        parts.append(f'<g><title>{escape(called)}, {span}</title><rect class="{_colour(rota, shift)}" {box}/></g>')
        if width >= LABELLED:
            # in a picture of its own, so that a name that is too long is cut off and not written over its neighbour
            parts.append(f'<svg {box}><text x="8" y="20">{escape(called)}</text></svg>')
    parts += _days(rota, first, last, whole)
    return Markup(f'<svg class="shifts" width="100%" height="52" role="img" aria-label="The shifts ahead">{"".join(parts)}</svg>')  # noqa: S704


def month_bars(months: Sequence[Times]) -> Markup:
    """Give a column for each month, the mean time to recover; its title says of how many incidents."""
    highest = max((each.mttm_s or 0.0 for each in months), default=0.0) or 1.0
    width = 100 / max(len(months), 1)
    parts = []
    for number, each in enumerate(months):
        left, tall = round(number * width, 3), round(80 * (each.mttm_s or 0.0) / highest, 1)
        took = format_duration(each.mttm_s) if each.mttm_s is not None else "nothing measured"
        counted = "1 incident" if each.incidents == 1 else f"{each.incidents} incidents"
        box = f'x="{left}%" y="{80 - tall + 16}" width="{round(width * 0.7, 3)}%" height="{tall}"'
        parts.append(f'<g><title>{escape(each.group)}: {escape(took)}, {counted}</title><rect class="who-0" {box}/></g>')
        parts.append(f'<text class="fine" x="{left}%" y="{80 - tall + 11}">{escape(took)}</text>')
        parts.append(f'<text class="day" x="{left}%" y="110">{escape(each.group)}</text>')
    label = "Mean time to recover by month"
    return Markup(f'<svg class="shifts" width="100%" height="116" role="img" aria-label="{label}">{"".join(parts)}</svg>')  # noqa: S704


def _colour(rota: RotaView, shift: Shift) -> str:
    if not shift.people:
        return "gap"
    first = shift.people[0]
    return f"who-{rota.people.index(first) % COLOURS}" if first in rota.people else "who-x"


def _days(rota: RotaView, first: datetime, last: datetime, whole: timedelta) -> list[str]:
    zone = ZoneInfo(rota.zone)
    midnight = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    midnights = [midnight + timedelta(days=n) for n in range(1, (last - first).days + 2)]
    marks = []
    for day, following in pairwise([*midnights, last]):
        left = _percent(day - first, whole)
        if not 0 <= left < 100:
            continue
        marks.append(f'<line x1="{left}%" x2="{left}%" y1="30" y2="36"/>')
        if following > day:
            marks.append(f'<text class="day{"" if day.weekday() == 0 else " fine"}" x="{left}%" dx="3" y="47">{day:%a %d}</text>')
    return marks


def _percent(span: timedelta, whole: timedelta) -> float:
    return round(100 * (span / whole), 3)
