"""What a plan foresees of each act: the rules that decide in a run say it, and nothing is run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from run_cast import UNATTENDED, branch, command, mark, plan_of, run_of, step

from watchkeeper.book.model import Command
from watchkeeper.estate.model import Policy, PolicyRule
from watchkeeper.run.foresee import foresee
from watchkeeper.run.gate import Brakes
from watchkeeper.run.known import Facts
from watchkeeper.run.model import Input

NEVER = Policy(rules=(PolicyRule(line=7, allow="never", risk="change"),))


@pytest.mark.parametrize(
    ("act", "facts", "what", "sentence"),
    [
        (command("uptime"), Facts(), "runs", "It only reads."),
        (mark("x"), Facts(), "asks", "Anna started this run and approves its changes once."),
        (mark("x", "destroy"), Facts(), "asks", "It can destroy something, so a named person decides."),
        (mark("x", "unknown"), Facts(), "asks", "What it does is not known, so a named person decides."),
        (mark("x"), Facts(policy=NEVER), "cannot", "The policy's line 7 says never."),
        (mark("x"), Facts(missing={"1.1": (Input("pod", "<pod>", words="a pod"),)}), "asks", "It needs <pod> (a pod)."),
        (mark("x"), Facts(refused={"1.1": "<pod> stands where a shell would read it as code"}), "cannot",
         "<pod> stands where a shell would read it as code; a person is asked to do it."),
        (mark("x"), Facts(languages=frozenset()), "cannot", "Bash needs a bound connection; a person is asked to do it."),
        (mark("x"), Facts(brakes=Brakes(halted="Ben halted it.")), "waits", "Ben halted it."),
        (mark("x"), Facts(policy=Policy(mode="observe")), "cannot",
         "The policy's mode is observe: Watchkeeper looks and does not act."),
    ],
)  # fmt: skip
def test_what_would_happen_to_a_command(act: Command, facts: Facts, what: str, sentence: str, now: datetime) -> None:
    found = foresee(run_of(plan_of(step(1, act)), now, actor="Anna"), facts, now)["1.1"]
    assert (found.what, found.sentence) == (what, sentence)


def test_automation_is_foreseen_as_automation(now: datetime) -> None:
    run = run_of(plan_of(step(1, mark("x"))), now)
    facts = Facts(policy=UNATTENDED, severities=frozenset({"P1", "Critical"}))
    assert foresee(run, facts, now)["1.1"].what == "runs"
    repeated = replace(facts, brakes=Brakes(repeated="It ran within the hour and did not help."))
    assert foresee(run, repeated, now)["1.1"].sentence == "It ran within the hour and did not help."


def test_waits_branches_and_what_is_left_out(now: datetime) -> None:
    made = plan_of(
        step(1, mark("x"), condition=branch("the moon is full")),
        step(2, wait_s=60.0),
        step(3, phase="prevent"),
        step(4, text="Call the bank"),
    )
    found = foresee(run_of(made, now, actor="Anna"), Facts(), now)
    assert {key: each.what for key, each in found.items()} == {
        "1.if": "asks",
        "1.1": "asks",
        "2.1": "waits",
        "3.1": "left out",
        "4.1": "asks",
    }
