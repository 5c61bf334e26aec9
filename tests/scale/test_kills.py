"""Workers killed at random points of many runs: every run ends, nothing is done twice, no approval is lost, none hangs.

The seed is the commit's, and printed; WATCHKEEPER_TEST_SEED tries another's deaths again.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from crew import Crew, chance

from watchkeeper.run.model import Run

SOAK = os.environ.get("WATCHKEEPER_TEST_SOAK") == "1"
#: a part for each commit, all of it for the soak
RUNS, DEATHS = (200, 40) if SOAK else (24, 5)
STEPS = 3

pytestmark = pytest.mark.slow


def carry_out(crew: Crew, dice: random.Random, die: Callable[[], None]) -> None:
    """Begin runs a few at a time, answer what they ask as a person would who looks, and let somebody die now and then."""
    begun: list[str] = []
    next_death, last_word = time.monotonic() + 1.0, time.monotonic() + (1500 if SOAK else 240)

    def truth(run: Run, key: str) -> bool:
        return f"{run.component}.{key.split('.')[0]}" in crew.marks()

    def scripts(component: str) -> list[str]:
        nap = f"sleep {dice.uniform(0.0, 0.8):.2f}; "
        naps = [nap if dice.random() < 0.5 else "" for _ in range(STEPS)]
        return [crew.mark(f"{component}.{n}", before=naps[n - 1], after=f"{nap}true") for n in range(1, STEPS + 1)]

    while len(begun) < RUNS or crew.open_runs():
        assert time.monotonic() < last_word, f"{len(crew.open_runs())} runs hang\n{crew.logs()}"
        while len(begun) < RUNS and len(crew.open_runs()) < 8:
            component = f"part{len(begun)}"
            actor = "automation" if len(begun) % 8 == 7 else "anna"
            begun.append(crew.begin(*scripts(component), actor=actor, component=component))
        crew.help(truth)
        if time.monotonic() > next_death and crew.deaths < DEATHS:
            die()
            next_death = time.monotonic() + dice.uniform(0.5, 4.0)
        time.sleep(0.1)

    counted = Counter(crew.marks())
    assert {mark: times for mark, times in counted.items() if times > 1} == {}
    assert sorted(counted) == sorted(f"part{n}.{step}" for n in range(RUNS) for step in range(1, STEPS + 1))
    assert {crew.look(each).state for each in begun} == {"succeeded"}
    crew.check(begun)
    print(f"{RUNS} runs, {crew.deaths} deaths, answers: {dict(crew.answers)}")
    assert crew.deaths >= DEATHS // 2


def test_two_workers_killed_again_and_again_lose_nothing_and_do_nothing_twice(crew: Callable[..., Crew]) -> None:
    both, dice, names = crew(), chance("kills"), (f"w{n}" for n in itertools.count())
    for _ in range(2):
        both.hire(next(names))
    both.ready(2)

    def die() -> None:
        both.kill(dice.choice(sorted(both.workers)), with_machine=dice.random() < 0.5)
        both.hire(next(names))

    carry_out(both, dice, die)


def test_the_only_process_killed_again_and_again_on_sqlite_does_nothing_twice(crew: Callable[..., Crew], tmp_path: Path) -> None:
    state = tmp_path / "only" / "state"
    state.mkdir(parents=True)
    only, dice = crew(url=f"sqlite:///{state / 'watchkeeper.sqlite'}"), chance("kills on sqlite")
    only.hire("only")

    def die() -> None:
        only.kill("only")
        only.hire("only")

    carry_out(only, dice, die)
