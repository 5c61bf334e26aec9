"""Conditions and waits that the trouble itself decides: "if needed", "if it persists", "monitor for 15 minutes"."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from run_cast import UNATTENDED, Story, branch, command, expect, plan_of, step

from watchkeeper.book.model import Step
from watchkeeper.run.conditions import asks_of_trouble, watches
from watchkeeper.run.known import Facts, Watched
from watchkeeper.run.model import Act, Ask, Do, Done, Outcome, Wait

RESTART, CHECK = command("ctl restart web", "change"), command("curl -f localhost")
EARLIER = datetime(2026, 3, 14, tzinfo=UTC)
FAILED = Outcome("failed", 1, sentence="It ended with status 1.")


def told(now: datetime, *steps: Step, watched: tuple[Watched, ...] = ()) -> Story:
    return Story(plan_of(*steps), now, Facts(policy=UNATTENDED, severities=frozenset({"P1", "Critical"}), watched=watched))


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("needed", True),
        ("if necessary", True),
        ("the errors are still high", True),
        ("issue persists", True),
        ("restart doesn't help", True),
        ("not resolved", True),
        ("that fails", False),
        ("it is stopped", False),
        ("safe to do so", False),
    ],
)
def test_which_conditions_ask_of_the_trouble(words: str, asks: bool) -> None:
    assert asks_of_trouble(Act("1.if", 1, "condition", words, 1, condition=branch(words))) == asks


@pytest.mark.parametrize(("firing", "done"), [(True, ["1.1", "2.1"]), (False, ["1.1"])])
def test_if_needed_is_decided_by_the_threshold_the_run_is_about(now: datetime, firing: bool, done: list[str]) -> None:
    watched = (Watched(firing, now - timedelta(minutes=5), "errors are at 9 percent"),)
    story = told(now, step(1, RESTART), step(2, RESTART, condition=branch("needed")), watched=watched)
    found = story.play()
    if firing:
        assert isinstance(found, Wait)
        assert found.sentence == "What was done is given time to show: errors are at 9 percent"
        story.now += timedelta(seconds=60)
        story.play()
    assert story.done == done


def test_a_change_that_has_shown_by_then_ends_the_matter(now: datetime) -> None:
    watched = Watched(True, now - timedelta(minutes=5), "errors are at 9 percent")
    condition = branch("it persists", after_failure=True)
    story = told(now, step(1, RESTART), step(2, RESTART, condition=condition), watched=(watched,))
    assert isinstance(story.play(), Wait)
    story.facts = replace(story.facts, watched=(replace(watched, firing=False, sentence="errors are at 0"),))
    assert isinstance(story.play(), Done)
    assert story.done == ["1.1"]


def test_what_is_done_since_the_trouble_goes_on_is_a_branch_that_was_taken(now: datetime) -> None:
    watched = Watched(True, now - timedelta(minutes=5), "errors are at 9 percent")
    unlike, persists = branch("it is stopped", CHECK, expect("shows", "STOPPED")), branch("it persists", after_failure=True)
    steps = (step(1, RESTART, condition=unlike), step(2, RESTART, condition=persists), step(3, CHECK, phase="verify"))
    story = told(now, *steps, watched=(watched,))
    assert story.play({"1.if": Outcome("ok", 0, holds=False)}) == Done("succeeded", "2 acts done; 1 verification passed.")
    assert story.done == ["1.if", "2.1", "3.1"]


def test_the_last_verification_goes_before_the_threshold(now: datetime) -> None:
    watched = (Watched(False, now, "errors are at 0"),)
    steps = (step(1, CHECK, phase="verify"), step(2, RESTART, condition=branch("it still fails", after_failure=True)))
    story = told(now, *steps, watched=watched)
    story.play({"1.1": FAILED})
    assert story.done[-1] == "2.1"


def test_what_nobody_sees_is_asked(now: datetime) -> None:
    for watched in ((), (Watched(None, now, "nobody can see it"),)):
        story = told(now, step(1, RESTART, condition=branch("needed")), watched=watched)
        assert isinstance(story.play(), Ask)


def waiting(now: datetime, watched: tuple[Watched, ...]) -> Story:
    story = told(now, step(1, wait_s=900.0, text="Monitor for 15 minutes"), step(2, RESTART), watched=watched)
    found = story.next()
    assert found == Wait(
        now + timedelta(seconds=900), "The book says to wait 900 s.", story.run.plan.acts[0], now + timedelta(seconds=5)
    )
    story.add("waiting", "1.1", until=(now + timedelta(seconds=900)).isoformat())
    return story


def test_a_watched_wait_ends_early_where_it_fires_again(now: datetime) -> None:
    fires = Watched(True, now - timedelta(minutes=5), "errors are at 9")
    story = waiting(now, (fires,))
    story.now += timedelta(seconds=60)
    found = story.next()
    assert isinstance(found, Wait)
    assert found.look_at == story.now + timedelta(seconds=5)
    story.facts = replace(story.facts, watched=(replace(fires, since=story.now),))
    assert story.play() == Done("failed", "“Monitor for 15 minutes”: It did not hold: errors are at 9")


@pytest.mark.parametrize(
    ("watched", "ends"),
    [
        ((Watched(False, EARLIER, "errors are at 0"),), "The wait is over, and it held."),
        ((Watched(True, EARLIER, "errors are at 9"),), "It still fires: errors are at 9"),
        ((Watched(None, EARLIER, "it is blind"),), "Nobody can see whether it is well: it is blind"),
        ((), "The wait is over, and nothing watches it."),
    ],
)
def test_at_its_end_a_watched_wait_is_judged(now: datetime, watched: tuple[Watched, ...], ends: str) -> None:
    story = waiting(now, watched)
    story.now += timedelta(seconds=900)
    found = story.next()
    outcome = story.run.acts["1.1"].outcome
    assert outcome is not None
    assert outcome.sentence == ends
    assert isinstance(found, Do) == (outcome.result == "ok")


def test_a_plain_wait_is_not_watched(now: datetime) -> None:
    story = told(now, step(1, wait_s=30.0, text="Wait 30 seconds"), watched=(Watched(True, now, "errors are at 9"),))
    assert not watches(story.run.plan.acts[0])
    story.add("waiting", "1.1", until=(now + timedelta(seconds=30)).isoformat())
    story.now += timedelta(seconds=30)
    assert isinstance(story.next(), Done)
    assert story.run.acts["1.1"].state == "done"
