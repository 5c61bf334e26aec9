"""What an act would do is shown before it is asked about, held against what is there then, and looked for after a crash."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_cast import Desk, mark, step

from watchkeeper.base.secrets import Secret
from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Command
from watchkeeper.estate.model import Policy, Variable
from watchkeeper.run.journal import Journal
from watchkeeper.run.ledger import list_attempts
from watchkeeper.run.undo import offer, undo_plan

Make = Callable[..., Desk]
ASK = Policy(mode="ask")


def read(text: str) -> Command:
    return make_command(text, 1, "bash")


def logs(folder: Path, many: int) -> Path:
    there = folder / "logs"
    there.mkdir(exist_ok=True)
    for number in range(many):
        (there / f"{number}.log").write_text("x" * 5000)
    return there


async def test_the_question_carries_what_would_go(desk: Make) -> None:
    anna = desk(ASK)
    logs(anna.folder, 3)
    run = await anna.drive(anna.start(step(1, read("rm -rf logs"))))
    preview = run.acts["1.1"].preview
    assert preview is not None
    assert preview.sentence.startswith("Deletes 4 files and folders (")
    assert preview.way_back == "No way back: what is deleted comes back only from a backup."
    assert (anna.folder / "logs").is_dir()
    assert anna.database.read_now(lambda c: list_attempts(c, run.id)) == []
    assert not list((anna.folder / "state" / "jobs").glob("*"))


async def test_an_approval_holds_while_only_figures_drift(desk: Make) -> None:
    anna = desk(ASK)
    logs(anna.folder, 3)
    run_id = anna.start(step(1, read("rm -rf logs")))
    await anna.drive(run_id)
    logs(anna.folder, 5)
    anna.answer(run_id, "1.1", "approve")
    run = await anna.drive(run_id)
    assert run.state == "succeeded"
    assert not (anna.folder / "logs").exists()
    assert run.acts["1.1"].before is not None
    assert "6 files and folders" in run.acts["1.1"].before.sentence


async def test_an_approval_of_something_else_is_void_and_asked_again(desk: Make) -> None:
    anna = desk(ASK)
    (anna.folder / "app.conf").write_text("old\n")
    run_id = anna.start(step(1, read("mv app.conf app.bak")))
    first = await anna.drive(run_id)
    assert first.acts["1.1"].preview is not None
    assert "overwrites" not in first.acts["1.1"].preview.sentence
    (anna.folder / "app.bak").write_text("precious\n")
    anna.answer(run_id, "1.1", "approve")
    run = await anna.drive(run_id)
    assert (run.state, run.acts["1.1"].question) == ("asking", "approve")
    assert run.acts["1.1"].sentence.startswith("What it would do is no longer what Anna approved, which was: Moves 1 file")
    assert "overwrites what is there (9 bytes)" in (run.acts["1.1"].preview.sentence if run.acts["1.1"].preview else "")
    assert (anna.folder / "app.bak").read_text() == "precious\n"
    assert anna.database.read_now(lambda c: list_attempts(c, run_id)) == []
    anna.answer(run_id, "1.1", "approve")
    assert (await anna.drive(run_id)).state == "succeeded"


async def test_what_has_no_preview_says_so(desk: Make) -> None:
    anna = desk(ASK)
    run = await anna.drive(anna.start(step(1, read("./fix-it.sh --now"))))
    assert run.acts["1.1"].preview is not None
    assert run.acts["1.1"].preview.sentence == "No preview is known for this command."


async def test_a_person_who_started_it_sees_all_that_the_first_approval_covers(desk: Make) -> None:
    anna = desk(ASK)
    for name in ("a", "b"):
        (anna.folder / name).write_text("x\n")
    run_id = anna.start(step(1, read("mv a c")), step(2, read("mv b d")), actor="Ben")
    asked = await anna.drive(run_id)
    assert [asked.acts[key].preview is not None for key in ("1.1", "2.1")] == [True, True]
    anna.answer(run_id, "1.1", "approve")
    assert (await anna.drive(run_id)).state == "succeeded"


async def test_a_look_that_hangs_is_said_to_hang(desk: Make) -> None:
    anna = desk(ASK, timeout_s=0.7)
    os.mkfifo(anna.folder / "pipe")
    run = await anna.drive(anna.start(step(1, read("sed -i 's/a/b/' pipe"))))
    preview = run.acts["1.1"].preview
    assert preview is not None
    assert preview.sentence == "The effect could not be looked at: it did not answer within 0.7 s."
    assert preview.scope == "unseen"


async def test_an_unattended_change_keeps_what_was_there(desk: Make) -> None:
    anna = desk()
    (anna.folder / "compose.yml").write_text("web:\n  image: shop:1\nworker:\n  image: shop:1\n")
    run = await anna.drive(anna.start(step(1, read("sed -i 's/shop:1/shop:2/' compose.yml"))))
    assert run.state == "succeeded"
    before = run.acts["1.1"].original
    assert before is not None
    assert (
        before.sentence == "Rewrites 2 image lines of compose.yml; image: shop:1 → image: shop:2; image: shop:1 → image: shop:2."
    )
    assert offer(run) == f"1 change began; `watchkeeper run undo {run.id}` puts it back."


async def test_the_way_back_puts_the_exact_bytes_back(desk: Make) -> None:
    anna = desk()
    content = "image: shop:1 # 'quoted' \"twice\" $HOME `id` \\ é\r\n\timage: shop:1\n\n".encode()
    (anna.folder / "compose.yml").write_bytes(content)
    (anna.folder / "compose.yml").chmod(0o640)
    run = await anna.drive(anna.start(step(1, read("sed -i 's/shop:1/shop:2/' compose.yml")), step(2, mark("restart"))))
    assert (anna.folder / "compose.yml").read_bytes() == content.replace(b"shop:1", b"shop:2")
    plan = undo_plan(run)
    assert [(act.kind, act.risk, act.skip) for act in plan.acts] == [
        ("manual", "read", "No way back is known."),
        ("command", "change", None),
    ]
    back = await anna.drive(anna.start(step(1, plan.acts[1].command), actor="automation"))  # type: ignore[arg-type]
    assert back.state == "succeeded"
    assert (anna.folder / "compose.yml").read_bytes() == content
    assert (anna.folder / "compose.yml").stat().st_mode & 0o777 == 0o640


async def test_a_previous_value_with_a_secret_in_it_has_no_way_back(desk: Make) -> None:
    anna = desk(variables={"TOKEN": Variable("TOKEN", Secret("hunter2hunter2"), "env TOKEN", 3)})
    (anna.folder / "app.conf").write_text("token: hunter2hunter2\nlevel: info\n")
    run = await anna.drive(anna.start(step(1, read("sed -i 's/info/debug/' app.conf"))))
    assert run.state == "succeeded"
    assert undo_plan(run).acts[0].skip == "No way back: the file is too large, out of reach or may hold a secret."
    assert "hunter2" not in repr(anna.log(run.id))


async def killed_midway(anna: Desk, text: str, until: Callable[[], bool]) -> Any:
    """Drive a run whose one act is killed with its wrapper, so that nobody sees how it ended."""
    run_id = anna.start(step(1, read(text)))
    driving = asyncio.create_task(anna.drive(run_id))
    async with asyncio.timeout(60):
        while not until():
            await asyncio.sleep(0.01)
    claim = next((anna.folder / "state" / "jobs").glob(f"{run_id}.1.1.1/pid.0")).read_text().split()
    os.killpg(int(claim[0]), signal.SIGKILL)
    return await driving


async def test_what_left_its_mark_happened(desk: Make) -> None:
    anna = desk()
    (anna.folder / "a").write_text("x\n")
    run = await killed_midway(anna, "sed -i 's/x/y/' a && sleep 30", lambda: (anna.folder / "a").read_text() == "y\n")
    assert run.state == "succeeded"
    outcome = run.acts["1.1"].outcome
    assert outcome is not None
    assert outcome.sentence == "It left its mark, so it happened. Seen now: Changes nothing in a."


async def test_what_left_no_mark_is_laid_out_for_a_person_and_not_repeated(desk: Make) -> None:
    anna = desk()
    (anna.folder / "a").write_text("x\n")
    begun = anna.folder / "begun"
    run = await killed_midway(anna, "touch begun && sleep 30 && sed -i 's/x/y/' a", begun.exists)
    assert (run.state, run.acts["1.1"].question) == ("asking", "settle")
    sentence = run.acts["1.1"].sentence
    assert "Nobody saw how it ended: its wrapper was killed." in sentence
    assert "Seen before it:" in sentence
    assert "Seen now:" in sentence
    assert len(anna.database.read_now(lambda c: list_attempts(c, run.id))) == 1
    assert (anna.folder / "a").read_text() == "x\n"


@pytest.mark.parametrize("answer", ["happened", "did-not-happen"])
async def test_a_person_settles_it(desk: Make, answer: str) -> None:
    anna = desk()
    begun = anna.folder / "begun"
    run = await killed_midway(anna, "echo one >> begun && sleep 30", lambda: begun.exists() and begun.read_text() == "one\n")
    anna.answer(run.id, "1.1", answer)
    if answer == "happened":
        assert (await anna.drive(run.id)).state == "succeeded"
        assert begun.read_text() == "one\n"
        return
    driving = asyncio.create_task(anna.drive(run.id))
    async with asyncio.timeout(60):
        while begun.read_text() != "one\none\n":
            await asyncio.sleep(0.01)
    assert await anna.interpreter.kill(run.id)
    await driving


class DiesAfterIntent(Journal):
    """Writes the intent and is no more, as a worker whose machine goes down right then."""

    async def begin(self, *args: Any, **values: Any) -> Any:
        await super().begin(*args, **values)
        raise asyncio.CancelledError


class AfterReboot(Journal):
    """The journal of a successor after the machine was restarted."""

    def __init__(self, database: Any, owner: str, boot_id: str) -> None:
        super().__init__(database, owner, f"next-{boot_id}"[:64])


@pytest.mark.parametrize("done", [True, False])
async def test_after_a_restart_evidence_settles_it_or_a_person_does(desk: Make, done: bool) -> None:
    dying = desk(journal=DiesAfterIntent)
    path = dying.folder / "app.conf"
    path.write_text("level: info\n")
    run_id = dying.start(step(1, read("sed -i s/info/debug/ app.conf")))
    with pytest.raises(asyncio.CancelledError):
        await dying.drive(run_id)
    if done:
        path.write_text("level: debug\n")
    shutil.rmtree(dying.folder / "state" / "jobs", ignore_errors=True)
    anna = desk(journal=AfterReboot)
    run = await anna.drive(run_id)
    assert len(anna.database.read_now(lambda c: list_attempts(c, run_id))) == 1
    if done:
        assert run.state == "succeeded"
        outcome = run.acts["1.1"].outcome
        assert outcome is not None
        assert outcome.sentence == "It left its mark, so it happened. Seen now: Changes nothing in app.conf."
    else:
        assert (run.state, run.acts["1.1"].question) == ("asking", "settle")
        assert "Seen before it: Rewrites 1 level line of app.conf" in run.acts["1.1"].sentence
        assert path.read_text() == "level: info\n"
