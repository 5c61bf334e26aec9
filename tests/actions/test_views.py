"""What pages say is decided by tables, not by chance: the whole in one sentence, clocks, curves and commands' risks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.actions.views.frame import says, whole_sentence, worst
from watchkeeper.actions.views.incidents import clock_state, judge_clocks
from watchkeeper.actions.views.model import Health, ThresholdView
from watchkeeper.actions.views.runs import act_view, procedure_line
from watchkeeper.actions.views.signals import thin
from watchkeeper.book.model import Command, Procedure, Step, Threshold
from watchkeeper.incident.model import ClockRun, Incident
from watchkeeper.run.answering import ANSWERS
from watchkeeper.run.model import Act, Standing

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
INCIDENT = Incident("inc-1", "shop", "The shop is down", "Critical", "open", "shop", NOW, NOW)


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def stands(state: Health) -> ThresholdView:
    return ThresholdView("k", "Error rate", "> 5 %", None, None, 1, state, "", "")


@pytest.mark.parametrize(
    ("states", "still_open", "sentence"),
    [
        ([], 0, "Nothing is watched: no threshold of the runbook is bound to a signal."),
        (["ok"], 0, "The one threshold that is watched is well."),
        (["ok", "ok"], 0, "All 2 thresholds are well."),
        (["ok", "ok"], 1, "All 2 thresholds are well; 1 incident is still open."),
        (["ok", "pending"], 0, "Something is over its threshold, not yet for long enough to count."),
        (["ok", "firing"], 1, "1 threshold is broken."),
        (["firing", "firing", "blind"], 1, "2 thresholds are broken and 1 threshold cannot be seen."),
        (["ok", "blind"], 0, "1 threshold cannot be seen."),
        (["ok", "unwatched"], 0, "Not every threshold was looked at yet."),
    ],
)
def test_the_whole_in_one_sentence(states: list[Health], still_open: int, sentence: str) -> None:
    assert whole_sentence([stands(state) for state in states], still_open) == sentence


def test_blind_is_worse_than_pending_and_nothing_is_never_well() -> None:
    states: list[Health] = ["ok", "pending", "blind"]
    assert worst(states) == "blind"
    assert worst([]) == "unwatched"


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (Threshold(line=1, role="alert", subject="CPU", op=">", value=80.0, unit="percent", for_s=120), "> 80 % for 2 min"),
        (
            Threshold(line=1, role="alert", subject="Latency", op=">=", value=0.5, unit="seconds", statistic="p95"),
            "p95 >= 500 ms",
        ),
        (Threshold(line=1, role="alert", subject="Shop", op="is", state="down"), "is down"),
    ],
)
def test_a_threshold_in_words(threshold: Threshold, said: str) -> None:
    assert says(threshold) == said


@pytest.mark.parametrize(
    ("kind", "due", "taken", "resolved", "now", "state"),
    [
        ("respond", 15, None, None, 5, "running"),
        ("respond", 15, None, None, 15, "late"),
        ("respond", 15, 10, None, 30, "met"),
        ("respond", 15, 20, None, 30, "missed"),
        ("respond", 15, None, 10, 30, "met"),
        ("rung", 0, None, None, 5, "told"),
        ("rung", 15, None, None, 5, "running"),
        ("rung", 15, 10, None, 30, "stopped"),
        ("rung", 15, 20, None, 30, "told"),
        ("update", 15, 10, None, 5, "running"),
        ("update", 15, 10, None, 20, "late"),
        ("update", 15, 10, 12, 20, "stopped"),
    ],
)
def test_a_clock_is_judged(kind: str, due: float, taken: float | None, resolved: float | None, now: float, state: str) -> None:
    incident = replace(
        INCIDENT,
        acknowledged_at=None if taken is None else minutes(taken),
        resolved_at=None if resolved is None else minutes(resolved),
    )
    assert clock_state(ClockRun(kind, minutes(due), ""), incident, minutes(now)) == state


def test_clocks_of_one_rung_are_one_and_the_next_comes_first() -> None:
    rungs = [ClockRun("rung", minutes(15), f"{role} is told.", role, 2) for role in ("Lead", "Founder")]
    judged = judge_clocks([*rungs, ClockRun("respond", minutes(5), "Respond.")], INCIDENT, NOW)
    assert [(clock.kind, clock.role) for clock in judged] == [("respond", ""), ("rung", "Lead, Founder")]
    assert judged[1].sentence == "Lead is told. Founder is told."


def test_thinning_a_curve_loses_no_spike() -> None:
    points = [(float(age), 1.0) for age in range(10_000, 0, -1)]
    points[4321] = (points[4321][0], 99.0)
    points[7000] = (points[7000][0], -5.0)
    kept = thin(points, 180)
    assert len(kept) <= 200
    assert {99.0, -5.0} <= {value for _, value in kept}
    assert [age for age, _ in kept] == sorted((age for age, _ in kept), reverse=True)
    assert thin(points[:10], 180) == tuple(points[:10])


@pytest.mark.parametrize(
    ("risks", "worst_risk"),
    [
        (["read"], "read"),
        (["read", "change"], "change"),
        (["change", "unknown"], "unknown"),
        (["unknown", "destroy"], "destroy"),
        ([], "read"),
    ],
)
def test_a_procedure_is_as_dangerous_as_its_worst_command(risks: list[str], worst_risk: str) -> None:
    commands = tuple(Command(line=n, text="x", risk=risk) for n, risk in enumerate(risks, 1))  # type: ignore[arg-type]
    procedure = Procedure(id="p", title="P", line=1, end_line=9, steps=(Step(n=1, line=1, text="do", commands=commands),))
    assert procedure_line(procedure).risk == worst_risk


@pytest.mark.parametrize("question", sorted(ANSWERS))
def test_a_question_is_put_in_words_with_its_answers(question: str) -> None:
    view = act_view(Act("1.1", 1, "manual", "look", 3), Standing(state="asking", question=question))
    assert view.question != question
    assert view.answers == ANSWERS[question]


def test_who_does_not_ask_takes_no_answers() -> None:
    for state in ("to-do", "running", "done", "failed", "skipped"):
        assert act_view(Act("1.1", 1, "manual", "look", 3), Standing(state=state, question="approve")).answers == ()  # type: ignore[arg-type]
