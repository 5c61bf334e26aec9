"""An error budget that is spent too fast fires, as the windows of the SRE workbook say, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from watchkeeper.book.model import Book, Threshold
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Bindings, Bound, Estate, SignalConfig
from watchkeeper.plugins.http.probe import HttpProbe
from watchkeeper.store.database import Database
from watchkeeper.watch import burning, ledger
from watchkeeper.watch.kept import kept
from watchkeeper.watch.model import Sample, Standing

UPTIME = Threshold(line=3, role="objective", subject="Uptime", metric="availability", op=">", value=99.9, unit="percent")
FAST = Threshold(
    line=4,
    role="objective",
    subject="p95 response time",
    metric="response_time",
    statistic="p95",
    op="<",
    value=2.0,
    unit="seconds",
)
ERRORS = Threshold(line=5, role="objective", subject="Error rate", metric="error_rate", op="<", value=1.0, unit="percent")
CPU = Threshold(line=6, role="objective", subject="CPU usage", metric="cpu_usage", op="<", value=80.0, unit="percent")
HOUR = 3600.0


def bindings(*objectives: Threshold, every_s: float = 15.0, metrics: dict[str, str] | None = None) -> Bindings:
    signal = SignalConfig(
        "shop", "http", 3, "Shop", every_s, metrics=metrics or {}, readings=frozenset(HttpProbe.readings), known=HttpProbe.metrics
    )
    estate = Estate(Path("/shop/watchkeeper.toml"), "shop", Path("/shop/runbook.md"), signals={"shop": signal})
    return bind(Book(title="Shop", service="shop", thresholds=objectives), estate)


class Watched:
    """A budget on a clock of its own."""

    def __init__(self, bound: Bound, now: datetime) -> None:
        assert bound.budget is not None
        self.bound, self.now, self.spent = bound, now, burning.Spent(bound.budget)
        self.standing: Standing | None = None
        self.fired: list[float] = []
        self._start = now

    def live(self, seconds: float, value: Callable[[int], float]) -> Standing:
        for turn in range(int(seconds / self.bound.every_s)):
            self.now += timedelta(seconds=self.bound.every_s)
            sample = Sample("shop", self.now, 0.01, {self.bound.reading: value(turn)})
            before = self.standing
            self.standing, _ = burning.judge(self.bound, before, sample, self.now, self.spent)
            if self.standing.state == "firing" and (before is None or before.state != "firing"):
                self.fired.append((self.now - self._start).total_seconds())
        assert self.standing is not None
        return self.standing


@pytest.mark.parametrize(("objective", "share", "counts"), [(UPTIME, 0.001, "up"), (FAST, 0.05, "within"), (ERRORS, 0.01, "bad")])
def test_an_objective_that_states_a_share_has_a_budget(objective: Threshold, share: float, counts: str) -> None:
    [bound] = bindings(objective, metrics={"Error rate": "status"}).bound
    assert bound.budget is not None
    assert (round(bound.budget.share, 9), bound.budget.counts, bound.budget.period_s) == (share, counts, 30 * 86_400)
    assert (bound.threshold.role, bound.threshold.severity, bound.threshold.line) == ("alert", None, objective.line)


def test_a_value_to_be_kept_has_no_budget_and_a_percentile_taken_elsewhere_neither() -> None:
    found = bindings(CPU, replace(FAST, statistic=None), metrics={"CPU usage": "status"})
    assert not found.bound
    assert [item.threshold.subject for item in found.objectives] == ["CPU usage", "p95 response time"]
    assert not bindings(FAST, metrics={"p95 response time": "quantile(0.95, x_bucket[1m])"}).bound


def test_the_books_own_severity_and_period_stay(now: datetime) -> None:
    [bound] = bindings(replace(UPTIME, severity="P1", text="Uptime > 99.9 % over 7 days")).bound
    assert bound.threshold.severity == "P1"
    assert bound.budget is not None
    assert bound.budget.period_s == 7 * 86_400
    assert burning.pairs(bound.budget)[0] == (14.4, 840.0, 70.0)


def test_an_outage_fires_once_two_hundredths_of_the_budget_are_spent(now: datetime) -> None:
    watched = Watched(bindings(UPTIME).bound[0], now)
    assert watched.live(2 * HOUR, lambda _: 1.0).state == "ok"
    standing = watched.live(120, lambda _: 0.0)
    # 2 % of 43 minutes are 52 seconds
    assert watched.fired == [2 * HOUR + 60]
    assert standing.sentence == (
        "Error budget of Uptime > 99.9 % is spent 33.2 times as fast as 30 d allow, over the last 1 h and 5 min (fires above "
        "14.4); 95.4 % of it is left: firing"
    )
    assert watched.live(10 * 60, lambda _: 1.0).state == "ok"


def test_it_is_quiet_right_after_a_start_and_at_a_single_failure(now: datetime) -> None:
    for every_s in (15.0, 300.0):
        watched = Watched(bindings(UPTIME, every_s=every_s).bound[0], now)
        assert watched.live(every_s, lambda _: 0.0).state == "ok"
        watched.live(6 * HOUR, lambda _: 1.0)
        assert not watched.fired


def test_a_slow_leak_fires_later_and_what_the_objective_allows_never_does(now: datetime) -> None:
    leak = Watched(bindings(UPTIME).bound[0], now)
    leak.live(86_400 * 3.0, lambda turn: float(turn % 300 != 0))
    assert leak.fired
    assert leak.fired[0] > 6 * HOUR
    allowed = Watched(bindings(UPTIME).bound[0], now)
    allowed.live(86_400 * 3.0, lambda turn: float(turn % 1100 != 0))
    assert not allowed.fired


def test_slow_answers_spend_the_budget_of_a_percentile(now: datetime) -> None:
    watched = Watched(bindings(FAST).bound[0], now)
    watched.live(2 * HOUR, lambda turn: 3.0 if turn % 25 == 0 else 0.2)
    assert not watched.fired
    watched.live(HOUR, lambda _: 3.0)
    assert watched.fired


def test_no_reading_is_blind_and_counts_for_nothing(now: datetime) -> None:
    watched = Watched(bindings(UPTIME).bound[0], now)
    watched.live(600, lambda _: 1.0)
    blind, counted = burning.judge(watched.bound, watched.standing, Sample("shop", now, 0.0, problem="cut"), now, watched.spent)
    assert (blind.state, counted) == ("blind", None)


def test_a_clock_that_was_set_back_forgets_the_looks_of_the_future(now: datetime) -> None:
    watched = Watched(bindings(UPTIME).bound[0], now)
    watched.live(HOUR, lambda _: 0.0)
    watched.spent.add(now, 0.0)
    assert watched.spent.over(2 * HOUR, now).looks <= 60 / 15


def test_memory_is_bounded_by_the_period(now: datetime) -> None:
    [bound] = bindings(replace(UPTIME, text="99.9 % a day")).bound
    assert bound.budget is not None
    spent = burning.Spent(bound.budget)
    for turn in range(100_000):
        spent.add(now + timedelta(seconds=15 * turn), 0.0)
    assert len(spent._starts) <= 2 * bound.budget.period_s / spent.step_s + 1
    assert spent.over(86_400, now + timedelta(seconds=15 * 99_999)).looks == 5760


def test_what_was_counted_comes_back_and_a_stretch_is_replaced(database: Database, now: datetime) -> None:
    watched = Watched(bindings(UPTIME).bound[0], now)
    for turn in range(40):
        count = watched.spent.add(now + timedelta(seconds=15 * turn), float(turn % 2))
        database.write_now(lambda c, count=count: ledger.save_counts(c, [("budget-uptime", count)]))
    again = burning.Spent(watched.spent.budget)
    again.load(database.read_now(lambda c: ledger.read_counts(c, "budget-uptime", now - timedelta(hours=1))))
    assert again.over(HOUR, watched.now + timedelta(seconds=600)) == watched.spent.over(
        HOUR, watched.now + timedelta(seconds=600)
    )
    assert again.over(HOUR, now + timedelta(seconds=600)).bad == 20


def test_an_objective_is_kept_missed_or_nobody_knows(now: datetime) -> None:
    [objective] = bindings(FAST).objectives
    samples = [Sample("shop", now + timedelta(seconds=15 * turn), 0.1, {"seconds": 0.3}) for turn in range(10)]
    late = samples[-1].at
    assert kept(objective, samples, late) == ("kept", "p95 response time is to be < 2 s and is 300 ms: kept")
    slow = [replace(sample, values={"seconds": 2.5}) for sample in samples]
    assert kept(objective, slow, late) == ("missed", "p95 response time is to be < 2 s and is 2.5 s: missed")
    assert kept(objective, [], late)[0] == "blind"
    assert kept(objective, samples, late + timedelta(hours=1))[0] == "blind"
    assert kept(objective, [replace(samples[0], values={}, problem="cut")], now)[0] == "blind"
