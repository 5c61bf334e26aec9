"""Did it work? A run's end and the incident's thresholds enter, a verdict with its sentence leaves.

Verified needs both: the run succeeded, its verification steps among its acts, and every threshold of the incident has been
healthy for the holding time and was looked at after the run ended. Blind is not healthy, and neither is pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from watchkeeper.base.durations import format_duration
from watchkeeper.run.model import Run
from watchkeeper.verify.model import Verdict
from watchkeeper.watch.model import Standing

#: how long after a run that succeeded the thresholds may stay unhealthy before it counts as not having worked
PATIENCE_S = 300.0
#: when to look again while the thresholds are not healthy
LOOK_AGAIN_S = 5.0


def judge(
    run: Run | None,
    standings: Mapping[str, Standing | None],
    healthy_since: datetime | None,
    hold_s: float,
    now: datetime,
    patience_s: float = PATIENCE_S,
) -> Verdict:
    """Judge an incident by each of its thresholds (None: never looked at) and by what was done about it, if anything.

    `healthy_since` is since when all are healthy, as the watch chapter has it; without it the standings themselves say so.
    """
    since = _healthy_since(standings, healthy_since)
    soon = now + timedelta(seconds=LOOK_AGAIN_S)
    held_s = (now - since).total_seconds() if since is not None else 0.0
    if run is not None and run.state == "failed" and held_s < hold_s:
        return Verdict("failed", f"{run.plan.title} failed: {run.sentence or 'it did not get to its end.'}", None, since)
    if run is not None and run.state in ("running", "waiting", "asking"):
        red = f"; {_red(standings)}" if since is None and standings else ""
        return Verdict("waiting", f"{run.plan.title} is still {_doing(run.state)}{red}.", None, since)
    if since is None:
        return _unhealthy(run, standings, now, soon, patience_s)
    if run is not None and run.ended_at is not None and (blind := _not_looked_at(standings, run.ended_at)):
        return Verdict("waiting", f"{run.plan.title} has ended; {blind} was not looked at since.", soon, since)
    over_at = since + timedelta(seconds=hold_s)
    if now < over_at:
        what, they = _all(standings), "it" if len(standings) == 1 else "they"
        sentence = f"{what} healthy for {format_duration(held_s)} of the {format_duration(hold_s)} that {they} must hold."
        return Verdict("waiting", sentence, over_at, since)
    return Verdict("verified", _verified(run, standings, held_s, since), None, since)


def _healthy_since(standings: Mapping[str, Standing | None], known: datetime | None) -> datetime | None:
    found = [s for s in standings.values() if s is not None and s.state == "ok"]
    if not found or len(found) < len(standings):
        return None
    return max([s.since for s in found] + ([known] if known else []))


def _not_looked_at(standings: Mapping[str, Standing | None], ended_at: datetime) -> str | None:
    return next((key for key, s in sorted(standings.items()) if s is not None and s.at < ended_at), None)


def _unhealthy(
    run: Run | None, standings: Mapping[str, Standing | None], now: datetime, soon: datetime, patience_s: float
) -> Verdict:
    if not standings:
        return Verdict("waiting", "No threshold belongs to the incident, so nothing says that it is over; a person must.", None)
    red = _red(standings)
    if run is not None and run.state == "succeeded" and run.ended_at is not None:
        after_s = (now - run.ended_at).total_seconds()
        if after_s >= patience_s:
            sentence = f"{run.plan.title} ended {format_duration(after_s)} ago and {red}: it did not help."
            return Verdict("failed", sentence)
        return Verdict("waiting", f"{run.plan.title} ended {format_duration(after_s)} ago; {red}.", soon)
    return Verdict("waiting", f"{red[:1].upper()}{red[1:]}.", soon)


def _red(standings: Mapping[str, Standing | None]) -> str:
    """Name the first threshold that is not well, and what was read of it."""
    key, standing = next((k, s) for k, s in sorted(standings.items()) if s is None or s.state != "ok")
    if standing is None:
        return f"{key} was never looked at"
    state = {"pending": "is breached", "firing": "is still firing", "blind": "is blind"}.get(standing.state, "")
    return f"{key} {state}" + (f" ({standing.sentence.rstrip('.')})" if standing.sentence else "")


def changed_before(run: Run, at: datetime) -> str | None:
    """Give the last command of a run that changed something and was begun before an instant; None where there is none."""
    done = [act for act in run.plan.acts if act.mutating and act.command is not None and run.acts[act.key].state == "done"]
    begun = [act for act in done if (since := run.acts[act.key].since) is not None and since <= at]
    return begun[-1].command.text if begun and begun[-1].command is not None else None


def _verified(run: Run | None, standings: Mapping[str, Standing | None], held_s: float, since: datetime) -> str:
    held = f"{_all(standings)} healthy for {format_duration(held_s)}"
    if run is None:
        return f"It recovered before anything was done: {held[:1].lower()}{held[1:]}."
    if run.state == "cancelled" and (last := changed_before(run, since)) is not None:
        return (
            f"{run.plan.title} had carried out “{last}” before that, and {held[:1].lower()}{held[1:]}; the rest was not needed."
        )
    if run.state in ("cancelled", "failed"):
        what = "was cancelled" if run.state == "cancelled" else f"failed ({run.sentence.rstrip('.')})"
        return f"{held}; {run.plan.title} {what}, so it is not what helped."
    checks = [key for key, s in run.acts.items() if s.state == "done" and _phase(run, key) == "verify"]
    proof = (
        f"its {len(checks)} verification {'step' if len(checks) == 1 else 'steps'} passed"
        if checks
        else "it has no verification steps"
    )
    return f"{run.plan.title} succeeded, {proof}, and {held[:1].lower()}{held[1:]}."


def _phase(run: Run, key: str) -> str | None:
    return next((act.phase for act in run.plan.acts if act.key == key), None)


def _all(standings: Mapping[str, Standing | None]) -> str:
    return "Its threshold has been" if len(standings) == 1 else f"All {len(standings)} thresholds have been"


def _doing(state: str) -> str:
    return {"running": "running", "waiting": "waiting", "asking": "asking a person"}[state]
