"""What status pages are given of a look: over its thresholds or not, as each of them means it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from watchkeeper.actions.views.status import endpoint
from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound, Budget, SignalConfig
from watchkeeper.estate.objectives import burning
from watchkeeper.watch.model import Sample

FEW_ERRORS = Threshold(line=1, role="objective", subject="Error rate", op="<", value=1.0, unit="percent", metric="error_rate")
SHOP = SignalConfig("shop", "http", 1)
AT = datetime(2026, 3, 14, tzinfo=UTC)
BUDGET = Bound(
    "b", burning(FEW_ERRORS), "shop", "error_percent", None, "", budget=Budget(0.01, "bad", 86_400.0), objective=FEW_ERRORS
)


@pytest.mark.parametrize(("errors", "well"), [(0.0, True), (0.5, True), (20.0, False), (None, False)])
def test_a_look_that_spends_no_budget_is_a_success(errors: float | None, well: bool) -> None:
    values = {} if errors is None else {"error_percent": errors}
    [result] = endpoint("Shop", SHOP, [BUDGET], [Sample("shop", AT, 0.1, values)])["results"]
    assert result["success"] is well


def test_another_threshold_is_held_against_its_limit() -> None:
    bound = replace(BUDGET, threshold=replace(FEW_ERRORS, role="alert", op=">", value=5.0), budget=None)
    found = endpoint("Shop", SHOP, [bound], [Sample("shop", AT, 0.1, {"error_percent": value}) for value in (0.0, 6.0)])
    assert [result["success"] for result in found["results"]] == [True, False]
