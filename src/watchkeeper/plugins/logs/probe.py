"""Reads logs onward and counts: lines by level, lines by the owner's patterns, lines of a new kind, failed logins."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.base.secrets import Scrubber
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.logs.choosing import SOURCE_OPTIONS, source_of
from watchkeeper.plugins.logs.lines import ERROR, LEVELS, WARNING, read_line
from watchkeeper.plugins.logs.logins import Logins
from watchkeeper.plugins.logs.novelty import Novelty
from watchkeeper.plugins.logs.pattern import Pattern, PatternError
from watchkeeper.plugins.logs.source import Read, Unreadable
from watchkeeper.plugins.logs.tally import Tally, Window
from watchkeeper.watch.probe import Look

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
_SHOWN = 120


class LogsProbe:
    """Lines as they are written. What was there before the first look is not read."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it could be read",
        "lines_per_minute": "lines",
        "errors_per_minute": "lines of the level error and worse, a minute",
        "critical_per_minute": "lines of the level critical and worse (fatal, panic, emergency), a minute",
        "warnings_per_minute": "lines of the level warning, a minute",
        "errors": "lines of the level error and worse within the window",
        "errors_percent": "share of such lines among all, in percent; missing where there are none",
        "failed_logins": "failed logins within the window",
        "failed_logins_per_minute": "the same, a minute",
        "failed_login_addresses": "addresses from which they came",
        "new_patterns": "with `new_patterns`: kinds of lines within the window that were not there before",
        "*": "NAME: lines within the window in which the pattern of that name is found; NAME_per_minute: the same, a minute",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "error_rate": ("errors_per_minute",),
        "failed_logins": ("failed_logins_per_minute", "failed_logins"),
    }
    examples: ClassVar[Mapping[str, tuple[str, str]]] = {
        "connection_errors": (
            "connection_errors_per_minute",
            "patterns = { connection_errors = 'could not connect|connection refused' }    # what your own log says",
        ),
    }
    needs: ClassVar[Mapping[str, str]] = {"files": '["/var/log/app/*.log"]'}
    options: ClassVar[Mapping[str, str]] = {
        **SOURCE_OPTIONS,
        "patterns": "table of name = regular expression, looked for in each line (no look-around, no back-references)",
        "logins": "false: do not count failed logins by what sshd and PAM write (default true)",
        "new_patterns": "errors, warnings or all: notice kinds of lines of that level that were not there before (default off)",
        "learn": "time in which all kinds of lines are taken for usual (default 1 hour)",
    }
    as_written: ClassVar[tuple[str, ...]] = ("patterns",)

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._source = source_of(options, estate)
        self._patterns = _patterns(options.table("patterns"))
        self._window_s = options.duration("window", 60.0, 1.0)
        self._most_bytes = int(options.number("max_bytes", 8_000_000, 1_000, 100_000_000))
        self._logins = Logins() if options.flag("logins", True) else None
        wanted = options.choice("new_patterns", ("off", "errors", "warnings", "all"), "off")
        self._lowest = {"errors": ERROR, "warnings": WARNING}.get(wanted, -1)
        learn_s = options.duration("learn", 3_600.0)
        self._novelty = Novelty(learn_s) if wanted != "off" else None
        own = [name for pattern in self._patterns for name in (pattern, f"{pattern}_per_minute")]
        check_readings(signal, estate, [*(name for name in self.readings if name != "*"), *own])
        self._window = Window(self._window_s)
        self._scrubber = Scrubber(estate.secrets())
        self._timeout_s = signal.timeout_s
        #: a rate stands for this long at least, so that a look soon after another makes no storm of one line
        self._least_s = min(self._window_s, signal.every_s)
        self._before_s: float | None = None

    async def look(self) -> Look:
        """Read on from where the last look ended."""
        now_s = time.monotonic()
        if self._novelty is not None:
            self._novelty.begin(now_s)
        try:
            read = await self._source.read(self._count, self._most_bytes, now_s + 0.8 * self._timeout_s)
        except Unreadable as problem:
            return Look(problem=str(problem))
        before_s, self._before_s = self._before_s, now_s
        if before_s is None:
            return Look({"up": 1.0}, detail="lines count from here on")
        tally, covered_s = self._add(read, now_s, now_s - before_s)
        values = self._values(tally, covered_s)
        return Look(values, detail=self._words(read, tally, values))

    async def close(self) -> None:
        """Let go of the source."""
        await self._source.close()

    def _add(self, read: Read, now_s: float, elapsed_s: float) -> tuple[Tally, float]:
        for index, tally in enumerate(read.tallies or [Tally()]):
            self._window.add(now_s, elapsed_s if index == 0 else 0.0, tally)
        return self._window.sum()

    def _count(self, tally: Tally, raw: str, known: int | None) -> None:
        """Count one line; runs in the reading thread."""
        line = read_line(raw)
        level = line.level if known is None or (line.level is not None and line.level > known) else known
        counts = tally.counts
        counts["lines"] += 1
        if level is not None:
            counts[LEVELS[level]] += 1
            if level >= ERROR:
                tally.examples["error"] = raw[:1_000]
        for name, pattern in self._patterns.items():
            if pattern.found_in(raw):
                counts[f"pattern {name}"] += 1
                tally.examples[name] = raw[:1_000]
        if self._logins is not None and (failed := self._logins.failed(raw)) is not None:
            counts["failed"] += failed[0]
            tally.add_address(failed[1], failed[0])
        if self._novelty is not None and (level is None or level >= self._lowest):
            template = self._novelty.new(line.text)
            if template is not None:
                counts["new"] += 1
                tally.examples["new"] = template

    def _values(self, tally: Tally, covered_s: float) -> dict[str, float]:
        minutes = max(covered_s, self._least_s) / 60
        errors = tally.count("error") + tally.count("critical")
        values = {
            "up": 1.0,
            "lines_per_minute": tally.count("lines") / minutes,
            "errors_per_minute": errors / minutes,
            "critical_per_minute": tally.count("critical") / minutes,
            "warnings_per_minute": tally.count("warning") / minutes,
            "errors": errors,
        }
        if tally.count("lines"):
            values["errors_percent"] = 100.0 * errors / tally.count("lines")
        if self._logins is not None:
            failed = tally.count("failed")
            values |= {"failed_logins": failed, "failed_logins_per_minute": failed / minutes}
            values["failed_login_addresses"] = float(len(tally.addresses))
        if self._novelty is not None and not self._novelty.learning:
            values["new_patterns"] = tally.count("new")
        for name in self._patterns:
            values |= {name: tally.count(f"pattern {name}"), f"{name}_per_minute": tally.count(f"pattern {name}") / minutes}
        return values

    def _words(self, read: Read, tally: Tally, values: Mapping[str, float]) -> str:
        said = [*read.notes[:3], *behind_words(read, self._most_bytes)]
        if tally.addresses:
            top, count = tally.addresses.most_common(1)[0]
            where = "one address" if len(tally.addresses) == 1 else f"{len(tally.addresses):,} addresses"
            said.append(f"{values.get('failed_logins', 0):,.0f} failed logins from {where}, most from {top} ({count:,})")
        if self._novelty is not None and self._novelty.passed_over:
            said.append(f"{self._novelty.passed_over:,} lines were not looked at for new patterns")
        said += [f"{_LABELS.get(kind, kind)}: {self._shown(text)}" for kind, text in sorted(tally.examples.items())]
        return self._scrubber.clean("; ".join(said))

    def _shown(self, text: str) -> str:
        """Give a line for people, without secrets before it is cut."""
        text = " ".join(self._scrubber.clean(text).split())
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


_LABELS = {"error": "an error", "new": "new"}


def behind_words(read: Read, most: int) -> list[str]:
    """Say that more was written than is read."""
    if not read.skipped:
        return []
    what = f"{read.skipped:,} bytes were passed over" if read.skipped > 1 else "the rest was passed over"
    return [f"more is written than the {most:,} bytes that are read at a look: {what}, and the counts are projected"]


def _patterns(table: Table) -> dict[str, Pattern]:
    found = {}
    for name in table.values:
        if not _NAME.fullmatch(name) or name in LogsProbe.readings or f"{name}_per_minute" in LogsProbe.readings:
            raise table.error(name, f"{name!r} cannot be the name of a pattern.", "Use other letters, digits and _ for it.")
        try:
            found[name] = Pattern(table.text(name))
        except PatternError as problem:
            hint = "Write it without look-around and back-references; '…' in TOML keeps backslashes."
            raise table.error(name, f"{table.name(name)} is not a pattern: {problem}.", hint) from None
    return found
