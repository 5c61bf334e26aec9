"""What is next: runs told event by event, without a database or a shell."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from run_cast import UNATTENDED, Story, branch, command, expect, plan_of, step

from watchkeeper.book.model import Step, Threshold
from watchkeeper.run.gate import Brakes
from watchkeeper.run.known import Facts
from watchkeeper.run.model import Ask, Do, Done, Input, Outcome, Wait

FAILED = Outcome("failed", 1, sentence="It ended with status 1.")
RESTART, CHECK = command("ctl restart web", "change"), command("curl -f localhost")
STOPPED = branch("it is stopped", command("ctl status"), expect("shows", "STOPPED"))
REMARK = "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe."
YES, NO = Outcome("ok", 0, holds=True), Outcome("ok", 0, holds=False)


def told(now: datetime, *steps: Step, **facts: object) -> Story:
    known = Facts(policy=UNATTENDED, severities=frozenset({"P1", "Critical"}))
    return Story(plan_of(*steps), now, replace(known, **facts))  # type: ignore[arg-type]


def test_a_failed_look_is_a_finding_and_no_stop(now: datetime) -> None:
    story = told(now, step(1, command("ctl status"), phase="diagnose"), step(2, RESTART), step(3, CHECK, phase="verify"))
    assert story.play({"1.1": FAILED}) == Done("succeeded", "2 acts done; 1 verification passed.")
    assert story.done == ["1.1", "2.1", "3.1"]


@pytest.mark.parametrize(("answer", "done"), [(YES, ["1.if", "1.1", "2.1"]), (NO, ["1.if"])])
def test_a_branch_not_taken_is_left_out(now: datetime, answer: Outcome, done: list[str]) -> None:
    story = told(now, step(1, RESTART, condition=STOPPED), step(2, CHECK, phase="verify"))
    end = story.play({"1.if": answer})
    assert story.done == done
    if answer is NO:
        assert end == Done("failed", "No branch of the procedure applied.")
        assert story.run.acts["1.1"].sentence == "Its branch does not apply."


@pytest.mark.parametrize(("answer", "done"), [(YES, ["1.if", "1.1", "2.if", "2.1"]), (NO, ["1.if", "2.if"])])
def test_a_check_that_a_branch_begins_with_comes_before_what_the_branch_does(
    now: datetime, answer: Outcome, done: list[str]
) -> None:
    later = replace(STOPPED, line=STOPPED.line + 1)
    story = told(now, step(1, CHECK, phase="verify", condition=STOPPED), step(2, RESTART, condition=later))
    end = story.play({"1.if": answer, "2.if": answer})
    assert story.done == done
    assert isinstance(end, Done)
    assert end.state == ("succeeded" if answer is YES else "failed")


def test_otherwise_is_what_no_branch_took(now: datetime) -> None:
    story = told(now, step(1, RESTART, condition=STOPPED), step(2, RESTART, condition=branch("Otherwise:", line=7)))
    story.play({"1.if": NO})
    assert story.done == ["1.if", "2.1"]


@pytest.mark.parametrize(
    ("first", "second", "asked_again"),
    [
        # what the first case did makes the second one true: it was another answer to the same question all the same
        (Outcome("ok", 0, "off\n", holds=True), "on", False),
        # a client may warn beside its answer
        (Outcome("ok", 0, "Warning: no password is set.\noff\n", holds=True), "on", False),
        (Outcome("ok", 0, f"{REMARK}\noff\n", holds=True), "on", False),
        # it did not apply: the next one is asked
        (Outcome("ok", 0, "on\n", holds=False), "on", True),
        # the output is a list, in which both may stand
        (Outcome("ok", 0, "web off\nworker on\n", holds=True), "on", True),
        # the same answer once more: has it helped?
        (Outcome("ok", 0, "off\n", holds=True), "off", True),
    ],
)
def test_of_the_cases_of_one_question_only_one_applies(now: datetime, first: Outcome, second: str, asked_again: bool) -> None:
    ask = command("ctl get flag")
    story = told(
        now,
        step(1, RESTART, condition=branch("the flag shows off", ask, expect("shows", "off"))),
        step(2, RESTART, condition=branch(f"the flag shows {second}", ask, expect("shows", second), line=7)),
    )
    story.play({"1.if": first, "2.if": YES})
    assert ("2.if" in story.done) is asked_again
    if not asked_again:
        assert story.run.acts["2.1"].state == "skipped"
        outcome = story.run.acts["2.if"].outcome
        assert outcome is not None
        assert outcome.sentence.startswith("“the flag shows off” applied before")


def test_a_step_for_all_cases_between_them_makes_them_two_questions(now: datetime) -> None:
    ask = command("ctl get flag")
    story = told(
        now,
        step(1, RESTART, condition=branch("the flag shows off", ask, expect("shows", "off"))),
        step(2, RESTART),
        step(3, RESTART, condition=branch("the flag shows on", ask, expect("shows", "on"), line=7)),
    )
    story.play({"1.if": Outcome("ok", 0, "off", holds=True), "3.if": YES})
    assert story.done == ["1.if", "1.1", "2.1", "3.if", "3.1"]


def test_a_condition_may_speak_of_what_a_diagnosis_showed(now: datetime) -> None:
    story = told(
        now,
        step(1, command("ctl status web"), command("df -h"), phase="diagnose"),
        step(2, RESTART, condition=branch("ctl status shows FATAL", test=expect("shows", "FATAL"))),
    )
    story.play({"1.1": Outcome("failed", 3, "web FATAL"), "1.2": Outcome("ok", 0, "80%")})
    assert story.done == ["1.1", "1.2", "2.1"]
    outcome = story.run.acts["2.if"].outcome
    assert outcome is not None
    assert outcome.sentence == "By “ctl status web”: It shows “FATAL”."


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ((True, "It is at 9."), Do),
        ((None, "Nothing reads it."), Ask),
    ],
)
def test_a_threshold_decides_by_what_is_read(now: datetime, reading: tuple[bool | None, str], expected: type) -> None:
    over = Threshold(role="alert", subject="Errors", op=">", value=5.0, line=7)
    story = told(now, step(1, RESTART, condition=branch("errors are high", threshold=over)), readings={"1.if": reading})
    found = story.next()
    assert isinstance(found, expected)
    assert found.act.key == ("1.1" if expected is Do else "1.if")  # type: ignore[union-attr]


def test_a_branch_that_nobody_can_see_asks_and_takes_the_answer(now: datetime) -> None:
    story = told(now, step(1, RESTART, condition=branch("it looks odd")))
    found = story.play()
    assert found == Ask(story.run.plan.acts[0], "branch", "The book does not say how to see whether “it looks odd”.")
    story.add("asked", "1.if", question="branch", sentence=found.sentence)
    assert story.next() == Wait(None, found.sentence, found.act)
    story.add("answered", "1.if", "Anna", question="branch", answer="yes")
    assert story.play() == Done("succeeded", "1 act done; the book gives no verification.")
    assert story.done == ["1.1"]


@pytest.mark.parametrize(
    ("first", "done"),
    [(FAILED, ["1.1", "2.1"]), (Outcome("ok", 0), ["1.1", "1.2"])],
)
def test_if_that_fails_is_decided_by_the_step_before(now: datetime, first: Outcome, done: list[str]) -> None:
    replace_it = command("ctl replace web", "change")
    story = told(now, step(1, RESTART, RESTART), step(2, replace_it, condition=branch("that fails", after_failure=True)))
    assert isinstance(story.play({"1.1": first}), Done)
    assert story.done == done


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("again", (Do, "1.1", 2)),
        ("skip", (Do, "2.1", 1)),
        ("done", (Do, "2.1", 1)),
        ("abort", (Done, "cancelled", None)),
    ],
)
def test_a_failed_act_goes_on_as_a_person_says(now: datetime, answer: str, what: tuple[type, str, int | None]) -> None:
    story = told(now, step(1, RESTART), step(2, RESTART))
    assert story.play({"1.1": FAILED}) == Ask(story.run.plan.acts[0], "failed", "It ended with status 1.")
    story.add("asked", "1.1", question="failed", sentence="")
    story.add("answered", "1.1", "Anna", question="failed", answer=answer)
    found = story.next()
    assert isinstance(found, what[0])
    if isinstance(found, Do):
        assert (found.act.key, found.attempt) == what[1:]


def test_an_unknown_outcome_is_settled_by_a_person_alone(now: datetime) -> None:
    story = told(now, step(1, RESTART), step(2, RESTART))
    found = story.play({"1.1": Outcome("unknown", sentence="The machine restarted.")})
    assert found == Ask(story.run.plan.acts[0], "settle", "Nobody knows whether it happened. The machine restarted.")
    story.add("asked", "1.1", question="settle", sentence="")
    story.add("answered", "1.1", "Anna", question="settle", answer="happened")
    story.play()
    assert story.done == ["1.1", "2.1"]


def test_a_lost_reading_is_simply_done_again(now: datetime) -> None:
    story = told(now, step(1, command("ctl status"), phase="diagnose"))
    story.add("intent", "1.1", attempt=1)
    story.add("outcome", "1.1", outcome={"result": "lost"})
    found = story.next()
    assert isinstance(found, Do)
    assert found.attempt == 2


def test_what_was_begun_comes_first_even_in_a_cancelled_run(now: datetime) -> None:
    story = told(now, step(1, RESTART), step(2, RESTART))
    story.add("intent", "1.1", attempt=1)
    story.add("cancelled", actor="Ben", sentence="Ben cancelled it.")
    assert story.next() == Do(story.run.plan.acts[0], 1, "It was begun and has no outcome yet.")
    story.add("outcome", "1.1", outcome={"result": "ok"})
    assert story.next() == Done("cancelled", "Ben cancelled it.")


def test_a_verification_is_repeated_and_then_fails_the_run(now: datetime) -> None:
    story = told(now, step(1, CHECK, phase="verify"), verify_s=10.0)
    story.add("intent", "1.1", attempt=1)
    story.add("outcome", "1.1", outcome={"result": "failed", "sentence": "No answer.", "ended_at": now.isoformat()})
    assert story.next() == Wait(now + timedelta(seconds=0.5), "It is checked again: No answer.")
    story.now += timedelta(seconds=1)
    found = story.next()
    assert isinstance(found, Do)
    assert found.attempt == 2
    story.now += timedelta(seconds=10)
    assert story.next() == Done("failed", "The verification “curl -f localhost” did not pass: No answer.")


def test_a_wait_is_over_when_it_is_over(now: datetime) -> None:
    story = told(now, step(1, wait_s=300.0), step(2, RESTART))
    until = now + timedelta(seconds=300)
    assert story.next() == Wait(until, "The book says to wait 300 s.", story.run.plan.acts[0])
    story.add("waiting", "1.1", until=until.isoformat())
    story.now += timedelta(seconds=299)
    assert story.next() == Wait(until, "The book says to wait.", story.run.plan.acts[0])
    story.now = until
    assert isinstance(story.next(), Do)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"brakes": Brakes(halted="Ben halted everything automatic: enough")}, Wait),
        ({"brakes": Brakes(busy="web is being changed by run-0.")}, Wait),
        ({"brakes": Brakes(repeated="It ran before.")}, Ask),
        ({"missing": {"1.1": (Input("host", "<host>"),)}}, Ask),
        ({"languages": frozenset({"sql"})}, Ask),
    ],
)
def test_what_stands_in_the_way_is_said(now: datetime, facts: dict[str, object], expected: type) -> None:
    assert isinstance(told(now, step(1, RESTART), **facts).next(), expected)


def test_what_cannot_run_is_handed_to_a_person_with_the_reason(now: datetime) -> None:
    story = told(
        now,
        step(1, command("x <host>"), phase="diagnose"),
        step(2, command("DELETE 1", "change", language="sql")),
        missing={"1.1": (Input("host", "<host>"),)},
    )
    found = story.next()
    assert story.run.acts["1.1"].sentence == "It cannot run as it stands: nothing fills <host>."
    assert found == Ask(story.run.plan.acts[1], "manual", "It cannot run as it stands: sql needs a bound connection.")
