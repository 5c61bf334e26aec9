"""What was seen and is not on disk yet: held in memory while the database is away, and written in one piece when it is back.

Flips are kept in order and all of them, up to a bound far beyond a night; of standings only the last a threshold; of samples the
newest. Nothing here waits or writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from watchkeeper.watch import ledger
from watchkeeper.watch.model import Sample, Standing, State

SAMPLES_KEPT = 20_000
FLIPS_KEPT = 100_000


@dataclass
class Spool:
    """Samples, standings and flips that wait to be written together."""

    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))
    standings: dict[str, tuple[str, Standing]] = field(default_factory=dict)
    flips: deque[tuple[State, Standing]] = field(default_factory=lambda: deque(maxlen=FLIPS_KEPT))

    def __bool__(self) -> bool:
        return bool(self.samples or self.standings or self.flips)

    def add(
        self, sample: Sample | None, standings: Iterable[tuple[str, Standing]], flips: Iterable[tuple[State, Standing]]
    ) -> None:
        """Put what one look gave to the rest."""
        if sample is not None:
            self.samples.append(sample)
        for signal, standing in standings:
            self.standings[standing.key] = (signal, standing)
        self.flips.extend(flips)

    def follow(self, later: Spool) -> Spool:
        """Give this spool with a later one behind it."""
        self.samples.extend(later.samples)
        self.standings.update(later.standings)
        self.flips.extend(later.flips)
        return self

    def write(self, connection: Connection) -> int:
        """Write everything in the caller's transaction; returns how many flips there were. May be run again."""
        ledger.write_samples(connection, self.samples)
        ledger.save_standings(connection, self.standings.values())
        for before, standing in self.flips:
            ledger.add_flip(connection, before, standing)
        return len(self.flips)
