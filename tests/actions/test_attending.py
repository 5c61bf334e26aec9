"""What the loop does for an open incident whose procedure failed, or whose cause turned out to be another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from watchkeeper.actions import acts
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert
from watchkeeper.app import App
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book, Command, Procedure, Step, Threshold
from watchkeeper.estate.model import Bindings, Bound, Estate, Policy, TargetConfig
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import timers
from watchkeeper.incident.model import Incident
from watchkeeper.loop import Loop
from watchkeeper.people.identity import Actor
from watchkeeper.run import ledger as runs
from watchkeeper.run.ledger import append_event, create_run
from watchkeeper.run.model import Run
from watchkeeper.run.plan import plan
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.store.membership import TURN
from watchkeeper.testing import FakeClock
from watchkeeper.watch.ledger import standings

ANNA = Actor("anna", ("operator",), "terminal")


def procedure(title: str) -> Procedure:
    command = Command(line=9, text="true", risk="read", because="It does nothing.", tools=("true",))
    steps = (Step(n=1, line=9, text="do it", phase="act", commands=(command,)),)
    return Procedure(id="-".join(title.lower().split()), title=title, line=8, end_line=10, steps=steps, kind="troubleshooting")


def threshold(subject: str, line: int, follows: str) -> Threshold:
    return Threshold(role="alert", subject=subject, op=">", value=1, line=line, text=subject, actions=(f'Follow "{follows}"',))


SLOW, DOWN = threshold("Response time", 3, "Answers are slow"), threshold("Shop is down", 4, "Shop does not run")
BOOK = Book(
    title="T", service="shop", thresholds=(SLOW, DOWN), procedures=(procedure("Answers are slow"), procedure("Shop does not run"))
)
BOUND = Bindings((Bound("slow", SLOW, "web", "p95", "Shop", ""), Bound("down", DOWN, "web", "up", "Shop", "")))


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    target = TargetConfig("local", "shell", 1, tmp_path)
    estate = Estate(
        tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", targets={"local": target}, policy=Policy(mode="act")
    )
    made = App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=BOOK, bindings=BOUND, scrubber=Scrubber(), owner="test",
    )  # fmt: skip
    database.write_now(lambda c: fill(c, made))
    return made


def fill(connection: Connection, app: App) -> None:
    """An incident whose first procedure is under way, and both of its alerts."""
    now = app.clock.now()
    incidents.open_incident(
        connection, Incident("inc-1", "shop", "Response time", "P1", "open", "Shop", now, now, procedure_id="answers-are-slow")
    )
    for key, bound in (("slow", SLOW), ("down", DOWN)):
        alerts.raise_alert(connection, Alert(f"a-{key}", key, bound.subject, "Shop", "P1", now, now, None, 2.0, "red", "inc-1"))
        row = {"key": key, "signal": "web", "state": "firing", "since": now, "breached_since": now, "value": 2.0, "at": now}
        connection.execute(insert(standings).values(**row, sentence="red"))
    create_run(connection, "run-1", now, plan(BOOK, BOOK.procedures[0]), actor="automation", target="local",
               incident_id="inc-1", component="Shop", severity="P1")  # fmt: skip
    append_event(connection, "run-1", now, "started", "automation", body={"sentence": "It begins."})


def end(app: App, state: str = "failed") -> None:
    body = {"state": state, "sentence": "No branch applied."}
    app.database.write_now(lambda c: append_event(c, "run-1", app.clock.now(), "ended", "automation", body=body))


@pytest.fixture
async def loop(app: App) -> Loop:
    """The loop of a process that has the turn."""
    made = Loop(app)
    await made.worker.enter()
    assert await made.worker.claim(TURN)
    return made


async def attend(loop: Loop) -> None:
    found = loop.app.database.read_now(lambda c: incidents.get_incident(c, "inc-1"))
    assert found is not None
    await loop.attend(found)


def carried_out(app: App) -> list[Run]:
    return list(reversed(app.database.read_now(lambda c: runs.list_runs(c, incident_id="inc-1"))))


def change(app: App, **values: Any) -> None:
    app.database.write_now(lambda c: incidents.update_incident(c, "inc-1", **values))


async def test_after_a_failure_what_the_other_alert_names_begins_once(app: App, loop: Loop) -> None:
    await attend(loop)
    assert [run.id for run in carried_out(app)] == ["run-1"], "what runs is left alone"
    app.clock.move(1)  # type: ignore[attr-defined]
    end(app)
    await attend(loop)
    titles = [run.plan.title for run in carried_out(app)]
    assert titles == ["Answers are slow", "Shop does not run"]
    app.clock.move(1)  # type: ignore[attr-defined]
    await attend(loop)
    assert len(carried_out(app)) == 2


async def test_what_is_done_is_judged_by_how_grave_the_incident_has_become(app: App, loop: Loop) -> None:
    seen = app.database.read_now(lambda c: runs.load_run(c, "run-1"))
    assert seen is not None
    change(app, severity="P0")
    await attend(loop)
    assert carried_out(app)[0].severity == "P0"
    assert app.database.read_now(lambda c: runs.catch_up(c, seen)).severity == "P0"


async def test_what_helped_nothing_is_followed_by_what_a_state_names_and_only_later_by_a_figure(app: App, loop: Loop) -> None:
    end(app, "succeeded")
    await attend(loop)
    assert len(carried_out(app)) == 1, "it may take a while until it shows"
    app.clock.move(app.estate.policy.hold_s + 1)  # type: ignore[attr-defined]
    await attend(loop)
    assert len(carried_out(app)) == 1, "a figure goes on for a while after its cause is gone"
    state = replace(DOWN, op="is", value=None)
    named = (("slow", SLOW), ("down", state))
    loop.led.bindings = Bindings(tuple(Bound(key, each, "web", "up", "Shop", "") for key, each in named))
    await attend(loop)
    assert len(carried_out(app)) == 2


async def test_an_incident_that_a_person_took_is_left_to_them(app: App, loop: Loop) -> None:
    change(app, status="acknowledged", acknowledged_by="anna")
    end(app)
    await attend(loop)
    assert len(carried_out(app)) == 1


async def test_what_may_not_run_is_refused_once_and_not_over_and_over(app: App, loop: Loop) -> None:
    loop.led.estate = replace(app.estate, policy=Policy(mode="observe"))
    end(app)
    for _ in range(4):
        await attend(loop)
    told = app.database.read_now(lambda c: incidents.read_timeline(c, "inc-1"))
    assert [entry.kind for entry in told if entry.kind == "refused"] == ["refused"]
    assert len(carried_out(app)) == 1


async def test_a_run_that_meets_the_new_cause_too_goes_on_and_another_is_stopped(app: App, loop: Loop) -> None:
    """Both alerts have actions, so each alone decides: with only the first left, what runs is what is wanted."""
    app.database.write_now(lambda c: alerts.attach(c, "a-down", "inc-1", "Database"))
    change(app, cause="Database", procedure_id=None)
    await attend(loop)
    assert carried_out(app)[0].state == "running"
    told = app.database.read_now(lambda c: incidents.read_timeline(c, "inc-1"))
    assert "It is being carried out already." in told[-1].sentence

    app.database.write_now(lambda c: alerts.attach(c, "a-down", "inc-1", None))
    app.database.write_now(lambda c: alerts.attach(c, "a-slow", "inc-1", "Shop"))
    change(app, procedure_id=None)
    await attend(loop)
    assert "cancelled" in [event.kind for event in app.database.read_now(lambda c: runs.read_events(c, "run-1"))]


async def test_a_run_starts_the_clock_of_its_procedures_own_clause(app: App) -> None:
    failing = replace(procedure("Shop does not run"), escalation="not recovered after 15 minutes: Follow “Answers are slow”")
    app.book = replace(BOOK, procedures=(BOOK.procedures[0], failing))
    await acts.start_run(app, ANNA, failing.id, "inc-1")
    [clause] = [run for run in app.database.read_now(lambda c: timers.read_clocks(c, "inc-1")) if run.kind == "clause"]
    assert clause.due_at == app.clock.now() + timedelta(minutes=15)
    assert clause.role == "answers-are-slow"
