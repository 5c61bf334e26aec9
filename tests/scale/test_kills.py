"""Workers killed at random points of many runs: every run ends, nothing is done twice, no approval is lost, none hangs.

The seed is the commit's, and printed; WATCHKEEPER_TEST_SEED tries another's deaths again.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable

import pytest
from crew import Crew, chance

from watchkeeper.run.model import Run

SOAK = os.environ.get("WATCHKEEPER_TEST_SOAK") == "1"
#: a part for each commit, all of it for the soak
RUNS, DEATHS = (200, 40) if SOAK else (24, 5)
STEPS = 3

pytestmark = pytest.mark.slow


def test_two_workers_killed_again_and_again_lose_nothing_and_do_nothing_twice(crew: Callable[..., Crew]) -> None:
    both, dice, names = crew(), chance("kills"), (f"w{n}" for n in itertools.count())
    for _ in range(2):
        both.hire(next(names))
    both.ready(2)
    begun: list[str] = []
    next_death, last_word = time.monotonic() + 1.0, time.monotonic() + (900 if SOAK else 180)

    def truth(run: Run, key: str) -> bool:
        return f"{run.component}.{key.split('.')[0]}" in both.marks()

    def scripts(component: str) -> list[str]:
        nap = f"sleep {dice.uniform(0.0, 0.8):.2f}; "
        return [
            both.mark(f"{component}.{n}", before=nap if dice.random() < 0.5 else "", after=nap + "true")
            for n in range(1, STEPS + 1)
        ]

    while len(begun) < RUNS or both.open_runs():
        assert time.monotonic() < last_word, f"{len(both.open_runs())} runs hang\n{both.logs()}"
        while len(begun) < RUNS and len(both.open_runs()) < 8:
            component = f"part{len(begun)}"
            actor = "automation" if len(begun) % 8 == 7 else "anna"
            begun.append(both.begin(*scripts(component), actor=actor, component=component))
        both.help(truth)
        if time.monotonic() > next_death and both.deaths < DEATHS:
            both.kill(dice.choice(sorted(both.workers)), with_machine=dice.random() < 0.5)
            both.hire(next(names))
            next_death = time.monotonic() + dice.uniform(0.5, 4.0)
        time.sleep(0.1)

    counted = Counter(both.marks())
    assert {mark: times for mark, times in counted.items() if times > 1} == {}
    assert sorted(counted) == sorted(f"part{n}.{step}" for n in range(RUNS) for step in range(1, STEPS + 1))
    assert {both.look(each).state for each in begun} == {"succeeded"}
    both.check(begun)
    print(f"{RUNS} runs, {both.deaths} deaths, {both.answers}")
    assert both.deaths >= DEATHS // 2
