"""Checklists: each box an act that a person ticks with what they saw, several at once, or a command that runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from run_cast import Desk

from watchkeeper.base.errors import Conflict
from watchkeeper.book.reader import read_source
from watchkeeper.run.answering import tick
from watchkeeper.run.model import Plan
from watchkeeper.run.plan import plan, plan_from_json, plan_to_json
from watchkeeper.run.ticking import boxes_of

Make = Callable[..., Desk]
BOOK = """# Shop

## Database failover

1. Look at the load: `df -h /`
2. Before going on, check:
   - [ ] Backup is newer than an hour
   - [ ] Replica has caught up: `df -h`
   - [ ] Customer team knows
3. Look at the load again: `uptime -p`
"""


def made(source: str = BOOK) -> Plan:
    book = read_source("runbook.md", source)
    return plan(book, book.procedures[0])


def test_boxes_become_acts_of_one_step_in_the_order_of_the_book() -> None:
    acts = made().acts
    assert [(act.key, act.kind, act.line) for act in acts] == [
        ("1.1", "command", 5),
        ("2.1", "manual", 7),
        ("2.2", "command", 8),
        ("2.3", "manual", 9),
        ("3.1", "command", 10),
    ]
    assert [act.text for act in acts if act.kind == "manual"] == ["Backup is newer than an hour", "Customer team knows"]
    assert plan_from_json(plan_to_json(made())) == made()


def test_a_list_of_boxes_behind_the_steps_of_a_procedure_is_not_its_own() -> None:
    source = BOOK + "\n## About\n\nWords.\n\n- [ ] Something else\n"
    assert [act.text for act in made(source).acts] == [act.text for act in made().acts]


async def test_boxes_are_ticked_one_by_one_with_what_was_seen(desk: Make) -> None:
    anna = desk()
    run_id = anna.start_plan(made(), actor="Anna")
    assert (await anna.drive(run_id)).acts["2.1"].question == "manual"
    anna.answer(run_id, "2.1", "done", why="backup of 11:40")
    run = await anna.drive(run_id)
    assert (run.acts["2.2"].state, run.acts["2.3"].state) == ("done", "asking")
    anna.answer(run_id, "2.3", "skip", why="nobody there")
    run = await anna.drive(run_id)
    assert (run.state, run.acts["2.3"].state, run.acts["3.1"].state) == ("succeeded", "skipped", "done")
    assert "backup of 11:40" in next(event.body["sentence"] for event in anna.log(run_id) if event.kind == "answered")


async def test_boxes_of_a_step_are_ticked_together_and_commands_among_them_still_run(desk: Make) -> None:
    anna = desk()
    run_id = anna.start_plan(made(), actor="Anna")
    run = await anna.drive(run_id)
    assert [act.key for act in boxes_of(run, 2)] == ["2.1", "2.3"]
    assert boxes_of(run, 1) == boxes_of(run, 3) == ()
    anna.database.write_now(lambda c: tick(c, anna.clock.now(), run_id, ["2.3", "2.1"], "done", "Ben", "all seen"))
    run = await anna.drive(run_id)
    assert (run.state, [run.acts[key].state for key in ("2.1", "2.2", "2.3")]) == ("succeeded", ["done"] * 3)
    answered = [event for event in anna.log(run_id) if event.kind == "answered"]
    assert [(event.act, event.actor, event.body["why"]) for event in answered] == [
        ("2.3", "Ben", "all seen"),
        ("2.1", "Ben", "all seen"),
    ]


async def test_a_box_that_nobody_asks_for_yet_is_not_ticked(desk: Make) -> None:
    anna = desk()
    run_id = anna.start_plan(made(), actor="Anna")
    for keys in (["2.3"], ["1.1"], ["9.9"]):
        with pytest.raises(Conflict, match="does not ask anything"):
            anna.database.write_now(lambda c, keys=keys: tick(c, anna.clock.now(), run_id, keys, "done", "Ben"))
    assert not [event for event in anna.log(run_id) if event.kind in ("asked", "answered")]
