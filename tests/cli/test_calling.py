"""How a command was called: what is wrong with it is one sentence, a hint and status 2; a fault of ours is none of these."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.book.model import Command
from watchkeeper.cli import execute
from watchkeeper.cli.asking import asked
from watchkeeper.cli.incident import held
from watchkeeper.cli.plain import plain
from watchkeeper.incident.model import Incident
from watchkeeper.run.model import Act, Plan, Run

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show"], "Missing argument 'runbook'."),
        (["halt"], "Missing argument 'why'."),
        (["run"], "Which of its commands?"),
        (["run", "nonsense"], "No such command 'nonsense'."),
        (["show", "a.md", "--nonsense"], "No such option: --nonsense."),
        (["doctor", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of 'text', 'json'."),
    ],
)
def test_a_wrong_call_is_told_so(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(arguments) == 2
    said, hint = capsys.readouterr().err.splitlines()
    assert said == f"watchkeeper: {sentence}"
    assert hint == f"  `watchkeeper {arguments[0]} --help` says how it is called."


def test_a_word_that_is_no_number_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["serve", "--port", "many"]) == 2
    assert "--port" in capsys.readouterr().err.splitlines()[0]


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "--help"]) == 0
    assert "Usage: watchkeeper run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "resolved"}, "resolved, there is nothing to take"),
        ({"status": "acknowledged", "acknowledged_by": "anna", "acknowledged_at": NOW}, "yours since 03:00:00"),
        ({"status": "acknowledged", "acknowledged_by": "ben", "acknowledged_at": NOW}, "taken by ben since 03:00:00"),
    ],
)
def test_whose_an_incident_is(values: dict[str, Any], words: str) -> None:
    opened: dict[str, Any] = {"service": "shop", "title": "Shop is down", "severity": None, "cause": None}
    incident = Incident(id="inc-1", began_at=NOW, opened_at=NOW, **opened, **values)
    assert held(incident, "anna") == words


def test_who_approves_reads_the_whole_command() -> None:
    command = Command(text="supervisorctl stop shop\nsupervisorctl start shop", line=7, risk="change")
    act = Act(key="4.1", step=4, kind="command", text="It hangs", line=7, command=command, risk="change")
    plan = Plan("it-hangs", "It hangs", "b", 3, (act,))
    run = Run("run-1", plan, None, None, None, "anna", datetime(2026, 3, 14, tzinfo=UTC))
    said = list(asked(run, act, "approve"))
    assert said[1:3] == ["  supervisorctl stop shop", "  supervisorctl start shop"]
    assert said[-1] == "answer: watchkeeper run answer run-1 4.1 approve|refuse|skip|abort --why REASON"
    grave = replace(act, risk="destroy")
    assert list(asked(replace(run, component="Web app"), grave, "approve"))[-1].endswith("--why REASON --confirm 'Web app'")


@pytest.mark.parametrize("state", ["a file", "no database"])
def test_a_state_folder_that_cannot_be_used_is_no_fault_of_ours(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runbook.md").write_text("# Shop runbook\n")
    (tmp_path / "watchkeeper.toml").write_text('[service]\nname = "shop"\nrunbook = "runbook.md"\n')
    place = tmp_path / "state"
    monkeypatch.setenv("WATCHKEEPER_STATE", str(place))
    if state == "a file":
        place.write_text("")
    else:
        place.mkdir()
        (place / "watchkeeper.sqlite").write_bytes(b"no database" * 500)
    assert execute(["incident", "list", "--config", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Shop is down", "Shop is down"),
        ("für 12 s – “ok”", "für 12 s – “ok”"),
        ("red\x1b[31m\x1b]0;own\x07", "red\\x1b[31m\\x1b]0;own\\x07"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\r\nwatchkeeper: resolved", "a watchkeeper: resolved"),
        ("x\x9b2J", "x\\x9b2J"),
    ],
)
def test_words_from_outside_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert plain(text) == shown
