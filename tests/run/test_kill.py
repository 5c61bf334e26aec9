"""kill -9 of the worker at every journal write, before and after its commit: the run goes on, nothing is done twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from dying import drive_on_engine
from run_cast import Desk, command, mark, step

from watchkeeper.app import place_of
from watchkeeper.book.model import Step
from watchkeeper.run.ledger import list_attempts
from watchkeeper.run.model import Run
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import verify
from watchkeeper.testing import DyingJournal

STEPS: tuple[Step, ...] = (
    step(1, command("echo look"), phase="diagnose"),
    step(2, mark("stop"), mark("clean")),
    step(3, mark("start")),
    step(4, command("grep start marks"), phase="verify"),
)
MARKS = ["stop", "clean", "start"]
#: an intent and an outcome for each of the five acts, and the end
WRITES = 11


class Nursery:
    """Starts workers that die, in a process of its own."""

    def __init__(self) -> None:
        program = [sys.executable, str(Path(__file__).parent / "dying.py")]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, database: Database, folder: Path, run_id: str, dies_at: int, when: str, engine: str = "none") -> None:
        assert self._process.stdin is not None
        print(database.url, folder, run_id, dies_at, when, engine, file=self._process.stdin, flush=True)

    def end(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children()

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def anna(desk: Callable[..., Desk]) -> Desk:
    return desk(verify_s=5.0)


def check_log(anna: Desk, run: Run) -> None:
    """Hold the promises of the journal against the log: no hole, an intent before each outcome, an outcome for each attempt."""
    log = anna.log(run.id)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert log[-1].kind == "ended"
    open_intents: Counter[tuple[str | None, int]] = Counter()
    for event in log:
        if event.kind == "intent":
            open_intents[event.act, event.body["attempt"]] += 1
        elif event.kind == "outcome" and event.body["attempt"]:
            open_intents[event.act, event.body["attempt"]] -= 1
        assert not any(count not in (0, 1) for count in open_intents.values()), log
    assert not any(open_intents.values())
    attempts = anna.database.read_now(lambda c: list_attempts(c, run.id))
    assert all(attempt.outcome is not None for attempt in attempts)
    _, broken = anna.database.read_now(lambda c: verify(c, {}))
    assert broken == []


async def test_the_number_of_writes_is_what_the_kills_cover(desk: Callable[..., Desk]) -> None:
    made: list[DyingJournal] = []

    class Counting(DyingJournal):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, when=lambda write: None)
            made.append(self)

    anna = desk(journal=Counting)
    assert (await anna.drive(anna.start(*STEPS))).state == "succeeded"
    assert made[0].writes == WRITES


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, WRITES + 1))
async def test_killed_at_a_journal_write_the_run_goes_on(anna: Desk, nursery: Nursery, dies_at: int, when: str) -> None:
    run_id = anna.start(*STEPS)
    nursery.begin(anna.database, anna.folder, run_id, dies_at, when)
    assert nursery.end() == -signal.SIGKILL
    run = await anna.drive(run_id)
    assert run.state == "succeeded", run.sentence
    assert anna.marks() == MARKS
    check_log(anna, run)


@pytest.mark.parametrize(("dies_at", "when"), [(1, "before"), (5, "after"), (8, "before")])
async def test_killed_on_the_engine_the_run_goes_on_by_itself(anna: Desk, nursery: Nursery, dies_at: int, when: str) -> None:
    run_id = anna.start(*STEPS)
    nursery.begin(anna.database, anna.folder, run_id, dies_at, when, "engine")
    assert nursery.end() == -signal.SIGKILL
    await drive_on_engine(anna, None)
    run = anna.look(run_id)
    assert run.state == "succeeded", run.sentence
    assert anna.marks() == MARKS
    check_log(anna, run)


async def test_killed_again_and_again_the_run_still_ends(anna: Desk, nursery: Nursery) -> None:
    run_id = anna.start(*STEPS)
    deaths = 0
    while anna.look(run_id).ended_at is None:
        nursery.begin(anna.database, anna.folder, run_id, 2, "before" if deaths % 2 else "after")
        deaths += nursery.end() == -signal.SIGKILL
    assert deaths >= 5
    assert anna.marks() == MARKS
    check_log(anna, anna.look(run_id))


async def test_an_act_that_outlives_the_worker_is_adopted(anna: Desk, nursery: Nursery) -> None:
    run_id = anna.start(step(1, mark("begun", then="sleep 0.5; echo ended >> marks")), step(2, mark("next")))
    nursery.begin(anna.database, anna.folder, run_id, 0, "never")
    while not anna.marks():
        await asyncio.sleep(0.01)
    nursery.workers()[0].send_signal(signal.SIGKILL)
    assert nursery.end() == -signal.SIGKILL
    run = await anna.drive(run_id)
    assert run.state == "succeeded"
    assert anna.marks() == ["begun", "ended", "next"]
    check_log(anna, run)


async def test_the_time_limit_holds_over_the_workers_death(desk: Callable[..., Desk], nursery: Nursery) -> None:
    anna = desk(timeout_s=1.0)
    run_id = anna.start(step(1, mark("begun", then="sleep 60")))
    nursery.begin(anna.database, anna.folder, run_id, 2, "before")
    while not anna.marks():
        await asyncio.sleep(0.01)
    nursery.workers()[0].send_signal(signal.SIGKILL)
    nursery.end()
    run = await anna.drive(run_id)
    assert run.acts["1.1"].question == "failed"
    assert run.acts["1.1"].outcome is not None
    assert run.acts["1.1"].outcome.result == "timeout"


@pytest.mark.parametrize("happened", [True, False])
async def test_what_nobody_saw_end_stands_unknown_until_a_person_says(anna: Desk, nursery: Nursery, happened: bool) -> None:
    first = "echo begun >> marks; sleep 60" if happened else "sleep 60; echo begun >> marks"
    run_id = anna.start(step(1, command(first, "change")), step(2, mark("next")))
    nursery.begin(anna.database, anna.folder, run_id, 0, "never")
    folder = anna.folder / "state" / "jobs" / f"{run_id}.1.1.1"
    while not (folder / "pid.0").exists() or (happened and not anna.marks()):
        await asyncio.sleep(0.01)
    # the machine goes down with everything on it
    nursery.workers()[0].send_signal(signal.SIGKILL)
    nursery.end()
    os.killpg(int((folder / "pid.0").read_text().split()[0]), signal.SIGKILL)
    run = await anna.drive(run_id)
    assert (run.state, run.acts["1.1"].state, run.acts["1.1"].question) == ("asking", "asking", "settle")
    assert run.acts["1.1"].sentence == "Nobody knows whether it happened. Nobody saw how it ended: its wrapper was killed."
    assert await anna.drive(run_id) == run
    if happened:
        anna.answer(run_id, "1.1", "happened", why="the mark is there")
        run = await anna.drive(run_id)
        assert run.state == "succeeded"
        assert anna.marks() == ["begun", "next"]
        check_log(anna, run)
    else:
        anna.answer(run_id, "1.1", "abort")
        assert (await anna.drive(run_id)).state == "cancelled"
        assert anna.marks() == []


async def test_another_worker_on_the_same_machine_never_takes_an_act_under_way_for_one_that_never_began(
    anna: Desk, tmp_path: Path
) -> None:
    run_id = anna.start(step(1, command(f"echo once >> {anna.folder}/marks; sleep 3", "change")))
    mine = asyncio.create_task(anna.drive(run_id))
    while anna.marks() != ["once"]:
        await asyncio.sleep(0.02)
    other = Desk(anna.database, anna.folder)
    elsewhere = tmp_path / "elsewhere"
    other.interpreter._performer._state = elsewhere
    other.interpreter._journal.boot_id = place_of(elsewhere)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            await other.drive(run_id)
            await mine
    assert anna.marks() == ["once"]
    assert anna.look(run_id).acts["1.1"].question == "settle"


async def test_an_intent_from_before_a_restart_of_the_machine_is_unknown(anna: Desk, nursery: Nursery) -> None:
    run_id = anna.start(step(1, mark("once")))
    nursery.begin(anna.database, anna.folder, run_id, 1, "after")
    nursery.end()
    anna.interpreter._journal.boot_id = "another boot"
    run = await anna.drive(run_id)
    assert run.acts["1.1"].question == "settle"
    anna.answer(run_id, "1.1", "did-not-happen")
    run = await anna.drive(run_id)
    assert run.state == "succeeded"
    assert anna.marks() == ["once"]
    check_log(anna, run)
