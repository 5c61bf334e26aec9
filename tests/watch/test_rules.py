"""What a sample makes of a threshold: tables of (how it stood, sample, now) -> (state, sentence)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound
from watchkeeper.watch import rules
from watchkeeper.watch.model import Sample, Standing

ERRORS = Threshold(line=1, role="alert", subject="error rate", op=">", value=5.0, unit="percent", for_s=10.0)
DOWN = Threshold(line=2, role="alert", subject="Shop", op="is", state="down", for_s=None)


def bound(threshold: Threshold = ERRORS, reading: str = "errors", factor: float = 1.0, with_: tuple[str, ...] = ()) -> Bound:
    return Bound("key", threshold, "shop", reading, "Shop", "", factor, with_)


def sample(
    at: datetime, value: float | None = None, reading: str = "errors", problem: str | None = None, detail: str = ""
) -> Sample:
    return Sample("shop", at, 0.01, {} if value is None else {reading: value}, problem, detail)


def judged(values: list[float | None], now: datetime, threshold: Threshold = ERRORS, every_s: float = 4.0) -> list[Standing]:
    """Judge one value each `every_s` seconds."""
    found: list[Standing] = []
    before: Standing | None = None
    for turn, value in enumerate(values):
        at = now + timedelta(seconds=turn * every_s)
        before = rules.judge(bound(threshold), before, sample(at, value), at)
        found.append(before)
    return found


def test_a_breach_fires_at_the_sample_with_which_it_has_held_long_enough(now: datetime) -> None:
    found = judged([1.0, 31.0, 31.0, 31.0, 31.0, 2.0], now)
    assert [standing.state for standing in found] == ["ok", "pending", "pending", "pending", "firing", "ok"]
    assert found[0].sentence == "error rate is 1 % (fires at > 5 %): ok"
    assert found[2].sentence == "error rate is 31 % (> 5 %) for 4 s of the 10 s the book allows: pending"
    assert found[4].sentence == "error rate is 31 % (> 5 %) for 12 s, longer than the 10 s the book allows: firing"
    assert found[4].breached_since == now + timedelta(seconds=4)
    assert found[4].since == found[4].at
    assert found[5].breached_since is None


def test_a_healthy_sample_in_between_begins_the_hold_anew(now: datetime) -> None:
    found = judged([31.0, 31.0, 4.9, 31.0, 31.0, 31.0], now)
    assert [standing.state for standing in found] == ["pending", "pending", "ok", "pending", "pending", "pending"]


def test_a_hold_that_is_met_exactly_fires(now: datetime) -> None:
    last = judged([31.0, 31.0, 31.0], now, every_s=5.0)[-1]
    assert (last.state, last.sentence) == (
        "firing",
        "error rate is 31 % (> 5 %) for 10 s, as long as the 10 s the book allows: firing",
    )


def test_a_threshold_without_a_duration_fires_at_the_first_breach(now: datetime) -> None:
    down = rules.judge(bound(DOWN, "up"), None, sample(now, 0.0, "up", detail="connection refused"), now)
    assert (down.state, down.sentence) == ("firing", "Shop is down (connection refused): firing")
    well = rules.judge(bound(DOWN, "up"), down, sample(now, 1.0, "up", detail="200 OK"), now)
    assert (well.state, well.sentence) == ("ok", "Shop is not down (200 OK): ok")


@pytest.mark.parametrize(
    ("value", "problem", "sentence"),
    [
        (None, "no such host", "error rate cannot be judged (no such host): blind"),
        (None, None, "error rate cannot be judged (there is no reading 'errors'): blind"),
        (math.nan, None, "error rate cannot be judged (the reading 'errors' is not a number): blind"),
    ],
)
def test_no_reading_is_blind_and_never_ok(value: float | None, problem: str | None, sentence: str, now: datetime) -> None:
    standing = rules.judge(bound(), None, sample(now, value, problem=problem), now)
    assert (standing.state, standing.value, standing.sentence) == ("blind", None, sentence)
    assert rules.is_blind(standing)


def test_a_firing_threshold_without_data_stays_firing_and_says_that_it_is_blind(now: datetime) -> None:
    found = judged([31.0, 31.0, 31.0, 31.0, None, None, 1.0], now)
    assert [standing.state for standing in found[3:]] == ["firing", "firing", "firing", "ok"]
    assert "nothing says that it is well: firing, blind" in found[4].sentence
    assert rules.is_blind(found[4])
    assert not rules.is_blind(found[3])
    assert found[5].since == found[3].since


def test_a_short_gap_does_not_break_a_breach_and_a_long_one_does(now: datetime) -> None:
    assert judged([31.0, None, 31.0, 31.0], now)[-1].state == "firing"
    found = judged([31.0, None, None, None, None, 31.0, 31.0], now)
    assert [standing.state for standing in found[-3:]] == ["blind", "pending", "pending"]


@pytest.mark.parametrize(("took_s", "state"), [(30.0, "firing"), (0.01, "pending")])
def test_what_hangs_longer_than_its_schedule_has_been_bad_all_that_time(took_s: float, state: str, now: datetime) -> None:
    """A look each 3 s that waits for 30 s gives a sample each 33 s, between which nobody was silent."""
    often, before = replace(bound(), every_s=3.0), None
    for turn in range(3):
        at = now + timedelta(seconds=turn * 33)
        before = rules.judge(often, before, Sample("shop", at, took_s, {"errors": 31.0}), at)
    assert before is not None
    assert before.state == state


def test_infinity_is_judged_and_not_kept_as_a_value(now: datetime) -> None:
    standing = judged([math.inf] * 4, now)[-1]
    assert (standing.state, standing.value) == ("firing", None)
    assert standing.sentence.startswith("error rate is without bound (> 5 %)")


def test_a_clock_that_was_set_back_delays_a_hold_at_most_once(now: datetime) -> None:
    before = judged([31.0, 31.0], now)[-1]
    back = now - timedelta(hours=1)
    first = rules.judge(bound(), before, sample(back, 31.0), back)
    assert (first.state, first.breached_since, first.at) == ("pending", back, back)
    later = back + timedelta(seconds=10)
    assert rules.judge(bound(), first, sample(later, 31.0), later).state == "firing"


def test_a_sample_older_than_the_standing_counts_as_of_its_time(now: datetime) -> None:
    before = judged([31.0, 31.0], now)[-1]
    standing = rules.judge(bound(), before, sample(now, 31.0), now + timedelta(seconds=5))
    assert standing.at == before.at


def test_the_reading_is_brought_to_the_unit_of_the_threshold(now: datetime) -> None:
    standing = rules.judge(bound(factor=100.0), None, sample(now, 0.31), now)
    assert (standing.value, standing.state) == (31.0, "pending")


@pytest.mark.parametrize(
    ("op", "value", "breached"),
    [
        (">", 5.0, False),
        (">=", 5.0, True),
        ("<", 5.0, False),
        ("<=", 5.0, True),
        ("==", 5.0, True),
        ("!=", 5.0, False),
        ("<", 4.9, True),
    ],
)
def test_each_comparison_at_its_border(op: str, value: float, breached: bool) -> None:
    threshold = Threshold(line=1, role="alert", subject="x", op=op, value=5.0)  # type: ignore[arg-type]
    assert rules.is_breached(bound(threshold), value) is breached


@pytest.mark.parametrize(
    ("state", "reading", "value", "breached"),
    [
        ("down", "up", 0.0, True),
        ("failed", "up", 1.0, False),
        ("not responding", "up", 0.0, True),
        ("failed", "exit", 2.0, True),
        ("failed", "exit", 0.0, False),
        ("detected", "value", 3.0, True),
        ("expired", "value", 0.0, False),
        ("running", "up", 1.0, True),
    ],
)
def test_what_a_state_asks_of_a_reading(state: str, reading: str, value: float, breached: bool) -> None:
    threshold = Threshold(line=1, role="alert", subject="x", op="is", state=state)
    assert rules.is_breached(bound(threshold, reading), value) is breached


def test_a_threshold_without_samples_for_too_long_is_blind_once(now: datetime) -> None:
    well = judged([1.0], now)[0]
    assert rules.stale(bound(), well, 4.0, now, now + timedelta(seconds=15)) is None
    blind = rules.stale(bound(), well, 4.0, now, now + timedelta(seconds=60))
    assert blind is not None
    assert (blind.state, blind.sentence) == ("blind", "error rate cannot be judged (no sample for 1 min): blind")
    assert rules.stale(bound(), blind, 4.0, now, now + timedelta(seconds=120)) is None


def test_a_compound_rule_counts_only_while_all_of_it_is_breached(now: datetime) -> None:
    rule = bound(with_=("other",))
    own = judged([31.0] * 5, now)[-1]
    other = rules.judge(bound(), None, sample(now + timedelta(seconds=12), 50.0), now + timedelta(seconds=12))
    assert rules.together(rule, own, [None], None).state == "ok"
    waiting = rules.together(rule, own, [other], None)
    assert (waiting.state, waiting.breached_since) == ("pending", other.breached_since)
    assert (
        waiting.sentence
        == "error rate is 31 % (> 5 %) together with the rest of its rule for 4 s of the 10 s the book allows: pending"
    )


def test_values_are_not_rounded_to_their_limit(now: datetime) -> None:
    tight = Threshold(line=1, role="alert", subject="uptime", op="<", value=99.9, unit="percent")
    standing = rules.judge(bound(tight), None, sample(now, 99.8999), now)
    assert standing.sentence == "uptime is 99.8999 % (< 99.9 %): firing"


def test_the_schedule_is_steady_and_leaves_out_what_was_missed(now: datetime) -> None:
    assert rules.next_look_at(now, 2.0, now + timedelta(seconds=0.3)) == now + timedelta(seconds=2)
    assert rules.next_look_at(now, 2.0, now + timedelta(seconds=7.9)) == now + timedelta(seconds=8)
    assert rules.next_look_at(now, 2.0, now - timedelta(hours=1)) == now - timedelta(hours=1) + timedelta(seconds=2)


def test_the_instant_that_decides_is_the_soonest_at_which_a_pending_threshold_may_fire(now: datetime) -> None:
    slow = bound(Threshold(line=3, role="alert", subject="latency", op=">", value=1.0, for_s=60.0))
    pending = rules.judge(bound(), None, sample(now, 31.0), now)
    later = rules.judge(slow, None, sample(now, 31.0), now)
    found = rules.decisive_look_at([(slow, later), (bound(), pending), (bound(), None)], now + timedelta(seconds=1))
    assert found == now + timedelta(seconds=10)
    assert rules.decisive_look_at([(bound(), pending)], now + timedelta(seconds=10)) is None


def test_a_threshold_that_was_never_judged_is_blind_too(now: datetime) -> None:
    assert rules.stale(bound(), None, 4.0, now, now + timedelta(seconds=15)) is None
    blind = rules.stale(bound(), None, 4.0, now, now + timedelta(seconds=60))
    assert blind is not None
    assert (blind.state, blind.sentence) == ("blind", "error rate cannot be judged (no sample for 1 min): blind")


def test_a_clock_that_jumps_an_hour_forward_proves_no_hour_of_breach(now: datetime) -> None:
    first = judged([31.0], now)[0]
    later = now + timedelta(hours=1)
    jumped = rules.judge(bound(), first, sample(later, 31.0), later)
    assert (jumped.state, jumped.breached_since) == ("pending", later)
    held = rules.judge(bound(), jumped, sample(later + timedelta(seconds=10), 31.0), later + timedelta(seconds=10))
    assert held.state == "firing"


def test_what_fired_goes_on_firing_over_a_jump(now: datetime) -> None:
    fired = judged([31.0, 31.0, 31.0, 31.0], now)[-1]
    later = now + timedelta(hours=1)
    assert rules.judge(bound(), fired, sample(later, 31.0), later).since == fired.since


def test_the_first_failure_alone_is_looked_at_again_sooner(now: datetime) -> None:
    well, bad, worse = judged([1.0, 31.0, 31.0], now)
    assert rules.is_first_failure(None, bad)
    assert rules.is_first_failure(well, bad)
    assert not rules.is_first_failure(bad, worse)
    assert not rules.is_first_failure(bad, well)
    assert rules.confirming_look_at(now, 60.0) == now + timedelta(seconds=5)
    assert rules.confirming_look_at(now, 6.0) == now + timedelta(seconds=2)
    assert rules.confirming_look_at(now, 2.0) is None
    assert rules.confirming_look_at(None, 60.0) is None


def test_looks_outside_the_schedule_are_bounded_and_those_that_decide_go_first(now: datetime) -> None:
    soon, later = now + timedelta(seconds=1), now + timedelta(seconds=3)
    spent = [now - timedelta(seconds=n) for n in (1, 2, 3, 4, 61)]
    assert rules.sooner_look_at(soon, later, [], 4, now) == soon
    assert rules.sooner_look_at(soon, later, spent[:2], 4, now) == later
    assert rules.sooner_look_at(soon, later, spent, 4, now) is None
    assert rules.sooner_look_at(soon, later, spent[4:], 4, now) == soon
    assert rules.sooner_look_at(soon, later, [], 0, now) is None


def test_an_alert_that_fires_says_what_the_books_monitor_has_its_team_told(now: datetime) -> None:
    monitor = replace(ERRORS, message="{{value}}% of API calls fail; {{threshold}}% is the limit.\nReleased? @pagerduty-oncall")
    found = judged([31.0, 31.0, 31.0, 31.0, 1.0], now, monitor)
    own = "error rate is 31 % (> 5 %) for 12 s, longer than the 10 s the book allows: firing"
    assert found[2].sentence == "error rate is 31 % (> 5 %) for 8 s of the 10 s the book allows: pending"
    assert found[3].sentence == f"31% of API calls fail; 5% is the limit. Released? {own}"
    assert found[4].sentence == "error rate is 1 % (fires at > 5 %): ok"


def test_the_message_of_a_compound_stands_once_before_the_whole_of_it(now: datetime) -> None:
    threshold = replace(ERRORS, for_s=None, message="Wait for {{host.name}}: {{value}}")
    one = bound(threshold, with_=("other",))
    own = rules.judge(one, None, sample(now, 31.0), now)
    whole = rules.together(one, own, [own], None)
    assert whole.sentence == "Wait for Shop: 31. error rate is 31 % (> 5 %) together with the rest of its rule: firing"
