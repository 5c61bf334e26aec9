"""Roles in an incident, and the phases of the book with their tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from watchkeeper.actions import assigning
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book, Phase
from watchkeeper.estate.model import Bindings, Estate, Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle
from watchkeeper.incident.model import Incident
from watchkeeper.incident.roles import phases_of, roles_of
from watchkeeper.people.identity import Actor
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.testing import FakeClock

ANNA = Actor("anna", ("responder",), "terminal")
PHASES = (
    Phase(line=10, name="Response", starts_s=0.0, ends_s=900.0, tasks=("Acknowledge", "Update the status page")),
    Phase(line=14, name="Mitigation", starts_s=900.0, ends_s=3600.0, tasks=("Put a stopgap in place",)),
    Phase(line=18, name="Post-mortem", starts_s=86400.0, tasks=("Write it down",), severity="P1"),
    Phase(line=20, name="Chores", tasks=("Tidy up",), severity="P3"),
    Phase(line=22, name="Always"),
)


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    people = {"anna": Person("anna", "Anna", 1), "ben": Person("ben", "Ben", 2, email="ben@shop.example")}
    made = App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database,
        estate=Estate(tmp_path / "w.toml", "shop", tmp_path / "r.md", people=people),
        book=Book(title="Shop", service="shop", phases=PHASES), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip
    now = made.clock.now()
    one = Incident("inc-1", "shop", "Down", "P1", "open", None, now, now)
    database.write_now(lambda c: incidents.open_incident(c, one))
    return made


def said(app: App, kind: str) -> list[str]:
    return [e.sentence for e in app.database.read_now(lambda c: incidents.read_timeline(c, "inc-1")) if e.kind == kind]


async def test_a_role_is_given_and_taken_over(app: App) -> None:
    await assigning.assign(app, ANNA, "inc-1", "Commander", "anna")
    await assigning.assign(app, ANNA, "inc-1", "scribe", "ben@shop.example")
    await assigning.assign(app, ANNA, "inc-1", "commander", "ben")
    assert app.database.read_now(lambda c: roles_of(c, "inc-1")) == {"commander": "ben", "scribe": "ben"}
    assert said(app, "role") == ["Anna is commander now.", "Ben is scribe now.", "Ben is commander now, instead of anna."]


async def test_what_cannot_be_given_is_refused(app: App) -> None:
    with pytest.raises(InputError, match="no role of an incident"):
        await assigning.assign(app, ANNA, "inc-1", "captain", "anna")
    with pytest.raises(NotFound, match="Nobody of"):
        await assigning.assign(app, ANNA, "inc-1", "scribe", "zoe")
    with pytest.raises(NotFound):
        await assigning.assign(app, ANNA, "inc-9", "scribe", "anna")
    app.database.write_now(lambda c: lifecycle.resolve(c, app.clock.now(), "inc-1", "anna", "well"))
    with pytest.raises(Conflict, match="is over"):
        await assigning.assign(app, ANNA, "inc-1", "scribe", "anna")


async def test_tasks_are_ticked_once_and_phases_follow_the_clock(app: App) -> None:
    now = app.clock.now()
    assert await assigning.tick_task(app, ANNA, "inc-1", "10/2") == "Done: Update the status page"
    await assigning.tick_task(app, ANNA, "inc-1", "10/2")
    assert said(app, "task") == ["Done: Update the status page"]
    with pytest.raises(NotFound, match="no task '20/1'"):
        await assigning.tick_task(app, ANNA, "inc-1", "20/1")  # of another severity
    one = app.database.read_now(lambda c: incidents.get_incident(c, "inc-1"))
    assert one is not None

    def stands(minutes: float) -> list[tuple[str, str]]:
        found = app.database.read_now(lambda c: phases_of(c, PHASES, one, now + timedelta(minutes=minutes)))
        return [(phase.name, phase.when) for phase in found]

    assert stands(1) == [("Response", "now"), ("Mitigation", "ahead"), ("Post-mortem", "ahead"), ("Always", "open")]
    assert stands(15) == [("Response", "past"), ("Mitigation", "now"), ("Post-mortem", "ahead"), ("Always", "open")]
    assert stands(60 * 30)[2] == ("Post-mortem", "now")
    [response, *_] = app.database.read_now(lambda c: phases_of(c, PHASES, one, now))
    assert [(task.text, task.done_by) for task in response.tasks] == [("Acknowledge", None), ("Update the status page", "anna")]
    lesser = replace(one, severity="P3")
    assert app.database.read_now(lambda c: phases_of(c, PHASES, lesser, now))[2].name == "Chores"
