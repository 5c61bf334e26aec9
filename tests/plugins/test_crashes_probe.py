"""Crash rates of exports of Crashlytics and Firebase sessions: by release, device and system, and what an export may be like."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


def row(
    session: str, release: str, model: str = "Pixel 7", system: str = "14", kind: str = "", ago_s: float = 60
) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    return {
        "event_timestamp": at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
        "application": {"build_version": "7", "display_version": release},
        "device": {"manufacturer": "Google", "model": model},
        "operating_system": {"name": "Android", "display_version": system},
        **({"error_type": kind, "firebase_session_id": session} if kind else {"session_id": session}),
    }


def written(path: Path, rows: list[dict[str, Any]], form: str) -> None:
    if form == "csv":
        flat = [{f"{a}.{b}" if b else a: v for a, b, v in _flat(each)} for each in rows]
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(flat[0]))
        writer.writeheader()
        writer.writerows(flat)
        path.write_text(text.getvalue())
    else:
        path.write_text(json.dumps(rows) if form == "list" else "\n".join(json.dumps(each) for each in rows) + "\n")


def _flat(found: dict[str, Any]) -> list[tuple[str, str, Any]]:
    pairs = []
    for key, value in found.items():
        pairs += [(key, below, each) for below, each in value.items()] if isinstance(value, dict) else [(key, "", value)]
    return pairs


SESSIONS = [row(f"s{n}", "2.0") for n in range(80)] + [row(f"t{n}", "2.1", "SM-A54", "13") for n in range(20)]
CRASHES = [
    *(row(f"t{n}", "2.1", "SM-A54", "13", "FATAL") for n in range(5)),
    row("t0", "2.1", "SM-A54", "13", "FATAL"),
    row("s1", "2.0", kind="ANR"),
    row("s2", "2.0", kind="NON_FATAL"),
    row("old", "1.9", kind="FATAL", ago_s=100_000),
]


@pytest.mark.parametrize("form", ["lines", "list", "csv"])
async def test_rates_by_release_device_and_system(probe: Make, tmp_path: Path, form: str) -> None:
    written(tmp_path / "crashes.export", CRASHES, form)
    written(tmp_path / "sessions.export", SESSIONS, form)
    made = probe("crashes", files="crashes.*", sessions="sessions.*", least_sessions=20)
    look = await made.look()
    assert (look.values["crashes"], look.values["sessions"]) == (6.0, 100.0)
    assert (look.values["crash_percent"], look.values["crash_free_percent"]) == (6.0, 94.0)
    assert look.values["worst_release_crash_percent"] == 25.0
    assert look.values["worst_device_crash_percent"] == 25.0
    assert "worst release: 2.1 (25 %); worst device: Google SM-A54 (25 %); worst system: Android 13 (25 %)" in look.detail


async def test_an_export_without_sessions_counts_and_names_what_stands_out(probe: Make, tmp_path: Path) -> None:
    written(tmp_path / "crashes.json", CRASHES, "lines")
    with (tmp_path / "crashes.json").open("a") as file:
        file.write("{broken\n" + json.dumps({"event_timestamp": "soon"}) + "\n" + "[" * 5_000 + "\n")
    look = await probe("crashes", files="crashes.json").look()
    assert "crash_percent" not in look.values
    assert look.values["crashes_per_hour"] == 0.25
    assert "3 rows could not be read" in look.detail
    assert "most crashes by release: 2.1 (5)" in look.detail


async def test_an_export_that_stopped_or_is_none_is_blind(probe: Make, tmp_path: Path) -> None:
    assert "no file is named none.json" in str((await probe("crashes", files="none.json").look()).problem)
    written(tmp_path / "old.json", [row("a", "1", kind="FATAL", ago_s=400_000)], "lines")
    assert "it has stopped" in str((await probe("crashes", files="old.json").look()).problem)
    for text, said in (
        ("[" * 5_000, "is not JSON"),
        ("a,b\n1,2\n", "no row of the export has a time"),
        ("", "no row of the export"),
    ):
        (tmp_path / "odd").write_text(text)
        assert said in str((await probe("crashes", files="odd").look()).problem)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(300_000_000)
    assert "is larger than 200,000,000 bytes" in str((await probe("crashes", files="huge").look()).problem)
    with pytest.raises(ConfigError, match="has no `files`"):
        probe("crashes")


async def test_a_device_whose_clock_is_ahead_does_not_make_an_export_fresh(probe: Make, tmp_path: Path) -> None:
    rows = [row("a", "1", kind="FATAL", ago_s=5 * 86_400), row("b", "1", kind="FATAL", ago_s=-400 * 86_400)]
    written(tmp_path / "crashes.json", rows, "lines")
    look = await probe("crashes", files=[str(tmp_path / "crashes.json")]).look()
    assert look.problem is not None
    assert "it has stopped" in look.problem
