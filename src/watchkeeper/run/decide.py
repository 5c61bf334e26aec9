"""The interpreter of runs, pure: `evolve` folds the log into a run, `decide` says what is next and why.

Nothing else is state: a successor that reads the same log decides the same. What the world looks like (policy, brakes, readings,
digests of what would run) comes in as Facts; nothing here may look for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.estate.model import Policy
from watchkeeper.run.gate import Brakes, gate
from watchkeeper.run.judge import judge_condition
from watchkeeper.run.model import Act, Ask, Do, Done, Event, Next, Outcome, Run, RunState, Settle, Skip, Standing, Wait

#: a halt or a busy component is looked at again after this long
LOOK_AGAIN = timedelta(seconds=0.5)
HALT_LOOK_AGAIN = timedelta(seconds=15)
_OTHERWISE = ("otherwise", "else", "if not", "in all other cases", "none of the above")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision needs to know beside the log."""

    policy: Policy = field(default_factory=Policy)
    brakes: Brakes = field(default_factory=Brakes)
    #: all words the book has for the run's severity
    severities: frozenset[str] = frozenset()
    #: languages that the run's target can run
    languages: frozenset[str] = frozenset({"bash"})
    #: act -> placeholders in its command that the estate does not fill
    unfilled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: act -> digest of what would run now
    digests: Mapping[str, str] = field(default_factory=dict)
    #: condition act -> what the readings say of it
    readings: Mapping[str, tuple[bool | None, str]] = field(default_factory=dict)
    #: how long a verification may take to pass
    verify_s: float = 30.0


def begin(run: Run) -> Run:
    """Give the run as it stands before the first event."""
    return replace(run, acts={act.key: Standing() for act in run.plan.acts})


def evolve(run: Run, event: Event) -> Run:
    """Fold one event into the run; an event that says nothing new changes only the sequence number."""
    run = replace(run, seq=event.seq)
    body = event.body
    if event.kind == "ended":
        return replace(run, state=body["state"], sentence=body.get("sentence", ""), ended_at=event.at)
    if event.kind == "cancelled":
        acts = {key: _dropped(standing) if standing.state == "asking" else standing for key, standing in run.acts.items()}
        return replace(run, state="cancelled", sentence=body.get("sentence", ""), acts=acts)
    if event.kind == "approved":
        until = read_instant(body["until"])
        acts = {key: _approved(run.acts[key], event.actor, event.at, until, digest) for key, digest in body["digests"].items()}
        run = replace(run, acts={**run.acts, **acts})
    if event.act is None or event.act not in run.acts:
        return run
    standing = _stand(run.acts[event.act], event)
    run = replace(run, acts={**run.acts, event.act: standing})
    if run.state == "cancelled":
        return run
    if event.kind == "answered" and body["answer"] in ("abort", "refuse"):
        return replace(run, state="cancelled", sentence=body.get("sentence") or f"{event.actor} stopped it.")
    state: RunState = "asking" if standing.state == "asking" else "waiting" if standing.state == "waiting" else "running"
    return replace(run, state=state)


def _approved(standing: Standing, by: str, at: datetime, until: datetime, digest: str) -> Standing:
    """Count an approval; one of something else, or one that lapsed, no longer counts beside it."""
    same = standing.approved_digest == digest and standing.approved_until is not None and at < standing.approved_until
    others = tuple(each for each in standing.approvers if each != by) if same else ()
    return replace(standing, approved_by=by, approvers=(*others, by), approved_until=until, approved_digest=digest)


def _stand(standing: Standing, event: Event) -> Standing:
    body, kind = event.body, event.kind
    if kind == "intent":
        return replace(
            standing, state="running", attempt=body["attempt"], outcome=None, since=standing.since or event.at, question=None
        )
    if kind == "outcome":
        return _stand_after(standing, outcome_from_json(body["outcome"]))
    if kind == "skipped":
        return replace(standing, state="skipped", sentence=body.get("sentence", ""), question=None)
    if kind == "asked":
        sentence = body.get("sentence", "")
        return replace(standing, state="asking", question=body["question"], asked_at=event.at, sentence=sentence)
    if kind == "approved":
        return replace(standing, state="to-do", question=None)
    if kind == "waiting":
        return replace(standing, state="waiting", wait_until=read_instant(body["until"]), since=standing.since or event.at)
    if kind == "answered":
        return _answered(standing, event)
    return standing


def _stand_after(standing: Standing, outcome: Outcome) -> Standing:
    if outcome.result == "lost":
        return replace(standing, state="to-do", attempt=standing.attempt + 1)
    if outcome.result == "unknown" and outcome.holds is None:
        return replace(standing, state="unknown", outcome=outcome)
    state = "done" if outcome.result == "ok" else "failed"
    return replace(standing, state=state, outcome=outcome, question=None)  # type: ignore[arg-type]


def _answered(standing: Standing, event: Event) -> Standing:
    answer = event.body["answer"]
    said = event.body.get("sentence") or f"{event.actor} says {answer}."
    if answer in ("again", "did-not-happen"):
        anew: dict[str, Any] = {
            "approved_by": None,
            "approvers": (),
            "approved_until": None,
            "approved_digest": None,
            "since": None,
        }
        return replace(standing, state="to-do", attempt=standing.attempt + 1, question=None, **anew)
    if answer == "skip":
        return replace(standing, state="skipped", sentence=said, question=None)
    if answer in ("yes", "no"):
        outcome = Outcome("ok", ended_at=event.at, sentence=said, holds=answer == "yes")
        return replace(standing, state="done", outcome=outcome, question=None)
    if answer in ("happened", "done"):
        output = standing.outcome.output if standing.outcome else ""
        outcome = Outcome("ok", output=output, ended_at=event.at, sentence=said)
        return replace(standing, state="done", outcome=outcome, question=None)
    return replace(_dropped(standing), sentence=said)


def _dropped(standing: Standing) -> Standing:
    """Give an act about which nobody will be asked any more: left out, or unknown for good where it may have happened."""
    return replace(standing, state="unknown" if standing.question == "settle" else "skipped", question=None)


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
        if act.phase == "verify" and standing.state == "to-do" and not _something_applied(run):
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
            if standing.wait_until and now < standing.wait_until:
                return Wait(standing.wait_until, "The book says to wait.", act)
            return Settle(act, Outcome("ok", started_at=standing.since, ended_at=now, sentence="The wait is over."))
        case _:
            return _of_new(act, standing, run, facts, now)


def _of_new(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next | None:
    if act.skip is not None:
        return Skip(act, act.skip)
    untaken = _untaken(act, run)
    if untaken is not None:
        return Skip(act, untaken)
    if act.kind == "manual":
        return Ask(act, "manual", "The book gives this to a person.")
    if act.kind == "wait":
        return Wait(now + timedelta(seconds=act.wait_s or 0), f"The book says to wait {act.wait_s or 0:g} s.", act)
    if act.kind == "condition":
        return _of_condition(act, standing, run, facts, now)
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
        if earlier.step == act.step and act.kind != "condition" and _stopped(earlier, run):
            return "The command before it in the same step failed."
    return None


def _of_condition(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next:
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
        if act.risk != "read" or facts.unfilled.get(act.key) or condition.command.language not in facts.languages:
            return Ask(act, "branch", f"Its check cannot run by itself: {_obstacle(act, facts)}.")
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


def _of_command(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next:
    command = act.command
    assert command is not None
    if facts.unfilled.get(act.key) or command.language not in facts.languages:
        obstacle = f"It cannot run as it stands: {_obstacle(act, facts)}."
        return Skip(act, obstacle) if act.phase == "diagnose" else Ask(act, "manual", obstacle)
    if facts.brakes.halted:
        return Wait(now + HALT_LOOK_AGAIN, facts.brakes.halted)
    answer = gate(act, run, facts.policy, facts.brakes, now, facts.severities, facts.digests.get(act.key))
    if answer.allow == "never":
        return Skip(act, answer.sentence) if act.phase == "diagnose" else Ask(act, "manual", answer.sentence)
    if answer.allow == "ask":
        return Ask(act, "approve", answer.sentence)
    if act.mutating and facts.brakes.busy:
        return Wait(now + LOOK_AGAIN, facts.brakes.busy)
    return Do(act, standing.attempt, answer.sentence)


def _of_failed(act: Act, standing: Standing, run: Run, facts: Facts, now: datetime) -> Next | None:
    outcome = standing.outcome or Outcome("failed")
    if act.phase == "verify" and not act.mutating:
        return _of_failed_check(act, standing, outcome, run, facts, now)
    if not _stopped(act, run) or _handled(act, run):
        return None
    return Ask(act, "failed", outcome.sentence)


def _of_failed_check(act: Act, standing: Standing, outcome: Outcome, run: Run, facts: Facts, now: datetime) -> Next | None:
    """Look again until the check passes or the time for it is over."""
    if _handled(act, run):
        return None
    began, ended = standing.since or now, outcome.ended_at or now
    if (now - began).total_seconds() >= facts.verify_s:
        what = act.command.text if act.command else act.text
        return Done("failed", f"The verification “{what}” did not pass: {outcome.sentence}")
    if facts.brakes.halted:
        return Wait(now + HALT_LOOK_AGAIN, facts.brakes.halted)
    again_at = ended + timedelta(seconds=0.5 if standing.attempt < 6 else 1.0)
    if now < again_at:
        return Wait(again_at, f"It is checked again: {outcome.sentence}")
    return Do(act, standing.attempt + 1, f"The verification did not pass yet: {outcome.sentence}")


def _stopped(act: Act, run: Run) -> bool:
    """Tell whether an act failed in a way that stops the procedure; a failed look is a finding, not a stop."""
    if run.acts[act.key].state != "failed" or act.kind == "condition":
        return False
    return act.mutating or act.phase == "verify" or (act.expects is not None and act.phase != "diagnose")


def _handled(act: Act, run: Run) -> bool:
    """Tell whether the book goes on with "if that fails": the next step after the failed one begins so."""
    acts = run.plan.acts
    later = [other for other in acts[acts.index(act) + 1 :] if other.step != act.step]
    return bool(later) and later[0].condition is not None and later[0].condition.after_failure


def _failed_before(act: Act, run: Run) -> Act | None:
    """Give the act that failed in the last step before this one that did something; None where that went well."""
    acts = run.plan.acts
    for earlier in reversed(acts[: acts.index(act)]):
        if earlier.kind != "command" or run.acts[earlier.key].state == "skipped":
            continue
        same_step = [other for other in acts if other.step == earlier.step]
        return next((other for other in same_step if _stopped(other, run)), None)
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


def _something_applied(run: Run) -> bool:
    """Tell whether a branch was taken, or the procedure acts without one."""
    branches = [act for act in run.plan.acts if act.kind == "condition" and not (act.condition and act.condition.after_failure)]
    leading = [act for act in branches if any(other.branch == act.key and _acts(other) for other in run.plan.acts)]
    if not leading or any(act.branch is None and _acts(act) for act in run.plan.acts):
        return True
    return any((outcome := run.acts[act.key].outcome) is not None and outcome.holds for act in leading)


def _acts(act: Act) -> bool:
    return (
        act.kind in ("command", "manual")
        and act.phase in ("act", None)
        and act.skip is None
        and (act.mutating or act.kind == "manual")
    )


def _obstacle(act: Act, facts: Facts) -> str:
    missing = facts.unfilled.get(act.key)
    if missing:
        return f"nothing fills {', '.join(missing)}"
    command = act.command or (act.condition.command if act.condition else None)
    if command is not None and command.language not in facts.languages:
        return f"{command.language} needs a bound connection"
    return command.because.rstrip(".") if command and command.because else "it would not only read"


def _success(run: Run) -> str:
    done = sum(run.acts[act.key].state == "done" for act in run.plan.acts if act.kind != "condition")
    checks = [act for act in run.plan.acts if act.phase == "verify" and run.acts[act.key].state == "done"]
    proof = f"{len(checks)} verification{'s' if len(checks) != 1 else ''} passed" if checks else "the book gives no verification"
    return f"{done} act{'s' if done != 1 else ''} done; {proof}."


def fold(run: Run, events: Iterable[Event]) -> Run:
    """Fold a log into the run."""
    for event in events:
        run = evolve(run, event)
    return run


def read_instant(text: str) -> datetime:
    """Read an instant as event bodies carry it."""
    return datetime.fromisoformat(text)


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """Give an outcome as plain JSON."""
    return {
        "result": outcome.result,
        "exit_status": outcome.exit_status,
        "output": outcome.output,
        "started_at": outcome.started_at.isoformat() if outcome.started_at else None,
        "ended_at": outcome.ended_at.isoformat() if outcome.ended_at else None,
        "sentence": outcome.sentence,
        "holds": outcome.holds,
    }


def outcome_from_json(value: Mapping[str, Any]) -> Outcome:
    """Read what `outcome_to_json` gave."""
    began, ended = value.get("started_at"), value.get("ended_at")
    return Outcome(
        value["result"],
        value.get("exit_status"),
        value.get("output", ""),
        read_instant(began) if began else None,
        read_instant(ended) if ended else None,
        value.get("sentence", ""),
        value.get("holds"),
    )
