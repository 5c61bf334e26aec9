"""Says which numbers programs pushed last over the API; one that is too old is no reading, and nothing at all is blind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import Connection

from watchkeeper.base.durations import format_duration
from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.watch.arrivals import Pushed, read_pushed
from watchkeeper.watch.own_rows import OwnRows
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rates import Rates


class PushProbe(OwnRows[Mapping[str, Pushed]]):
    """What programs push to POST /api/v1/push/NAME, with a token that may `push`."""

    readings: ClassVar[Mapping[str, str]] = {
        "age_seconds": "time since the newest push, in seconds",
        "*": "each name that was pushed; of one that only grows also <name>_per_s",
    }
    options: ClassVar[Mapping[str, str]] = {
        "fresh": "how long a number counts after it was pushed (default 5 minutes)",
        "counters": "names that are 0 until something is added to them",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._fresh = timedelta(seconds=options.duration("fresh", 300.0, 1.0))
        self._counters = options.texts("counters")
        self._name = signal.name
        self._rates = Rates()
        self._last_rates: dict[str, float] = {}

    def read(self, connection: Connection, now: datetime) -> Mapping[str, Pushed]:
        """Read what was pushed last."""
        return read_pushed(connection, self._name)

    def judge(self, found: Mapping[str, Pushed], now: datetime) -> Look:
        """Give what is fresh."""
        if not found:
            return Look(problem="nothing was pushed yet")
        newest = max(number.at for number in found.values())
        if now - newest > self._fresh:
            return Look(problem=f"nothing was pushed for {format_duration((now - newest).total_seconds())}")
        # while others come, a sum to which nothing was added stays what it is
        fresh = {name: number for name, number in found.items() if number.summed or now - number.at <= self._fresh}
        fresh |= {name: Pushed(0.0, True, now, summed=True) for name in self._counters if name not in found}
        values = {name: number.value for name, number in fresh.items()}
        for name, number in fresh.items():
            if number.counts:
                at = now if number.summed else number.at
                rate = self._rates.per_second(name, at.timestamp(), number.value)
                if rate is not None:
                    self._last_rates[name] = rate
                if name in self._last_rates:
                    values[_rate_name(name)] = self._last_rates[name]
        self._last_rates = {name: rate for name, rate in self._last_rates.items() if name in fresh}
        values["age_seconds"] = max(0.0, (now - newest).total_seconds())
        old = [f"{name} is {format_duration((now - found[name].at).total_seconds())} old" for name in found if name not in fresh]
        return Look(values, detail="; ".join(old[:5]))


def _rate_name(name: str) -> str:
    """Put `_per_s` behind a counter's name and before its labels.

    >>> _rate_name('orders_total{shop="a"}'), _rate_name("orders")
    ('orders_per_s{shop="a"}', 'orders_per_s')
    """
    bare, brace, labels = name.partition("{")
    return f"{bare.removesuffix('_total')}_per_s{brace}{labels}"
