"""Of an estate that says what carries its procedures out, no fact is unread and no claim names what is not there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CLAIMING = sorted(path.parent.name for path in (ROOT / "estates").glob("*/coverage.toml"))


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seed_coverage", ROOT / "docs" / "seed_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["seed_coverage"] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


def test_nothing_is_missing_of_an_estate_that_claims(coverage: ModuleType) -> None:
    found = {estate.folder.name: estate.problems for estate in coverage.estates() if estate.folder.name in CLAIMING}
    assert found == {name: [] for name in CLAIMING}
    assert CLAIMING


def test_a_fact_that_is_not_there_and_a_claim_of_nothing_are_found(coverage: ModuleType) -> None:
    estate = next(each for each in coverage.estates() if each.folder.name in CLAIMING)
    first = estate.book["thresholds"][0]
    estate.facts = {"thresholds": [{"line": first["line"], "value": (first["value"] or 0) + 1, "subject": ["no such thing"]}]}
    estate.covered = {"procedure": [{"heading": "No such procedure", "fault": "no-such-fault"}]}
    assert list(coverage.missing_facts(estate))
    said = [*coverage.unclaimed(estate), *coverage.untrue(estate)]
    assert any("which is no procedure" in each for each in said)
    assert any("there is no fault 'no-such-fault'" in each for each in said)
