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


def test_one_command_of_the_book_is_planned_and_started_by_its_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = '[service]\nname = "shop"\nrunbook = "runbook.md"\n\n[targets.local]\nkind = "shell"\n'
    config.write_text(plain)
    (config.parent / "runbook.md").write_text("# Shop\n\n## Looks\n\n```bash\ndf -h /\n```\n")
    where = ["run", "command", "runbook.md:6", "--config", str(config)]
    assert cli.execute([*where, "--plan", "--format", "json"]) == 0
    assert [act["command"]["text"] for act in json.loads(capsys.readouterr().out)["acts"]] == ["df -h /"]
    assert cli.execute([*where, "--format", "json"]) == 0
    started = json.loads(capsys.readouterr().out)["run"]
    assert cli.execute(["run", "show", started, "--config", str(config), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["plan"]["procedure_id"] == "command:line:6"
    assert cli.execute(["run", "command", "runbook.md:1", "--config", str(config)]) == 1
    assert "Commands stand on lines 6." in capsys.readouterr().err


def test_an_incident_is_private_and_public_again_by_a_word_with_its_reason(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[service]\nname = "shop"\nrunbook = "runbook.md"\n')
    where = ["--config", str(config)]
    assert cli.execute(["incident", "open", "Odd mails", "--severity", "P1", "--private", *where]) == 0
    made = capsys.readouterr().out
    assert made.endswith(": Odd mails, P1, private.\n")
    incident = made.split(":", 1)[0]
    assert cli.execute(["incident", "public", incident, "they were ours", *where]) == 0
    assert cli.execute(["incident", "private", incident, "they were not", *where]) == 0
    assert capsys.readouterr().out == "Odd mails: seen by everybody who may look here.\nOdd mails: private.\n"
    assert cli.execute(["incident", "list", *where]) == 0
    assert capsys.readouterr().out.endswith("Odd mails (private)\n")
    assert cli.execute(["incident", "show", incident, *where]) == 0
    shown = capsys.readouterr().out
    assert f"{incident}, P1, open, private" in shown
    assert "they were ours" in shown
    assert cli.execute(["incident", "public", "inc-none", "x", *where]) == 1
