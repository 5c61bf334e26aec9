"""How often the promises of the book were kept, month by month."""

from __future__ import annotations

from watchkeeper.learn.measures import Promise
from watchkeeper.learn.over_time import Kept, promises_kept


def held(promised_s: float | None, measured_s: float | None) -> Promise:
    kept = None if promised_s is None else measured_s is not None and measured_s <= promised_s
    return Promise("response", promised_s, measured_s, kept, "")


def test_a_month_says_how_many_were_kept_and_the_longest() -> None:
    months = [("2026-10", "P1", held(300, 200)), ("2026-11", "P1", held(300, 100)), ("2026-11", "P1", held(300, 400)),
              ("2026-11", None, held(3600, None)), ("2026-11", "P3", held(None, 5))]  # fmt: skip
    assert promises_kept(months) == [
        Kept("2026-11", "no severity", "response", 3600, 1, 0, None),
        Kept("2026-11", "P1", "response", 300, 2, 1, 400),
        Kept("2026-10", "P1", "response", 300, 1, 1, 200),
    ]
