"""Going on where a run ended: nothing that was done is done again, and what nobody knows is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from run_cast import Desk, branch, command, mark, step

from watchkeeper.base.errors import Conflict, NotFound, Refused
from watchkeeper.run.answering import cancel
from watchkeeper.run.fold import outcome_to_json
from watchkeeper.run.ledger import append_event
from watchkeeper.run.model import Outcome, Run
from watchkeeper.run.resuming import predecessor_of, resume_run, successor_of

Make = Callable[..., Desk]


def resume(anna: Desk, run_id: str, why: str = "") -> Run:
    return anna.database.write_now(lambda c: resume_run(c, anna.clock.now(), run_id, "Ben", why))


async def test_what_was_done_is_not_done_again(desk: Make) -> None:
    anna = desk()
    look = command("echo look >> looks; cat looks")
    run_id = anna.start(step(1, mark("one")), step(2, look, phase="verify"), step(3, mark("three", "destroy")))
    await anna.drive(run_id)
    anna.answer(run_id, "3.1", "abort", why="not now")
    assert (await anna.drive(run_id)).state == "cancelled"
    new = resume(anna, run_id, "the traffic is low")
    assert new.plan == anna.look(run_id).plan
    run = await anna.drive(new.id)
    assert run.acts["1.1"].state == "done"
    assert run.acts["1.1"].outcome is not None
    assert run.acts["1.1"].outcome.sentence.startswith(f"In {run_id}: ")
    assert (run.acts["3.1"].state, run.acts["3.1"].approved_by) == ("asking", None)
    anna.answer(new.id, "3.1", "approve")
    assert (await anna.drive(new.id)).state == "succeeded"
    assert anna.marks() == ["one", "three"]
    # a check that only looks is made again: what was seen then proves nothing now
    assert (anna.folder / "looks").read_text().split() == ["look", "look"]
    started = anna.log(new.id)[0]
    assert started.body["sentence"] == (
        f"It goes on where {run_id} ended (cancelled): 1 of 3 acts are carried as done. the traffic is low"
    )
    assert anna.database.read_now(lambda c: (successor_of(c, run_id), predecessor_of(c, new.id))) == (new.id, run_id)


async def test_a_branch_stays_decided_and_what_a_person_skipped_stays_skipped(desk: Make) -> None:
    anna = desk()
    steps = (step(1, mark("a", "destroy"), condition=branch("the moon is full")), step(2, mark("b", "destroy")))
    run_id = anna.start(*steps, step(3, mark("c", "destroy")))
    await anna.drive(run_id)
    anna.answer(run_id, "1.if", "yes")
    await anna.drive(run_id)
    anna.answer(run_id, "1.1", "approve")
    await anna.drive(run_id)
    anna.answer(run_id, "2.1", "skip", why="done by hand")
    await anna.drive(run_id)
    anna.answer(run_id, "3.1", "refuse")
    await anna.drive(run_id)
    run = await anna.drive(resume(anna, run_id).id)
    assert {key: standing.state for key, standing in run.acts.items()} == {
        "1.if": "done",
        "1.1": "done",
        "2.1": "skipped",
        "3.1": "asking",
    }
    assert "done by hand" in run.acts["2.1"].sentence


async def test_what_failed_is_asked_about_first(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("one", then="exit 3")), step(2, mark("two")))
    await anna.drive(run_id)
    anna.answer(run_id, "1.1", "abort")
    await anna.drive(run_id)
    new = resume(anna, run_id)
    run = await anna.drive(new.id)
    assert (run.acts["1.1"].state, run.acts["1.1"].question) == ("asking", "failed")
    anna.answer(new.id, "1.1", "done", why="I restarted it by hand")
    # no approval is carried, and a person started this run
    assert (await anna.drive(new.id)).acts["2.1"].question == "approve"
    anna.answer(new.id, "2.1", "approve")
    assert (await anna.drive(new.id)).state == "succeeded"
    assert anna.marks() == ["one", "two"]


async def test_what_may_have_happened_is_never_run_again_without_a_word(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("one", "destroy")), step(2, mark("two")))
    await anna.drive(run_id)
    unknown = {"attempt": 1, "outcome": outcome_to_json(Outcome("unknown", sentence="Its wrapper was killed."))}
    anna.database.write_now(lambda c: append_event(c, run_id, anna.clock.now(), "intent", act="1.1", body={"attempt": 1}))
    anna.database.write_now(lambda c: append_event(c, run_id, anna.clock.now(), "outcome", act="1.1", body=unknown))
    anna.database.write_now(lambda c: cancel(c, anna.clock.now(), run_id, "Anna"))
    assert (await anna.drive(run_id)).state == "cancelled"
    new = resume(anna, run_id)
    run = await anna.drive(new.id)
    assert (run.acts["1.1"].state, run.acts["1.1"].question) == ("asking", "settle")
    assert anna.marks() == []
    anna.answer(new.id, "1.1", "did-not-happen")
    run = await anna.drive(new.id)
    assert (run.acts["1.1"].question, anna.marks()) == ("approve", [])


async def test_only_what_ended_without_success_is_resumed_and_once(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("x", "destroy")))
    await anna.drive(run_id)
    with pytest.raises(Conflict, match="is not over") as caught:
        resume(anna, run_id)
    assert caught.value.hint == f"`watchkeeper run follow {run_id}` says what it waits for."
    anna.answer(run_id, "1.1", "abort")
    await anna.drive(run_id)
    new = resume(anna, run_id)
    with pytest.raises(Conflict, match=f"was resumed already, as {new.id}"):
        resume(anna, run_id)
    await anna.drive(new.id)
    anna.answer(new.id, "1.1", "approve")
    await anna.drive(new.id)
    with pytest.raises(Refused, match="succeeded: nothing is left to do"):
        resume(anna, new.id)
    with pytest.raises(NotFound):
        resume(anna, "run-0")
