"""Answers, cancelling and live output: what is taken, what is refused with a hint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from run_cast import Desk, mark, step

from watchkeeper.base.errors import Conflict, InputError, NotFound, Refused
from watchkeeper.base.secrets import MASK, Secret
from watchkeeper.run.answering import answer, cancel
from watchkeeper.run.ledger import set_brake
from watchkeeper.run.output import read_live_output

Make = Callable[..., Desk]


async def test_only_what_is_asked_can_be_answered(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("x", "destroy")), step(2, mark("y")))
    await anna.drive(run_id)
    with pytest.raises(InputError, match="'happened' does not answer “approve”") as caught:
        anna.answer(run_id, "1.1", "happened")
    assert caught.value.hint == "Say one of: approve, refuse, skip, abort."
    with pytest.raises(Conflict, match=r"does not ask anything about act 2\.1"):
        anna.answer(run_id, "2.1", "approve")
    with pytest.raises(NotFound):
        anna.answer("run-0", "1.1", "approve")
    anna.answer(run_id, "1.1", "skip")
    with pytest.raises(Conflict, match="does not ask anything about act"):
        anna.answer(run_id, "1.1", "approve")


async def test_the_question_and_the_answer_stand_in_the_log(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("x", "destroy")))
    await anna.drive(run_id)
    anna.answer(run_id, "1.1", "approve", "Ben", why="agreed on the phone")
    asked, approved = anna.log(run_id)[-2:]
    assert (asked.kind, asked.body["question"]) == ("asked", "approve")
    assert (approved.kind, approved.actor, approved.body["sentence"]) == (
        "approved",
        "Ben",
        "Ben approved it: agreed on the phone.",
    )
    assert approved.body["digests"] == asked.body["digests"] != {}


async def test_what_is_over_takes_no_answer_and_cannot_be_cancelled(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("x")))
    await anna.drive(run_id)
    for late in (
        lambda c: answer(c, anna.clock.now(), run_id, "1.1", "approve", "Anna"),
        lambda c: cancel(c, anna.clock.now(), run_id, "Anna"),
    ):
        with pytest.raises(Conflict, match="is over: 1 act done"):
            anna.database.write_now(late)


def test_automation_starts_nothing_while_a_halt_stands(desk: Make) -> None:
    anna = desk()
    anna.database.write_now(lambda c: set_brake(c, "halt", anna.clock.now(), "Ben", "enough"))
    with pytest.raises(Refused, match="Ben halted everything automatic: enough") as caught:
        anna.start(step(1, mark("x")))
    assert caught.value.hint == "watchkeeper unhalt lifts it."


async def test_live_output_is_scrubbed_even_where_a_secret_is_half_printed(desk: Make) -> None:
    anna = desk()
    secret = Secret("hunter2hunter2")
    run_id = anna.start(step(1, mark("go", then="echo got hunter2hunter2; printf hunter2; sleep 30")))
    driving = asyncio.create_task(anna.drive(run_id))
    seen = ""
    while "got" not in seen:
        seen = read_live_output(anna.folder / "state", run_id, "1.1", 1, [secret])
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)
    assert read_live_output(anna.folder / "state", run_id, "1.1", 1, [secret]) == f"got {MASK}\n"
    await anna.interpreter.kill(run_id)
    await driving
    assert read_live_output(anna.folder / "state", run_id, "1.1", 1, [secret]) == ""
