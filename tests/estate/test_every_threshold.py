"""Every threshold of the estates' runbooks is decided by what `init` proposes for it: it fires on its bad side after its own time
and with its own severity, is well on the good side, and is in docs/reference/thresholds.md.

The values are such as a live look gives, one number a reading; they go through the binding, the watcher and the rules.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest

from watchkeeper.book.model import Book, Threshold
from watchkeeper.book.reader import read_book
from watchkeeper.estate.bind import bind
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.init import annotated_toml
from watchkeeper.estate.model import Bindings, Bound, Estate
from watchkeeper.testing.clock import FakeClock
from watchkeeper.watch.kept import kept
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.rules import is_breached
from watchkeeper.watch.watcher import Watcher

ROOT = Path(__file__).parents[2]
ESTATES = sorted(runbook.parent.name for runbook in (ROOT / "estates").glob("*/runbook.md"))


@cache
def proposed(name: str, folder: Path) -> tuple[Book, Estate, Bindings, str]:
    """Bind a runbook as `init` proposes it, every variable filled in."""
    runbook = ROOT / "estates" / name / "runbook.md"
    book, text = read_book(runbook), annotated_toml(read_book(runbook), runbook)
    path = folder / "watchkeeper.toml"
    path.write_text(text)
    names = [line.split(" = ")[0] for line in text.splitlines() if " = { env = " in line and not line.startswith("#")]
    estate = load_estate(path, dict.fromkeys(names, "http://127.0.0.1:1/long-enough"))
    return book, estate, bind(book, estate), text


class Eyes:
    """The watcher of an estate, given samples by hand."""

    def __init__(self, estate: Estate, bindings: Bindings, now: datetime) -> None:
        self.estate, self.bindings, self.now = estate, bindings, now
        probes: dict[str, Any] = dict.fromkeys(estate.signals)
        self.watcher = Watcher(cast(Any, None), FakeClock(), estate, bindings, probes, lambda: None)
        self.well = {reading: self._value(reading, []) for reading in {(b.signal, b.reading) for b in bindings.bound}}

    def _value(self, reading: tuple[str, str], breached: list[Bound]) -> float:
        """Find a raw value of a reading at which these thresholds are breached, and of the others as few as can be."""
        mine = [b for b in self.bindings.bound if (b.signal, b.reading) == reading and b.budget is None]
        limits = [(b.threshold.value or 0.0) / b.factor for b in mine]
        tried = {0.0, 1.0, *(limit * share for limit in limits for share in (0.5, 0.9, 1.01, 1.1, 2.0))}
        fitting = [v for v in tried if all(is_breached(b, v * b.factor) for b in breached)]
        assert fitting, f"no value breaches {[b.key for b in breached]}"
        return min(fitting, key=lambda v: (len(self._firing(mine, v)), v))

    def _firing(self, mine: list[Bound], value: float) -> list[Bound]:
        over = [b for b in mine if is_breached(b, value * b.factor)]
        keys = {b.key for b in over}
        return [b for b in over if set(b.together_with) & {m.key for m in mine} <= keys]

    def look(self, bound: Bound, value: float | None, seconds: float) -> Iterator[tuple[float, Standing]]:
        """Look so long at one reading of a value, all others well."""
        signal = self.estate.signals[bound.signal]
        start = self.now
        for _ in range(int(seconds / signal.every_s)):
            self.now += timedelta(seconds=signal.every_s)
            values = {reading: well for (name, reading), well in self.well.items() if name == bound.signal}
            values[bound.reading] = self.well[bound.signal, bound.reading] if value is None else value
            self.watcher._judge(signal, Sample(bound.signal, self.now, 0.01, values), self.now)
            yield (self.now - start).total_seconds(), self.watcher._standings[bound.key]

    def bad(self, bound: Bound) -> float:
        """Give a value that breaches a threshold, with all that it counts together with."""
        those = [b for b in self.bindings.bound if b.key == bound.key or b.key in bound.together_with]
        return self._value((bound.signal, bound.reading), [b for b in those if b.reading == bound.reading])


def states(found: Iterable[tuple[float, Standing]]) -> list[tuple[float, str]]:
    return [(at, standing.state) for at, standing in found]


def case_ids(role: str) -> list[tuple[str, int]]:
    found = []
    for name in ESTATES:
        thresholds = [t for t in read_book(ROOT / "estates" / name / "runbook.md").thresholds if t.role == role]
        found += [(name, number) for number in range(len(thresholds))]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("estates")


def found_for(threshold: Threshold, among: Iterable[Bound]) -> Bound:
    """Find what decides a threshold; a query that is asked as it stands has the time of the book's in itself."""
    asked = replace(threshold, for_s=None, statistic=None)
    [bound] = [each for each in among if each.threshold is threshold or each.threshold == asked]
    return bound


@pytest.mark.parametrize(("name", "number"), case_ids("alert"))
def test_an_alert_fires_on_its_bad_side_after_its_own_time_and_is_well_on_the_good_one(
    name: str, number: int, folder: Path, now: datetime
) -> None:
    book, estate, bindings, _ = proposed(name, folder)
    threshold = [t for t in book.thresholds if t.role == "alert"][number]
    bound = found_for(threshold, bindings.bound)
    eyes = Eyes(estate, bindings, now)
    assert {state for _, state in states(eyes.look(bound, None, 120))} == {"ok"}
    hold_s, window_s = bound.threshold.for_s or 0.0, bound.window_s or 0.0
    seen = states(eyes.look(bound, eyes.bad(bound), hold_s + window_s + 60))
    fired = next(at for at, state in seen if state == "firing")
    assert fired >= hold_s, "it fires no sooner than the book says"
    assert fired <= (hold_s if not window_s else max(hold_s, 2 * window_s)) + 2 * bound.every_s
    assert states(eyes.look(bound, None, window_s + 60))[-1][1] == "ok"
    assert bound.threshold.severity == threshold.severity


@pytest.mark.parametrize(("name", "number"), case_ids("objective"))
def test_an_objective_is_kept_on_its_good_side_and_missed_on_the_other(
    name: str, number: int, folder: Path, now: datetime
) -> None:
    book, _, bindings, text = proposed(name, folder)
    threshold = [t for t in book.thresholds if t.role == "objective"][number]
    if not any(each.threshold is threshold for each in bindings.objectives):
        assert f"line {threshold.line} of the book has an objective that no kind reads by itself" in text
        return
    bound = found_for(threshold, bindings.objectives)
    up = bound.reading == "up"
    sides = (1.0, 0.0) if up else ((threshold.value or 1.0) / bound.factor * share for share in (0.9, 1.1))
    good, bad = sides if threshold.op[0] == "<" or up else reversed(list(sides))
    for value, word in ((good, "kept"), (bad, "missed")):
        samples = [Sample(bound.signal, now + timedelta(seconds=15 * turn), 0.01, {bound.reading: value}) for turn in range(20)]
        assert kept(bound, samples, samples[-1].at)[0] == word


BUDGETS = [("bazar", "Response time"), ("bazar", "Error rate"), ("equipment", "Response time"), ("equipment", "Error rate")]
BUDGETS += [("mobile-matrix", "P95"), ("mobile-matrix", "Error rate"), ("mobile-matrix", "Uptime")]


@pytest.mark.parametrize(("name", "subject"), BUDGETS)
def test_a_service_level_has_a_budget_that_fires_when_it_is_spent(name: str, subject: str, folder: Path, now: datetime) -> None:
    _, estate, bindings, _ = proposed(name, folder)
    [bound] = [b for b in bindings.bound if b.objective is not None and b.objective.subject.startswith(subject)]
    eyes = Eyes(estate, bindings, now)
    good, bad = (1.0, 0.0) if bound.reading == "up" else (0.001, 100.0)
    eyes.well[bound.signal, bound.reading] = good
    assert {state for _, state in states(eyes.look(bound, None, 3600))} == {"ok"}
    assert states(eyes.look(bound, bad, 6 * 3600))[-1][1] == "firing"
    assert bound.threshold.severity is None


def test_the_page_of_thresholds_leaves_none_out() -> None:
    page = (ROOT / "docs" / "reference" / "thresholds.md").read_text()
    parts = {part.splitlines()[0]: part for part in page.split("\n## ")[1:]}
    assert sorted(parts) == ESTATES
    for name in ESTATES:
        book = read_book(ROOT / "estates" / name / "runbook.md")
        rows = [
            int(row.split("|")[1])
            for row in parts[name].splitlines()
            if row.startswith("| ") and row.split("|")[1].strip().isdigit()
        ]
        wanted = [each.line for each in itertools.chain(book.thresholds, book.metrics)]
        assert rows == wanted
