"""What the runs of a procedure came to within a year: when last, how often it worked, how long it took."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchkeeper.book.reader import read_source
from watchkeeper.run.exercised import exercised
from watchkeeper.run.ledger import append_event, create_run, mark_judged
from watchkeeper.run.plan import plan
from watchkeeper.store.database import Database

BOOK = read_source("r.md", "# Shop\n\n## Restart\n\n1. Restart it:\n\n```bash\nsystemctl restart shop\n```\n")
PLAN = plan(BOOK, BOOK.procedures[0])


def ran(database: Database, number: int, at: datetime, state: str, took_s: float, judged: bool = True) -> None:
    run_id = f"run-{number}"
    ended = at + timedelta(seconds=took_s)
    database.write_now(lambda c: create_run(c, run_id, at, PLAN, actor="anna", target="local"))
    database.write_now(lambda c: append_event(c, run_id, at, "started"))
    if state != "running":
        database.write_now(lambda c: append_event(c, run_id, ended, "ended", body={"state": state, "sentence": "It ended."}))
        database.write_now(lambda c: mark_judged(c, run_id, judged))


def test_what_worked_and_how_long_it_took(database: Database, now: datetime) -> None:
    for number, (days, state, took_s, helped) in enumerate((
        (1, "failed", 5, False), (2, "succeeded", 10, True), (3, "succeeded", 30, True), (4, "succeeded", 900, False),
        (5, "cancelled", 7, True), (6, "succeeded", 20, True), (400, "succeeded", 1, True),
    )):  # fmt: skip
        ran(database, number, now - timedelta(days=days), state, took_s, helped)
    ran(database, 99, now, "running", 0)
    found = database.read_now(lambda c: exercised(c, now))[PLAN.procedure_id]
    assert (found.last_at, found.times, found.worked, found.median_s) == (now - timedelta(days=1), 5, 3, 20.0)


def test_a_procedure_that_never_ran_has_none(database: Database, now: datetime) -> None:
    ran(database, 1, now, "failed", 3)
    assert database.read_now(lambda c: exercised(c, now, ["another"])) == {}
    assert database.read_now(lambda c: exercised(c, now))[PLAN.procedure_id].median_s is None
