"""Comparisons of one sentence count together where an "and" stands between them, and each by itself elsewhere."""

from __future__ import annotations

import pytest

from watchkeeper.testing import book_from


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("CPU > 90% and memory > 85% for 5 minutes", ["and", "and"]),
        ("CPU > 90% und Speicher > 85%", ["and", "and"]),
        ("CPU > 90% or memory > 85%", ["or", "or"]),
        ("CPU > 90%, memory > 85%", ["or", "or"]),
        ("Look at the disks and at the hosts when CPU > 90% or memory > 85%", ["or", "or"]),
        ("Tell the lead and the team when the error rate > 5%. CPU > 90% is worse", ["or", "or"]),
        ("Error rate between 5% and 50%", ["and", "and"]),
    ],
)
def test_which_comparisons_count_together(text: str, kinds: list[str]) -> None:
    found = book_from(f"# Shop runbook\n\n## Alerts\n\n### Critical\n\n- {text}\n").thresholds
    assert [threshold.group_by for threshold in found] == kinds


def test_objectives_of_one_sentence_are_kept_each_by_itself() -> None:
    found = book_from("# Shop runbook\n\n## Objectives\n\n- Error rate < 1% and response time (p95) < 2s\n").thresholds
    assert [(threshold.role, threshold.group_by) for threshold in found] == [("objective", "or"), ("objective", "or")]
