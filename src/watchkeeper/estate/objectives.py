"""Which objectives of the book are service levels: a share of what is seen that must be good, and so a budget of what may be bad.

An objective and the reading bound to it enter; the budget leaves, or None where the book states no share ("CPU < 80 %" is a value
to be kept, of which nobody can say how often it may be missed). Nothing here raises, and nothing is made up.
"""

from __future__ import annotations

import re
from dataclasses import replace

from watchkeeper.book.model import Comparison, Threshold
from watchkeeper.estate.model import Budget
from watchkeeper.estate.units import unit_of

DAY_S = 86_400.0
#: the time over which an objective holds where the book names none
PERIOD_S = 30 * DAY_S
_NEGATED: dict[str, Comparison] = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_GOOD_SHARES = frozenset({"availability", "success_rate", "payment_success_rate", "delivery_rate"})
_BAD_SHARES = frozenset({"error_rate", "crash_rate", "payment_failures"})
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.0, "quarter": 90.0, "year": 365.0}
_PERIOD = re.compile(
    r"(?:(?P<n>\d+)[\s-]*|(?:per|each|every|a|over the|rolling)\s+)(?P<unit>day|week|month|quarter|year)s?\b"
    r"|\b(?P<word>daily|weekly|monthly|quarterly|yearly|annual(?:ly)?)\b",
    re.IGNORECASE,
)
_WORDS = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter"}


def budget_of(objective: Threshold, reading: str, single: bool) -> Budget | None:
    """Give the budget of an objective; `single`: the reading is one value a look, not a statistic that somebody took before."""
    limit, percentile = objective.value, _percentile(objective.statistic)
    if limit is None or objective.op not in _NEGATED:
        return None
    period_s = period_of(objective)
    if objective.op[0] == ">" and objective.metric in _GOOD_SHARES and objective.unit == "percent" and 0 < limit < 100:
        if unit_of(reading) in ("percent", "ratio"):
            return Budget((100 - limit) / 100, "share", period_s)
        return Budget((100 - limit) / 100, "up", period_s) if single else None
    if objective.op[0] != "<" or limit <= 0:
        return None
    if objective.metric in _BAD_SHARES and objective.unit == "percent" and limit < 100:
        return Budget(limit / 100, "bad", period_s)
    if objective.metric == "response_time" and percentile and single:
        return Budget(1 - percentile / 100, "within", period_s)
    return None


def period_of(objective: Threshold) -> float:
    """Give the time over which an objective holds, in seconds, as its own words say it; 30 days where they do not.

    >>> day = Threshold(line=1, role="objective", subject="Uptime", op=">", value=99.9, text="Uptime > 99.9 % per quarter")
    >>> period_of(day) / 86400
    90.0
    """
    if objective.for_s and objective.for_s >= DAY_S:
        return objective.for_s
    found = _PERIOD.search(objective.text)
    if found is None:
        return PERIOD_S
    unit = (found["unit"] or _WORDS.get((found["word"] or "").casefold(), "year")).casefold()
    return float(found["n"] or 1) * _DAYS[unit] * DAY_S or PERIOD_S


def as_alert(objective: Threshold) -> Threshold:
    """Give the comparison under which an objective is missed: what is to be below 2 s is bad from 2 s on."""
    return replace(objective, op=_NEGATED.get(objective.op, objective.op))


def burning(objective: Threshold) -> Threshold:
    """Give what fires while an objective's budget is spent too fast; its severity is what the book says, or not said."""
    subject = f"Error budget of {objective.subject} {objective.op} {objective.value or 0.0:g}"
    unit = " %" if objective.unit == "percent" else " s" if objective.unit == "seconds" else ""
    return replace(
        objective, role="alert", subject=f"{subject}{unit}", op="is", value=None, unit=None, state="burning", statistic=None,
        metric=None, for_s=None, source="objective",
    )  # fmt: skip


def _percentile(statistic: str | None) -> float | None:
    found = re.fullmatch(r"p(\d\d)", statistic or "")
    return float(found[1]) if found else None
