"""Whether a job is well: it ran when it was due, it did not fail, and it did not run for too long. Pure.

What is known of the job, its plan and now enter; readings or the sentence why there are none leave. A ping that may have come
while nobody listened is not missed: until the next one is due nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchkeeper.base.durations import format_duration
from watchkeeper.watch.arrivals import Heartbeat


@dataclass(frozen=True, slots=True)
class Plan:
    """When a job is due."""

    #: the next time that it is due, after one that it ran
    next_after: Callable[[datetime], datetime]
    #: how late it may be
    grace: timedelta
    #: how long it may run
    longest: timedelta
    #: how long before it is due it may come too
    early: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Judged:
    """How a job stands."""

    sentence: str
    values: dict[str, float] = field(default_factory=dict)
    #: nothing is known of it
    blind: bool = False


def judge(plan: Plan, beat: Heartbeat, now: datetime) -> Judged:
    """Say how a job stands."""
    ended = max((at for at in (beat.succeeded_at, beat.failed_at) if at is not None), default=None)
    begun = beat.running[0] if beat.running else None
    since = ended or beat.created_at
    unsure = False
    if begun is not None and now - begun > plan.longest and _overlap(beat.gap, begun, begun + plan.longest):
        # that it ended may have been said while nobody listened
        since, begun, unsure = max(since, begun), None, True
    due, skipped = expected(plan, since, beat.gap, now)
    unsure = unsure or skipped
    failed = beat.failed_at is not None and beat.failed_at == ended and beat.failed_at != beat.succeeded_at
    stuck = begun is not None and now - begun > plan.longest
    deadline = due + plan.grace
    late = now > deadline and not (begun is not None and begun <= deadline)
    values = _measured(beat, begun, now) | {"up": float(not (failed or stuck or late)), "time_ok": float(not (stuck or late))}
    values["run_ok"] = float(not failed)
    if late:
        values["late_seconds"] = (now - due).total_seconds()
    if failed and beat.failed_at is not None:
        said = f" with exit status {beat.exit}" if beat.exit else ""
        return Judged(f"it failed {_ago(beat.failed_at, now)}{said}{_said(beat)}", values)
    if stuck and begun is not None:
        return Judged(f"it began {_ago(begun, now)} and has not ended{_said(beat)}", values)
    if late:
        heard = f"the last ping came {_ago(ended, now)}" if ended else "none ever came"
        return Judged(f"a ping was due {_ago(due, now)}, and {heard}", values)
    if unsure and beat.gap is not None:
        gap = f"{beat.gap[0]:%Y-%m-%d %H:%M} to {beat.gap[1]:%Y-%m-%d %H:%M} UTC"
        return Judged(f"a ping may have come while nobody listened ({gap}); the next is due in {_words(due - now)}", blind=True)
    if begun is not None:
        return Judged(f"it runs, since {_words(now - begun)}", values)
    if ended is None:
        return Judged(f"no ping came yet; the first is due in {_words(due - now)}", blind=True)
    return Judged(f"it ran {_ago(ended, now)}", values)


def expected(plan: Plan, since: datetime, gap: tuple[datetime, datetime] | None, now: datetime) -> tuple[datetime, bool]:
    """Say when a ping is due, and whether an earlier one may have been lost in a gap."""
    due = plan.next_after(since)
    skipped = False
    while gap is not None and now > due + plan.grace and _overlap(gap, due - plan.early, due + plan.grace):
        # whatever was due before the gap ended may have come in it
        due = plan.next_after(max(due, gap[1] - plan.grace - timedelta(seconds=1)))
        skipped = True
    return due, skipped


def _overlap(gap: tuple[datetime, datetime] | None, begins: datetime, ends: datetime) -> bool:
    return gap is not None and gap[0] <= ends and gap[1] >= begins


def _measured(beat: Heartbeat, begun: datetime | None, now: datetime) -> dict[str, float]:
    values = {"running": float(begun is not None), "late_seconds": 0.0}
    if begun is not None:
        values["running_seconds"] = (now - begun).total_seconds()
    if beat.succeeded_at is not None:
        values["age_seconds"] = max(0.0, (now - beat.succeeded_at).total_seconds())
    if beat.ran_s is not None:
        values["ran_seconds"] = beat.ran_s
    if beat.exit is not None:
        values["exit"] = float(beat.exit)
    return values


def _ago(at: datetime, now: datetime) -> str:
    return f"{_words(now - at)} ago"


def _words(span: timedelta) -> str:
    return format_duration(max(0.0, span.total_seconds()))


def _said(beat: Heartbeat) -> str:
    lines = beat.note.strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""
