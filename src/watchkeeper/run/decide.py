"""The interpreter of runs, pure: `decide` says what is next and why.

Nothing else is state: a successor that reads the same log decides the same. What the world looks like (policy, brakes, readings,
digests of what would run) comes in as Facts; nothing here may look for itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from watchkeeper.run.conditions import HALT_LOOK_AGAIN, of_condition, of_watch, stopped, watches
from watchkeeper.run.gate import gate, unattended
from watchkeeper.run.known import Facts, asks_for, obstacle
from watchkeeper.run.model import Act, Ask, Do, Done, Next, Outcome, Run, Settle, Skip, Standing, Wait

#: a halt or a busy component is looked at again after this long
LOOK_AGAIN = timedelta(seconds=0.5)
#: a watched wait is looked at this often
WATCH_AGAIN = timedelta(seconds=5)


def decide(run: Run, facts: Facts, now: datetime) -> Next:
    """Say what is next, with the sentence why.

    1. An act that was begun and has no outcome comes first, whatever else happened: nothing is left hanging.
    2. A cancelled run ends.
    3. The acts are taken in the book's order; the first that is not over decides.
    """
    for act in run.plan.acts:
        if run.acts[act.key].state == "running":
            return Do(act, run.acts[act.key].attempt, "It was begun and has no outcome yet.")
    if run.state == "cancelled":
        return Done("cancelled", run.sentence or "It was cancelled.")
    for act in run.plan.acts:
        standing = run.acts[act.key]
        # a check within a branch says by that whether it is to be made: what the branch does may come after it
        if act.phase == "verify" and act.branch is None and standing.state == "to-do" and not _something_applied(run):
            return Done("failed", "No branch of the procedure applied.")
        step = _of_act(act, standing, run, facts, now)
        if step is not None:
            return step
    if not _something_applied(run):
        return Done("failed", "No branch of the procedure applied.")
    return Done("succeeded", _success(run))


def _of_act(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next | None:
    match standing.state:
        case "done" | "skipped":
            if act.kind == "condition" and standing.state == "done" and standing.outcome and standing.outcome.holds is None:
                return Ask(act, "branch", standing.outcome.sentence)
            return None
        case "asking":
            return Wait(None, standing.sentence, act)
        case "unknown":
            why = standing.outcome.sentence if standing.outcome else ""
            return Ask(act, "settle", f"Nobody knows whether it happened. {why}".strip())
        case "failed":
            return _of_failed(act, standing, run, facts, now)
        case "waiting":
            if watches(act):
                ended = of_watch(act, standing, facts, now)
                if ended is not None:
                    return Settle(act, ended)
                return Wait(standing.wait_until, "It is watched.", act, now + WATCH_AGAIN)
            if standing.wait_until and now < standing.wait_until:
                return Wait(standing.wait_until, "The book says to wait.", act)
            return Settle(act, Outcome("ok", started_at=standing.since, ended_at=now, sentence="The wait is over."))
        case _:
            return of_new(act, standing, run, facts, now)


def of_new(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next | None:
    """Say what is next with an act that has not begun."""
    if act.skip is not None:
        return Skip(act, act.skip)
    untaken = _untaken(act, run)
    if untaken is not None:
        return Skip(act, untaken)
    if act.kind == "manual":
        return Ask(act, "manual", "The book gives this to a person.")
    if act.kind == "wait":
        until, look_at = now + timedelta(seconds=act.wait_s or 0), now + WATCH_AGAIN if watches(act) else None
        return Wait(until, f"The book says to wait {act.wait_s or 0:g} s.", act, look_at)
    if act.kind == "condition":
        return of_condition(act, standing, run, facts, now)
    return _of_command(act, standing, run, facts, now)


def _untaken(act: Act, run: Run) -> str | None:
    """Say why an act is left out with its branch or its step; None where it is not."""
    if act.branch is not None:
        branch = run.acts[act.branch]
        if branch.state == "skipped":
            return "Its branch was left out."
        if branch.outcome is not None and branch.outcome.holds is False:
            return "Its branch does not apply."
    for earlier in run.plan.acts:
        if earlier.key == act.key:
            return None
        if earlier.step == act.step and act.kind != "condition" and stopped(earlier, run):
            return "The command before it in the same step failed."
    return None


def _of_command(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next:
    command = act.command
    assert command is not None
    if act.key in facts.refused or not facts.speaks(act, command.language):
        why = f"It cannot run as it stands: {obstacle(act, facts)}."
        return Skip(act, why) if act.phase == "diagnose" else Ask(act, "manual", why)
    if act.key in facts.missing:
        if act.phase == "diagnose" and unattended(run):
            return Skip(act, f"It cannot run as it stands: {obstacle(act, facts)}.")
        return Ask(act, "input", asks_for(facts.missing[act.key]))
    if facts.brakes.halted:
        return Wait(now + HALT_LOOK_AGAIN, facts.brakes.halted)
    answer = gate(act, run, facts.policy, facts.brakes, now, facts.severities, facts.meant(act, run))
    if answer.allow == "never":
        return Skip(act, answer.sentence) if act.phase == "diagnose" else Ask(act, "manual", answer.sentence)
    if answer.allow == "ask":
        return Ask(act, "approve", answer.sentence)
    if act.mutating and facts.brakes.busy:
        return Wait(now + LOOK_AGAIN, facts.brakes.busy)
    return Do(act, standing.attempt, answer.sentence)


def _of_failed(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next | None:
    outcome = standing.outcome or Outcome("failed")
    if act.kind == "wait":
        return None if _handled(act, run) else Done("failed", f"“{act.text}”: {outcome.sentence}")
    if act.phase == "verify" and not act.mutating:
        return _of_failed_check(act, standing, outcome, run, facts, now)
    if not stopped(act, run) or _handled(act, run):
        return None
    return Ask(act, "failed", outcome.sentence)


def _of_failed_check(act: Act, standing: Standing, outcome: Outcome, run: Run, facts: Facts, now: datetime) -> Next | None:
    """Look again until the check passes or the time for it is over."""
    if _handled(act, run):
        return None
    began, ended = standing.since or now, outcome.ended_at or now
    if (now - began).total_seconds() >= facts.verify_s:
        what = act.stands_for or (act.command.text if act.command else act.text)
        return Done("failed", f"The verification “{what}” did not pass: {outcome.sentence}")
    if facts.brakes.halted:
        return Wait(now + HALT_LOOK_AGAIN, facts.brakes.halted)
    again_at = ended + timedelta(seconds=0.5 if standing.attempt < 6 else 1.0)
    if now < again_at:
        return Wait(again_at, f"It is checked again: {outcome.sentence}")
    return Do(act, standing.attempt + 1, f"The verification did not pass yet: {outcome.sentence}")


def _handled(act: Act, run: Run) -> bool:
    """Tell whether the book goes on with "if that fails": the next step after the failed one begins so."""
    acts = run.plan.acts
    later = [other for other in acts[acts.index(act) + 1 :] if other.step != act.step]
    return bool(later) and later[0].condition is not None and later[0].condition.after_failure


def _something_applied(run: Run) -> bool:
    """Tell whether a branch was taken, or the procedure acts without one."""
    branches = [act for act in run.plan.acts if act.kind == "condition" and not (act.condition and act.condition.after_failure)]
    leading = [act for act in branches if any(other.branch == act.key and _acts(other) for other in run.plan.acts)]
    if not leading or any(act.branch is None and _acts(act) for act in run.plan.acts):
        return True
    if any(_acts(act) and run.acts[act.key].state == "done" for act in run.plan.acts):
        return True  # what is done where something has not helped is a branch that was taken too
    return any((outcome := run.acts[act.key].outcome) is not None and outcome.holds for act in leading)


def _acts(act: Act) -> bool:
    return (
        act.kind in ("command", "manual")
        and act.phase in ("act", None)
        and act.skip is None
        and (act.mutating or act.kind == "manual")
    )


def _success(run: Run) -> str:
    done = sum(run.acts[act.key].state == "done" for act in run.plan.acts if act.kind != "condition")
    checks = [act for act in run.plan.acts if act.phase == "verify" and run.acts[act.key].state == "done"]
    proof = f"{len(checks)} verification{'s' if len(checks) != 1 else ''} passed" if checks else "the book gives no verification"
    return f"{done} act{'s' if done != 1 else ''} done; {proof}."
