"""Several real workers on one PostgreSQL: who dies is stood in for, who was only slow does nothing twice."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from crew import Crew

pytestmark = pytest.mark.slow


def test_two_workers_carry_runs_out(crew: Callable[..., Crew]) -> None:
    both = crew()
    both.hire("one")
    both.hire("two")
    both.ready(2)
    ids = [both.begin(both.mark(f"{n}a"), both.mark(f"{n}b"), component=f"part-{n}") for n in range(6)]
    both.until(lambda: both.help() or not both.open_runs())
    assert sorted(both.marks()) == sorted(f"{n}{step}" for n in range(6) for step in "ab")
    assert {both.look(each).state for each in ids} == {"succeeded"}
    both.check(ids)


def test_a_job_of_a_killed_worker_is_adopted_by_a_peer_on_the_same_machine(crew: Callable[..., Crew]) -> None:
    both = crew()
    both.hire("one")
    both.ready(1)
    run_id = both.begin(both.mark("begun", after="sleep 4; echo ended >> " + str(both.marks_file)), both.mark("next"))
    both.until(lambda: both.help() or both.marks() == ["begun"])
    both.hire("two")
    both.ready(2)
    both.kill("one")
    both.until(lambda: both.look(run_id).ended_at)
    assert both.marks() == ["begun", "ended", "next"]
    assert both.look(run_id).state == "succeeded"
    both.check([run_id])


def test_what_ran_on_a_lost_machine_is_unknown_and_a_person_says(crew: Callable[..., Crew]) -> None:
    both = crew()
    both.hire("one")
    both.ready(1)
    run_id = both.begin(both.mark("begun", after="sleep 60"), both.mark("next"))
    both.until(lambda: both.help() or both.marks() == ["begun"])
    both.hire("two")
    both.ready(2)
    both.kill("one", with_machine=True)
    both.until(lambda: both.look(run_id).acts["1.1"].question == "settle")
    assert both.marks() == ["begun"]
    both.say(run_id, "1.1", "happened")
    both.until(lambda: both.help() or both.look(run_id).ended_at)
    assert both.marks() == ["begun", "next"]
    both.check([run_id])


def test_a_worker_that_stood_still_longer_than_its_lease_does_nothing_twice(crew: Callable[..., Crew]) -> None:
    both = crew()
    for name in ("one", "two"):
        both.hire(name)
    both.ready(2)
    run_id = both.begin(*(both.mark(f"step{n}", after="sleep 0.4") for n in range(8)))
    both.until(lambda: both.help() or len(both.marks()) >= 2)
    name = both.driver_of(run_id)
    slow = both.workers[name]
    slow.send_signal(signal.SIGSTOP)
    before = len(both.marks())
    both.until(lambda: len(both.marks()) >= before + 2)
    slow.send_signal(signal.SIGCONT)
    both.until(lambda: both.help() or both.look(run_id).ended_at)
    assert both.marks() == [f"step{n}" for n in range(8)]
    assert both.look(run_id).state == "succeeded"
    both.until(lambda: "was taken for dead: it begins anew" in (both.folder / f"{name}.log").read_text())
    both.ready(2)
    both.check([run_id])


def test_of_many_unattended_changes_one_is_under_way_at_a_time(crew: Callable[..., Crew]) -> None:
    both = crew()
    for name in ("one", "two"):
        both.hire(name)
    both.ready(2)
    script = f"echo in >> {both.marks_file}; sleep 0.1; echo out >> {both.marks_file}"
    ids = [both.begin(script, actor="automation", component=f"part-{n}") for n in range(8)]
    both.until(lambda: not both.open_runs(), 60)
    assert both.marks() == ["in", "out"] * 8
    assert {both.look(each).state for each in ids} == {"succeeded"}


def test_a_worker_told_to_stop_ends_its_act_and_its_peer_goes_on_at_once(crew: Callable[..., Crew]) -> None:
    both = crew(environment={"WATCHKEEPER_WORKER_LEASE_S": "300"})
    for name in ("one", "two"):
        both.hire(name)
    both.ready(2)
    run_id = both.begin(*(both.mark(f"step{n}", after="sleep 0.3") for n in range(8)))
    both.until(lambda: both.help() or len(both.marks()) >= 2)
    first = both.workers.pop(both.driver_of(run_id))
    first.terminate()
    assert first.wait(20) == 0
    both.until(lambda: both.help() or both.look(run_id).ended_at)  # not after the five minutes of the lease
    assert both.marks() == [f"step{n}" for n in range(8)]
    both.check([run_id])
