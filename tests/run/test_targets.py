"""Runs on targets beside the local shell: who runs what, what is known of many hosts, and kill -9 while a host is at it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from run_cast import UNATTENDED, Desk, command, mark, step
from target_worker import configs
from tests.conftest import need
from tests.plugins.sshd import SSHD, Sshd, start_sshd

from watchkeeper.base.secrets import MASK, Secret
from watchkeeper.estate.model import Variable
from watchkeeper.run.model import Run

TOKEN = "tk-0123456789-abcdef"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need(SSHD is not None, "sshd (Debian: openssh-server)")
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.close()


def ssh(sshd: Sshd, folder: Path, *stands_for: str) -> dict[str, Any]:
    return {"kind": "ssh", "for": stands_for, "options": {**sshd.options, "folder": str(folder / "there")}}


def shells(count: int) -> dict[str, Any]:
    members: dict[str, Any] = {f"web-{n}": {"kind": "shell", "for": [], "options": {}} for n in range(1, count + 1)}
    return members


def outcome(run: Run, act: str) -> tuple[str, str, str]:
    found = run.acts[act].outcome
    assert found is not None
    return found.result, found.output, found.sentence


async def test_each_act_runs_where_it_is_meant_to(desk: Callable[..., Desk], tmp_path: Path, sshd: Sshd) -> None:
    anna = desk(others=configs(tmp_path, {"app": ssh(sshd, tmp_path, "order-service")}))
    # a job on the host has its folder there while it runs, and one here has not
    run = await anna.drive(anna.start(step(1, command("ls there", "read", target="order-service"), command("ls there"))))
    assert run.state == "succeeded", run
    assert [act.target for act in run.plan.acts] == ["app", None]
    assert outcome(run, "1.1")[1] == f"place\n{run.id}.1.1.1\n"
    assert outcome(run, "1.2")[1] == "place\n"
    for target in anna.others.values():
        await target.close()


async def test_killed_while_a_host_is_at_it_the_run_goes_on_and_does_nothing_twice(
    desk: Callable[..., Desk], tmp_path: Path, sshd: Sshd
) -> None:
    targets = {"app": ssh(sshd, tmp_path, "order-service")}
    anna = desk(others=configs(tmp_path, targets))
    slow = mark("begun", then="until [ -e go ]; do sleep 0.05; done; echo ended >> marks")
    run_id = anna.start(step(1, command(slow.text, "change", target="order-service")), step(2, mark("next")))
    words = [sys.executable, Path(__file__).parent / "target_worker.py", anna.database.url, tmp_path, run_id, json.dumps(targets)]
    worker = await asyncio.create_subprocess_exec(*map(str, words))
    while not anna.marks():
        await asyncio.sleep(0.02)
    worker.kill()
    await worker.wait()
    driving = asyncio.create_task(anna.drive(run_id))
    await asyncio.sleep(0.3)
    (tmp_path / "go").touch()
    run = await driving
    assert run.state == "succeeded", run.sentence
    assert anna.marks() == ["begun", "ended", "next"]
    for target in anna.others.values():
        await target.close()


@pytest.mark.parametrize("where", ["local", "app"])
async def test_a_secret_printed_in_two_halves_or_encoded_reaches_no_row(
    desk: Callable[..., Desk], tmp_path: Path, sshd: Sshd, where: str
) -> None:
    variables = {"TOKEN": Variable("TOKEN", Secret(TOKEN, "TOKEN"), "env TOKEN", 1)}
    anna = desk(others=configs(tmp_path, {"app": ssh(sshd, tmp_path, "order-service")}), variables=variables)
    script = 'printf %s "${TOKEN:0:9}"; sleep 0.7; echo "${TOKEN:9}"; printf %s "$TOKEN" | base64; echo "k=$TOKEN&x"'
    run_id = anna.start(step(1, command(script, "read", target="order-service" if where == "app" else None)))
    run = await anna.drive(run_id)
    result, output, _ = outcome(run, "1.1")
    assert (result, output.count(MASK)) == ("ok", 3), output
    kept = "".join(str(event.body) for event in anna.log(run_id)) + output
    assert not any(TOKEN[at : at + 6] in kept for at in range(len(TOKEN) - 5))
    for target in anna.others.values():
        await target.close()


async def test_one_act_on_many_is_well_only_where_all_are(desk: Callable[..., Desk], tmp_path: Path) -> None:
    group = {
        "kind": "group",
        "for": ["web tier"],
        "options": {"members": [f"web-{n}" for n in range(1, 11)], "batch": 5, "stop_at": 9},
    }
    anna = desk(others=configs(tmp_path, {**shells(10), "all": group}))
    act = command('[ "$(basename "$PWD")" != web-3 ]', "change", target="web tier")
    run = await anna.drive(anna.start(step(1, act)))
    result, output, sentence = outcome(run, "1.1")
    assert (result, sentence) == ("failed", "9 of 10 ok; web-3: status 1.")
    assert output.startswith("== web-1: status 0\n")
    assert "== web-3: status 1\n" in output
    assert run.acts["1.1"].question == "failed"


async def test_an_unreachable_host_is_a_failure_with_the_reason(desk: Callable[..., Desk], tmp_path: Path, sshd: Sshd) -> None:
    away = ssh(sshd, tmp_path, "order-service")
    away["options"]["known_hosts"] = str(tmp_path / "none")
    anna = desk(policy=UNATTENDED, others=configs(tmp_path, {"app": away}))
    run = await anna.drive(anna.start(step(1, command("touch began", "change", target="order-service"))))
    result, _, sentence = outcome(run, "1.1")
    assert result == "failed"
    assert "is not known" in sentence
    assert "ssh-keyscan" in sentence
    assert not (tmp_path / "began").exists()
