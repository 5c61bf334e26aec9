"""Name what a phrase measures: the metrics and statistics that the vocabulary knows."""

from __future__ import annotations

import re
from functools import lru_cache

from watchkeeper.book.vocabulary import METRICS, STATISTICS, Battery, KnownMetric, matcher

_METRICS = Battery((metric, matcher(metric.words)) for metric in METRICS)

_STATISTICS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in STATISTICS)

#: a text that names one has one of these in it, where it is ASCII
_HINTS = ("50", "95", "99", "90", "median", "avg", "average", "mean", "durchschnitt", "moyenn", "promedio", "max", "peak", "e(")
_STATISTIC = re.compile("|".join(f"(?:{pattern})" for _, pattern in STATISTICS), re.IGNORECASE)


@lru_cache(maxsize=4096)
def metric_of(text: str) -> KnownMetric | None:
    """Give the metric that a subject speaks of: the most specific one we know."""
    return next((metric for metric, _ in _METRICS.search(text)), None)


@lru_cache(maxsize=4096)
def statistic_of(text: str) -> str | None:
    """Give the statistic that a text names: p95, avg …"""
    if (text.isascii() and not any(map(text.lower().__contains__, _HINTS))) or not _STATISTIC.search(text):
        return None
    return next((name for name, pattern in _STATISTICS if pattern.search(text)), None)


def canonical_metric(text: str) -> str | None:
    """Give the canonical name of the metric a text speaks of; None where we know none."""
    metric = metric_of(text)
    return metric.name if metric and metric.name not in ("score", "lateness") else None
