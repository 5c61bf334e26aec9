"""Rises of counters: what is compared, what begins anew, and what is forgotten."""

from __future__ import annotations

from watchkeeper.watch.rises import Rises


def test_rises_add_up_within_the_window_and_begin_anew_with_their_counter() -> None:
    rises = Rises(100.0)
    assert rises.add({"web": 7.0}, 0.0) is None
    assert rises.add({"web": 9.0}, 10.0) == {"web": 2.0}
    assert rises.add({"web": 1.0}, 50.0) == {"web": 3.0}
    assert rises.add({"web": 1.0}, 110.0) == {"web": 1.0}
    assert rises.add({"web": 1.0}, 150.0) == {"web": 0.0}


def test_what_a_look_missed_is_still_known_and_what_is_new_began_at_zero() -> None:
    rises = Rises(100.0)
    rises.add({"web": 5.0}, 0.0)
    assert rises.add({}, 10.0) == {}
    assert rises.add({"web": 6.0, "new": 2.0}, 20.0) == {"web": 1.0, "new": 2.0}
    assert rises.add({"web": 8.0}, 900.0) == {"web": 2.0}, "nobody looked for long, and what it rose meanwhile is seen now"


def test_what_is_remembered_is_bounded() -> None:
    rises = Rises(100.0)
    for number in range(12_000):
        rises.add({f"pod-{number}": 1.0}, 0.0)
    assert len(rises._last) == 10_000
