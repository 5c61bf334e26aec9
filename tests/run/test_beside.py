"""Evidence is taken beside what contains the trouble: in a run of its own, for which nothing waits."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_cast import Desk, branch, command, expect, mark, plan_of, step
from test_kill import Nursery, check_log

from watchkeeper.run.beside import WHY, aside, is_evidence
from watchkeeper.run.model import Act, Plan
from watchkeeper.run.placing import place

LOOK = step(1, command("echo who was here"), phase="diagnose")
SHUT_OUT = step(2, mark("shut-out"))


def keys(plan: Plan | None) -> list[str]:
    return [act.key for act in plan.acts] if plan else []


def left(plan: Plan) -> list[str]:
    return [act.key for act in plan.acts if act.skip is None]


def test_looks_before_containment_are_parted_and_the_rest_stays_as_it_is() -> None:
    plan = plan_of(LOOK, SHUT_OUT, step(3, command("echo how many"), phase=None), step(4, mark("rotate")), step(5, command("ls")))
    own, evidence = aside(plan)
    assert keys(evidence) == ["1.1", "3.1"]
    assert left(own) == ["2.1", "4.1", "5.1"]  # a look after the last containment delays nothing
    assert keys(own) == keys(plan)
    assert [act.skip for act in own.acts if act.key in keys(evidence)] == [WHY, WHY]
    assert evidence is not None
    assert (evidence.title, is_evidence(evidence), is_evidence(own)) == ("Web is down: evidence", True, False)


@pytest.mark.parametrize(
    "before",
    [
        [step(1, mark("copy"), phase="diagnose")],
        [step(1, command("cat state"), phase="verify")],
        [step(1, command("systemctl is-active web", expects=expect("shows", "active")), phase="diagnose")],
        [step(1, command("echo first")), step(3, command("true"), condition=branch("the log shows a stranger"), when="x")],
        [step(1, command("host=$(hostname)")), step(3, command("echo $host >> marks", "change"))],
    ],
)
def test_what_changes_checks_decides_or_is_used_later_stays(before: list[object]) -> None:
    plan = plan_of(*before, step(9, mark("shut-out")))  # type: ignore[arg-type]
    _, evidence = aside(plan)
    assert "1.1" not in keys(evidence)


ACTS = st.builds(
    lambda kind, risk, phase, skip, own, keeps: (kind, risk, phase, skip, own, keeps),
    st.sampled_from(["command", "command", "condition", "wait", "manual"]),
    st.sampled_from(["read", "read", "change", "destroy", "unknown"]),
    st.sampled_from(["diagnose", "act", "verify", None]),
    st.booleans(), st.booleans(), st.sampled_from([(), (), (), ("HOST",)]),
)  # fmt: skip


def built(drawn: list[tuple[str, str, str | None, bool, bool, tuple[str, ...]]]) -> Plan:
    acts = []
    for n, (kind, risk, phase, skip, own, keeps) in enumerate(drawn, 1):
        about = branch("it is so", command("true") if own else None) if kind == "condition" else None
        run = command("echo x", risk) if kind == "command" else None
        acts.append(Act(f"{n}.1", n, kind, "x", n, phase, run, risk if run else "read", condition=about,  # type: ignore[arg-type]
                        skip="No." if skip else None, keeps=keeps if run else ()))  # fmt: skip
    return Plan("breach", "Breach", "d1", 1, tuple(acts))


@given(st.lists(ACTS, max_size=12))
def test_parting_takes_only_looks_and_loses_and_reorders_nothing(
    drawn: list[tuple[str, str, str | None, bool, bool, tuple[str, ...]]],
) -> None:
    plan = built(drawn)
    own, evidence = aside(plan)
    taken = keys(evidence)
    assert keys(own) == keys(plan)
    for was, now in zip(plan.acts, own.acts, strict=True):
        assert now == (replace(was, skip=WHY) if was.key in taken else was)
    parted = [act for act in plan.acts if act.key in taken]
    assert [replace(act, phase="diagnose") for act in parted] == list(evidence.acts if evidence else ())
    assert not any(act.mutating or act.kind != "command" or act.skip or act.keeps or act.phase == "verify" for act in parted)
    assert aside(own)[1] is None, "what was parted once is not parted again"
    if taken:
        later = plan.acts[[act.key for act in plan.acts].index(taken[-1]) + 1 :]
        assert any(act.mutating or act.kind == "manual" for act in later)


async def test_containment_does_not_wait_for_evidence_that_hangs_or_fails(desk: Callable[..., Desk]) -> None:
    anna = desk(timeout_s=3.0)
    looks = (step(1, command("ls /none/such"), phase="diagnose"), step(2, command("sleep 60"), phase="diagnose"))
    own, evidence = aside(place(plan_of(*looks, step(3, mark("shut-out")), step(4, command("grep shut marks"), phase="verify")),
                                anna.estate))  # fmt: skip
    assert evidence is not None
    beside, began = anna.start_plan(evidence), time.monotonic()
    taking = asyncio.create_task(anna.drive(beside))
    run = await anna.drive(anna.start_plan(own))
    contained_s = time.monotonic() - began
    assert (run.state, anna.marks()) == ("succeeded", ["shut-out"])
    assert not taking.done()
    assert contained_s < 2.5
    found = await taking
    assert found.state == "succeeded", "a look that fails or hangs is a finding"
    outcomes = {key: standing.outcome for key, standing in found.acts.items()}
    assert [outcome.result for outcome in outcomes.values() if outcome] == ["failed", "timeout"]
    for one in (run, found):
        check_log(anna, one)


async def test_containment_that_a_policy_asks_about_is_asked_at_once(desk: Callable[..., Desk]) -> None:
    anna = desk()
    own, evidence = aside(place(plan_of(step(1, command("sleep 60"), phase="diagnose"), SHUT_OUT), anna.estate))
    assert evidence is not None
    run = await anna.drive(anna.start_plan(own, actor="Ben"))
    assert (run.state, run.acts["2.1"].question, anna.marks()) == ("asking", "approve", [])


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_killed_over_either_run_both_end_and_nothing_is_done_twice(
    desk: Callable[..., Desk], nursery: Nursery, dies_at: int, when: str
) -> None:
    anna = desk()
    own, evidence = aside(place(plan_of(LOOK, SHUT_OUT), anna.estate))
    assert evidence is not None
    both = [anna.start_plan(evidence), anna.start_plan(own)]
    for run_id in both:
        nursery.begin(anna.database, anna.folder, run_id, dies_at, when)
        assert nursery.end() == -signal.SIGKILL
    ended = await asyncio.gather(*(anna.drive(run_id) for run_id in both))
    assert [run.state for run in ended] == ["succeeded", "succeeded"]
    assert anna.marks() == ["shut-out"]
    for run in ended:
        check_log(anna, run)
