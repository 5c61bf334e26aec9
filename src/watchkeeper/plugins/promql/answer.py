"""Reads what a server answers to an instant query: one number with the labels of its series, or the sentence why there is none.

Bytes enter; an empty result is told from 0, more than one series from one, and an answer of which parts are missing from a whole
one. Nothing here raises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_LABELS_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Result:
    """What one query gave; `value` None: nothing to judge, and `said` is why."""

    value: float | None = None
    said: str = ""
    #: not the result but the question, or who asks, is at fault
    refused: bool = False
    #: no series fits
    empty: bool = False


def read_answer(status: int, body: bytes, cut: bool = False, partial: bool = False) -> Result:
    """Read the answer to an instant query; `partial` says that one with parts missing is good enough.

    >>> read_answer(200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"2.5"]}}').value
    2.5
    """
    if cut:
        return Result(said="the answer is too long; ask for fewer series")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping):
        return Result(said=f"it answers {status} and no JSON", refused=status in (401, 403))
    if found.get("status") != "success":
        said = " ".join(str(found.get("error") or found.get("message") or f"it answers {status}").split())
        return Result(said=said[:300], refused=status in (400, 401, 403, 422))
    missing = _missing_parts(found)
    if missing and not partial:
        return Result(said=f"parts of the answer are missing: {missing}")
    data = found.get("data")
    result = _number(data if isinstance(data, Mapping) else {})
    notes = "; ".join(note for note in (result.said, missing) if note)
    return Result(result.value, notes, result.refused, result.empty)


def read_range(status: int, body: bytes) -> list[tuple[datetime, float]]:
    """Read the answer to a query over a span: its points, oldest first; none where it is not one series of numbers.

    >>> read_range(200, b'{"status":"success","data":{"resultType":"matrix","result":[{"values":[[0,"1.5"],[60,"NaN"]]}]}}')
    [(datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), 1.5)]
    """
    try:
        found = json.loads(body) if status == 200 else None
        (series,) = found["data"]["result"] if found else ({"values": []},)
        points = [(datetime.fromtimestamp(float(at), UTC), float(value)) for at, value in series["values"]]
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return []
    return [(at, value) for at, value in points if math.isfinite(value)]


def _missing_parts(found: Mapping[str, Any]) -> str:
    """Say what is missing of an answer: Thanos and Mimir warn, VictoriaMetrics says isPartial; remarks on the query are none."""
    warnings = [str(each) for each in found.get("warnings") or [] if not str(each).startswith("PromQL")]
    if found.get("isPartial") is True:
        warnings.append("the server calls it partial")
    return "; ".join(" ".join(each.split()) for each in warnings)[:300]


def _number(data: Mapping[str, Any]) -> Result:
    kind, result = data.get("resultType"), data.get("result")
    if kind == "scalar":
        return _point(result, "")
    if kind != "vector" or not isinstance(result, list):
        return Result(said=f"the query gives a {kind}, not a number", refused=True)
    if not result:
        return Result(said="no series fits", empty=True)
    if len(result) > 1:
        return Result(said=f"the query gives {len(result):,} series; put sum, max, min or avg around it", refused=True)
    series = result[0] if isinstance(result[0], Mapping) else {}
    return _point(series.get("value"), _labels(series.get("metric")))


def _point(point: Any, labels: str) -> Result:
    try:
        value = float(point[1])
    except (TypeError, ValueError, IndexError, KeyError):
        return Result(said="the answer has no number in it")
    if math.isnan(value):
        return Result(said="the query gives NaN (nothing was counted)")
    return Result(value, labels)


def _labels(metric: Any) -> str:
    if not isinstance(metric, Mapping):
        return ""
    said = ", ".join(f"{name}={value}" for name, value in sorted(metric.items()) if name != "__name__")
    return f"{said[:_LABELS_SHOWN]}…" if len(said) > _LABELS_SHOWN else said
