"""What an incident taught becomes a branch of the runbook's repository or a patch, and the runbook still says what it said."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from watchkeeper.actions import learning
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound, Refused
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.reader import read_book
from watchkeeper.estate.model import Bindings, Estate, TargetConfig
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn.lessons import Lesson, lessons_of, propose
from watchkeeper.people.identity import Actor
from watchkeeper.run.ledger import append_event, create_run
from watchkeeper.run.model import Outcome, Run, Standing
from watchkeeper.run.plan import plan
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.testing import FakeClock

ANNA = Actor("anna", ("responder",), "terminal")
RUNBOOK = """# Shop runbook

## Procedures

### The cache is full

1. Look at it:

   ```bash
   redis-cli info memory
   ```

2. Empty what is old:

   ```bash
   ./empty-old.sh
   ```

3. Tell the buyers.

## Alerts

- Memory of the cache > 90% for 5 minutes
"""


def git(folder: Path, *words: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a",
                   "GIT_COMMITTER_EMAIL": "a"}  # fmt: skip
    done = subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True, env=environment)
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ops"
    made.mkdir()
    (made / "runbook.md").write_text(RUNBOOK)
    return made


@pytest.fixture
def app(database: Database, folder: Path, tmp_path: Path) -> App:
    estate = Estate(
        folder / "watchkeeper.toml", "shop", folder / "runbook.md", targets={"local": TargetConfig("local", "shell", 1, folder)}
    )
    return App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path / "state", database=database, estate=estate,
        book=read_book(folder / "runbook.md"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip


def lived(app: App, result: str = "failed") -> None:
    """An incident whose second step went wrong."""
    now = app.clock.now()
    made = Incident("inc-1", "shop", "The cache is full", "P1", "resolved", "cache", now, now, resolved_at=now)
    app.database.write_now(lambda c: incidents.open_incident(c, made))
    [procedure] = [each for each in app.book.procedures if each.title == "The cache is full"]
    carried = plan(app.book, procedure)
    act = next(each for each in carried.acts if each.command is not None and "empty-old" in each.command.text)

    def work(connection):  # type: ignore[no-untyped-def]
        create_run(
            connection, "run-1", now, carried, actor="anna", target="local", incident_id="inc-1", severity="P1", component=None
        )
        append_event(
            connection, "run-1", now, "started", "anna", body={"procedure": procedure.id, "title": procedure.title, "book": ""}
        )
        outcome = {"result": result, "exit_status": 127, "sentence": "`empty-old.sh`: command not found <b>"}
        append_event(connection, "run-1", now, "intent", "anna", act=act.key, body={"attempt": 1})
        append_event(connection, "run-1", now, "outcome", "anna", act=act.key, body={"attempt": 1, "outcome": outcome})

    app.database.write_now(work)


def facts(path: Path) -> object:
    return learning._facts(path.read_text(), "runbook.md")


async def test_a_branch_with_a_commit_and_nothing_else_touched(app: App, folder: Path) -> None:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "runbook.md")
    git(folder, "commit", "-q", "-m", "First")
    (folder / "runbook.md").write_text(RUNBOOK + "\nNot committed yet.\n")
    lived(app)
    patch = await learning.propose_patch(app, ANNA, "inc-1")
    assert patch.branch == "learn/inc-1"
    assert git(folder, "status", "--porcelain").strip() == "M runbook.md"
    assert git(folder, "branch", "--show-current").strip() == "main"
    assert (folder / "runbook.md").read_text().endswith("Not committed yet.\n")
    learned = git(folder, "show", "learn/inc-1:runbook.md")
    assert "   > **Learned:** It failed with status 127: \\`empty-old.sh\\`: command not found \\<b\\>." in learned
    assert "Not committed yet." not in learned
    added = [line for line in learned.splitlines() if line not in RUNBOOK.splitlines()]
    assert len(added) == 1
    message = git(folder, "log", "-1", "--format=%B", "learn/inc-1")
    assert message.startswith("Learn from inc-1: The cache is full")
    assert "line 16" in message
    (folder / "learned.md").write_text(learned)
    (folder / "before.md").write_text(RUNBOOK)
    assert facts(folder / "learned.md") == facts(folder / "before.md")


async def test_a_second_proposal_leaves_the_first_and_whoever_works_on_it_alone(app: App, folder: Path) -> None:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "runbook.md")
    git(folder, "commit", "-q", "-m", "First")
    lived(app)
    await learning.propose_patch(app, ANNA, "inc-1")
    git(folder, "checkout", "-q", "learn/inc-1")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Rewritten by hand")
    before = git(folder, "rev-parse", "learn/inc-1")
    git(folder, "checkout", "-q", "main")
    assert (await learning.propose_patch(app, ANNA, "inc-1")).branch == "learn/inc-1-2"
    assert git(folder, "rev-parse", "learn/inc-1") == before
    git(folder, "checkout", "-q", "learn/inc-1-2")
    assert (await learning.propose_patch(app, ANNA, "inc-1")).branch == "learn/inc-1-3"
    assert git(folder, "status", "--porcelain") == ""


async def test_without_a_repository_it_is_a_patch_that_applies(app: App, folder: Path) -> None:
    lived(app, "timeout")
    patch = await learning.propose_patch(app, ANNA, "inc-1")
    assert patch.branch == ""
    done = subprocess.run(["git", "apply", patch.path], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "> **Learned:** It did not end in time." in (folder / "runbook.md").read_text()


FIRST = """# Shop

## Procedures

### The queue is full

1. Count it:

   ```bash
   ./count.sh
   ```

2. Close the sluice by hand.
"""


def of_files(app: App, folder: Path, runbook: str) -> App:
    """Give the app whose runbook is several files: one with the queue, one with the cache; a step of each went wrong."""
    (folder / "more").mkdir()
    (folder / "queue.md").write_text(FIRST + "\n[The cache](more/cache.md)\n")
    (folder / "more" / "cache.md").write_text(RUNBOOK)
    (folder / "runbook.md").unlink()
    estate = replace(app.estate, runbook=folder / runbook)
    made = replace(app, estate=estate, book=read_book(estate.runbook))
    lived(made)
    [queue] = [each for each in made.book.procedures if each.title == "The queue is full"]
    carried = plan(made.book, queue)
    now = made.clock.now()

    def work(connection):  # type: ignore[no-untyped-def]
        create_run(
            connection, "run-2", now, carried, actor="anna", target="local", incident_id="inc-1", severity="P1", component=None
        )
        append_event(connection, "run-2", now, "started", "anna", body={"procedure": queue.id, "title": queue.title, "book": ""})
        by_hand = next(each for each in carried.acts if each.command is None)
        append_event(connection, "run-2", now, "skipped", "anna", act=by_hand.key, body={"sentence": "nobody buys"})

    made.database.write_now(work)
    return made


@pytest.mark.parametrize("runbook", ["", "queue.md"])
async def test_of_several_files_each_note_goes_where_its_step_stands(app: App, folder: Path, runbook: str) -> None:
    several = of_files(app, folder, runbook)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "queue.md", "more/cache.md")
    git(folder, "commit", "-q", "-m", "First")
    patch = await learning.propose_patch(several, ANNA, "inc-1")
    assert sorted(lesson.file or "" for lesson in patch.placed) == ["more/cache.md", "queue.md"]
    changed = git(folder, "diff", "--stat", "main", patch.branch)
    assert "2 files changed, 4 insertions(+)" in changed
    assert "> **Learned:** It failed with status 127" in git(folder, "show", f"{patch.branch}:more/cache.md")
    assert "> **Learned:** It was passed over: " in git(folder, "show", f"{patch.branch}:queue.md")
    assert "more/cache.md, line 16" in git(folder, "log", "-1", "--format=%B", patch.branch)
    assert git(folder, "status", "--porcelain") == ""


async def test_a_patch_of_several_files_applies_and_a_file_that_is_gone_is_named(app: App, folder: Path) -> None:
    several = of_files(app, folder, "")
    patch = await learning.propose_patch(several, ANNA, "inc-1")
    subprocess.run(["git", "apply", "--check", patch.path], cwd=folder, capture_output=True, check=True)
    (folder / "queue.md").unlink()
    patch = await learning.propose_patch(several, ANNA, "inc-1")
    assert [lesson.file for lesson in patch.lost] == ["queue.md"]
    assert [lesson.file for lesson in patch.placed] == ["more/cache.md"]


async def test_a_file_outside_of_the_books_folder_is_left_alone(app: App, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text(RUNBOOK)
    found, lost = learning._by_file(folder, [Lesson(16, "./empty-old.sh", "p", "It failed.", "run-1", "../other.md")])
    assert (found, len(lost)) == ({}, 1)


async def test_a_repository_runs_nothing_of_its_own(app: App, folder: Path, tmp_path: Path) -> None:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "runbook.md")
    git(folder, "commit", "-q", "-m", "First")
    trap = folder / ".git" / "hooks" / "reference-transaction"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    git_config = {"commit.gpgSign": "true", "gpg.program": str(trap), "core.fsmonitor": str(trap)}
    lived(app)
    for name, value in git_config.items():
        subprocess.run(["git", "-C", folder, "config", name, value], check=True, env={"PATH": "/usr/bin:/bin"})
    (tmp_path / "sprung").unlink(missing_ok=True)
    await learning.propose_patch(app, ANNA, "inc-1")
    assert not (tmp_path / "sprung").exists()


async def test_what_taught_nothing_or_is_not_there_is_refused(app: App) -> None:
    with pytest.raises(NotFound):
        await learning.propose_patch(app, ANNA, "inc-9")
    now = app.clock.now()
    quiet = Incident("inc-2", "shop", "Down", "P1", "resolved", None, now, now, resolved_at=now)
    app.database.write_now(lambda c: incidents.open_incident(c, quiet))
    with pytest.raises(Refused, match="taught nothing"):
        await learning.propose_patch(app, ANNA, "inc-2")


async def test_a_step_that_somebody_rewrote_is_named_as_lost(app: App, folder: Path) -> None:
    lived(app)
    (folder / "runbook.md").write_text(RUNBOOK.replace("./empty-old.sh", "./empty.sh"))
    with pytest.raises(Refused, match="Nothing of it can be put"):
        await learning.propose_patch(app, ANNA, "inc-1")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_ends_of_lines_and_a_mark_at_the_beginning_stay(newline: str, bom: str) -> None:
    text = bom + RUNBOOK.replace("\n", newline)
    made = propose(
        text, [Lesson(3, "./empty-old.sh", "p", "It failed.", "run-1"), Lesson(7, "Tell the buyers.", "p", "Late.", "run-1")]
    )
    assert len(made.placed) == 2
    kept = [line for line in made.text.split(newline) if "Learned" not in line]
    assert [line for line in kept if line.strip()] == [line for line in text.split(newline) if line.strip()]
    assert made.text.count("\r") == made.text.count("\n") * (newline == "\r\n")


def test_only_what_went_wrong_is_a_lesson(app: App, now: datetime) -> None:
    carried = plan(app.book, app.book.procedures[0])
    fine = {act.key: Standing("done", outcome=Outcome("ok", 0)) for act in carried.acts}
    run = Run("run-1", carried, None, None, None, "anna", now, acts=fine)
    assert lessons_of([run]) == []
    last = carried.acts[1].key
    passed = replace(run, acts={**fine, last: Standing("skipped", sentence="anna: nobody buys at night.")})
    [lesson] = lessons_of([passed])
    assert lesson.note == f"It was passed over: anna: nobody buys at night. ({now:%Y-%m-%d})"
