"""What the estates say of themselves can be read: watchkeeper.toml with all that it names, estate.toml and every fault."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.book.reader import read_book
from watchkeeper.drill.reading import read_course
from watchkeeper.estate.bind import bind
from watchkeeper.estate.config import load_estate

ESTATES = sorted(path.parent for path in (Path(__file__).parents[2] / "estates").glob("*/watchkeeper.toml"))


@pytest.fixture(params=ESTATES, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a copy of an estate's runbook and watchkeeper.toml, with a value in each file that its start would fill."""
    estate: Path = request.param
    for name in ("watchkeeper.toml", "runbook.md"):
        shutil.copy(estate / name, tmp_path / name)
    for rule in tomllib.loads((estate / "watchkeeper.toml").read_text())["variables"].values():
        if isinstance(rule, dict) and "file" in rule:
            place = tmp_path / rule["file"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("http://127.0.0.1:1")
    return tmp_path


def test_watchkeeper_toml_is_read_and_bound(folder: Path) -> None:
    given: dict[str, Any] = tomllib.loads((folder / "watchkeeper.toml").read_text())["variables"]
    wanted = {rule["env"]: "http://127.0.0.1:1" for rule in given.values() if isinstance(rule, dict) and "env" in rule}
    estate = load_estate(folder / "watchkeeper.toml", wanted)
    bindings = bind(read_book(folder / "runbook.md"), estate)
    assert estate.signals
    assert bindings.bound


@pytest.mark.parametrize("estate", ESTATES, ids=lambda folder: folder.name)
def test_every_fault_names_what_the_runbook_has(estate: Path) -> None:
    book = read_book(estate / "runbook.md")
    titles = {procedure.title for procedure in book.procedures}
    severities = {severity.code for severity in book.severities} | {threshold.severity for threshold in book.thresholds}
    course = read_course(estate)
    assert len(course.faults) >= 12
    for fault in course.faults:
        expected = fault.expected
        assert set(expected.procedure) <= titles, (fault.name, expected.procedure)
        assert expected.severity is None or expected.severity in severities, (fault.name, expected.severity)
