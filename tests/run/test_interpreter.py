"""Whole runs on a real shell: what is done, asked and written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from run_cast import Desk, branch, command, expect, mark, step
from sqlalchemy import Connection, text

from watchkeeper.base.secrets import MASK, Secret
from watchkeeper.estate.model import Policy, Variable
from watchkeeper.run import ledger
from watchkeeper.run.answering import cancel
from watchkeeper.run.gate import Gate
from watchkeeper.run.journal import Intent, Journal
from watchkeeper.run.ledger import list_attempts, set_brake
from watchkeeper.run.model import Outcome
from watchkeeper.store.ledger import verify

Make = Callable[..., Desk]


async def test_a_procedure_is_carried_out_and_told(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(
        step(1, command("echo looking; exit 3"), phase="diagnose"),
        step(2, mark("restarted")),
        step(3, command("grep restarted marks"), phase="verify"),
    )
    run = await anna.drive(run_id)
    assert (run.state, run.sentence) == ("succeeded", "2 acts done; 1 verification passed.")
    assert anna.marks() == ["restarted"]
    log = anna.log(run_id)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert [event.kind for event in log] == ["started", *["intent", "outcome"] * 3, "ended"]
    looked = run.acts["1.1"].outcome
    assert looked is not None
    assert (looked.result, looked.output, looked.sentence) == ("failed", "looking\n", "It ended with status 3: looking.")
    assert not list((anna.folder / "state" / "jobs").iterdir())
    _, broken = anna.database.read_now(lambda c: verify(c, {}))
    assert broken == []


async def test_the_branch_that_holds_is_taken_and_the_other_left(desk: Make) -> None:
    anna = desk()
    check = command("echo state is STOPPED")
    run_id = anna.start(
        step(1, mark("start"), condition=branch("it is stopped", check, expect("shows", "stopped"), line=5)),
        step(2, mark("reload"), condition=branch("it is running", check, expect("shows", "running"), line=6)),
        step(3, mark("again"), condition=branch("that fails", after_failure=True, line=7)),
    )
    run = await anna.drive(run_id)
    assert run.state == "succeeded"
    assert anna.marks() == ["start"]
    assert {key: standing.state for key, standing in run.acts.items() if not key.endswith(".if")} == {
        "1.1": "done",
        "2.1": "skipped",
        "3.1": "skipped",
    }


async def test_what_a_person_does_between_two_acts_holds_for_the_second(desk: Make) -> None:
    anna = desk()
    cancelled = anna.start(step(1, mark("first")), step(2, mark("second")))
    assert await anna.interpreter.advance(cancelled)
    anna.database.write_now(lambda c: cancel(c, anna.clock.now(), cancelled, "Anna"))
    assert (await anna.drive(cancelled)).state == "cancelled"
    assert anna.marks() == ["first"]
    halted = anna.start(step(1, mark("third")), step(2, mark("fourth")), title="Web is slow", component="api")
    assert await anna.interpreter.advance(halted)
    anna.database.write_now(lambda c: set_brake(c, ledger.HALT, anna.clock.now(), "Anna", "enough"))
    with contextlib.suppress(TimeoutError):  # it looks again after a second, which nobody waits for here
        async with asyncio.timeout(0.2):
            await anna.interpreter.advance(halted)
    assert anna.marks() == ["first", "third"]
    assert anna.look(halted).acts["2.1"].state == "to-do"


async def test_an_outcome_is_kept_where_what_comes_next_cannot_be_seen(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("once")))
    found = anna.look(run_id)
    journal = Journal(anna.database, "test", "boot")
    intent = Intent(found, found.plan.acts[0], 1, "digest", "web", anna.clock.now(), "It is tried.")
    await journal.begin(intent, anna.clock.now(), lambda _: Gate("run", "It may."))

    def broken(connection: Connection) -> object:
        return connection.execute(text("select * from nowhere")).first()

    assert await journal.end(found, intent.act, 1, Outcome("ok", 0), anna.clock.now(), broken) is None
    assert [event.kind for event in anna.log(run_id)] == ["started", "intent", "outcome"]
    assert anna.look(run_id).acts["1.1"].state == "done"


async def test_a_failed_act_asks_and_goes_on_as_told(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("once", then="test -e ready")), step(2, mark("after")))
    run = await anna.drive(run_id)
    assert (run.state, run.acts["1.1"].question) == ("asking", "failed")
    (anna.folder / "ready").touch()
    anna.answer(run_id, "1.1", "again")
    run = await anna.drive(run_id)
    assert run.state == "succeeded"
    assert anna.marks() == ["once", "once", "after"]
    attempts = anna.database.read_now(lambda c: list_attempts(c, run_id))
    assert [(a.act, a.n, a.outcome.result if a.outcome else None) for a in attempts] == [
        ("1.1", 1, "failed"),
        ("1.1", 2, "ok"),
        ("2.1", 1, "ok"),
    ]


async def test_the_books_own_way_after_a_failure_is_taken(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(
        step(1, mark("restart", then="false"), mark("never")),
        step(2, mark("replace"), condition=branch("that fails", after_failure=True)),
        step(3, command("grep replace marks"), phase="verify"),
    )
    run = await anna.drive(run_id)
    assert run.state == "succeeded", run.sentence
    assert anna.marks() == ["restart", "replace"]


async def test_what_destroys_waits_for_a_person(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("dropped", "destroy")))
    run = await anna.drive(run_id)
    assert (run.state, run.acts["1.1"].question) == ("asking", "approve")
    assert anna.marks() == []
    anna.answer(run_id, "1.1", "approve", why="the data is saved")
    run = await anna.drive(run_id)
    assert run.state == "succeeded"
    assert anna.marks() == ["dropped"]


async def test_a_lapsed_approval_asks_again(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("dropped", "destroy")))
    await anna.drive(run_id)
    anna.answer(run_id, "1.1", "approve", approval_s=-1.0)
    run = await anna.drive(run_id)
    assert run.acts["1.1"].question == "approve"
    assert "lapsed" in run.acts["1.1"].sentence
    assert anna.marks() == []


async def test_an_approval_does_not_hold_for_something_else(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("dropped", "destroy")))
    await anna.drive(run_id)
    anna.answer(run_id, "1.1", "approve")
    other = desk(variables={"HOST": Variable("HOST", "elsewhere", "literal", 3)})
    run = await other.drive(run_id)
    assert "has changed" in run.acts["1.1"].sentence
    assert anna.marks() == []


async def test_a_refusal_ends_the_run(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("dropped", "destroy")))
    await anna.drive(run_id)
    anna.answer(run_id, "1.1", "refuse", "Ben", why="not today")
    run = await anna.drive(run_id)
    assert (run.state, run.sentence) == ("cancelled", "Ben refused it: not today.")


async def test_whoever_starts_a_run_approves_its_changes_once(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("one")), step(2, mark("two")), step(3, mark("three", "destroy")), actor="Anna")
    assert (await anna.drive(run_id)).acts["1.1"].question == "approve"
    anna.answer(run_id, "1.1", "approve")
    run = await anna.drive(run_id)
    assert anna.marks() == ["one", "two"]
    assert run.acts["3.1"].question == "approve"


async def test_nothing_runs_while_a_halt_stands_not_even_what_was_approved(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("one")))
    anna.database.write_now(lambda c: set_brake(c, "halt", anna.clock.now(), "Ben", "too much at once"))
    await anna.drive(run_id)
    assert anna.marks() == []
    assert anna.log(run_id)[-1].kind == "started"
    anna.database.write_now(lambda c: ledger.lift_brake(c, "halt"))
    assert (await anna.drive(run_id)).state == "succeeded"


async def test_a_component_is_changed_by_one_run_at_a_time(desk: Make) -> None:
    anna = desk()
    slow = anna.start(step(1, mark("slow", then="sleep 0.4; echo slow-end >> marks")))
    driving = asyncio.create_task(anna.drive(slow))
    while not anna.marks():
        await asyncio.sleep(0.01)
    quick = await anna.drive(anna.start(step(1, mark("quick")), title="Web is slow"))
    await driving
    assert quick.state == "succeeded"
    assert anna.marks() == ["slow", "slow-end", "quick"]


async def test_the_same_procedure_that_did_not_help_asks_next(desk: Make) -> None:
    anna = desk(verify_s=0.0)
    steps = (step(1, mark("restart")), step(2, command("false"), phase="verify"))
    first = await anna.drive(anna.start(*steps))
    assert first.state == "failed"
    second = await anna.drive(anna.start(*steps))
    assert second.acts["1.1"].sentence == "“Web is down” ran on web within the last hour and did not help."


async def test_the_same_procedure_that_is_still_under_way_is_waited_for_and_nobody_is_asked(desk: Make) -> None:
    """Between two changes of a run nobody holds the component: what it will have helped is known once it has ended."""
    anna = desk()
    steps = (step(1, mark("restart")), step(2, mark("looked", then="sleep 0.4; echo looked-end >> marks"), phase="verify"))
    driving = asyncio.create_task(anna.drive(anna.start(*steps)))
    while "looked" not in anna.marks():
        await asyncio.sleep(0.01)
    second = anna.start(*steps)
    run = await anna.drive(second)
    await driving
    assert run.state == "succeeded"
    assert anna.marks() == ["restart", "looked", "looked-end"] * 2
    assert not [each for each in anna.log(second) if each.kind == "asked"]


async def test_a_verification_is_repeated_until_it_passes(desk: Make) -> None:
    anna = desk(verify_s=10.0)
    run_id = anna.start(
        step(1, mark("up", then="(sleep 0.7; touch ready) > /dev/null 2>&1 &")), step(2, command("test -e ready"), phase="verify")
    )
    run = await anna.drive(run_id)
    assert run.state == "succeeded"
    assert run.acts["2.1"].attempt > 1


async def test_a_cancelled_run_kills_what_is_under_way_and_says_so(desk: Make) -> None:
    anna = desk()
    run_id = anna.start(step(1, mark("long", then="sleep 30")), step(2, mark("never")))
    driving = asyncio.create_task(anna.drive(run_id))
    while not anna.marks():
        await asyncio.sleep(0.01)
    anna.database.write_now(lambda c: cancel(c, anna.clock.now(), run_id, "Ben", "wrong host"))
    assert await anna.interpreter.kill(run_id)
    run = await driving
    assert (run.state, run.sentence) == ("cancelled", "Ben cancelled it: wrong host.")
    assert run.acts["1.1"].outcome is not None
    assert run.acts["1.1"].outcome.sentence == "It was stopped by a person."
    assert anna.marks() == ["long"]


async def test_no_secret_reaches_the_log(desk: Make) -> None:
    anna = desk(variables={"TOKEN": Variable("TOKEN", Secret("hunter2hunter2"), "env TOKEN", 3)})
    run_id = anna.start(step(1, command("echo got $TOKEN; echo $TOKEN | base64", placeholders=("$TOKEN",)), phase="diagnose"))
    run = await anna.drive(run_id)
    outcome = run.acts["1.1"].outcome
    assert outcome is not None
    assert outcome.output.startswith(f"got {MASK}\n{MASK}")
    assert "hunter2" not in repr(anna.log(run_id))


async def test_observe_never_acts(desk: Make) -> None:
    anna = desk(Policy(mode="observe"))
    run = await anna.drive(anna.start(step(1, command("echo hi"), phase="diagnose"), step(2, mark("x")), actor="Anna"))
    assert run.acts["1.1"].state == "done"
    assert run.acts["2.1"].question == "manual"
    assert anna.marks() == []
