"""Does the branch apply? Pure: each condition is decided by what is known, by its own check, or by a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from watchkeeper.run.judge import judge_condition
from watchkeeper.run.known import Facts, asks_for, obstacle
from watchkeeper.run.model import Act, Ask, Do, Next, Outcome, Run, Settle, Standing, Wait

HALT_LOOK_AGAIN = timedelta(seconds=15)
_OTHERWISE = ("otherwise", "else", "if not", "in all other cases", "none of the above")


def of_condition(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next:
    """Say how a branch's condition is decided."""
    condition = act.condition
    assert condition is not None
    if condition.after_failure:
        failed = _failed_before(act, run)
        sentence = f"“{failed.text}” failed." if failed else "What came before it did not fail."
        return Settle(act, Outcome("ok", ended_at=now, sentence=sentence, holds=failed is not None))
    if condition.threshold is not None:
        holds, sentence = facts.readings.get(act.key, (None, "Nothing reads it."))
        if holds is not None:
            return Settle(act, Outcome("ok", ended_at=now, sentence=sentence, holds=holds))
    if condition.command is not None:
        if act.risk == "read" and act.key in facts.missing and act.key not in facts.refused:
            return Ask(act, "input", asks_for(facts.missing[act.key]))
        if act.risk != "read" or act.key in facts.refused or not facts.speaks(act, condition.command.language):
            return Ask(act, "branch", f"Its check cannot run by itself: {obstacle(act, facts)}.")
        if facts.brakes.halted:
            return Wait(now + HALT_LOOK_AGAIN, facts.brakes.halted)
        return Do(act, standing.attempt, f"It decides whether “{condition.text}”.")
    if condition.text.casefold().strip(" :,.") in _OTHERWISE:
        taken = _branches_taken(act, run)
        if taken is not None:
            sentence = "An earlier branch applied." if taken else "No earlier branch applied."
            return Settle(act, Outcome("ok", ended_at=now, sentence=sentence, holds=not taken))
    diagnosis = _diagnosis_for(act, run) if condition.test is not None else None
    if diagnosis is not None:
        outcome = run.acts[diagnosis.key].outcome
        assert outcome is not None
        with_command = replace(condition, command=diagnosis.command)
        holds, sentence = judge_condition(with_command, outcome.exit_status, outcome.output)
        if holds is not None:
            sentence = f"By “{diagnosis.command.text if diagnosis.command else diagnosis.text}”: {sentence}"
            return Settle(act, Outcome("ok", ended_at=now, sentence=sentence, holds=holds))
    return Ask(act, "branch", f"The book does not say how to see whether “{condition.text}”.")


def stopped(act: Act, run: Run) -> bool:
    """Tell whether an act failed in a way that stops the procedure; a failed look is a finding, not a stop."""
    if run.acts[act.key].state != "failed" or act.kind == "condition":
        return False
    return act.mutating or act.phase == "verify" or (act.expects is not None and act.phase != "diagnose")


def _failed_before(act: Act, run: Run) -> Act | None:
    """Give the act that failed in the last step before this one that did something; None where that went well."""
    acts = run.plan.acts
    for earlier in reversed(acts[: acts.index(act)]):
        if earlier.kind != "command" or run.acts[earlier.key].state == "skipped":
            continue
        same_step = [other for other in acts if other.step == earlier.step]
        return next((other for other in same_step if stopped(other, run)), None)
    return None


def _branches_taken(act: Act, run: Run) -> bool | None:
    """Tell whether a branch before this "otherwise" was taken; None where there is none."""
    acts = run.plan.acts
    answers = []
    for earlier in reversed(acts[: acts.index(act)]):
        if earlier.kind == "condition" and not (earlier.condition and earlier.condition.after_failure):
            outcome = run.acts[earlier.key].outcome
            answers.append(bool(outcome and outcome.holds))
        elif earlier.branch is None and earlier.phase != "diagnose":
            break
    return any(answers) if answers else None


def _diagnosis_for(act: Act, run: Run) -> Act | None:
    """Find the look whose outcome a condition speaks of: the one that shares most words with it, else the nearest before it."""
    acts = run.plan.acts
    done = [
        other
        for other in acts[: acts.index(act)]
        if other.kind == "command" and not other.mutating and run.acts[other.key].outcome is not None and other.phase != "verify"
    ]
    condition = act.condition
    wanted = _words(condition.text) if condition else set()
    return max(enumerate(done), key=lambda pair: (len(wanted & _diagnosis_words(pair[1])), pair[0]), default=(0, None))[1]


def _diagnosis_words(act: Act) -> set[str]:
    command = act.command
    return _words(" ".join((command.text, command.purpose or "", *command.tools))) if command else set()


def _words(text: str) -> set[str]:
    return {word for word in "".join(c if c.isalnum() else " " for c in text.casefold()).split() if len(word) > 3}
