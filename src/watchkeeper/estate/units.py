"""Which unit a reading has, by its name, and how it is brought to the unit of a threshold.

A reading's name and a contract unit enter; a factor, or None where the two do not fit, leaves. Nothing here raises.
"""

from __future__ import annotations

import re

#: ending of a reading's or series' name -> unit of the published contract
_ENDINGS = {
    "seconds": "seconds", "milliseconds": "milliseconds", "percent": "percent", "ratio": "ratio", "bytes": "bytes",
    "days": "days", "per_second": "per_second", "per_s": "per_second", "per_minute": "per_minute", "per_hour": "per_hour",
}  # fmt: skip
#: unit -> (kind of quantity, size in the smallest of its kind)
_SIZES: dict[str, tuple[str, float]] = {
    "milliseconds": ("time", 0.001), "seconds": ("time", 1.0), "days": ("time", 86400.0),
    "ratio": ("share", 1.0), "percent": ("share", 0.01),
    "per_second": ("rate", 1.0), "per_minute": ("rate", 1 / 60), "per_hour": ("rate", 1 / 3600),
    "bytes": ("size", 1.0),
}  # fmt: skip


def unit_of(reading: str) -> str | None:
    """Give the unit that a reading's name states; an expression has that of its outermost function.

    >>> unit_of("seconds"), unit_of("replication_lag_seconds"), unit_of("list_jobs"), unit_of("percent(a, b)")
    ('seconds', 'seconds', None, 'percent')
    """
    name, bracket, rest = reading.strip().partition("(")
    if bracket:
        if not _closes_at_end(rest):
            return None
        inner = re.split(r"[\[{]", rest)[0].rsplit(",", 1)[-1].rsplit("(", 1)[-1].strip(" )")
        match name:
            case "percent" | "ratio":
                return name
            case "rate":
                return "per_second"
            case "quantile":
                return unit_of(inner.removesuffix("_bucket"))
            case "max" | "min" | "avg" | "sum":
                return "per_second" if rest.lstrip().startswith("rate(") else unit_of(inner)
        return None
    name = name.split("{")[0].removesuffix("_total")
    if any(sign in name for sign in "*/+ ["):
        return None
    return next((unit for ending, unit in _ENDINGS.items() if name == ending or name.endswith(f"_{ending}")), None)


def _closes_at_end(rest: str) -> bool:
    """Say whether the bracket that is open before a text closes with its last character."""
    depth = 1
    for position, char in enumerate(rest):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return position == len(rest) - 1
    return False


def factor(reading: str, unit: str | None) -> float | None:
    """Give what a reading is multiplied by to stand in a unit; 1 where a unit is not known, None where they cannot fit.

    >>> factor("cert_seconds", "days") == 1 / 86400, factor("memory_bytes", "percent"), factor("value", "percent")
    (True, None, 1.0)
    """
    mine, theirs = _SIZES.get(unit_of(reading) or ""), _SIZES.get(unit or "")
    if mine is None or theirs is None:
        return 1.0
    return mine[1] / theirs[1] if mine[0] == theirs[0] else None
