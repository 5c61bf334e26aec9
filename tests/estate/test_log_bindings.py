"""The words of runbooks that the signals of logs and hosted monitors know by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.book.reader import read_book
from watchkeeper.estate.bind import bind
from watchkeeper.estate.config import load_estate

TOML = """
[service]
name = "shop"
runbook = "runbook.md"

[signals.one]
kind = "{kind}"
"""


@pytest.mark.parametrize(
    ("line", "kind", "reading"),
    [
        ("Failed logins > 10 per minute", "logs", "failed_logins_per_minute"),
        ("Errors > 20 per minute", "logs", "errors_per_minute"),
        ("Error rate > 5% for 5 minutes", "access_log", "status_5xx_percent"),
        ("p95 response time > 2 seconds", "access_log", "latency_p95_seconds"),
        ("Cache hit rate < 80%", "access_log", "cache_hit_percent"),
        ("Crash rate > 5%", "sentry", "crash_percent"),
        ("Crash rate > 5%", "crashes", "crash_percent"),
        ("Crash-free sessions < 99%", "sentry", "crash_free_percent"),
        ("Disk usage > 85%", "aws", "rds_storage_percent"),
        # a count a minute is no share
        ("Error rate > 5%", "logs", None),
    ],
)
def test_a_kind_knows_the_books_words(tmp_path: Path, line: str, kind: str, reading: str | None) -> None:
    (tmp_path / "watchkeeper.toml").write_text(TOML.format(kind=kind))
    runbook = tmp_path / "runbook.md"
    runbook.write_text(f"# Shop\n\n## Critical Alerts\n\n- {line}\n")
    bindings = bind(read_book(runbook), load_estate(tmp_path / "watchkeeper.toml"))
    assert [bound.reading for bound in bindings.bound] == ([reading] if reading else [])
    # a percentile that the log gives is not taken twice
    assert all(bound.window_s is None for bound in bindings.bound)
