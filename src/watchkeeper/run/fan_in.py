"""What came of one act on many targets: pure; an outcome a member goes in, one outcome with its sentence comes out.

It is well only where it is well on every member. Where nobody knows of one, nobody knows of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.run.model import Outcome

_WORST = ("unknown", "timeout", "failed", "cancelled", "lost")


def fan_in(outcomes: Mapping[str, Outcome], left_out: Mapping[str, str], output: str, *, condition: bool = False) -> Outcome:
    """Put the members' outcomes together; `left_out` says of each member where nothing was begun why that is."""
    results = {name: outcome.result for name, outcome in outcomes.items()}
    sentence = summary(outcomes, left_out)
    worst = next((each for each in _WORST if each in results.values()), "failed" if left_out else "ok")
    statuses = {outcome.exit_status for outcome in outcomes.values()}
    status = statuses.pop() if len(statuses) == 1 else None
    if not condition or worst == "unknown":
        return Outcome(worst, status, output, sentence=sentence)
    answers = {outcome.holds for outcome in outcomes.values()}
    if len(answers) == 1 and not left_out:
        holds = answers.pop()
        return Outcome("ok", status, output, sentence=next(iter(outcomes.values())).sentence, holds=holds)
    yes = [name for name, outcome in outcomes.items() if outcome.holds]
    said = f"It holds on {len(yes)} of {len(outcomes) + len(left_out)}: {', '.join(yes) or 'none'}."
    return Outcome("ok", status, output, sentence=said, holds=None)


def summary(outcomes: Mapping[str, Outcome], left_out: Mapping[str, str]) -> str:
    """Say in one sentence how it went: "9 of 10 ok; web-3: status 1".

    >>> summary({"web-1": Outcome("ok", 0), "web-2": Outcome("failed", 1)}, {"web-3": "too many failed"})
    '1 of 3 ok; web-2: status 1; left out, for too many failed: web-3.'
    """
    good = sum(outcome.result == "ok" for outcome in outcomes.values())
    said = [f"{good} of {len(outcomes) + len(left_out)} ok"]
    said += [f"{name}: {_short(outcome)}" for name, outcome in outcomes.items() if outcome.result != "ok"]
    for why in dict.fromkeys(left_out.values()):
        said.append(f"left out, for {why}: {', '.join(name for name, each in left_out.items() if each == why)}")
    return "; ".join(said) + "."


def _short(outcome: Outcome) -> str:
    if outcome.result == "failed" and outcome.exit_status:
        return f"status {outcome.exit_status}"
    if outcome.result == "timeout":
        return "did not end in time"
    return outcome.sentence.rstrip(".") or outcome.result
