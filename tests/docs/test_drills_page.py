"""The page of drills shows the last time that each fault was played, what was red in it, and what was never played."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]

ROW = {
    "estate": "bazar", "fault": "cache-killed", "played_at": "2026-01-02T10:00:00+00:00", "cores": 2, "pace": 1.0,
    "verdict": "green", "why": [], "detected_s": 8.2, "severity": "P2", "severity_right": True, "procedure": "The cache is down",
    "procedure_right": True, "approvals": 0, "recovered": True, "recovered_s": 31.0, "harm": [], "waits_for": "",
    "promise_s": None, "promise_kept": None, "acknowledged": 12,
}  # fmt: skip


def test_the_last_row_of_a_fault_counts_and_what_was_not_played_is_named(tmp_path: Path) -> None:
    page = runpy.run_path(str(ROOT / "docs" / "drills.py"))["page"]
    red = ROW | {"verdict": "red", "why": ["Its severity is P1."], "severity_right": False, "harm": ["It broke."]}
    later = ROW | {"played_at": "2026-01-03T10:00:00+00:00"}
    path = tmp_path / "played.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (later, red)))
    text = page(path)
    assert "| `cache-killed` | 1 | as expected | 8 s | P2 | The cache is down | 0 | 31 s | – | 0 of 12 | 0 | – |" in text
    assert "Played 2026-01-03, on a machine with 2 cores." in text
    assert "Not played: " in text
    path.write_text(json.dumps(red | {"played_at": "2026-01-04T10:00:00+00:00"}) + "\n" + json.dumps(later) + "\n")
    text = page(path)
    assert "| `cache-killed` | 1 | **red** | 8 s | **P2** |" in text
    assert "- `cache-killed`: Its severity is P1." in text


def test_what_the_book_promises_and_what_customers_lost_is_said(tmp_path: Path) -> None:
    page, path = runpy.run_path(str(ROOT / "docs" / "drills.py"))["page"], tmp_path / "played.jsonl"

    def said(**more: object) -> str:
        path.write_text(json.dumps(ROW | more) + "\n")
        return page(path)

    assert "| 31 s | 15 min | 0 of 12 | 0 |" in said(promise_s=900.0, promise_kept=True)
    assert "| 31 s | **20 s** | 0 of 12 | 0 |" in said(promise_s=20.0, promise_kept=False)
    gone = "2 of 12 promises to customers are gone: order 7, order 9."
    assert "| 31 s | – | **2** of 12 | 1 |" in said(harm=[gone], lost=2)


def test_what_restart_policies_alone_made_of_a_fault_stands_beside_it_however_it_was_measured(tmp_path: Path) -> None:
    page, path = runpy.run_path(str(ROOT / "docs" / "drills.py"))["page"], tmp_path / "played.jsonl"

    def said(alone: dict[str, object] | None, *more: dict[str, object]) -> str:
        path.write_text("".join(json.dumps(row) + "\n" for row in (ROW | {"restarts_alone": alone}, *more)))
        return page(path)

    assert "| 31 s | – | 0 of 12 | 0 | 4 s |" in said({"felt": True, "well_after_s": 4.2})
    assert "| 31 s | – | 0 of 12 | 0 | not felt |" in said({"felt": False, "well_after_s": None})
    by_itself = {key: ROW[key] for key in ("estate", "fault")} | {"played_at": "2026-01-01T10:00:00+00:00"}
    text = said(None, by_itself | {"restarts_alone": {"felt": True, "well_after_s": None}})
    assert "| 31 s | – | 0 of 12 | 0 | no |" in text
    assert "| 0 of 1 felt |" in text


def test_what_a_fault_allows_itself_is_said(tmp_path: Path) -> None:
    path = tmp_path / "played.jsonl"
    rows = [ROW | {"estate": "markethub", "fault": fault} for fault in ("region-lost", "rewards-off", "primary-killed")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = runpy.run_path(str(ROOT / "docs" / "drills.py"))["page"](path)
    said = text[text.index("What the fault itself allows:") :]
    assert "- `region-lost`: stays red once all is done: AWS us-east-1 is down, " in said
    assert "- `rewards-off`: the book's promise counts from the alert on, not from the fault." in said
    assert "`primary-killed`:" not in said


def test_without_a_record_nothing_is_claimed(tmp_path: Path) -> None:
    text = runpy.run_path(str(ROOT / "docs" / "drills.py"))["page"](tmp_path / "none.jsonl")
    assert "as expected | red" in text
    assert "Played " not in text
