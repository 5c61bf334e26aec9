"""The ledger reads as who, by which credential, from where, what and why; and one who may not has nothing to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper import cli
from watchkeeper.people.identity import user_here


@pytest.fixture
def config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    (tmp_path / "runbook.md").write_text("# Shop\n")
    people = f'[people.anna]\nlogins = ["{user_here()}"]\naccess = "owner"\n[people.ben]\naccess = "operator"\n'
    (tmp_path / "watchkeeper.toml").write_text(f'[service]\nname = "shop"\nrunbook = "runbook.md"\n{people}')
    path = str(tmp_path / "watchkeeper.toml")
    assert cli.execute(["halt", "the \x1b[2Jstorm", "--config", path]) == 0
    assert cli.execute(["token", "make", "deploy-bot", "--person", "ben", "--only", "halt,look", "--config", path]) == 0
    assert cli.execute(["unhalt", "--why", "over", "--config", path]) == 0
    capsys.readouterr()
    return path


def test_each_entry_is_a_line_with_its_reason_below(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["audit", "list", "--config", config]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("anna (terminal from this machine)  halt: shop")
    assert lines[1].strip() == "the \\x1b[2Jstorm"
    assert [line.split("  ")[-1] for line in lines if line.strip()[0].isdigit()] == [
        "halt: shop",
        "token given: deploy-bot",
        "unhalt: shop",
    ]


def test_one_entry_says_all_of_itself(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["audit", "show", "2", "--config", config]) == 0
    said = capsys.readouterr().out
    for part in (
        "who:         anna (terminal from this machine)",
        "answers:     ben",
        "only:        halt, look",
        "why:         not said",
    ):
        assert part in said
    assert cli.execute(["audit", "show", "9", "--config", config]) == 1
    assert "WK294" in capsys.readouterr().err


def test_programs_read_it_page_by_page_and_by_who_and_what(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    def listed(*more: str) -> list[dict[str, object]]:
        assert cli.execute(["audit", "list", "--format", "json", "--config", config, *more]) == 0
        found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
        return found

    assert [(e["seq"], e["actor"], e["by"], e["from"]) for e in listed("--limit", "1")] == [
        (3, "anna", "terminal", "this machine")
    ]
    assert [e["seq"] for e in listed("--limit", "1", "--before", "3")] == [2]
    assert [e["act"] for e in listed("--about", "deploy-bot")] == ["token given"]
    assert listed("--actor", "ben") == []
    whole = listed()
    assert [e["previous"] for e in whole[1:]] == [e["hash"] for e in whole[:-1]]
