"""Tokens are shown once, listed without themselves, and taken back; each leaves a line in the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper import cli


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "watchkeeper.toml").write_text('[service]\nname = "shop"\nrunbook = "runbook.md"\n')
    return str(tmp_path / "watchkeeper.toml")


def test_a_token_is_made_listed_and_taken_back(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["token", "make", "deploy-bot", "--role", "responder", "--config", config]) == 0
    token = capsys.readouterr().out.strip()
    assert len(token) > 40
    assert cli.execute(["token", "list", "--format", "json", "--config", config]) == 0
    listed = capsys.readouterr().out
    assert token not in listed
    assert [(each["actor"], each["role"]) for each in json.loads(listed)] == [("deploy-bot", "responder")]
    assert cli.execute(["token", "revoke", "deploy-bot", "--why", "it left", "--config", config]) == 0
    assert "1 token taken back" in capsys.readouterr().out
    assert cli.execute(["token", "list", "--config", config]) == 0
    assert "No program has a token." in capsys.readouterr().out
    assert cli.execute(["audit", "verify", "--config", config]) == 0
    assert "2 entries" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["bot", "--role", "king"], "WK156"),
        (["bot", "--days", "0"], "WK157"),
        (["bot", "--days", "9999"], "WK157"),
        ([" "], "WK155"),
    ],
)
def test_a_wrong_token_is_refused_in_a_sentence(
    config: str, wrong: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.execute(["token", "make", *wrong, "--config", config]) != 0
    assert code in capsys.readouterr().err


def test_taking_back_from_nobody_is_said(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["token", "revoke", "nobody", "--config", config]) == 1
    assert "WK208" in capsys.readouterr().err
