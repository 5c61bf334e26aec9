"""Makes the scenarios' cast importable, and gives folders that a Watchkeeper serves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from served import RUNBOOK, Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Give a maker of served folders; each is ended with the test."""
    made: list[Served] = []

    def make(runbook: str = RUNBOOK, **values: str) -> Served:
        site = Served(tmp_path, runbook, **values)
        made.append(site)
        site.start()
        return site

    yield make
    for site in made:
        site.stop()
