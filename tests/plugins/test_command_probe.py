"""What the command probe makes of exit status and output, and that a command cannot hang, flood or outlive it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Estate, TargetConfig, Variable
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


@pytest.mark.parametrize(
    ("command", "values", "detail"),
    [
        ("echo ' 87% used'", {"up": 1.0, "exit": 0.0, "value": 87.0}, "87% used"),
        ("echo -1.5e3 and 7", {"up": 1.0, "exit": 0.0, "value": -1500.0}, "-1.5e3 and 7"),
        ("echo v2beta", {"up": 1.0, "exit": 0.0}, "v2beta"),
        ("echo 1; echo broken >&2; exit 3", {"up": 0.0, "exit": 3.0, "value": 1.0}, "exit status 3: broken"),
        ("false | cat", {"up": 0.0, "exit": 1.0}, "exit status 1"),
        ("cat", {"up": 1.0, "exit": 0.0}, ""),
    ],
)
async def test_exit_status_and_first_number_are_readings(
    probe: Make, command: str, values: dict[str, float], detail: str
) -> None:
    look = await probe("command", command=command).look()
    assert (look.values, look.detail, look.problem) == (values, detail, None)


async def test_a_program_that_is_not_there_is_a_problem_and_not_a_failure(probe: Make) -> None:
    look = await probe("command", command="no-such-program status").look()
    assert look.values == {}
    assert (look.problem or "").startswith("a program was not found: ")


async def test_a_command_that_hangs_is_killed_with_all_it_started(probe: Make) -> None:
    look = await probe("command", timeout_s=0.3, command="sleep 4711 & sleep 4711").look()
    assert look.problem == "it did not end within 0.3 s"
    await asyncio.sleep(0.05)
    assert not [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "4711"]]


async def test_a_child_that_stays_behind_does_not_hold_the_look(probe: Make) -> None:
    look = await probe("command", command="sleep 4712 & echo 5").look()
    assert look.values["value"] == 5.0
    await asyncio.sleep(0.05)
    assert not [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "4712"]]


async def test_a_command_that_floods_is_killed(probe: Make) -> None:
    look = await probe("command", command="echo 5; yes").look()
    assert look.problem == "it printed more than 8,000,000 bytes"


async def test_variables_reach_it_through_the_environment_and_nothing_else_does(
    probe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOT_FOR_COMMANDS", "7")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_text("#!/bin/sh\necho 42\n")
    (tmp_path / "bin" / "tool").chmod(0o755)
    variables = {
        "ORDERS": Variable("ORDERS", "12; exit 9", "literal", 1),
        "PASSWORD": Variable("PASSWORD", Secret("correct horse"), "env X", 2),
    }
    targets = {"local": TargetConfig("local", "shell", 1, tmp_path, (tmp_path / "bin",))}
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path, variables, targets)
    command = 'echo "$ORDERS" $(tool) $PASSWORD ${NOT_FOR_COMMANDS:-nothing} $(pwd)'
    look = await probe("command", command=command, estate=estate).look()
    assert look.detail == f"12; exit 9 42 correct horse nothing {tmp_path}"


async def test_a_folder_that_is_not_there_is_a_problem(probe: Make) -> None:
    look = await probe("command", command="true", directory="none").look()
    assert "cannot be started" in (look.problem or "")


async def test_no_file_descriptor_is_left_open(probe: Make) -> None:
    made = probe("command", command="echo 1")
    await made.look()
    before = psutil.Process().num_fds()
    for _ in range(5):
        await made.look()
    assert psutil.Process().num_fds() <= before
