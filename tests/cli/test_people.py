"""Passwords and sessions from the terminal: a password is never an argument, and what was done is in the ledger."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from watchkeeper import cli


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "runbook.md").write_text("# Shop\n")
    people = '[people.anna]\naccess = "owner"\n[people.ben]\nname = "Ben"\n'
    (tmp_path / "watchkeeper.toml").write_text(f'[service]\nname = "shop"\nrunbook = "runbook.md"\n{people}')
    return str(tmp_path / "watchkeeper.toml")


def test_a_password_is_set_listed_and_taken_away(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("four words that fit\n"))
    assert cli.execute(["people", "password", "anna", "--stdin", "--config", config]) == 0
    assert "four words" not in capsys.readouterr().out
    assert cli.execute(["people", "list", "--config", config]) == 0
    listed = capsys.readouterr().out
    assert "owner         password since" in listed
    assert "is only told  no password" in listed
    assert cli.execute(["people", "forget", "anna", "--config", config]) == 0
    assert cli.execute(["people", "forget", "anna", "--config", config]) == 1
    assert "WK290" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["password", "anna"], "WK192"),
        (["password", "dora", "--stdin"], "WK291"),
        (["password", "anna", "--stdin"], "WK191"),
        (["sign-out"], "WK193"),
        (["sign-out", "anna", "--all"], "WK193"),
    ],
)
def test_what_is_missing_is_said(
    config: str, arguments: list[str], code: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert cli.execute(["people", *arguments, "--config", config]) != 0
    assert code in capsys.readouterr().err


def test_sessions_end_and_links_are_voided_with_a_reason(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["people", "sign-out", "--all", "--why", "a laptop was lost", "--config", config]) == 0
    assert cli.execute(["people", "void-links", "--why", "a phone too", "--config", config]) == 0
    capsys.readouterr()
    assert cli.execute(["audit", "list", "--config", config]) == 0
    said = capsys.readouterr().out
    assert "sessions ended: everybody" in said
    assert "links voided: shop" in said
    assert "a laptop was lost" in said
