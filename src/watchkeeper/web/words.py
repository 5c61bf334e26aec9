"""The words and figures of the pages: instants, spans, states and answers as a tired person reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from watchkeeper.base.durations import format_duration
from watchkeeper.base.printed import spans, tame
from watchkeeper.incident.rules import quantity as plain_quantity
from watchkeeper.tell.public.model import Impact, PublicComponent
from watchkeeper.web.bars import month_bars, shift_bar
from watchkeeper.web.spark import spark

NBSP = "\N{NO-BREAK SPACE}"

MODES = {
    "observe": "Watchkeeper looks, opens incidents and tells people. It runs nothing by itself.",
    "ask": "Watchkeeper looks and prepares. It asks a person before anything that changes the service.",
    "act": "Watchkeeper carries out the runbook's procedures by itself where the policy allows it.",
}
CLOCKS = {"met": "Kept", "missed": "Missed", "told": "Told", "stopped": "Not needed"}
ANSWERS = {
    "approve": "Approve: run it",
    "refuse": "Refuse",
    "happened": "It happened",
    "did-not-happen": "It did not happen",
    "again": "Try again",
    "skip": "Skip it",
    "done": "It is done",
    "yes": "Yes, it holds",
    "no": "No",
    "input": "Use these values",
    "abort": "Stop the run",
    "acknowledge": "Take the incident",
}
WOULD = {
    "runs": "Would run",
    "asks": "Would ask",
    "cannot": "Cannot run",
    "left out": "Left out",
    "waits": "Would wait",
    "decides": "Decides itself",
}
ENTRY_TONES = {
    "alert": "firing",
    "opened": "firing",
    "severity": "firing",
    "late": "firing",
    "escalated": "firing",
    "failed": "failed",
    "told": "active",
    "run": "running",
    "step": "running",
    "asked": "asking",
    "answered": "asking",
    "acknowledged": "asking",
    "verified": "ok",
    "recovered": "ok",
    "resolved": "ok",
}
EVENT_TONES = {
    "asked": "asking",
    "approved": "ok",
    "answered": "asking",
    "intent": "running",
    "cancelled": "failed",
    "waiting": "waiting",
}


def iso(instant: datetime) -> str:
    """Give an instant for a machine."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_time(instant: datetime) -> str:
    """Give the time of day."""
    return f"{instant:%H:%M:%S}"


def day_time(instant: datetime) -> str:
    """Give day and time to the minute."""
    return f"{instant.day}{NBSP}{instant:%b}{NBSP}{instant:%H:%M}"


def full_time(instant: datetime) -> str:
    """Give the whole instant."""
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def span(duration: timedelta) -> str:
    """Say how long, without a sign and, from a second on, without fractions."""
    seconds = abs(duration.total_seconds())
    return seconds_words(float(round(seconds)) if seconds >= 1 else seconds)


def seconds_words(seconds: float | None) -> str:
    """Say a number of seconds; a dash where there is none."""
    return "–" if seconds is None else format_duration(seconds).replace(" ", NBSP)


def quantity(value: float, unit: str | None) -> str:
    """Say a value with its unit, kept on one line."""
    return plain_quantity(value, unit).replace(" ", NBSP)


def mode_words(mode: str) -> str:
    """Say what a mode means."""
    return MODES.get(mode, mode)


def clock_words(state: str) -> str:
    """Say what became of a promise."""
    return CLOCKS.get(state, state)


def clock_name(kind: str, level: int = 0) -> str:
    """Name a clock."""
    name = {"respond": "response", "clause": "the procedure's own clause"}.get(kind, kind)
    return f"{name} {level}" if kind == "rung" and level else name


def counted(name: str, count: int) -> str:
    """Give a plural as it stands with a count."""
    if count != 1:
        return name
    return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")


def answer_words(answer: str) -> str:
    """Say an answer as the label of a button."""
    return ANSWERS.get(answer, answer)


def would_words(what: str) -> str:
    """Say what starting a procedure now would come to for one act."""
    return WOULD.get(what, what)


def entry_tone(kind: str) -> str:
    """Give the colour of a line of the timeline."""
    return ENTRY_TONES.get(kind, "plain")


def event_tone(kind: str) -> str:
    """Give the colour of a line of a run's log."""
    return EVENT_TONES.get(kind, "plain")


def coloured(text: str) -> Markup:
    """Render what a command printed: escaped words in spans whose classes say colour and weight."""
    parts = []
    for style, words in spans(tame(text)):
        names = " ".join(style.classes())
        parts.append(f'<span class="{names}">{escape(words)}</span>' if names else str(escape(words)))
    return Markup("".join(parts))  # noqa: S704 - each part is escaped above


def measure_name(name: str) -> str:
    """Say a measure's name in words."""
    return name.removesuffix("_s").replace("_", " ")


def bars(component: PublicComponent) -> list[tuple[Impact | None, str]]:
    """Give a component's days as paths of an SVG that is 4 wide a day and 10 high, one a state."""
    found: dict[Impact | None, list[str]] = {}
    for place, day in enumerate(component.days):
        found.setdefault(day.worst, []).append(f"M{place * 4} 0h3v10h-3z")
    return [(impact, "".join(parts)) for impact, parts in found.items()]


def days_said(component: PublicComponent) -> str:
    """Say a component's days to somebody who does not see them."""
    seen = [day for day in component.days if day.worst is not None]
    bad = [f"{day.on:%-d %B} {day.worst}" for day in seen if day.worst != "operational"]
    if not seen:
        return "not watched yet"
    return f"{len(seen)} days watched, all well" if not bad else f"{len(seen)} days watched; {', '.join(bad[-20:])}"


def uptime(share: float) -> str:
    """Say a share of time, never rounded up to all of it.

    >>> uptime(0.99999), uptime(1.0), uptime(0.9712)
    ('99.99 %', '100 %', '97.12 %')
    """
    return "100 %" if share >= 1 else f"{int(share * 10_000) / 100:.2f} %"


def local_time(instant: datetime, zone: str) -> str:
    """Say an instant on the clocks of a zone.

    >>> local_time(datetime.fromisoformat("2026-10-25T08:00Z"), "Europe/Berlin")
    'Sun 25 Oct 09:00'
    """
    return f"{instant.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}"


FILTERS: dict[str, Callable[..., Any]] = {
    "iso": iso,
    "clock_time": clock_time,
    "day_time": day_time,
    "full_time": full_time,
    "span": span,
    "duration": seconds_words,
    "quantity": quantity,
    "mode_words": mode_words,
    "clock_words": clock_words,
    "clock_name": clock_name,
    "counted": counted,
    "answer_words": answer_words,
    "would_words": would_words,
    "entry_tone": entry_tone,
    "event_tone": event_tone,
    "coloured": coloured,
    "measure_name": measure_name,
    "spark": spark,
    "bars": bars,
    "days_said": days_said,
    "uptime": uptime,
    "local_time": local_time,
    "shift_bar": shift_bar,
    "month_bars": month_bars,
    "seconds_words": seconds_words,
}
