"""Many outcomes become one: well only where all are, unknown where one is."""

from __future__ import annotations

import pytest

from watchkeeper.run.fan_in import fan_in
from watchkeeper.run.model import Outcome

GOOD = Outcome("ok", 0, sentence="It ended with status 0.")
BAD = Outcome("failed", 1, sentence="It ended with status 1.")


@pytest.mark.parametrize(
    ("outcomes", "left_out", "result", "sentence"),
    [
        ({"a": GOOD, "b": GOOD}, {}, "ok", "2 of 2 ok."),
        ({**{f"web-{n}": GOOD for n in range(1, 11)}, "web-3": BAD}, {}, "failed", "9 of 10 ok; web-3: status 1."),
        ({"a": BAD}, {"b": "too many failed", "c": "too many failed"}, "failed",
         "0 of 3 ok; a: status 1; left out, for too many failed: b, c."),
        ({"a": GOOD}, {"b": "it was stopped by a person"}, "failed", "1 of 2 ok; left out, for it was stopped by a person: b."),
        ({"a": Outcome("timeout", 137)}, {}, "timeout", "0 of 1 ok; a: did not end in time."),
        ({"a": BAD, "b": Outcome("unknown", sentence="Nobody saw how it ended.")}, {}, "unknown",
         "0 of 2 ok; a: status 1; b: Nobody saw how it ended."),
        ({"a": Outcome("failed", 0, sentence="It does not show “ok”.")}, {}, "failed", "0 of 1 ok; a: It does not show “ok”."),
    ],
)  # fmt: skip
def test_the_worst_is_the_whole_and_the_sentence_says_whose(
    outcomes: dict[str, Outcome], left_out: dict[str, str], result: str, sentence: str
) -> None:
    whole = fan_in(outcomes, left_out, "output")
    assert (whole.result, whole.sentence, whole.output) == (result, sentence, "output")


@pytest.mark.parametrize(
    ("holds", "left_out", "whole"),
    [
        ([True, True], {}, True),
        ([False, False], {}, False),
        ([True, False], {}, None),
        ([True, None], {}, None),
        ([True], {"c": "too many failed"}, None),
    ],
)
def test_a_condition_holds_where_all_members_say_the_same(
    holds: list[bool | None], left_out: dict[str, str], whole: bool | None
) -> None:
    outcomes = {f"web-{n}": Outcome("ok", 0, holds=each, sentence="It shows “x”.") for n, each in enumerate(holds)}
    assert fan_in(outcomes, left_out, "", condition=True).holds is whole
