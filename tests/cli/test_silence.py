"""Silences from the terminal: with a reason and an end, listed, ended; wrong ones refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper import cli


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "runbook.md").write_text("# Shop\n\n## Alerts\n\n- Error rate > 5% for 5 minutes\n")
    (tmp_path / "watchkeeper.toml").write_text('[service]\nname = "shop"\nrunbook = "runbook.md"\n')
    return str(tmp_path / "watchkeeper.toml")


def test_a_silence_is_made_listed_and_ended(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = ["silence", "add", "--component", "Search", "--for", "2h", "--why", "Reindexing", "--hours", "Sun 02:00-04:00"]
    assert cli.execute([*made, "--config", config]) == 0
    assert "Silenced until" in capsys.readouterr().out
    assert cli.execute(["silence", "list", "--format", "json", "--config", config]) == 0
    [listed] = json.loads(capsys.readouterr().out)["silences"]
    assert (listed["component"], listed["why"], listed["hours"]["zone"]) == ("Search", "Reindexing", "UTC")
    assert cli.execute(["silence", "end", listed["id"], "--config", config]) == 0
    capsys.readouterr()
    assert cli.execute(["silence", "list", "--config", config]) == 0
    assert "Nothing is silenced." in capsys.readouterr().out
    assert cli.execute(["silence", "end", listed["id"], "--config", config]) != 0
    assert "WK209" in capsys.readouterr().err
    assert cli.execute(["audit", "verify", "--config", config]) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ["--component", "Search", "--for", "2h", "--why", " "],
        ["--component", "Search", "--for", "100 days", "--why", "x"],
        ["--component", "Search", "--for", "soon", "--why", "x"],
        ["--for", "2h", "--why", "everything"],
        ["--component", "Search", "--for", "2h", "--why", "x", "--hours", "tea time"],
    ],
)
def test_a_wrong_silence_is_refused_in_a_sentence(config: str, wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["silence", "add", *wrong, "--config", config]) != 0
    assert "WK161" in capsys.readouterr().err
