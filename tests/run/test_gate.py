"""May it run: tables of act, policy and brakes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from run_cast import UNATTENDED, command, plan_of, run_of, step

from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Threshold
from watchkeeper.estate.hours import parse_hours
from watchkeeper.estate.model import Bindings, Bound, Policy, PolicyRule
from watchkeeper.run.fold import evolve
from watchkeeper.run.gate import Brakes, gate, overwhelmed
from watchkeeper.run.model import Event, Run
from watchkeeper.watch.model import Standing

PLAN = plan_of(
    step(1, command("ctl status")),
    step(2, command("ctl  restart web", "change")),
    step(3, command("drop it", "destroy")),
    step(4, command("./do.sh", "unknown")),
)
READ, CHANGE, DESTROY, UNKNOWN = PLAN.acts
ASK, OBSERVE = Policy(), Policy(mode="observe")


def act_policy(*rules: PolicyRule) -> Policy:
    return replace(UNATTENDED, rules=rules)


def rule(allow: str, **values: str) -> PolicyRule:
    return PolicyRule(line=9, allow=allow, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("act", "actor", "policy", "allow", "sentence"),
    [
        (READ, "automation", ASK, "run", "It only reads."),
        (READ, "automation", OBSERVE, "never", "The policy's mode is observe: Watchkeeper looks and does not act."),
        (READ, "Anna", OBSERVE, "run", "It only reads."),
        (CHANGE, "Anna", OBSERVE, "never", "The policy's mode is observe: Watchkeeper looks and does not act."),
        (CHANGE, "automation", ASK, "ask", "The policy's mode is ask: a change waits for a person."),
        (CHANGE, "automation", UNATTENDED, "run", "The policy lets changes run by themselves for Critical."),
        (CHANGE, "Anna", UNATTENDED, "ask", "Anna started this run and approves its changes once."),
        (DESTROY, "automation", UNATTENDED, "ask", "It can destroy something, so a named person decides."),
        (UNKNOWN, "automation", UNATTENDED, "ask", "What it does is not known, so a named person decides."),
        (CHANGE, "automation", act_policy(rule("ask", risk="change")), "ask", "The policy's line 9 says ask."),
        (
            CHANGE,
            "automation",
            act_policy(rule("run", risk="change"), rule("never", component="WEB")),
            "never",
            "The policy's line 9 says never.",
        ),
        (READ, "automation", act_policy(rule("never", command="ctl status")), "never", "The policy's line 9 says never."),
        (CHANGE, "Anna", act_policy(rule("run", command="ctl restart web")), "run", "The policy's line 9 allows exactly this."),
        (
            DESTROY,
            "automation",
            act_policy(rule("run", command="drop it")),
            "ask",
            "It can destroy something, so a named person decides.",
        ),
        (
            DESTROY,
            "automation",
            act_policy(rule("run", procedure="Web is down", command="drop it")),
            "run",
            "The policy's line 9 allows exactly this.",
        ),
        (
            DESTROY,
            "automation",
            act_policy(rule("run", procedure="Web is down", command="drop all")),
            "ask",
            "It can destroy something, so a named person decides.",
        ),
    ],
)
def test_risk_policy_and_person_decide(now: datetime, act: object, actor: str, policy: Policy, allow: str, sentence: str) -> None:
    answer = gate(act, run_of(PLAN, now, actor), policy, Brakes(), now, frozenset({"P1", "Critical"}))  # type: ignore[arg-type]
    assert (answer.allow, answer.sentence) == (allow, sentence)


def test_a_severity_that_the_policy_does_not_name_asks(now: datetime) -> None:
    answer = gate(CHANGE, run_of(PLAN, now, severity="P3"), UNATTENDED, Brakes(), now, frozenset({"P3", "Medium"}))
    assert (answer.allow, answer.sentence) == ("ask", "The policy does not let changes run by themselves for severity P3.")


@pytest.mark.parametrize("brakes", [Brakes(overwhelmed="Too much."), Brakes(repeated="Again.")])
def test_a_brake_asks_before_an_unattended_change_and_never_for_a_look(now: datetime, brakes: Brakes) -> None:
    run = run_of(PLAN, now)
    assert gate(CHANGE, run, act_policy(rule("run", risk="change")), brakes, now).allow == "ask"
    assert gate(READ, run, UNATTENDED, brakes, now).allow == "run"


@pytest.mark.parametrize(
    ("after_s", "digest", "allow", "sentence"),
    [
        (10, "d", "run", "Anna approved it."),
        (10, "other", "ask", "What would run has changed since Anna approved it."),
        (900, "d", "ask", "The approval by Anna has lapsed. It can destroy something, so a named person decides."),
    ],
)
def test_an_approval_holds_for_its_digest_and_its_time(
    now: datetime, after_s: float, digest: str, allow: str, sentence: str
) -> None:
    run = run_of(PLAN, now)
    given = replace(run.acts[DESTROY.key], approved_by="Anna", approved_until=now + timedelta(seconds=900), approved_digest="d")
    run = replace(run, acts={**run.acts, DESTROY.key: given})
    answer = gate(DESTROY, run, UNATTENDED, Brakes(), now + timedelta(seconds=after_s), digest=digest)
    assert (answer.allow, answer.sentence) == (allow, sentence)


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ("ok firing firing firing", None),
        ("firing firing firing", None),
        ("firing firing firing firing", "4 of 4 signals are red: too much is wrong for acting unattended."),
        ("ok ok blind blind blind", "3 of 5 signals are blind: who cannot see does not act."),
    ],
)
def test_most_signals_red_or_blind_is_a_brake(now: datetime, states: str, sentence: str | None) -> None:
    threshold = Threshold(role="alert", subject="x", op=">", value=1.0, line=1)
    names = [f"s{n}" for n, _ in enumerate(states.split())]
    bindings = Bindings(tuple(Bound(name, threshold, name, "up", None, "") for name in names))
    found = zip(names, states.split(), strict=True)
    standings = {name: Standing(name, state, now, None, None, now, "") for name, state in found}  # type: ignore[arg-type]
    assert overwhelmed(bindings, standings) == sentence


# --- persons, hours, two people


def test_a_rule_counts_for_its_person_and_in_its_hours_alone(now: datetime) -> None:
    noon = parse_hours("11:00-13:00")
    night = parse_hours("22:00-06:00")
    changed = run_of(PLAN, now, "Anna")
    for values, allow in (
        ({"person": "anna"}, "never"),
        ({"person": "Ben"}, "ask"),
        ({"hours": noon}, "never"),
        ({"hours": night}, "ask"),
    ):
        policy = replace(ASK, rules=(PolicyRule(line=9, risk="change", allow="never", **values),))  # type: ignore[arg-type]
        assert gate(CHANGE, changed, policy, Brakes(), now).allow == allow, values


def approved(run: Run, by: str, at: datetime, digest: str = "d") -> Run:
    body = {"digests": {DESTROY.key: digest}, "until": (at + timedelta(minutes=15)).isoformat()}
    return evolve(run, Event(run.seq + 1, at, "approved", by, DESTROY.key, body))


def test_what_destroys_takes_two_different_people_where_the_policy_says_so(now: datetime) -> None:
    policy = replace(ASK, two_people=frozenset({"destroy"}))

    def answer(run: Run, digest: str = "d") -> str:
        return gate(DESTROY, run, policy, Brakes(), now, digest=digest).allow

    by_nobody = run_of(PLAN, now)
    once = approved(by_nobody, "Anna", now)
    assert answer(once) == "ask"
    assert answer(approved(once, "Anna", now)) == "ask"
    assert answer(approved(once, "Ben", now)) == "run"
    # what the first approved was something else, or lapsed: it no longer counts
    assert answer(approved(once, "Ben", now, "changed"), "changed") == "ask"
    assert answer(approved(approved(by_nobody, "Anna", now - timedelta(minutes=20)), "Ben", now)) == "ask"
    # who started it counts as one
    by_anna = run_of(PLAN, now, "Anna")
    assert answer(approved(by_anna, "Anna", now)) == "ask"
    assert answer(approved(by_anna, "Ben", now)) == "run"
    # without the rule one person is enough
    assert gate(DESTROY, once, ASK, Brakes(), now, digest="d").allow == "run"


@pytest.mark.parametrize("text", ["tail -f app.log", "curl -s http://127.0.0.1/"])
def test_a_line_about_the_books_command_holds_for_its_twin(text: str, now: datetime) -> None:
    made = plan_of(step(1, make_command(text, 1, "bash"), phase="diagnose"))
    act = made.acts[0]
    assert act.command is not None
    assert act.command.text != text
    for named in (text, act.command.text):
        policy = replace(ASK, rules=(PolicyRule(line=9, command=named, allow="never"),))
        assert gate(act, run_of(made, now), policy, Brakes(), now).allow == "never"
