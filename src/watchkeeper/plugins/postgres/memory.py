"""What a postgres signal remembers between its looks."""

from __future__ import annotations

from watchkeeper.plugins.postgres.lag import LagClock
from watchkeeper.watch.rates import Rates

#: statements of pg_stat_statements that are remembered between two looks
_MOST_STATEMENTS = 5_000


class Memory:
    """Counters, positions and statements as the last look saw them."""

    def __init__(self) -> None:
        self.rates = Rates()
        self.lag = LagClock()
        self._statements: dict[tuple[str, str, str], tuple[float, float]] = {}

    def slowest_now(self, rows: list[tuple[tuple[str, str, str], float, float]]) -> float | None:
        """Give the highest mean of a statement over its calls since the last look: key, calls and seconds enter."""
        before, self._statements = self._statements, {key: (calls, took) for key, calls, took in rows[:_MOST_STATEMENTS]}
        means = []
        for key, calls, took in rows:
            was_calls, was_took = before.get(key, (0.0, 0.0))
            if calls < was_calls:
                was_calls, was_took = 0.0, 0.0
            if calls > was_calls and took >= was_took:
                means.append((took - was_took) / (calls - was_calls))
        return max(means, default=None) if before else None
