"""Shares of several workers: everything is somebody's, nothing is two's, it comes to rest, nobody has much more."""

from __future__ import annotations

import doctest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchkeeper.store import sharing
from watchkeeper.store.sharing import move

COSTS = st.lists(st.integers(1, 100), max_size=25)


def test_the_examples() -> None:
    assert doctest.testmod(sharing).failed == 0


def rounds(costs: dict[str, float], held: dict[int, set[str]], turns: int = 60) -> int:
    """Let each worker have its turn again and again; gives how many turns it took until nothing moved any more."""
    for turn in range(turns):
        moved = False
        for mine in held.values():
            taken = set().union(*held.values())
            take, give = move(costs, mine, taken, len(held))
            assert not set(take) & taken
            assert set(give) <= mine
            mine |= set(take)
            mine -= set(give)
            moved = moved or bool(take or give)
        if not moved:
            return turn
    raise AssertionError(f"it never comes to rest: {costs} {held}")


@given(COSTS, st.integers(1, 6))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_everything_is_somebodys_and_it_comes_to_rest(found: list[int], workers: int) -> None:
    costs = {f"s{number}": each / 7 for number, each in enumerate(found)}
    held: dict[int, set[str]] = {number: set() for number in range(workers)}
    held[0] = set(costs)
    rounds(costs, held)
    assert sorted(name for mine in held.values() for name in mine) == sorted(costs)
    fair, most = sum(costs.values()) / workers, max(costs.values(), default=0.0)
    for mine in held.values():
        assert sum(costs[name] for name in mine) <= fair + most + 1e-6
    if workers > 1:
        gone = held.pop(workers - 1)
        rounds(costs, held)
        assert gone <= set().union(*held.values())
        assert sum(len(mine) for mine in held.values()) == len(costs)


def test_a_signal_looked_at_each_second_counts_for_more_than_one_of_each_hour() -> None:
    costs = {"fast": 60.0, **{f"slow-{number}": 1.0 for number in range(60)}}
    held: dict[int, set[str]] = {0: set(costs), 1: set()}
    rounds(costs, held)
    assert sorted(len(mine) for mine in held.values()) == [1, 60]
