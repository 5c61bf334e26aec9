"""What was seen and is not on disk yet: held in memory while the database is away, and written in one piece when it is back.

Flips are kept in order and all of them, up to a bound far beyond a night; of standings only the last a threshold; of samples the
newest. Nothing here waits or writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from watchkeeper.watch import ledger
from watchkeeper.watch.model import Count, Sample, Standing, State

SAMPLES_KEPT = 20_000
FLIPS_KEPT = 100_000
COUNTS_KEPT = 50_000


@dataclass
class Spool:
    """Samples, standings and flips that wait to be written together."""

    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))
    standings: dict[str, tuple[str, Standing]] = field(default_factory=dict)
    flips: deque[tuple[str, State, Standing]] = field(default_factory=lambda: deque(maxlen=FLIPS_KEPT))
    #: (key of a budget, start of a stretch) -> its signal, and what was counted in the stretch so far
    counts: dict[tuple[str, datetime], tuple[str, Count]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.samples or self.standings or self.flips or self.counts)

    def count(self, signal: str, key: str, counted: Count) -> None:
        """Keep what was counted of a budget; the newest count of a stretch stands for it."""
        if len(self.counts) < COUNTS_KEPT or (key, counted.at) in self.counts:
            self.counts[key, counted.at] = (signal, counted)

    def add(
        self, signal: str, sample: Sample | None, standings: Iterable[Standing], flips: Iterable[tuple[State, Standing]]
    ) -> None:
        """Put what one look gave to the rest."""
        if sample is not None:
            self.samples.append(sample)
        for standing in standings:
            self.standings[standing.key] = (signal, standing)
        self.flips.extend((signal, before, standing) for before, standing in flips)

    def follow(self, later: Spool) -> Spool:
        """Give this spool with a later one behind it."""
        self.samples.extend(later.samples)
        self.standings.update(later.standings)
        self.flips.extend(later.flips)
        self.counts.update(later.counts)
        return self

    def drop_decisions(self, signals: Collection[str]) -> None:
        """Forget what was decided of these signals, since another has decided about them meanwhile; what was seen stays."""
        self.standings = {key: each for key, each in self.standings.items() if each[0] not in signals}
        self.flips = deque((each for each in self.flips if each[0] not in signals), maxlen=FLIPS_KEPT)
        self.counts = {key: each for key, each in self.counts.items() if each[0] not in signals}

    def write(self, connection: Connection, decided: Collection[str]) -> int:
        """Write everything in the caller's transaction; returns how many flips there were. May be run again.

        What was seen is true whoever saw it; how thresholds stand is written only of signals that are still ours to decide.
        """
        ledger.write_samples(connection, self.samples)
        ledger.save_standings(connection, [each for each in self.standings.values() if each[0] in decided])
        ledger.save_counts(connection, [(key, count) for (key, _), (name, count) in self.counts.items() if name in decided])
        flips = [(before, standing) for signal, before, standing in self.flips if signal in decided]
        for before, standing in flips:
            ledger.add_flip(connection, before, standing)
        return len(flips)
