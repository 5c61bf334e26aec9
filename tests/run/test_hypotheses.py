"""The causes that a procedure names: confirmed, struck or left open by what was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Procedure, Threshold
from watchkeeper.estate.model import Bound
from watchkeeper.incident.model import ChangeEvent
from watchkeeper.run.hypotheses import hypotheses
from watchkeeper.run.model import Act, Outcome, Plan, Run, Standing
from watchkeeper.watch.model import Standing as Threshold_Standing

REDIS = Bound("redis", Threshold(line=4, role="alert", subject="Redis", op="is", state="down"), "redis", "up", "Redis", "")
MEMORY = Bound(
    "memory", Threshold(line=5, role="alert", subject="Memory usage", op=">", value=90.0), "host", "memory_percent", None, ""
)


def procedure(*causes: str) -> Procedure:
    return Procedure(id="down", title="Shop is down", line=8, end_line=30, causes=causes)


def stands(bound: Bound, state: str, now: datetime) -> Threshold_Standing:
    return Threshold_Standing(bound.key, state, now, None, 1.0, now, f"{bound.threshold.subject}: {state}")  # type: ignore[arg-type]


def alert(subject: str, component: str | None, now: datetime) -> Alert:
    return Alert("a", "x", subject, component, "P1", now, now, None, 0.0, f"{subject} is red", "inc-1")


def run_with(text: str, holds: bool | None, now: datetime) -> Run:
    act = Act("1.1", 1, "condition", text, 12)
    plan = Plan("down", "Shop is down", "digest", 8, (act,))
    outcome = Outcome("ok", holds=holds) if holds is not None else None
    return Run("run-1", plan, "inc-1", None, None, "anna", now, acts={"1.1": Standing(state="done", outcome=outcome)})


@pytest.mark.parametrize(
    ("cause", "finding"),
    [
        ("Redis cannot be reached", "struck"),
        ("Redis is down", "struck"),
        ("Memory has run out", "confirmed"),
        ("API keys are invalid", "open"),
        ("The network is in trouble", "open"),
        ("Queries are slow", "open"),
    ],
)
def test_thresholds_speak_of_the_causes_that_are_about_the_same_thing(cause: str, finding: str, now: datetime) -> None:
    standings = {"redis": stands(REDIS, "ok", now), "memory": stands(MEMORY, "firing", now)}
    [found] = hypotheses(procedure(cause), [], [], [REDIS, MEMORY], standings)
    assert found.finding == finding
    assert bool(found.sentence) is (finding != "open")


def test_what_nobody_can_see_speaks_of_nothing(now: datetime) -> None:
    [found] = hypotheses(procedure("Redis is down"), [], [], [REDIS], {"redis": stands(REDIS, "blind", now)})
    assert found.finding == "open"


def test_an_alert_that_fires_confirms_and_one_that_is_over_does_not(now: datetime) -> None:
    firing = alert("Workers", "Celery workers", now)
    [found] = hypotheses(procedure("Workers have crashed"), [], [firing], [], {})
    assert (found.finding, found.sentence) == ("confirmed", "Workers fires: Workers is red")
    [found] = hypotheses(procedure("Workers have crashed"), [], [replace(firing, ended_at=now)], [], {})
    assert found.finding == "open"


@pytest.mark.parametrize(("holds", "finding"), [(True, "confirmed"), (False, "struck"), (None, "open")])
def test_the_branch_of_a_diagnosis_decides_before_all_else(holds: bool | None, finding: str, now: datetime) -> None:
    done = run_with("If Redis is down", holds, now)
    [found] = hypotheses(procedure("Redis cannot be reached"), [done], [], [], {})
    assert found.finding == finding
    if holds:
        assert found.sentence == "“If Redis is down” holds (line 12 of the runbook)."


def test_a_deployment_stays_open_since_only_a_look_confirms_it(now: datetime) -> None:
    guilty = procedure("The last deployment brought a fault")
    [found] = hypotheses(guilty, [], [], [], {})
    assert (found.finding, found.sentence) == ("open", "No deployment and no other change of the day before is known here.")
    released = ChangeEvent("c", now, "deployment", "Released 2.4.1.")
    [found] = hypotheses(guilty, [], [], [], {}, [released])
    assert (found.finding, found.sentence) == ("open", "The latest before it: Released 2.4.1.")


def test_without_a_procedure_nothing_is_supposed() -> None:
    assert hypotheses(None, [], [], [], {}) == []
