"""One look apart from any watching: what acts on the outside is not done once more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound, SignalConfig
from watchkeeper.testing import FakeClock
from watchkeeper.watch.model import Sample
from watchkeeper.watch.once import look_at_all
from watchkeeper.watch.probe import Look

SIGNAL = SignalConfig("checkout", "journey", 1, every_s=300.0)
DOWN = Threshold(line=1, role="alert", subject="Shop", op="is", state="down")
BOUND = Bound("slow", DOWN, "checkout", "pay_seconds", None, "")


class Journey:
    """Orders something at each look, and fails before it pays."""

    readings: ClassVar[Mapping[str, str]] = {"up": "1 or 0"}
    options: ClassVar[Mapping[str, str]] = {}

    def __init__(self, acts: bool) -> None:
        self.acts, self.orders = acts, 0

    async def look(self) -> Look:
        self.orders += 1
        return Look({"up": 0.0})

    async def close(self) -> None:
        """Nothing is held."""


class Impatient(FakeClock):
    """Waits for nothing."""

    async def sleep(self, seconds: float) -> None:
        """Go on at once."""


async def looked(probe: Journey, *, runs: bool = False) -> Sample:
    clock = Impatient()
    seen = Sample("checkout", clock.now() - timedelta(seconds=60), 0.1, {"up": 1.0})
    known = {"checkout": seen} if runs else {}
    signals, probes = {"checkout": SIGNAL}, {"checkout": probe}
    found = await look_at_all(signals, probes, [BOUND], known, clock, Scrubber([]), lambda done, of: None)
    return found["checkout"]


async def test_a_journey_that_acts_is_taken_once_and_not_beside_one_that_runs() -> None:
    harmless, acting, beside = Journey(False), Journey(True), Journey(True)
    await looked(harmless)
    await looked(acting)
    seen = await looked(beside, runs=True)
    assert (harmless.orders, acting.orders, beside.orders) == (2, 1, 0)
    assert seen.values == {"up": 1.0}
