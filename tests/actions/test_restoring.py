"""A database that was put back from a backup: noticed by the anchors or told by a person, and unfinished runs ask again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from watchkeeper.actions import restoring
from watchkeeper.actions.keeping import Keeper, anchor_file
from watchkeeper.app import App, open_app
from watchkeeper.base.errors import Refused
from watchkeeper.estate.model import Policy
from watchkeeper.people.identity import Actor
from watchkeeper.run.gate import Brakes, gate
from watchkeeper.run.ledger import append_event, create_run, leases, list_attempts, load_run, take_lease, write_intent
from watchkeeper.run.model import Act, Plan, Run
from watchkeeper.settings import load_settings
from watchkeeper.store import ledger
from watchkeeper.store.anchor import read_anchors
from watchkeeper.store.restoration import Gap, current_epoch
from watchkeeper.testing import FakeClock

OWNER, RESPONDER = Actor("olga", ("owner",)), Actor("rita", ("responder",))
ACTS = tuple(Act(f"{n}.1", n, "command", f"Change {n}", n, phase="act", risk="change") for n in (1, 2))
FREE = Policy(mode="act", change_allowed=("P1",))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], App]]:
    (tmp_path / "watchkeeper.toml").write_text('[service]\nname = "shop"\nrunbook = "runbook.md"\n')
    (tmp_path / "runbook.md").write_text("# Shop\n")
    made: list[App] = []
    clock = FakeClock()

    def make() -> App:
        made.append(open_app(tmp_path / "watchkeeper.toml", load_settings({}), clock))
        return made[-1]

    yield make
    for each in made:
        each.database.close()


def begin_run(app: App, run_id: str = "run-1") -> None:
    """Write a run of which the first act is approved and under way, and the second to be done."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        create_run(
            connection, run_id, now, Plan("mend", "Mend", "d1", 1, ACTS), actor="automation", target="local", severity="P1"
        )
        append_event(connection, run_id, now, "started", body={})
        until = (now + timedelta(hours=9)).isoformat()
        append_event(connection, run_id, now, "approved", "anna", "2.1", {"digests": {"2.1": "d"}, "until": until})
        write_intent(connection, run_id, "1.1", 1, "w", "boot", "d", "change", now)
        append_event(connection, run_id, now, "intent", act="1.1", body={"attempt": 1})
        take_lease(connection, "web", run_id, now, now + timedelta(hours=1))
        ledger.append(connection, now, "automation", "act begun", run_id)

    app.database.write_now(work)


def look(app: App, run_id: str = "run-1") -> Run:
    run = app.database.read_now(lambda c: load_run(c, run_id))
    assert run is not None
    return run


def put_back(app: App, opened: Callable[[], App], meanwhile: int) -> App:
    """Take a backup, let entries be written and anchored, put the backup back, and open the application again."""
    file = app.state / "watchkeeper.sqlite"
    app.database.write_now(lambda c: None)
    app.database.close()
    backup = file.read_bytes()
    later = opened()
    for n in range(meanwhile):
        later.database.write_now(lambda c, n=n: ledger.append(c, later.clock.now(), "anna", "acknowledge", f"inc-{n}"))
    return _restore(later, file, backup, opened)


def _restore(app: App, file: Path, backup: bytes, opened: Callable[[], App]) -> App:
    head = app.database.read_now(ledger.read_head)
    with anchor_file(app).open("a") as anchors:
        anchors.write(f"{app.clock.now().isoformat()} {head.seq} {head.hash}\n")
    app.database.close()
    for part in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        part.unlink(missing_ok=True)
    file.write_bytes(backup)
    return opened()


async def test_a_database_behind_its_anchor_is_noticed_once_and_its_runs_ask(opened: Callable[[], App]) -> None:
    app = opened()
    begin_run(app)
    app = put_back(app, opened, meanwhile=3)
    assert await restoring.notice(app) == 1
    assert await restoring.notice(app) is None
    run = look(app)
    assert run.acts["1.1"].state == "unknown"
    assert run.acts["2.1"].approved_until is None
    answer = gate(ACTS[1], run, FREE, Brakes(), app.clock.now(), frozenset({"P1"}), "d")
    assert answer.allow == "ask"
    assert "may have been done already" in answer.sentence
    attempt = app.database.read_now(lambda c: list_attempts(c, "run-1"))[0]
    assert attempt.outcome is not None
    assert attempt.outcome.result == "unknown"
    assert app.database.read_now(lambda c: c.execute(leases.select()).one().until) <= app.clock.now()
    owed = app.database.read_now(lambda c: c.exec_driver_sql("SELECT count(*) FROM due WHERE kind = 'run'").scalar())
    assert owed == 1


async def test_noticing_excuses_nothing_and_an_owners_word_does(opened: Callable[[], App]) -> None:
    app = opened()
    begin_run(app)
    app = put_back(app, opened, meanwhile=3)
    await restoring.notice(app)

    def audit() -> list[str]:
        anchors = read_anchors(anchor_file(app))
        return [each.sentence for each in app.database.read_now(lambda c: ledger.verify(c, anchors))[1]]

    assert audit() == ["Entry 4 was anchored outside and is gone: the end of the ledger was cut."]
    with pytest.raises(Refused):
        await restoring.restored(app, RESPONDER, "the disk died")
    epoch, gap = await restoring.restored(app, OWNER, "the disk died, backup of 02:00")
    assert (epoch, gap) == (2, Gap(3, 4))
    assert audit() == []
    lost = app.database.read_now(ledger.losses)
    assert len(lost) == 1
    assert lost[0].startswith("Entries 3 to 4")
    assert lost[0].endswith("olga restored the database (the disk died, backup of 02:00).")


async def test_a_person_may_tell_of_what_no_anchor_shows(opened: Callable[[], App]) -> None:
    app = opened()
    begin_run(app)
    await Keeper(app).anchor()
    assert await restoring.notice(app) is None
    assert look(app).reopened == ""
    assert await restoring.restored(app, OWNER, "a snapshot of the whole machine") == (1, Gap())
    assert look(app).reopened
    assert app.database.read_now(current_epoch) == 1
    assert app.database.read_now(ledger.losses) == []


async def test_a_chain_that_went_on_differently_after_the_backup_is_noticed_too(opened: Callable[[], App]) -> None:
    app = opened()
    begin_run(app)
    app = put_back(app, opened, meanwhile=2)
    for n in range(5):
        app.database.write_now(lambda c, n=n: ledger.append(c, app.clock.now(), "ben", "note", f"inc-{n}"))
    assert await restoring.notice(app) == 1


def test_an_approval_after_the_restoration_counts() -> None:
    run = Run("run-1", Plan("mend", "Mend", "d1", 1, ACTS), None, "P1", None, "automation", FakeClock().now())
    run = replace(run, reopened="The database was restored: it may have been done already.")
    assert gate(ACTS[0], run, FREE, Brakes(), FakeClock().now(), frozenset({"P1"}), "d").allow == "ask"
    assert gate(replace(ACTS[0], risk="read"), run, FREE, Brakes(), FakeClock().now(), frozenset({"P1"}), "d").allow == "run"
