"""The brake works in a terminal that lacks what serving needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper import cli

TOML = """
[service]
name = "shop"
runbook = "runbook.md"

[variables]
SHOP_URL = { env = "NOT_SET_HERE" }
SHOP_KEY_ID = { env = "NOT_SET_EITHER" }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "watchkeeper.toml").write_text(TOML)
    (tmp_path / "runbook.md").write_text("# Shop\n\n## Alerts\n\n- Error rate > 5% for 5 minutes\n")
    return tmp_path / "watchkeeper.toml"


@pytest.mark.parametrize("gone", [False, True])
def test_halting_needs_neither_the_variables_nor_the_book(config: Path, gone: bool, capsys: pytest.CaptureFixture[str]) -> None:
    if gone:
        (config.parent / "runbook.md").unlink()
    assert cli.execute(["halt", "something is odd", "--config", str(config)]) == 0
    assert "Halted" in capsys.readouterr().out
    assert cli.execute(["incident", "list", "--config", str(config), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert cli.execute(["audit", "verify", "--config", str(config)]) == 0
    assert cli.execute(["unhalt", "--config", str(config)]) == 0


def test_what_serving_needs_is_asked_for_all_at_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["doctor", "--config", str(config)]) == 3
    said = capsys.readouterr().err
    assert "NOT_SET_HERE" in said
    assert "Also missing: NOT_SET_EITHER." in said


def test_an_answer_to_no_run_says_where_to_look(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["run", "answer", "run-none", "1.1", "yes", "--config", str(config)]) == 1
    assert "watchkeeper run list" in capsys.readouterr().err
