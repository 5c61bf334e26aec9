"""What is old goes as the settings say: outputs, logs, and ledger entries once they are on disk; the audit holds throughout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, update

from watchkeeper.actions.keeping import Keeper, anchor_file
from watchkeeper.app import App, open_app
from watchkeeper.run.ledger import append_event, list_attempts, load_run, read_events, write_intent, write_outcome
from watchkeeper.run.model import Act, Outcome, Plan
from watchkeeper.run.retention import FORGOTTEN
from watchkeeper.run.starting import start_run
from watchkeeper.settings import load_settings
from watchkeeper.store import ledger
from watchkeeper.store.anchor import read_anchors
from watchkeeper.store.export import verify_exports
from watchkeeper.testing import FakeClock

DAY_S = 86_400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[App]:
    (tmp_path / "watchkeeper.toml").write_text('[service]\nname = "shop"\nrunbook = "runbook.md"\n')
    (tmp_path / "runbook.md").write_text("# Shop\n")
    kept = {"keep_outputs_days": "10", "keep_events_days": "20", "keep_ledger_days": "30", "keep_samples_days": "7"}
    made = open_app(tmp_path / "watchkeeper.toml", load_settings({}, **kept), clock)
    yield made
    made.database.close()


def a_run(app: App, *, ended: bool = True) -> str:
    """Write a run whose only act printed something."""
    plan = Plan("mend", "Mend", "d1", 1, (Act("1.1", 1, "command", "Mend it", 1),))
    now = app.clock.now()

    def work(connection: Connection) -> str:
        run_id = start_run(connection, now, plan, None, "anna", "local", why="to see")
        write_intent(connection, run_id, "1.1", 1, "w", "boot", "d", "change", now)
        outcome = Outcome("ok", 0, "much was printed", sentence="It ended well.")
        write_outcome(connection, run_id, "1.1", 1, outcome, now)
        told = {"result": "ok", "output": "much was printed", "sentence": "It ended well."}
        append_event(connection, run_id, now, "outcome", act="1.1", body={"attempt": 1, "outcome": told})
        if ended:
            append_event(connection, run_id, now, "ended", body={"state": "succeeded", "sentence": "All is done."})
        return run_id

    return app.database.write_now(work)


def audit(app: App) -> list[str]:
    def walk(connection: Connection) -> list[str]:
        anchors = read_anchors(anchor_file(app))
        exported, elsewhere = verify_exports(connection, anchors)
        return [each.sentence for each in (*exported, *ledger.verify(connection, anchors)[1])] + elsewhere

    return app.database.read_now(walk)


async def test_outputs_go_first_then_logs_and_how_a_run_ended_stays(app: App, clock: FakeClock) -> None:
    run_id, still_open, keeper = a_run(app), a_run(app, ended=False), Keeper(app)
    clock.move(9 * DAY_S)
    await keeper.forget()
    assert app.database.read_now(lambda c: list_attempts(c, run_id))[0].outcome.output == "much was printed"  # type: ignore[union-attr]
    clock.move(2 * DAY_S)
    await keeper.forget()
    run = app.database.read_now(lambda c: load_run(c, run_id))
    assert run is not None
    assert run.acts["1.1"].outcome == Outcome("ok", output=FORGOTTEN, sentence="It ended well.")
    assert app.database.read_now(lambda c: list_attempts(c, run_id))[0].outcome.output == FORGOTTEN  # type: ignore[union-attr]
    clock.move(10 * DAY_S)
    await keeper.forget()
    assert app.database.read_now(lambda c: read_events(c, run_id)) == []
    run = app.database.read_now(lambda c: load_run(c, run_id))
    assert run is not None
    assert (run.state, run.sentence, run.ended_at is not None) == ("succeeded", "All is done.", True)
    assert len(app.database.read_now(lambda c: read_events(c, still_open))) == 2
    assert app.database.read_now(lambda c: list_attempts(c, still_open))[0].outcome.output == "much was printed"  # type: ignore[union-attr]


async def test_the_ledger_is_exported_then_cut_and_the_chain_goes_on(app: App, clock: FakeClock) -> None:
    keeper = Keeper(app)
    for _ in range(3):
        a_run(app)
    await keeper.anchor()
    clock.move(31 * DAY_S)
    a_run(app)
    await keeper.anchor()
    await keeper.forget()
    files = list((app.state / "exports").iterdir())
    assert [file.name for file in files] == ["ledger-1-3.jsonl"]
    assert [json.loads(line)["seq"] for line in files[0].read_text().splitlines()] == [1, 2, 3]
    assert audit(app) == []
    kept = app.database.read_now(lambda c: c.exec_driver_sql("SELECT seq, act FROM ledger ORDER BY seq").all())
    assert [tuple(row) for row in kept] == [(4, "run started"), (5, "ledger cut")]
    clock.move(31 * DAY_S)
    a_run(app)
    await keeper.forget()
    await keeper.anchor()
    assert {file.name for file in (app.state / "exports").iterdir()} == {"ledger-1-3.jsonl", "ledger-4-5.jsonl"}
    assert audit(app) == []


async def test_an_exported_file_that_was_altered_or_taken_away_is_found(app: App, clock: FakeClock) -> None:
    for _ in range(3):
        a_run(app)
    path = await Keeper(app).export_ledger(clock.now() + timedelta(days=1))
    assert path is not None
    text = path.read_text()
    path.write_text(text.replace("anna", "nobody"))
    assert audit(app) == ["ledger-1-2.jsonl is not the file that was exported."]
    path.unlink()
    assert audit(app) == ["ledger-1-2.jsonl"]
    path.write_text(text)
    assert audit(app) == []


async def test_a_cut_that_nobody_chained_is_found(app: App, clock: FakeClock) -> None:
    """Whoever can write the tables takes the beginning away and says that it was exported."""
    for _ in range(5):
        a_run(app)
    await Keeper(app).anchor()

    def work(connection: Connection) -> None:
        rows = connection.execute(ledger.entries.select().where(ledger.entries.c.seq == 3)).one()
        connection.execute(delete(ledger.entries).where(ledger.entries.c.seq <= 3))
        row = {"seq": 3, "hash": rows.hash, "at": clock.now(), "file": "/nowhere.jsonl", "sha256": "0" * 64}
        connection.execute(ledger.cuts.insert().values(**row))

    app.database.write_now(work)
    assert audit(app)[0] == "The ledger begins after entry 3, and no entry of it says why."


@pytest.mark.parametrize("how", ["altered", "removed", "end cut"])
async def test_after_a_cut_an_edit_a_gap_and_a_cut_end_are_still_found(app: App, clock: FakeClock, how: str) -> None:
    for _ in range(3):
        a_run(app)
    keeper = Keeper(app)
    await keeper.export_ledger(clock.now() + timedelta(days=1))
    for _ in range(3):
        a_run(app)
    await keeper.anchor()
    head = app.database.read_now(ledger.read_head)
    rows = ledger.entries

    def work(connection: Connection) -> None:
        if how == "altered":
            connection.execute(update(rows).where(rows.c.seq == head.seq - 1).values(actor="somebody"))
        elif how == "removed":
            connection.execute(delete(rows).where(rows.c.seq == head.seq - 1))
        else:
            connection.execute(delete(rows).where(rows.c.seq == head.seq))
            before = connection.execute(rows.select().where(rows.c.seq == head.seq - 1)).one()
            connection.execute(update(ledger.head).values(seq=before.seq, hash=before.hash))

    app.database.write_now(work)
    assert len(audit(app)) >= 1
    if how == "end cut":
        assert audit(app) == [f"Entry {head.seq} was anchored outside and is gone: the end of the ledger was cut."]


async def test_a_crash_between_export_and_cut_loses_nothing(app: App, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        a_run(app)
    keeper, later = Keeper(app), clock.now() + timedelta(days=1)
    with monkeypatch.context() as patched:
        patched.setattr("watchkeeper.store.export.cut", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await keeper.export_ledger(later)
    assert audit(app) == []
    assert await keeper.export_ledger(later) is not None
    assert audit(app) == []
