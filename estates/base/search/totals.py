"""Aggregations over what a search found: terms, date_histogram, filter, filters, missing, and the usual figures."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from queries import Refused, at, instant

_SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

Sources = Sequence[Mapping[str, Any]]
#: says which of some documents a query finds
Filter = Callable[[Mapping[str, Any], Sources], Sources]


def totals(asked: Mapping[str, Any], sources: Sources, finds: Filter) -> dict[str, Any]:
    """Answer aggregations, each under its name."""
    return {name: _one(about, sources, finds) for name, about in asked.items()}


def _one(about: Mapping[str, Any], sources: Sources, finds: Filter) -> dict[str, Any]:
    inner = about.get("aggs", about.get("aggregations", {}))
    kind, options = next((kind, options) for kind, options in about.items() if kind not in ("aggs", "aggregations", "meta"))

    def bucket(found: Sources, **more: Any) -> dict[str, Any]:
        return {**more, "doc_count": len(found), **totals(inner, found, finds)}

    match kind:
        case "terms":
            return _terms(options, sources, bucket)
        case "date_histogram":
            return _histogram(options, sources, bucket)
        case "filter":
            return bucket(finds(options, sources))
        case "filters":
            return {"buckets": {name: bucket(finds(query, sources)) for name, query in options["filters"].items()}}
        case "missing":
            return bucket([each for each in sources if not at(each, options["field"])])
        case "cardinality":
            return {"value": len({str(value) for each in sources for value in at(each, options["field"])})}
        case "value_count":
            return {"value": sum(len(at(each, options["field"])) for each in sources)}
    now = time.time()
    figures = [figure for each in sources for value in at(each, options["field"]) if (figure := instant(value, now)) is not None]
    return _figures(kind, options, sorted(figures))


def _figures(kind: str, options: Mapping[str, Any], figures: list[float]) -> dict[str, Any]:
    total = math.fsum(figures)
    mean = total / len(figures) if figures else None
    low, high = (figures[0], figures[-1]) if figures else (None, None)
    known = {"sum": total, "avg": mean, "min": low, "max": high}
    if kind in known:
        return {"value": known[kind]}
    if kind == "stats":
        return {"count": len(figures), **known}
    if kind == "percentiles":
        wanted = options.get("percents", [1, 5, 25, 50, 75, 95, 99])
        return {
            "values": {
                str(float(each)): figures[min(len(figures) - 1, int(len(figures) * each / 100))] if figures else None
                for each in wanted
            }
        }
    raise Refused(f"unknown aggregation type [{kind}]")


def _terms(options: Mapping[str, Any], sources: Sources, bucket: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for each in sources:
        for value in at(each, options["field"]):
            groups.setdefault(value, []).append(each)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), str(item[0])))
    size = int(options.get("size", 10))
    rest = sum(len(found) for _, found in ordered[size:])
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": rest,
        "buckets": [bucket(found, key=value) for value, found in ordered[:size]],
    }


def _histogram(options: Mapping[str, Any], sources: Sources, bucket: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    said = str(options.get("fixed_interval", options.get("calendar_interval", options.get("interval", "1m"))))
    short = re.match(r"(\d+)([smhdw])$", said)
    span = int(short[1]) * _UNITS[short[2]] if short else _SPANS.get(said, 60)
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for each in sources:
        for value in at(each, options["field"]):
            figure = instant(value, time.time())
            if figure is not None:
                groups.setdefault(int(figure // span * span), []).append(each)
    buckets = []
    for start, found in sorted(groups.items()):
        text = dt.datetime.fromtimestamp(start, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        buckets.append(bucket(found, key_as_string=text, key=start * 1000))
    return {"buckets": buckets}
