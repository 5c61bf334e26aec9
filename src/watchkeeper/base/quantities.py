"""Values with units as people write them, brought to one unit a kind: 500ms -> 0.5 seconds, 2 GB -> 2e9 bytes, 10/minute.

Text enters; a value and one of the units of the published contract leave. Nothing here raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.base.durations import NUMBER, UNITS, number, unit_seconds
from watchkeeper.base.nouns import built_fast

_BYTES = {
    "b": 1, "byte": 1, "bytes": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "pb": 10**15,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40,
    "bytes/s": 1,
}  # fmt: skip
_SCALE = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "G": 1e9, "bn": 1e9}
_PERCENT = r"%|percent(?:age points?)?\b|pct\b|prozent\b|pour ?cent\b|por ciento\b|procent\b|퍼센트"
_TIME = "|".join(sorted((re.escape(word) for word in UNITS), key=len, reverse=True))
_BYTE = "|".join(sorted((re.escape(word) for word in _BYTES if len(word) > 1), key=len, reverse=True))
_QUANTITY = re.compile(
    rf"(?P<sign>[-−](?=\d))?(?P<currency>[$€£])?(?P<number>{NUMBER})(?P<plus>\+)?"
    rf"(?:\s*(?P<percent>{_PERCENT})"
    rf"|\s*(?P<bytes>(?:{_BYTE})(?![A-Za-z]))"
    rf"|[\s-]?(?P<time>(?:{_TIME})(?![A-Za-zÀ-ž/]))"
    rf"|(?P<scale>k|K|M|bn)(?![A-Za-z]))?",
    re.IGNORECASE,
)
_LONGEST = 18
#: thousands set apart by points ("1.000") or spaces ("50 000"), of a bare count
_POINTED = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3})+|(?: \d{3})+)(?![\w.,%]|\s?%|\s\d)")
_PER = re.compile(
    r"\s*(?:[A-Za-z_-]+\s?){0,2}?(?:/\s?|\bper\s|\bpro\s|\bpar\s|\bpor\s|\bna\s|\ba\s)"
    r"(?P<unit>s|sec|second|sekunde|seconde|segundo|sekundę|m|min|minute|minuto|minutę|h|hr|hour|stunde|heure|hora|godzinę)s?\b"
    r"|\s*(?P<word>rps|qps|tps|iops|rpm)\b",
    re.IGNORECASE,
)


@built_fast
@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in one of the contract's units; `end` is where its text ends."""

    value: float
    #: percent, seconds, bytes, per_second, per_minute, per_hour, days or None for a bare number
    unit: str | None
    end: int
    #: written with a plus: "3+" is at least three
    at_least: bool = False


def read_quantity(text: str, start: int = 0) -> Quantity | None:
    """Read the quantity that starts at `start`; days stay days.

    >>> read_quantity("500ms"), read_quantity("10,000 messages").value, read_quantity("5/hour").unit
    (Quantity(value=0.5, unit='seconds', end=5, at_least=False), 10000.0, 'per_hour')
    """
    match = _QUANTITY.match(text, start)
    if match is None or len(match["number"]) > _LONGEST:
        return None
    value = number(match["number"])
    points = _POINTED.match(text, match.start("number")) if match.lastgroup in (None, "number", "sign", "currency") else None
    if points:
        return Quantity(float(re.sub(r"\D", "", points.group())), None, points.end())
    if match["sign"]:
        value = -value
    at_least = bool(match["plus"])
    unit: str | None = None
    end = match.end()
    if match["percent"]:
        unit = "percent"
    elif match["bytes"]:
        value, unit = value * _BYTES[match["bytes"].lower()], "bytes"
    elif match["time"]:
        seconds = unit_seconds(match["time"])
        if seconds == 86400.0 or (seconds is not None and seconds > 86400.0):
            value, unit = value * seconds / 86400.0, "days"
        elif seconds is not None:
            value, unit = _tidy(value * seconds), "seconds"
        else:
            value *= 1e6
    elif match["scale"]:
        value *= _SCALE.get(match["scale"], 1e3)
    if unit is None:
        per = _PER.match(text, end)
        if per:
            unit = _rate(per)
            end = per.end()
    plus = re.match(r"\s*\+", text[end : end + 2]) if "+" in text[end : end + 2] else None
    if plus and unit != "percent":
        at_least, end = True, end + plus.end()
    return Quantity(_tidy(value), unit, end, at_least)


def _rate(match: re.Match[str]) -> str:
    word = (match["unit"] or match["word"]).lower()
    if word in ("rpm",) or (match["unit"] and word.startswith("m")):
        return "per_minute"
    return "per_hour" if (match["unit"] and word[0] in "hg") or word in ("stunde",) else "per_second"


def _tidy(value: float) -> float:
    rounded = round(value, 9)
    return float(int(rounded)) if rounded == int(rounded) else rounded


def as_number(found: object, below: float = 1e300) -> float | None:
    """Take a number of an answer or a line, in quotes too; None for anything else, and for what is not below a bound."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < below else None
