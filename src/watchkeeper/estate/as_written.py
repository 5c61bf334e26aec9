"""What a threshold that the book states in a language of its own is asked as: by the language, the reading and what is judged.

A threshold enters; its reading, with the comparison that is then judged here, leaves, or None where the text cannot be sent as it
stands. Nothing is contacted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from watchkeeper.book.model import Threshold
from watchkeeper.estate import promql

Asked: TypeAlias = tuple[str, Threshold]

_MONITOR = re.compile(r"(?:avg|max|min|sum)\s*\(\s*last_\d+[smhdw]\s*\)\s*:.+?(?:>=|<=|>|<)\s*-?\d+(?:\.\d+)?", re.DOTALL)
_LONGEST = 4_000


def reading_of(threshold: Threshold) -> Asked | None:
    """Give the reading of a threshold in the language that it is stated in; None where nobody asks in that language."""
    reader = _READERS.get(threshold.source)
    return reader(threshold) if reader else None


def language_of(threshold: Threshold) -> str:
    """Name the language that a threshold is stated in, for people."""
    return _NAMES.get(threshold.source, threshold.source)


def _of_datadog(threshold: Threshold) -> Asked | None:
    """Give a monitor's query with its comparison, which says which of its groups is the worst.

    The time is the query's own: Datadog gives what became of the window, and that is judged at once.

    >>> text = "query: avg(last_5m):avg:api.errors{env:production} by {host} > 5"
    >>> reading, judged = _of_datadog(Threshold(line=1, role="alert", subject="s", op=">", value=5.0, for_s=300.0, text=text))
    >>> reading, judged.for_s
    ('avg(last_5m):avg:api.errors{env:production} by {host} > 5', None)
    """
    found = _MONITOR.search(threshold.text)
    if found is None or len(found[0]) > _LONGEST:
        return None
    return found[0], replace(threshold, for_s=None, statistic=None)


_READERS: Mapping[str, Callable[[Threshold], Asked | None]] = {"promql": promql.reading_of, "datadog": _of_datadog}
_NAMES = {"promql": "PromQL", "datadog": "a query of Datadog"}
