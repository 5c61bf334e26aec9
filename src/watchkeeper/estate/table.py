"""Reads one table of watchkeeper.toml key by key; whatever is wrong comes out as a ConfigError with file:line and a hint.

A key that nobody took is an error at `finish`, with the nearest known key. Nothing is contacted and nothing is filled in here.
"""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from watchkeeper.base.durations import parse_duration
from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.lines import KeyPath, line_of


class Table:
    """One table with its place in the file."""

    def __init__(self, values: Mapping[str, Any], file: Path, lines: Mapping[KeyPath, int], path: KeyPath = ()) -> None:
        self.values = values
        self.file = file
        self.lines = lines
        self.path = path
        self._taken: set[str] = set()

    @property
    def line(self) -> int:
        """Give the line on which the table begins."""
        return self.line_of()

    def line_of(self, *keys: str | int) -> int:
        """Give the line of a key below this table."""
        return line_of(self.lines, (*self.path, *keys))

    def where(self, *keys: str | int) -> str:
        """Give file:line of a key below this table."""
        return f"{self.file}:{self.line_of(*keys)}"

    def name(self, *keys: str | int) -> str:
        """Give the dotted name of a key as a person would look for it."""
        return ".".join(str(key) for key in (*self.path, *keys)) or "the file"

    def error(self, key: str, message: str, hint: str, code: str = "WK132") -> ConfigError:
        """Make the error about a key."""
        return ConfigError(message, hint=hint, code=code, where=self.where(key))

    def take(self, key: str, default: Any = None) -> Any:
        """Take the raw value of a key."""
        self._taken.add(key)
        return self.values.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text; a key without a default must be there."""
        value = self.take(key, default)
        if value is None:
            raise ConfigError(
                f"{self.name()} has no {key!r}.",
                hint=f'Add {key} = "…" to it.',
                code="WK133",
                where=self.where(),
            )
        if isinstance(value, Secret):
            return value.reveal()
        if not isinstance(value, str):
            raise self.error(key, f"{self.name(key)} is {value!r}, which is not a text.", 'Put it in quotes: "…".')
        return value

    def maybe_text(self, key: str) -> str | None:
        """Take a text that may be missing."""
        return self.text(key) if self.take(key) is not None else None

    def choice(self, key: str, among: tuple[str, ...], default: str | None = None) -> str:
        """Take one of a few words."""
        value = self.text(key, default)
        if value not in among:
            raise self.error(
                key, f"{self.name(key)} is {value!r}.", f"Use one of: {', '.join(among)}.{did_you_mean(value, among)}"
            )
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Take true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"{self.name(key)} is {value!r}.", "Write true or false, without quotes.")
        return value

    def number(self, key: str, default: float | None = None, low: float = -math.inf, high: float = math.inf) -> float:
        """Take a number within bounds; digits in quotes (from a variable) are one."""
        value = self.take(key, default)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                pass
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.error(key, f"{self.name(key)} is {value!r}.", f"Write a number{_bounds(low, high)}.")
        return float(value)

    def duration(self, key: str, default_s: float, low_s: float = 0.0) -> float:
        """Take a duration ("2s", "5 minutes", or a bare number of seconds), in seconds."""
        value = self.take(key, default_s)
        seconds: float | None = None
        if isinstance(value, str):
            seconds = parse_duration(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
        if seconds is None or not math.isfinite(seconds) or seconds < low_s:
            least = f" of at least {low_s:g} s" if low_s else ""
            raise self.error(key, f"{self.name(key)} is {value!r}.", f'Write a duration{least} such as "2s" or "5 minutes".')
        return seconds

    def share(self, key: str) -> float:
        """Take a share from 0 to 1, as a number or as a percentage ("5%"); 0 where it is missing."""
        value = self.take(key, 0.0)
        text = value.strip() if isinstance(value, str) else ""
        if text.endswith("%"):
            with contextlib.suppress(ValueError):
                value = float(text[:-1]) / 100
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
            raise self.error(key, f"{self.name(key)} is {value!r}, which is no share.", 'Write it as "5%" or 0.05.')
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; a single text is a list of one."""
        return tuple(item.reveal() if isinstance(item, Secret) else item for item in self.raw_texts(key))

    def raw_texts(self, key: str) -> tuple[str | Secret, ...]:
        """Take a list of texts of which some may be secrets."""
        value = self.take(key, [])
        items = [value] if isinstance(value, str | Secret) else value
        if not isinstance(items, list | tuple) or not all(isinstance(item, str | Secret) for item in items):
            raise self.error(key, f"{self.name(key)} is not a list of texts.", 'Write it as ["one", "two"].')
        return tuple(items)

    def table(self, key: str) -> Table:
        """Take a table below this one; a missing one is empty."""
        value = self.take(key, {})
        if not isinstance(value, Mapping):
            raise self.error(key, f"{self.name(key)} is not a table.", f"Write [{self.name(key)}] with its keys below it.")
        return Table(value, self.file, self.lines, (*self.path, key))

    def tables(self, key: str) -> Iterator[Table]:
        """Take an array of tables."""
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise self.error(key, f"{self.name(key)} is not a list of tables.", f"Write [[{self.name(key)}]] for each.")
        for index, item in enumerate(value):
            yield Table(item, self.file, self.lines, (*self.path, key, index))

    def named_tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """Take a table of tables, each under a name."""
        below = self.table(key)
        for name in below.values:
            yield name, below.table(name)

    def finish(self, known: Iterable[str] = ()) -> None:
        """Raise for the first key that is neither taken nor known."""
        allowed = sorted(self._taken | set(known))
        for key in self.values:
            if key not in allowed:
                raise ConfigError(
                    f"{self.name()} has the key {key!r}, which is not known.",
                    hint=did_you_mean(key, allowed).strip() or f"Known here: {', '.join(allowed)}.",
                    code="WK131",
                    where=self.where(key),
                )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give the question that names the nearest known word, or nothing.

    >>> did_you_mean("evry", ["every", "timeout"])
    " Did you mean 'every'?"
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def _bounds(low: float, high: float) -> str:
    if low > -math.inf and high < math.inf:
        return f" from {low:g} to {high:g}"
    return f" of at least {low:g}" if low > -math.inf else ""
