"""Does the branch apply? Pure: each condition is decided by what is known, by its own check, or by a person."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from watchkeeper.run.judge import judge_condition, shows
from watchkeeper.run.known import Facts, asks_for, obstacle
from watchkeeper.run.model import Act, Ask, Do, Next, Outcome, Run, Settle, Standing, Wait
from watchkeeper.run.output import without_remarks

HALT_LOOK_AGAIN = timedelta(seconds=15)
#: while a change is given time to show, the thresholds are looked at this often
SHOWS_AGAIN = timedelta(seconds=2)
#: conditions that ask whether the trouble goes on
_GOES_ON = re.compile(
    r"\b(?:still|persists?|remains?|continues?|no improvement)\b|^(?:if |when |as |where )*(?:needed|necessary|required)$"
    r"|\b(?:did|does|do|is|are|was|were|has|have)(?: not|n[’']t) (?:work|help|recover|resolve|fix|improve|clear|healthy|solve)"
    r"|\b(?:un|not )(?:resolved|successful|healthy|solved)\b",
    re.IGNORECASE,
)
_LOOKS_ON = re.compile(
    r"\b(?:monitor|observe|watch|keep an eye|stab\w+|healthy|recover\w*|stays?|ensure|confirm|verify)\b", re.IGNORECASE
)
_OTHERWISE = ("otherwise", "else", "if not", "in all other cases", "none of the above")


def of_condition(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next:
    """Say how a branch's condition is decided."""
    condition = act.condition
    assert condition is not None
    if condition.after_failure:
        failed = _failed_before(act, run)
        if failed is None and asks_of_trouble(act):
            found = _by_trouble(act, run, facts, now)
            if found is not None:
                return found
        sentence = f"“{failed.text}” failed." if failed else "What came before it did not fail."
        return Settle(act, Outcome("ok", ended_at=now, sentence=sentence, holds=failed is not None))
    if condition.threshold is not None:
        holds, sentence = facts.readings.get(act.key, (None, "Nothing reads it."))
        if holds is not None:
            return Settle(act, Outcome("ok", ended_at=now, sentence=sentence, holds=holds))
    other = _case_that_applied(act, run)
    if other is not None:
        said = f"“{other.text}” applied before, and this is another answer to the same question."
        return Settle(act, Outcome("ok", ended_at=now, sentence=said, holds=False))
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
    if asks_of_trouble(act):
        found = _by_trouble(act, run, facts, now)
        if found is not None:
            return found
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


def asks_of_trouble(act: Act) -> bool:
    """Tell whether an act is a condition such as "if needed" or "if it still fails", which the trouble itself decides."""
    return act.condition is not None and bool(_GOES_ON.search(act.condition.text))


def watches(act: Act) -> bool:
    """Tell whether a wait is one in which somebody looks on: "monitor for 15 minutes", "wait until it is stable"."""
    return act.kind == "wait" and bool(_LOOKS_ON.search(act.text))


def of_watch(act: Act, standing: Standing, facts: Facts, now: datetime) -> Outcome | None:
    """Say how a watched wait ends: early where a threshold fires again, at its end by whether all hold; None while it goes on."""
    since = standing.since or now
    again = next((each for each in facts.watched if each.firing and each.since > since), None)
    if again is not None:
        return Outcome("failed", started_at=since, ended_at=now, sentence=f"It did not hold: {again.sentence}")
    if standing.wait_until is not None and now < standing.wait_until:
        return None
    left = next((each for each in facts.watched if each.firing is not False), None)
    if left is not None:
        why = "It still fires" if left.firing else "Nobody can see whether it is well"
        return Outcome("failed", started_at=since, ended_at=now, sentence=f"{why}: {left.sentence}")
    held = "it held" if facts.watched else "nothing watches it"
    return Outcome("ok", started_at=since, ended_at=now, sentence=f"The wait is over, and {held}.")


def _by_trouble(act: Act, run: Run, facts: Facts, now: datetime) -> Settle | Wait | None:
    """Settle a condition by whether the trouble goes on; a change that was just made is first given time to show."""
    holds, sentence = _trouble_goes_on(act, run, facts)
    if holds is None:
        return None
    ended = [outcome.ended_at for each in run.plan.acts if each.mutating and (outcome := run.acts[each.key].outcome)]
    shows_at = max((each for each in ended if each is not None), default=now) + timedelta(seconds=facts.verify_s)
    if holds and ended and now < shows_at:
        return Wait(min(shows_at, now + SHOWS_AGAIN), f"What was done is given time to show: {sentence}")
    return Settle(act, Outcome("ok", ended_at=now, sentence=sentence, holds=holds))


def _trouble_goes_on(act: Act, run: Run, facts: Facts) -> tuple[bool | None, str]:
    """Say by the last verification, else by the thresholds that the run is about, whether the trouble goes on."""
    acts = run.plan.acts
    for earlier in reversed(acts[: acts.index(act)]):
        outcome = run.acts[earlier.key].outcome
        if earlier.phase == "verify" and earlier.kind == "command" and outcome is not None:
            return outcome.result != "ok", f"By “{earlier.command.text if earlier.command else earlier.text}”: {outcome.sentence}"
    firing = next((each for each in facts.watched if each.firing), None)
    if firing is not None:
        return True, firing.sentence
    if facts.watched and all(each.firing is False for each in facts.watched):
        return False, facts.watched[0].sentence
    return None, ""


def stopped(act: Act, run: Run) -> bool:
    """Tell whether an act failed in a way that stops the procedure; a failed look is a finding, not a stop."""
    if run.acts[act.key].state != "failed" or act.kind == "condition":
        return False
    return act.mutating or act.kind == "wait" or act.phase == "verify" or (act.expects is not None and act.phase != "diagnose")


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


def _case_that_applied(act: Act, run: Run) -> Act | None:
    """Give the branch that applied before, where a condition is another of its cases: "shows off" and then "shows on".

    Cases are answers to one question, so asking again after what the first of them changed would carry out both. The answer
    stands on a line of its own, beside warnings at most: a list may hold several cases at once, and so may cases with a step
    for all between them.
    """
    acts = run.plan.acts
    for earlier in reversed(acts[: acts.index(act)]):
        if earlier.kind != "condition" and earlier.branch is None:
            return None
        outcome = run.acts[earlier.key].outcome
        if outcome is None or not outcome.holds or not _ask_the_same(earlier, act):
            continue
        output, others = without_remarks(outcome.output), _answers(act)
        said = {line.strip().casefold() for line in output.splitlines()}
        if said & _answers(earlier) and others and not any(shows(output, word) for word in others):
            return earlier
    return None


def _ask_the_same(one: Act, other: Act) -> bool:
    asked = [each.condition.command.text if each.condition and each.condition.command else None for each in (one, other)]
    return asked[0] is not None and asked[0] == asked[1]


def _answers(act: Act) -> set[str]:
    """Give the answers that a condition waits for; none where it asks for anything but words that are shown."""
    test = act.condition.test if act.condition else None
    if test is None or test.kind != "shows":
        return set()
    words = test.any_of or ((str(test.value),) if test.value is not None else ())
    return {word.strip().casefold() for word in words}


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
