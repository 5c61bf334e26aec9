"""Who looks at what, of several workers: everything is somebody's, and nobody has much more to do than the others. Pure.

What a worker has, what is free and how many workers live enter; what it takes and what it gives back leave. Each worker asks this
for itself, one after the other; together they come to rest: who gives back keeps a full share, and takes nothing again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


def move(costs: Mapping[str, float], mine: Collection[str], taken: Collection[str], workers: int) -> tuple[list[str], list[str]]:
    """Say what a worker takes of what is nobody's, and what it gives back, given what each thing costs.

    >>> move({"a": 1, "b": 1, "c": 1, "d": 1}, [], [], 2)
    (['a', 'b'], [])
    >>> move({"a": 6, "b": 1, "c": 1}, ["a", "b", "c"], ["a", "b", "c"], 2)
    ([], ['b', 'c'])
    """
    fair = sum(costs.values()) / max(1, workers)
    load = sum(costs[name] for name in mine)
    take: list[str] = []
    for name in sorted(set(costs) - set(taken), key=lambda each: (-costs[each], each)):
        if load < fair - _TINY:
            take.append(name)
            load += costs[name]
    give: list[str] = []
    for name in sorted(mine, key=lambda each: (costs[each], each)):
        if not take and load - costs[name] >= fair - _TINY:
            give.append(name)
            load -= costs[name]
    return take, give


_TINY = 1e-9
