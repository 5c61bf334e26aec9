"""How each signal stood at its last looks, in the shape that Gatus gives: status pages and badges read it as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from watchkeeper.actions.views.frame import says
from watchkeeper.app import App
from watchkeeper.estate.model import Bound, SignalConfig
from watchkeeper.watch.burning import bad_share
from watchkeeper.watch.ledger import read_samples
from watchkeeper.watch.model import Sample
from watchkeeper.watch.rules import is_breached

#: looks that are shown of each signal, as many as Gatus shows
RESULTS = 20
_SECOND_NS = 1_000_000_000


async def status(app: App) -> list[dict[str, Any]]:
    """Give every signal with its last results, oldest first, in the order of their names."""
    return await app.database.read(lambda c: _read(c, app))


def _read(connection: Connection, app: App) -> list[dict[str, Any]]:
    found = []
    for name, config in sorted(app.estate.signals.items()):
        mine = [bound for bound in app.bindings.bound if bound.signal == name]
        samples = read_samples(connection, name, limit=RESULTS)
        found.append(endpoint(app.estate.service, config, mine, samples))
    return found


def endpoint(service: str, config: SignalConfig, bounds: Sequence[Bound], samples: Sequence[Sample]) -> dict[str, Any]:
    """Give one signal as an endpoint of Gatus."""
    group = config.component or service
    return {
        "name": config.name,
        "group": group,
        "key": "_".join(re.sub(r"[^a-z0-9]+", "-", part.casefold()).strip("-") for part in (group, config.name)),
        "results": [_result(sample, bounds) for sample in samples],
    }


def _is_bad(bound: Bound, raw: float) -> bool:
    """Say whether a look was over a threshold; of a budget, whether it spent more than the objective allows."""
    if bound.budget is not None:
        return bad_share(bound, raw) > bound.budget.share
    return is_breached(bound, raw * bound.factor)


def _result(sample: Sample, bounds: Sequence[Bound]) -> dict[str, Any]:
    """Give one look; without a reading a condition is not met, as no data is never well."""
    conditions = []
    for bound in bounds:
        value = sample.values.get(bound.reading)
        met = value is not None and not _is_bad(bound, value)
        shown = "no reading" if value is None else f"{value * bound.factor:.6g}"
        conditions.append({"condition": f"not ({bound.threshold.subject} ({shown}) {says(bound.threshold)})", "success": met})
    result: dict[str, Any] = {
        "duration": round(sample.took_s * _SECOND_NS),
        "timestamp": sample.at.isoformat().replace("+00:00", "Z"),
        "success": sample.problem is None and sample.values.get("up", 1.0) != 0 and all(c["success"] for c in conditions),
        "conditionResults": conditions,
    }
    if sample.problem is not None:
        result["errors"] = [sample.problem]
    return result
