"""Door 1: signals. A probe looks at one thing and says what it saw, as named numbers.

A plug-in is a class registered under the entry-point group `watchkeeper.signals`; its name is the `kind` in watchkeeper.toml.
A probe never raises for what it looks at: an answer that is bad news is a reading (`up` 0), and what could not be looked at is
a `problem`. It changes nothing outside; one that does, because the owner asked for it, has `acts = True` and is looked at on its
schedule alone.

A class may also have `metrics`, canonical metric of the book -> the readings that are it, in each unit: they bind without a word
of the owner's. `general = True` says that a metric without a component's name means this kind, as CPU usage means the host.
`speaks = "promql"` (or "datadog") says that what the book states in that language is a reading as it stands; such readings, and
all others that a threshold is bound to, are in `signal.asked`.

A probe whose server keeps samples itself may have a method `past(since, until, step_s)` that gives points by reading; the pages
show them for spans of a day and more instead of our own rows.

What comes in by itself fits the same door: `look()` gives what came since the last look. A probe that listens opens its port at
its first look. One whose arrivals stand in our rows (the API takes them in, and any worker may) has a method
`attach(database, clock)`, which is called once before the first look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from watchkeeper.estate.model import Estate, SignalConfig


class Look:
    """What one look gave: readings by name, or the problem why there are none; and words for people."""

    __slots__ = ("detail", "problem", "values")

    def __init__(self, values: Mapping[str, float] | None = None, *, problem: str | None = None, detail: str = "") -> None:
        self.values = dict(values or {})
        self.problem = problem
        self.detail = detail


class Probe(Protocol):
    """One configured signal."""

    #: reading -> what it is, with its unit; `*` stands for readings named by the configuration
    readings: ClassVar[Mapping[str, str]]
    #: option -> what it is; a key that is not here is an error in watchkeeper.toml
    options: ClassVar[Mapping[str, str]]

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        """Take the configuration; raises ConfigError with file:line where it cannot be used. Contacts nothing."""
        ...

    async def look(self) -> Look:
        """Look once. The caller bounds the time with the signal's timeout."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
