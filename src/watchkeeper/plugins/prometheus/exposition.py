"""Reads the Prometheus text format (and OpenMetrics), of which only the wanted names are taken in.

Text enters; the wanted series and the names of all known metrics leave. A line that is neither is a FormatError with its number.
The number of series is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|(?=\}))')
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_info")


class FormatError(ValueError):
    """The text is not in the format; the message says where and why."""


@dataclass
class Scrape:
    """The wanted series of one look."""

    #: name -> labels -> value
    series: dict[str, dict[Labels, float]] = field(default_factory=dict)
    #: names that the text has, with or without series
    known: set[str] = field(default_factory=set)

    def knows(self, name: str) -> bool:
        """Say whether the target exposes a metric, even one that has no series yet."""
        return name in self.known or any(name.endswith(end) and name.removesuffix(end) in self.known for end in _SUFFIXES)


def read_exposition(text: str, wanted: Collection[str], most_series: int = 50_000) -> Scrape:
    """Take in the wanted metrics.

    >>> read_exposition('jobs_total{kind="mail"} 3\\n', {"jobs_total"}).series
    {'jobs_total': {(('kind', 'mail'),): 3.0}}
    """
    scrape = Scrape()
    taken = 0
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        if not line:
            continue
        if line[0] == "#":
            words = line.split(None, 3)
            if len(words) > 2 and words[1] in ("TYPE", "HELP"):
                scrape.known.add(words[2])
            continue
        if line[0] == "{":
            continue  # names in quotes: newer than the expressions that could ask for them
        name = _NAME.match(line)
        if name is None or line[name.end() : name.end() + 1] not in ("{", " ", "\t"):
            raise FormatError(f"line {number} is not in the Prometheus text format: {line[:60]!r}")
        scrape.known.add(name.group())
        if name.group() in wanted:
            labels, value = _read_series(line, name.end(), number)
            scrape.series.setdefault(name.group(), {})[labels] = value
            taken += 1
            if taken > most_series:
                raise FormatError(f"more than {most_series:,} of its series are asked for")
    return scrape


def _read_series(line: str, at: int, number: int) -> tuple[Labels, float]:
    found: list[tuple[str, str]] = []
    if line[at] == "{":
        at += 1
        while not (end := re.compile(r"\s*\}").match(line, at)):
            label = _LABEL.match(line, at)
            if label is None:
                raise FormatError(f"line {number} has a label that cannot be read: {line[at : at + 60]!r}")
            value = label[2]
            if "\\" in value:
                value = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], value)
            found.append((label[1], value))
            at = label.end()
        at = end.end()
    words = line[at:].split(None, 1)
    try:
        return tuple(sorted(found)), float(words[0])
    except (ValueError, IndexError):
        raise FormatError(f"line {number} has no number: {line[:60]!r}") from None
