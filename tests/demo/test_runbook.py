"""The sample's runbook read by Watchkeeper: what the demo needs from it is said in a way that is read truly."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.book.model import Book, Procedure, Threshold
from watchkeeper.book.reader import read_book
from watchkeeper.demo import layout
from watchkeeper.demo.faults import FAULTS
from watchkeeper.demo.servers import Servers
from watchkeeper.estate.bind import bind
from watchkeeper.estate.config import load_estate

REPAIRS = {
    "Shop is not answering",
    "PostgreSQL does not accept connections",
    "PostgreSQL runs out of connections",
    "Order mail is not going out",
    "Errors in the shop",
}


def written(folder: Path, rename: dict[str, str]) -> Path:
    servers = Servers(folder, folder / "redis-server", folder / "redis-cli", None)
    layout.write(folder, layout.create(rename), servers, folder / "run" / "supervisor.sock")
    return folder


@pytest.fixture(params=[False, True], ids=["as shipped", "renamed"])
def names(request: pytest.FixtureRequest, new_names: dict[str, str]) -> dict[str, str]:
    return new_names if request.param else {}


@pytest.fixture
def folder(tmp_path: Path, names: dict[str, str]) -> Path:
    return written(tmp_path, names)


@pytest.fixture
def book(folder: Path) -> Book:
    return read_book(folder / "runbook.md")


def alerts(book: Book) -> list[Threshold]:
    return [threshold for threshold in book.thresholds if threshold.role == "alert" and threshold.source != "prose"]


def repairs(book: Book, names: dict[str, str]) -> list[Procedure]:
    wanted = {names.get(title, title) for title in REPAIRS}
    return [procedure for procedure in book.procedures if procedure.title in wanted]


def test_every_alert_holds_for_a_while_and_has_a_severity(book: Book) -> None:
    assert len(alerts(book)) >= 15
    for threshold in alerts(book):
        assert (threshold.for_s or 0) >= 10, threshold.text
        assert threshold.severity in {"SEV1", "SEV2", "SEV3"}, threshold.text


def test_all_three_forms_of_thresholds_are_used(book: Book) -> None:
    assert {"alert-block", "table", "list"} <= {threshold.source for threshold in alerts(book)}


def test_every_alert_is_bound_to_a_signal(folder: Path, book: Book) -> None:
    bindings = bind(book, load_estate(folder / "watchkeeper.toml"))
    bound = {(b.threshold.line, b.threshold.value) for b in bindings.bound}
    assert {(threshold.line, threshold.value) for threshold in alerts(book)} <= bound


def test_the_repairs_can_be_decided_carried_out_and_verified(book: Book, names: dict[str, str]) -> None:
    found = repairs(book, names)
    assert len(found) == len(REPAIRS)
    for procedure in found:
        branches = [step for step in procedure.steps if step.when is not None]
        assert len(branches) >= 2, procedure.title
        for step in branches:
            condition = step.condition
            assert condition is not None, (procedure.title, step.when)
            assert condition.test is not None, (procedure.title, step.when)
            assert condition.command is not None, (procedure.title, step.when)
            assert condition.command.risk == "read", condition.command
        changes = [command for step in branches for command in step.commands]
        assert {command.risk for command in changes} == {"change"}, procedure.title
        looks = [step for step in procedure.steps if step.when is None and step.phase in ("diagnose", "verify")]
        assert {command.risk for step in looks for command in step.commands} == {"read"}
        verified = [command for step in looks if step.phase == "verify" for command in step.commands]
        assert len(verified) >= 2
        assert all(command.expects for command in verified), procedure.title


def test_the_ladder_waits_at_least_a_minute(book: Book) -> None:
    waits = [rung.after_s for rung in book.escalation]
    assert len(waits) >= 3
    assert all(wait is not None and (wait == 0 or wait >= 60) for wait in waits)


def test_everybody_on_the_ladder_is_a_person_of_the_toml(folder: Path, book: Book) -> None:
    roles = {role.casefold() for person in load_estate(folder / "watchkeeper.toml").people.values() for role in person.roles}
    assert {rung.role.casefold() for rung in book.escalation} <= roles


def test_the_diagram_says_who_needs_whom(book: Book, names: dict[str, str]) -> None:
    shop = names.get("Shop application", "Shop application")
    needed = {dependency.needs for dependency in book.dependencies if dependency.source == shop}
    assert needed == {"PostgreSQL", "Redis", "Payment gateway"}
    assert {c.name for c in book.components} >= {shop, "Workers", "PostgreSQL", "PostgreSQL replica", "Redis", "Payment gateway"}


def test_the_rest_of_a_runbook_is_there(book: Book) -> None:
    assert {"Initial Update", "Progress Update", "Resolution"} <= {template.name for template in book.templates}
    assert {"rto", "rpo"} == {recovery.kind for recovery in book.recovery}
    assert [severity.code for severity in book.severities] == ["SEV1", "SEV2", "SEV3", "SEV4"]
    assert len(book.schedules) >= 5
    assert len(book.checklists) >= 3
    assert book.contacts


def test_no_fault_is_named_in_it() -> None:
    text = (layout.TEMPLATES / "runbook.md").read_text()
    assert not [name for name in FAULTS if name in text]
