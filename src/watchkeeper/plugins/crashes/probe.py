"""Reads the export of Crashlytics, with that of the sessions beside it: crash rates by release, device and system."""

from __future__ import annotations

import asyncio
import glob
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.crashes.export import WHERE, ExportError, Row, rows_of
from watchkeeper.watch.probe import Look

_MOST_FILES = 50
#: a row further ahead of our clock is of a device whose clock is wrong: it says nothing of how fresh the export is
_AHEAD = timedelta(hours=1)


@dataclass(slots=True)
class _Counts:
    """What the files hold of the window."""

    total: int = 0
    by: tuple[Counter[str], ...] = field(default_factory=lambda: tuple(Counter() for _ in WHERE))
    newest: datetime | None = None
    unread: int = 0
    seen: set[str] = field(default_factory=set)

    def add(self, row: Row, since: datetime, now: datetime) -> None:
        if row.at > now + _AHEAD:
            self.unread += 1
            return
        self.newest = max(self.newest or row.at, row.at)
        if row.at < since or (row.session and row.session in self.seen):
            return
        if row.session:
            self.seen.add(row.session)
        self.total += 1
        for counter, where in zip(self.by, row.where, strict=True):
            if where:
                counter[where] += 1


class CrashesProbe:
    """Files that BigQuery exports, or `bq query --format=json` writes: crashes, and the sessions among which they are."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the files could be read",
        "crashes": "sessions that crashed within the window (rows, where they have no session)",
        "crashes_per_hour": "the same, an hour",
        "sessions": "sessions within the window",
        "crash_percent": "share of sessions that crashed, in percent",
        "crash_free_percent": "share of sessions that did not crash, in percent",
        "worst_release_crash_percent": "crash rate of the release that has the highest, of those with enough sessions",
        "worst_device_crash_percent": "the same of the device that has the highest",
        "worst_system_crash_percent": "the same of the version of an operating system that has the highest",
        "age_seconds": "age of the newest row, in seconds",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "crash_rate": ("crash_percent", "crashes_per_hour"),
        "crash_free_rate": ("crash_free_percent",),
    }
    needs: ClassVar[Mapping[str, str]] = {"files": '["crashes/*.json"]'}
    options: ClassVar[Mapping[str, str]] = {
        "files": "export of Crashlytics: JSON lines, a JSON list or CSV; * and ? stand for what they do in a shell",
        "sessions": "export of Firebase sessions, in the same way",
        "window": "time over which is counted (default 1 day)",
        "oldest": "age of the newest row from which the export counts as stopped (default 2 days)",
        "least_sessions": "sessions that a release, device or system needs to be judged by itself (default 50)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        check_readings(signal, estate, list(self.readings))
        self._files = [str(estate.folder / pattern) for pattern in options.texts("files")]
        if not self._files:
            raise options.error("files", f"{options.name()} has no `files`.", 'For example files = ["crashes/*.json"].')
        self._sessions = [str(estate.folder / pattern) for pattern in options.texts("sessions")]
        self._window = timedelta(seconds=options.duration("window", 86_400.0, 60.0))
        self._oldest_s = options.duration("oldest", 2 * 86_400.0, 60.0)
        self._least = options.number("least_sessions", 50, 1)
        self._reading = False

    async def look(self) -> Look:
        """Read the files in a thread."""
        if self._reading:
            return Look(problem="the read before this one has not come back")
        self._reading = True

        def read() -> Look:
            try:
                return self._look(datetime.now(UTC))
            except ExportError as problem:
                return Look(problem=str(problem))
            finally:
                self._reading = False

        return await asyncio.to_thread(read)

    async def close(self) -> None:
        """Nothing is held between looks."""

    def _look(self, now: datetime) -> Look:
        since = now - self._window
        crashes, sessions = _Counts(), _Counts()
        for row in _all(self._files):
            if row is None:
                crashes.unread += 1
            elif row.fatal:
                crashes.add(row, since, now)
        for row in _all(self._sessions) if self._sessions else ():
            if row is None:
                sessions.unread += 1
            else:
                sessions.add(row, since, now)
        newest = max((each.newest for each in (crashes, sessions) if each.newest is not None), default=None)
        if newest is None:
            raise ExportError("no row of the export has a time that can be read")
        age_s = (now - newest).total_seconds()
        if age_s > self._oldest_s:
            raise ExportError(f"the newest row of the export is of {newest:%Y-%m-%d %H:%M} UTC: it has stopped")
        notes = [f"{crashes.unread + sessions.unread:,} rows could not be read"] if crashes.unread + sessions.unread else []
        values = {"up": 1.0, "crashes": float(crashes.total), "age_seconds": max(0.0, age_s)}
        values["crashes_per_hour"] = crashes.total / (self._window.total_seconds() / 3_600)
        if self._sessions:
            values["sessions"] = float(sessions.total)
        if sessions.total:
            share = min(1.0, crashes.total / sessions.total)
            values |= {"crash_percent": 100.0 * share, "crash_free_percent": 100.0 * (1.0 - share)}
        values |= self._worst(crashes, sessions, notes)
        return Look(values, detail="; ".join(notes))

    def _worst(self, crashes: _Counts, sessions: _Counts, notes: list[str]) -> dict[str, float]:
        values = {}
        for index, word in enumerate(WHERE):
            shares = {
                name: 100.0 * min(1.0, crashes.by[index][name] / count)
                for name, count in sessions.by[index].items()
                if count >= self._least
            }
            if shares:
                worst = max(shares, key=lambda name: shares[name])
                values[f"worst_{word}_crash_percent"] = shares[worst]
                notes.append(f"worst {word}: {worst} ({shares[worst]:.3g} %)")
            elif crashes.by[index]:
                most, count = crashes.by[index].most_common(1)[0]
                notes.append(f"most crashes by {word}: {most} ({count:,})")
        return values


def _all(patterns: list[str]) -> Iterator[Row | None]:
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)})
    if not paths:
        raise ExportError(f"no file is named {', '.join(Path(pattern).name for pattern in patterns)}")
    if len(paths) > _MOST_FILES:
        raise ExportError(f"{len(paths):,} files are more than the {_MOST_FILES} that are read")
    for path in paths:
        yield from rows_of(Path(path))
