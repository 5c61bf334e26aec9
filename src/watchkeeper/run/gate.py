"""May this act run now, must a person be asked, or never? Pure; the answer comes with its sentence.

Reading may run by itself, a change follows the policy, what destroys or is unknown asks, unless an owner's line names exactly
this procedure and this command. A brake can only make the answer stricter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.estate.model import Bindings, Permission, Policy, PolicyRule
from watchkeeper.run.model import Act, Run
from watchkeeper.watch.model import Standing

AUTOMATION = "automation"
#: share of signals that must be red or blind before it counts as "most": one failed part takes several signals with it
MOST_RED = 0.75
MOST_BLIND = 0.5
FEWEST_SIGNALS = 4


@dataclass(frozen=True, slots=True)
class Brakes:
    """What speaks against acting unattended; each a sentence, None where it does not."""

    #: somebody pulled the halt: nothing runs, not even what is approved
    halted: str | None = None
    #: most signals red, or blind
    overwhelmed: str | None = None
    #: the same procedure ran on the component before
    repeated: str | None = None
    #: another unattended change is under way, or another run holds the component: wait, it will be over
    busy: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """The answer."""

    allow: Permission
    sentence: str


def gate(
    act: Act,
    run: Run,
    policy: Policy,
    brakes: Brakes,
    now: datetime,
    severities: frozenset[str] = frozenset(),
    digest: str | None = None,
) -> Gate:
    """Decide about one act.

    `severities` are all words that the book has for the run's severity; `digest` stands for what would run now, so that an
    approval of something else does not count.
    """
    answer = _by_policy(act, run, policy, severities | {run.severity or ""}, now)
    if answer.allow == "run" and act.mutating and unattended(run):
        brake = brakes.overwhelmed or brakes.repeated
        answer = Gate("ask", brake) if brake else answer
    if answer.allow == "run" and act.mutating and run.reopened:
        answer = Gate("ask", run.reopened)
    standing = run.acts.get(act.key)
    if answer.allow != "ask" or standing is None or standing.approved_until is None:
        return answer
    if standing.approved_until <= now:
        return Gate("ask", f"The approval by {standing.approved_by} has lapsed. {answer.sentence}")
    if standing.approved_digest != digest:
        return Gate("ask", f"What would run has changed since {standing.approved_by} approved it.")
    people = dict.fromkeys((*(() if unattended(run) else (run.person or run.actor,)), *standing.approvers))
    if act.risk in policy.two_people and len(people) < 2:
        return Gate("ask", f"{standing.approved_by} approved it; the policy wants a second person for what is {act.risk}.")
    return Gate("run", f"{' and '.join(standing.approvers) or standing.approved_by} approved it.")


def unattended(run: Run) -> bool:
    """Tell whether no person started the run."""
    return run.actor == AUTOMATION


def _by_policy(act: Act, run: Run, policy: Policy, severities: frozenset[str], now: datetime) -> Gate:
    rule = _strictest([rule for rule in policy.rules if _matches(rule, act, run, severities, now)])
    if policy.mode == "observe" and (act.mutating or unattended(run)):
        return Gate("never", "The policy's mode is observe: Watchkeeper looks and does not act.")
    if rule is not None and rule.allow != "run":
        return Gate(rule.allow, f"The policy's line {rule.line} says {rule.allow}.")
    if not act.mutating:
        return Gate("run", "It only reads.")
    if rule is not None and (act.risk == "change" or (rule.procedure and rule.command)):
        return Gate("run", f"The policy's line {rule.line} allows exactly this.")
    if act.risk != "change":
        return Gate("ask", f"{_danger(act)}, so a named person decides.")
    if not unattended(run):
        return Gate("ask", f"{run.actor} started this run and approves its changes once.")
    if policy.mode != "act":
        return Gate("ask", "The policy's mode is ask: a change waits for a person.")
    allowed = {word.casefold() for word in policy.change_allowed}
    match = next((word for word in severities if word and word.casefold() in allowed), None)
    if match is None:
        return Gate("ask", f"The policy does not let changes run by themselves for severity {run.severity or 'unknown'}.")
    return Gate("run", f"The policy lets changes run by themselves for {match}.")


def _danger(act: Act) -> str:
    if act.risk == "destroy":
        return "It can destroy something"
    if act.command is not None and act.command.believed:
        return "It is called a look by the name of a script alone, and what the script does is not known"
    return "What it does is not known"


def _matches(rule: PolicyRule, act: Act, run: Run, severities: frozenset[str], now: datetime) -> bool:
    commands = {" ".join(text.split()) for text in (act.command.text if act.command else None, act.stands_for) if text}
    return (
        (rule.procedure is None or rule.procedure.casefold() in (run.plan.procedure_id.casefold(), run.plan.title.casefold()))
        and (rule.command is None or " ".join(rule.command.split()) in commands)
        and (rule.risk is None or rule.risk == act.risk)
        and (rule.severity is None or rule.severity.casefold() in {word.casefold() for word in severities})
        and (rule.component is None or rule.component.casefold() == (run.component or "").casefold())
        and (rule.person is None or rule.person.casefold() == run.actor.casefold())
        and (rule.hours is None or rule.hours.hold(now))
    )


def _strictest(rules: list[PolicyRule]) -> PolicyRule | None:
    order = {"never": 0, "ask": 1, "run": 2}
    return min(rules, key=lambda rule: order[rule.allow], default=None)


def overwhelmed(bindings: Bindings, standings: Mapping[str, Standing]) -> str | None:
    """Say that most signals are red or blind; None where they are not."""
    states: dict[str, set[str]] = {}
    for bound in bindings.bound:
        if bound.key in standings:
            states.setdefault(bound.signal, set()).add(standings[bound.key].state)
    if len(states) < FEWEST_SIGNALS:
        return None
    blind = sum(all(state == "blind" for state in seen) for seen in states.values())
    red = sum(bool(seen & {"firing", "blind"}) for seen in states.values())
    if blind > MOST_BLIND * len(states):
        return f"{blind} of {len(states)} signals are blind: who cannot see does not act."
    if red > MOST_RED * len(states):
        return f"{red} of {len(states)} signals are red: too much is wrong for acting unattended."
    return None
