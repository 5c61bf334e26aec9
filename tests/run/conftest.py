"""Makes the run tests' cast importable, and an interpreter on a real shell and a real database."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from run_cast import Desk

from watchkeeper.estate.model import Policy
from watchkeeper.store.database import Database


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Callable[..., Desk]:
    """Give a maker of desks: one interpreter with what belongs to it, on the test's database and folder."""

    def make(policy: Policy | None = None, **values: object) -> Desk:
        return Desk(database, tmp_path, policy, **values)

    return make
