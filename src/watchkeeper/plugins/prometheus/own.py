"""What our own /metrics calls things, and how a threshold of the book is said over them in PromQL.

Whoever writes the page and whoever writes rules for it ask here, so that the two agree. Pure.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping

from watchkeeper.estate.model import Bound
from watchkeeper.estate.states import bad_at_zero

VALUE = "watchkeeper_signal_value"
LOOKED = "watchkeeper_signal_up"
TOOK = "watchkeeper_signal_look_seconds"
AGE = "watchkeeper_signal_age_seconds"
STATE = "watchkeeper_threshold_state"
LIMIT = "watchkeeper_threshold_limit"
INCIDENTS = "watchkeeper_incidents_open"
RUNS = "watchkeeper_runs"
OUTBOX = "watchkeeper_outbox_waiting"
LAG = "watchkeeper_loop_lag_seconds"
HEAD = "watchkeeper_ledger_head"
HALTED = "watchkeeper_halted"
LEFT_OUT = "watchkeeper_series_left_out"
BUILD = "watchkeeper_build_info"

#: the longest value of a label; what is longer is cut, on the page and in the rules alike
LONGEST = 200
#: readings that a statistic needs before it can fire by itself, as in our own rules
FEWEST = 5


def label(text: str | None) -> str:
    """Give a text as the value of a label: one line, of a bounded length."""
    flat = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", " ", text or "").split())
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 1]}…"


def series(metric: str, labels: Mapping[str, str | None]) -> str:
    """Name some series by their labels.

    >>> series("up", {"job": "shop"})
    'up{job="shop"}'
    """
    named = ", ".join(f"{name}={json.dumps(label(value), ensure_ascii=False)}" for name, value in labels.items())
    return f"{metric}{{{named}}}" if named else metric


def reading_of(service: str, bound: Bound) -> str:
    """Name the series that decides a threshold."""
    return series(VALUE, {"service": service, "signal": bound.signal, "reading": bound.reading})


def value_of(service: str, bound: Bound) -> str:
    """Give the expression of a threshold's value, in the book's unit, with the statistic that the book asks for."""
    raw = reading_of(service, bound)
    if bound.window_s is not None and bound.threshold.statistic is not None:
        raw = _over(bound.threshold.statistic, raw, seconds(bound.window_s))
    return raw if bound.factor == 1.0 else f"{raw} * {number(bound.factor)}"


def breach_of(service: str, bound: Bound) -> str:
    """Give the expression that has a value while a threshold is breached."""
    threshold, value = bound.threshold, value_of(service, bound)
    if threshold.op == "is":
        return f"{value} {'==' if bad_at_zero(threshold.state or 'down', bound.reading) else '!='} 0"
    if bound.window_s is None:
        return f"{value} {threshold.op} {number(threshold.value or 0.0)}"
    raw, window = reading_of(service, bound), seconds(bound.window_s)
    # a statistic of too few readings fires by nothing, and one with a time only where readings reach back so far
    enough = f"{raw} offset {window}" if threshold.for_s else f"count_over_time({raw}[{window}]) >= {FEWEST}"
    return f"{value} {threshold.op} {number(threshold.value or 0.0)} and {enough}"


def burning_of(service: str, bound: Bound, pairs: Iterable[tuple[float, float, float]]) -> str:
    """Give the expression that has a value while an error budget is spent too fast: (times too fast, long window, short window).

    Here as there a window that is not full counts as if the rest of it had been well: sums are held against whole windows.
    """
    assert bound.budget is not None
    bad, share, every_s = _bad_of(service, bound), bound.budget.share, max(bound.every_s, 1.0)
    either = []
    for times, long_s, short_s in pairs:
        spent = [
            f"sum_over_time(({bad})[{seconds(window)}:{seconds(every_s)}]) > {number(times * share * max(1.0, window / every_s))}"
            for window in (long_s, short_s)
        ]
        either.append(f"({' and '.join(spent)})")
    return " or ".join(either)


def _bad_of(service: str, bound: Bound) -> str:
    """Give how much of a look was bad, from 0 to 1."""
    value = value_of(service, bound)
    assert bound.budget is not None
    match bound.budget.counts:
        case "up":
            return f"{value} == bool 0"
        case "within" if bound.objective is not None:
            kept = f"{bound.objective.op} bool {number(bound.objective.value or 0.0)}"
            return f"1 - ({value} {kept})"
        case "share":
            return f"clamp(1 - {value} / 100, 0, 1)"
        case _:
            return f"clamp({value} / 100, 0, 1)"


def hold_of(bound: Bound) -> float:
    """Give for how long a breach must last before it fires, in seconds; a statistic over that very time has it in itself."""
    return 0.0 if bound.window_s is not None else bound.threshold.for_s or 0.0


def seconds(value: float) -> str:
    """Give a duration as Prometheus writes it.

    >>> seconds(90), seconds(0.25), seconds(3600), seconds(86400)
    ('90s', '250ms', '1h', '1d')
    """
    if value != round(value):
        return f"{max(1, round(value * 1000))}ms"
    whole = max(1, round(value))
    return next(
        (f"{whole // size}{unit}" for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")) if not whole % size), f"{whole}s"
    )


def number(value: float) -> str:
    """Give a number as PromQL writes it.

    >>> number(5.0), number(1 / 3), number(1e12), number(float("inf"))
    ('5', '0.333333333333', '1e+12', 'Inf')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Inf" if value > 0 else "-Inf"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e9 else f"{value:.12g}"


def _over(statistic: str, raw: str, window: str) -> str:
    if statistic in ("avg", "max", "min"):
        return f"{statistic}_over_time({raw}[{window}])"
    return f"quantile_over_time({int(statistic.removeprefix('p')) / 100:g}, {raw}[{window}])"
