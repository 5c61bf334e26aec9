"""How a fault is judged: each thing that is not as expected is a sentence, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from watchkeeper.drill.model import Break, Expected, Lived, Played
from watchkeeper.drill.rules import is_over, judge

EXPECTED = Expected(("Queue length",), "P2", ("Queue is stuck",), ("Workers",), promise_s=900.0)
FAULT = Break("stuck", "The workers stand still.", "Queue", "./break", "./mend", EXPECTED, pace=10.0)
RUN = ("Queue is stuck", "succeeded", "Done.")
LIVED = Lived(("Queue length",), "P2", "Workers", 300.0, True, 400.0, 460.0, (RUN,), (("Queue is stuck", "./restart"),))
PLAYED = Played((LIVED,), acknowledged=12)


def lived(**changed: object) -> Played:
    return replace(PLAYED, lived=(replace(LIVED, **changed),))  # type: ignore[arg-type]


def expecting(**changed: object) -> Break:
    return replace(FAULT, expected=replace(EXPECTED, **changed))  # type: ignore[arg-type]


def test_all_as_expected_is_green_and_gives_the_time_of_the_book_beside_the_real_one() -> None:
    row = judge(FAULT, PLAYED, 10.0)
    assert (row.verdict, row.why) == ("green", ())
    assert (row.detected_s, row.detected_book_s) == (30.0, 300.0)
    # detected 300 s of the book's time after the fault, repaired in 10 real seconds
    assert (row.recovered_s, row.recovered_book_s) == (40.0, 310.0)
    assert row.promise_kept is True


def test_what_the_book_waits_counts_in_full_in_the_books_time() -> None:
    row = judge(FAULT, lived(waited_s=60.0), 10.0)
    assert row.recovered_book_s == 310.0 + 60.0 - 6.0


@pytest.mark.parametrize(
    ("played", "said"),
    [
        (Played(()), "Nobody noticed it: no incident was opened."),
        (lived(alerts=("Disk",)), "It was told of by “Disk”, and “Queue length” was expected."),
        (lived(severity="P1"), "Its severity is P1, and P2 was expected."),
        (lived(cause="Redis"), "The incident names Redis as its cause, and “Workers” was expected."),
        (lived(cause=None), "The incident names no component as its cause, and “Workers” was expected."),
        (lived(runs=()), "No procedure was carried out, and “Queue is stuck” was expected."),
        (lived(runs=(("Other", "succeeded", ""),)), "“Other” was carried out, and “Queue is stuck” was expected."),
        (lived(resolved=False), "It did not recover: “Queue length” is not over (“Queue is stuck” succeeded: Done)."),
        (
            lived(runs=(("Queue is stuck", "failed", ""),)),
            "It did not recover: “Queue is stuck” failed, and it was well again by itself.",
        ),
        (replace(PLAYED, complaint="502"), "It did not recover: the estate says: 502"),
        (replace(PLAYED, asked=("approve: rm",)), "A person was asked 1 times, and 0 was expected."),
        (lived(fired_s=2000.0, healthy_s=2100.0), "It took 33 min 30 s, and the book promises 15 min."),
        (replace(PLAYED, lost=("7", "8")), "2 of 12 promises to customers are gone: 7, 8."),
        (replace(PLAYED, broken=("Replica is behind",)), "Replica is behind was well before and is not after."),
        (lived(changed=(("Disk is full", "rm -rf tmp"),)), "“Disk is full” was not expected, and it ran: rm -rf tmp"),
    ],
)
def test_what_is_not_as_expected_is_red_and_says_so(played: Played, said: str) -> None:
    row = judge(FAULT, played, 10.0)
    assert row.verdict == "red"
    assert said in row.why


def test_a_run_that_was_stopped_once_its_changes_had_helped_has_recovered_it() -> None:
    stopped = ("Queue is stuck", "cancelled", "The rest is not needed.")
    assert judge(FAULT, lived(runs=(stopped,)), 10.0).verdict == "red"
    assert judge(FAULT, lived(runs=(stopped,), enough=True), 10.0).verdict == "green"


def test_names_are_compared_as_a_person_would() -> None:
    row = judge(FAULT, lived(alerts=("`Queue  length` is down",), runs=(("queue is stuck.", "succeeded", ""),)), 1.0)
    assert row.why == ()


def test_what_only_others_can_end_waits_and_is_not_red() -> None:
    fault = expecting(recovers=False, waits_for="the hosting provider", promise_s=None)
    row = judge(fault, lived(resolved=False, runs=(("Queue is stuck", "failed", ""),)), 1.0)
    assert (row.verdict, row.waits_for, row.recovered) == ("waits", "the hosting provider", False)
    assert judge(fault, PLAYED, 1.0).why == ("It recovered, which was not expected.",)


def test_the_incident_with_the_expected_alert_counts_however_late_it_comes() -> None:
    other = Lived(("Disk",), "P3", "Disk", 100.0, True, 200.0, 260.0, (), ())
    row = judge(FAULT, replace(PLAYED, lived=(other, LIVED)), 10.0)
    assert (row.verdict, row.detected_book_s) == ("green", 300.0)
    unended = replace(other, resolved=False)
    assert judge(FAULT, replace(PLAYED, lived=(LIVED, unended)), 10.0).recovered is False


def test_it_is_over_once_all_is_resolved_or_only_others_can_go_on() -> None:
    assert is_over(FAULT, (LIVED,), 0)
    assert not is_over(FAULT, (), 0)
    assert not is_over(FAULT, (replace(LIVED, alerts=("Disk",)),), 0)
    assert not is_over(FAULT, (LIVED, replace(LIVED, resolved=False)), 0)
    failed = (replace(LIVED, resolved=False, runs=(("Queue is stuck", "failed", ""),)),)
    waits = expecting(recovers=False, waits_for="somebody")
    assert not is_over(FAULT, failed, 1)
    assert is_over(waits, failed, 0)
    assert is_over(waits, (replace(LIVED, resolved=False, runs=(("Queue is stuck", "asking", ""),)),), 1)
    assert not is_over(waits, (replace(LIVED, resolved=False, runs=(("Queue is stuck", "running", ""),)),), 0)
    # what makes it as grave as it was expected has not held long enough yet
    assert not is_over(waits, (replace(failed[0], severity="P3"),), 0)


def test_a_promise_may_count_from_the_alert_on() -> None:
    # two hours of the book's wording, and then 100 s at pace 10
    played = lived(fired_s=7200.0, healthy_s=8200.0)
    assert judge(expecting(promise_s=900.0), played, 10.0).promise_kept is False
    row = judge(expecting(promise_s=900.0, promise_from_alert=True), played, 10.0)
    assert (row.promise_kept, row.recovered_book_s, row.why) == (True, 7300.0, ())
    late = judge(expecting(promise_s=60.0, promise_from_alert=True), played, 10.0)
    assert late.why == ("It took 1 min 40 s, and the book promises 1 min.",)


def test_what_the_procedure_leaves_for_good_may_stay_red_once_it_has_succeeded() -> None:
    left = {"resolved": False, "healthy_s": None, "resolved_s": None, "quiet_s": 350.0}
    fault, stays = expecting(stays=("Region is down",)), replace(LIVED, **left, still=("Region is down",))  # type: ignore[arg-type]
    assert is_over(fault, (stays,), 0)
    row = judge(fault, Played((stays,)), 10.0)
    assert (row.verdict, row.recovered, row.recovered_s) == ("green", True, 35.0)
    also = replace(stays, still=("Region is down", "Queue length"))
    assert not is_over(fault, (also,), 0)
    assert "“Region is down” or “Queue length” is not over" in judge(fault, Played((also,)), 10.0).why[0]
    running = replace(stays, runs=(("Queue is stuck", "running", ""),))
    assert not is_over(fault, (running,), 0)
    assert judge(FAULT, Played((stays,)), 10.0).recovered is False, "where it is not said that it stays"
    assert judge(fault, Played((stays,), complaint="502"), 10.0).recovered is False
