"""Judges a sample by a threshold of the book: ok, pending, firing or blind, each with the sentence why.

A bound threshold, how it stood, a sample and now enter; how it stands leaves. A threshold fires at the sample with which it has
been breached, without a break, for as long as the book says; a healthy sample ends it at once; no reading is never "ok".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from watchkeeper.base.durations import format_duration
from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound
from watchkeeper.estate.states import bad_at_zero, name_in
from watchkeeper.watch.model import Sample, Standing, State
from watchkeeper.watch.window import Past, Windowed
from watchkeeper.watch.worded import fill

_UNITS = {
    "percent": " %", "seconds": " s", "days": " days", "bytes": " bytes",
    "per_second": "/s", "per_minute": "/min", "per_hour": "/h",
}  # fmt: skip
_WORDS_SHOWN = 160
#: the sooner look that a first failure gets comes after this share of the schedule, and no later than after so many seconds;
#: what is looked at more often than each `CONFIRM_FROM_S` seconds confirms itself
CONFIRM_SHARE = 1 / 3
CONFIRM_MOST_S = 5.0
CONFIRM_FROM_S = 5.0
#: looks outside the schedule are counted over this time
EXTRA_WITHIN = timedelta(seconds=60)
#: how late a look may be before its signal counts as silent
LATE_S = 15.0
#: readings that a statistic needs before it can fire by itself
FEWEST = 5
#: readings over the limit that a high percentile needs: of ten readings one is the 95th percentile, and an accident
FEWEST_OVER = 2
_TAILS = frozenset({"p90", "p95", "p99"})
_BLIND = ": firing, blind"


def judge(bound: Bound, before: Standing | None, sample: Sample, now: datetime, past: Past | None = None) -> Standing:
    """Say how a threshold stands after a sample. Times never run backwards: an instant before the last one counts as it.

    `past` remembers the readings before it, for a threshold whose statistic is taken here.
    """
    at, before = in_order(sample.at, before, now)
    raw = sample.values.get(bound.reading)
    value = None if raw is None or math.isnan(raw) else raw * bound.factor
    if value is None:
        return without_reading(bound, before, at, why_missing(bound, sample, raw))
    over = _over(bound, value, at, sample.took_s, past)
    value = over.value if over else value
    shown = shown_of(value)
    enough = over is not None and (over.count >= FEWEST or bool(bound.threshold.for_s))
    if enough and is_breached(bound, value) and _is_one_alone(bound, past, at):
        said = f"{_breached_words(bound, value, sample.detail)}{_span(bound, over)}, but by one of them alone: ok"
        return Standing(bound.key, "ok", _since(before, "ok", at), None, shown_of(value), at, said)
    if not is_breached(bound, value):
        if before is not None and before.state == "firing" and bound.margin and is_breached(bound, value, bound.margin):
            said = f"{_healthy_words(bound, value, sample.detail)}, but not yet by the margin of {bound.margin:.3g} of its limit"
            return Standing(bound.key, "firing", before.since, before.breached_since, shown, at, f"{said}: firing")
        said = f"{_healthy_words(bound, value, sample.detail)}{_span(bound, over)}: ok"
        return Standing(bound.key, "ok", _since(before, "ok", at), None, shown, at, said)
    breached_since = _breached_since(bound, before, at, sample.took_s)
    if over is not None:
        breached_since = min(breached_since, at - timedelta(seconds=over.reach_s))
    held_s = (at - breached_since).total_seconds()
    said = f"{_breached_words(bound, value, sample.detail)}{_span(bound, over)}"
    state: State
    if over is not None and over.count < FEWEST and not bound.threshold.for_s:
        state, said = "pending", f"{said}, which are too few to judge by: pending"
    else:
        state, said = _hold(bound.threshold, before, held_s, said)
    if state == "firing" and not bound.together_with:
        said = f"{_message(bound, value)}{said}"
    return Standing(bound.key, state, _since(before, state, at), breached_since, shown, at, said)


def _message(bound: Bound, value: float) -> str:
    """Give what the book's monitor has its team told, before our own sentence; nothing where it has no message."""
    threshold = bound.threshold
    if not threshold.message:
        return ""
    limit = number_words(threshold.value or 0.0, None)
    said = fill(threshold.message, number_words(value, None), limit, bound.component or bound.signal)
    return f"{said} " if said[-1:] in ".!?…" else f"{said}. " if said else ""


def _over(bound: Bound, value: float, at: datetime, took_s: float, past: Past | None) -> Windowed | None:
    """Take the statistic over the window, where the book asks for one and the reading is a single value."""
    if bound.window_s is None or past is None or bound.threshold.statistic is None:
        return None
    past.add(at, value, bound.window_s, stale_after_s(bound.every_s, took_s))
    return past.over(bound.threshold.statistic, bound.window_s, at)


def shown_of(value: float) -> float | None:
    """Give a value that a row can keep."""
    return value if math.isfinite(value) else None


def _is_one_alone(bound: Bound, past: Past | None, at: datetime) -> bool:
    """Say whether a high percentile of few readings is over its limit by a single one of them."""
    if past is None or bound.threshold.statistic not in _TAILS:
        return False
    return past.count(bound.window_s or 0.0, at, lambda value: is_breached(bound, value)) < FEWEST_OVER


def _span(bound: Bound, over: Windowed | None) -> str:
    if over is None:
        return ""
    readings = "one reading" if over.count == 1 else f"{over.count} readings"
    return f", over {readings} of the last {format_duration(max(over.reach_s, 0.0))}" if over.reach_s else f", over {readings}"


def together(bound: Bound, own: Standing, others: Iterable[Standing | None], before: Standing | None) -> Standing:
    """Say how a threshold stands that counts only while others are breached as well ("CPU > 80 % and memory > 85 %")."""
    if is_blind(own):
        return replace(own, state="firing" if before is not None and before.state == "firing" else "blind")
    if own.breached_since is None:
        return own
    found = list(others)
    missing = [other for other in found if other is None or other.breached_since is None]
    if missing:
        said = f"{own.sentence.rsplit(':', 1)[0]}, but what it counts together with is not breached: ok"
        return replace(own, state="ok", since=_since(before, "ok", own.at), breached_since=None, sentence=said)
    since = max([own.breached_since, *(other.breached_since for other in found if other and other.breached_since)])
    held_s = max(0.0, (own.at - since).total_seconds())
    state, said = _hold(bound.threshold, before, held_s, f"{_first_clause(own.sentence)} together with the rest of its rule")
    if state == "firing" and own.value is not None:
        said = f"{_message(bound, own.value)}{said}"
    return replace(own, state=state, since=_since(before, state, own.at), breached_since=since, sentence=said)


def stale_after_s(every_s: float, took_s: float = 0.0) -> float:
    """Say how long a signal may give no sample before nobody can say any more what it was meanwhile.

    Between two samples the time that the second look took is no silence.
    """
    return max(3 * every_s, every_s + LATE_S) + took_s


def stale(bound: Bound, standing: Standing | None, every_s: float, since: datetime, now: datetime) -> Standing | None:
    """Say that a threshold is blind because no sample came for three times as long as it should; None while that is not so.

    One that was never judged is blind once its signal has been watched for so long, from `since` on.
    """
    quiet_s = (now - (standing.at if standing is not None else since)).total_seconds()
    if (standing is not None and is_blind(standing)) or quiet_s <= stale_after_s(every_s):
        return None
    if standing is not None and standing.state == "pending" and quiet_s > (bound.threshold.for_s or 0.0):
        standing = replace(standing, breached_since=None)
    return without_reading(bound, standing, now, f"no sample for {format_duration(quiet_s)}")


def is_blind(standing: Standing) -> bool:
    """Say whether there is no reading to judge; a threshold that fired before stays firing and may be blind all the same."""
    return standing.state == "blind" or (standing.state == "firing" and standing.sentence.endswith(_BLIND))


def is_breached(bound: Bound, value: float, margin: float = 0.0) -> bool:
    """Say whether a value, in the threshold's unit, is over the threshold, moved to its good side by a share of the limit."""
    threshold = bound.threshold
    if threshold.op == "is":
        return (value == 0) == bad_at_zero(threshold.state or "down", bound.reading)
    return is_breached_by(threshold, value, margin)


def is_breached_by(threshold: Threshold, value: float, margin: float = 0.0) -> bool:
    """Say whether a value, in a comparison's unit, fulfils it, moved to its good side by a share of the limit."""
    limit = threshold.value
    if limit is None:
        return False
    if margin and threshold.op in (">", ">=", "<", "<="):
        limit += abs(limit) * (-margin if threshold.op[0] == ">" else margin)
    match threshold.op:
        case ">":
            return value > limit
        case ">=":
            return value >= limit
        case "<":
            return value < limit
        case "<=":
            return value <= limit
        case "==":
            return value == limit
        case _:
            return value != limit


def in_order(at: datetime, before: Standing | None, now: datetime) -> tuple[datetime, Standing | None]:
    """Keep instants in order where a clock was set back: a standing from the future is moved to now."""
    at = min(at, now)
    if before is None or before.at <= at:
        return at, before
    if before.at > now:
        breached = min(before.breached_since, now) if before.breached_since else None
        before = replace(before, at=now, since=min(before.since, now), breached_since=breached)
    return max(at, before.at), before


def _since(before: Standing | None, state: State, at: datetime) -> datetime:
    return before.since if before is not None and before.state == state else at


def _breached_since(bound: Bound, before: Standing | None, at: datetime, took_s: float) -> datetime:
    """Give the start of the breach; a gap without readings breaks it only when it was longer than the hold.

    A gap is also a clock that jumped, or a machine that slept: what two samples far apart show did not hold in between. The time
    that a look itself takes is no gap: what lets it wait for half a minute hangs all that time.
    """
    if before is None or before.breached_since is None:
        return at
    hold_s = bound.threshold.for_s or 0.0
    if before.state == "blind" and (at - before.since).total_seconds() > hold_s:
        return at
    if before.state == "pending" and (at - before.at).total_seconds() > max(hold_s, stale_after_s(bound.every_s, took_s)):
        return at
    return before.breached_since


def _hold(threshold: Threshold, before: Standing | None, held_s: float, said: str) -> tuple[State, str]:
    allowed_s = threshold.for_s or 0.0
    if allowed_s <= 0:
        return "firing", f"{said}: firing"
    allowed = format_duration(allowed_s)
    if held_s >= allowed_s:
        held = format_duration(held_s)
        compared = (
            f"as long as the {allowed} the book allows" if held == allowed else f"longer than the {allowed} the book allows"
        )
        return "firing", f"{said} for {held}, {compared}: firing"
    if before is not None and before.state == "firing":
        return "firing", f"{said} for {format_duration(held_s)} again: firing"
    return "pending", f"{said} for {format_duration(held_s)} of the {allowed} the book allows: pending"


def without_reading(bound: Bound, before: Standing | None, at: datetime, why: str) -> Standing:
    """Say how a threshold stands without its reading: blind, and still firing where it fired before."""
    breached_since = before.breached_since if before else None
    subject = _subject(bound.threshold)
    if before is not None and before.state == "firing":
        said = f"{subject} cannot be judged ({why}); it fired before and nothing says that it is well{_BLIND}"
        return Standing(bound.key, "firing", before.since, breached_since, None, at, said)
    said = f"{subject} cannot be judged ({why}): blind"
    return Standing(bound.key, "blind", _since(before, "blind", at), breached_since, None, at, said)


def why_missing(bound: Bound, sample: Sample, raw: float | None) -> str:
    """Say why a sample has no reading for a threshold."""
    if sample.problem:
        return _short(sample.problem)
    if raw is not None:
        return f"the reading {bound.reading!r} is not a number"
    said = f": {_short(sample.detail)}" if sample.detail else ""
    return f"there is no reading {bound.reading!r}{said}"


def _breached_words(bound: Bound, value: float, detail: str) -> str:
    threshold = bound.threshold
    if threshold.op == "is":
        state = threshold.state or "down"
        says_it = name_in(threshold.subject, state) != threshold.subject
        return f"{threshold.subject if says_it else f'{threshold.subject} is {state}'}{_aside(detail)}"
    return f"{_subject(threshold)} is {_value_words(value, threshold)} ({_limit(threshold)})"


def _healthy_words(bound: Bound, value: float, detail: str) -> str:
    threshold = bound.threshold
    if threshold.op == "is":
        state = threshold.state or "down"
        negated = state.removeprefix("not ") if state.startswith("not ") else f"not {state}"
        return f"{name_in(threshold.subject, state)} is {negated}{_aside(detail)}"
    return f"{_subject(threshold)} is {_value_words(value, threshold)} (fires at {_limit(threshold)})"


def number_words(value: float, unit: str | None) -> str:
    """Say a value with its unit, short enough for a sentence.

    >>> number_words(31.0, "percent"), number_words(0.25, "seconds"), number_words(1204, None), number_words(3e9, "bytes")
    ('31 %', '250 ms', '1,204', '3 GB')
    """
    if not math.isfinite(value):
        return "without bound" if value > 0 else "below every bound"
    if unit == "seconds":
        return format_duration(value)
    if unit == "bytes":
        for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{number}{_UNITS.get(unit or '', '')}"


def _value_words(value: float, threshold: Threshold) -> str:
    """Say a value so that it does not read like the limit unless it is the limit."""
    said = number_words(value, threshold.unit)
    if value == threshold.value or said != number_words(threshold.value or 0.0, threshold.unit):
        return said
    return f"{value:.6g}{_UNITS.get(threshold.unit or '', '')}"


def _subject(threshold: Threshold) -> str:
    if threshold.op == "is":
        return name_in(threshold.subject, threshold.state or "down")
    statistic = threshold.statistic
    if statistic in (None, "rate") or str(statistic) in threshold.subject.casefold():
        return threshold.subject
    return f"{threshold.subject} ({statistic})"


def _limit(threshold: Threshold) -> str:
    return f"{threshold.op} {number_words(threshold.value or 0.0, threshold.unit)}"


def _aside(detail: str) -> str:
    return f" ({_short(detail)})" if detail else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WORDS_SHOWN else f"{line[: _WORDS_SHOWN - 1]}…"


def _first_clause(sentence: str) -> str:
    return sentence.rsplit(":", 1)[0].rsplit(" for ", 1)[0]


def next_look_at(started_at: datetime, every_s: float, now: datetime) -> datetime:
    """Give the next instant of a steady schedule; looks that were missed are left out, never made up for."""
    passed = math.floor((now - started_at).total_seconds() / every_s) + 1
    return started_at + timedelta(seconds=passed * every_s)


def decisive_look_at(standings: Iterable[tuple[Bound, Standing | None]], now: datetime) -> datetime | None:
    """Give the next instant at which a pending threshold may fire; None where none is pending.

    A look right then decides by a sample of that instant instead of the next of the schedule.
    """
    due = [
        standing.breached_since + timedelta(seconds=bound.threshold.for_s or 0.0)
        for bound, standing in standings
        if standing is not None and standing.state == "pending" and standing.breached_since is not None
    ]
    return min((at for at in due if at > now), default=None)


def is_first_failure(before: Standing | None, standing: Standing) -> bool:
    """Say whether a sample is the first bad news of a threshold: breached or blind, which it was not before."""
    return standing.state != "ok" and (before is None or before.state == "ok")


def confirming_look_at(failed_at: datetime | None, every_s: float) -> datetime | None:
    """Give the instant at which a first failure is looked at again; None where there is none, or the schedule is as soon."""
    if failed_at is None or every_s < CONFIRM_FROM_S:
        return None
    return failed_at + timedelta(seconds=min(every_s * CONFIRM_SHARE, CONFIRM_MOST_S))


def sooner_look_at(
    confirming: datetime | None, decisive: datetime | None, extra: Iterable[datetime], most: int, now: datetime
) -> datetime | None:
    """Choose between the looks outside the schedule, within the number of them that a signal may have in a minute.

    Looks that confirm take at most half of that number, so that one which decides is not left out for them.
    """
    spent = sum(1 for at in extra if now - EXTRA_WITHIN < at <= now)
    if spent >= most:
        return None
    wanted = [at for at in (confirming if 2 * spent < most else None, decisive) if at is not None and at > now]
    return min(wanted, default=None)
