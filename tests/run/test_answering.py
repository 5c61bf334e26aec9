"""Answers, cancelling and live output: what is taken, what is refused with a hint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from run_cast import Desk, mark, step

from watchkeeper.base.errors import Conflict, InputError, NotFound, Refused
from watchkeeper.base.secrets import MASK, Secret
from watchkeeper.estate.model import Variable
from watchkeeper.plugins.shell.processes import start_of
from watchkeeper.run.answering import answer, cancel
from watchkeeper.run.ledger import set_brake
from watchkeeper.run.live import read_pieces, together

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
    with pytest.raises(Conflict, match=r"does not ask anything about act 1\.1 any more: at \d\d:\d\d:\d\d Anna skipped it\."):
        anna.answer(run_id, "1.1", "approve", "Ben")


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
    anna = desk(variables={"PASSWORD": Variable("PASSWORD", Secret("hunter2hunter2"), "file key", 1)})
    run_id = anna.start(step(1, mark("go", then="echo got hunter2hunter2; printf hunter2; sleep 30")))
    driving = asyncio.create_task(anna.drive(run_id))

    def printed() -> str:
        return anna.database.read_now(lambda c: together(read_pieces(c, run_id, "1.1", 1)))

    while "got" not in printed():
        await asyncio.sleep(0.02)
    assert printed() == f"got {MASK}\n"
    await anna.interpreter.kill(run_id)
    await driving
    assert printed() == ""
    outcome = anna.look(run_id).acts["1.1"].outcome
    assert outcome is not None
    assert outcome.output.startswith(f"got {MASK}\nhunter2")


async def test_a_cancelled_run_ends_the_act_under_way_with_all_it_started(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(
        step(1, mark("go", then="(trap '' TERM; echo $BASHPID > child; sleep 60) & sleep 60")), step(2, mark("no"))
    )
    driving = asyncio.create_task(anna.drive(run_id))
    child = anna.folder / "child"
    while not (child.exists() and child.read_text().strip()):
        await asyncio.sleep(0.02)
    anna.database.write_now(lambda c: cancel(c, anna.clock.now(), run_id, "Ben", "wrong host", stops=True))
    run = await driving
    assert (run.state, run.sentence) == ("cancelled", "Ben cancelled it: wrong host.")
    assert run.acts["1.1"].outcome is not None
    assert run.acts["1.1"].outcome.sentence == "It was stopped by a person."
    assert start_of(int(child.read_text())) is None
    assert anna.marks() == ["go"]


async def test_a_run_may_be_cancelled_after_the_act_under_way(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("go", then="sleep 1; echo through")), step(2, mark("no")))
    driving = asyncio.create_task(anna.drive(run_id))
    while anna.marks() != ["go"]:
        await asyncio.sleep(0.02)
    anna.database.write_now(lambda c: cancel(c, anna.clock.now(), run_id, "automation", "well again"))
    run = await driving
    assert run.state == "cancelled"
    assert run.acts["1.1"].outcome is not None
    assert (run.acts["1.1"].outcome.result, run.acts["1.1"].outcome.output) == ("ok", "through\n")
    assert anna.marks() == ["go"]
