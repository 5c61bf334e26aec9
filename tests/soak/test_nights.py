"""Nights in the simulated world: what must hold of each is checked at dawn, and a failing seed is printed."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from watchkeeper.store.database import open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.testing import Broken, live_a_night
from watchkeeper.testing.world import World, night_book

SOAK = os.environ.get("WATCHKEEPER_TEST_SOAK") == "1"
NIGHTS = 1_000 if SOAK else 12

pytestmark = pytest.mark.slow


def live(seed: int, folder: Path, image: bytes, **changes: object) -> World:
    folder.mkdir()
    (folder / "watchkeeper.sqlite").write_bytes(image)
    database = open_database("", folder)
    try:
        return asyncio.run(live_a_night(seed, database, folder, BOOK, **changes))  # type: ignore[arg-type]
    finally:
        database.close()
        shutil.rmtree(folder)


BOOK = night_book()


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    database = open_database("", tmp_path)
    migrate(database)
    database.close()
    return (tmp_path / "watchkeeper.sqlite").read_bytes()


def test_the_book_of_the_night_reads_as_it_is_meant() -> None:
    assert [(t.subject, t.for_s, t.severity) for t in BOOK.thresholds] == [
        (f"{name} is down", 10.0, "SEV1") for name in ("Front", "Ledger", "Mailer")
    ]
    assert [(d.source, d.needs) for d in BOOK.dependencies] == [("Front", "Ledger")]
    assert all(any(step.condition for step in procedure.steps) for procedure in BOOK.procedures)


def test_nights(tmp_path: Path, image: bytes) -> None:
    deaths = broken = 0
    for seed in range(NIGHTS):
        world = live(seed, tmp_path / f"night-{seed}", image)
        deaths += world.deaths
        broken += len(world.broken_at)
    assert broken > NIGHTS
    assert deaths > NIGHTS / 2


def test_a_night_can_be_lived_again(tmp_path: Path, image: bytes) -> None:
    first, second = (live(7, tmp_path / name, image) for name in ("first", "second"))
    assert first.broken_at == second.broken_at
    assert first.deaths == second.deaths
    assert len(first.truth.restarts) == len(second.truth.restarts)


def test_a_night_that_goes_wrong_says_its_seed(tmp_path: Path, image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(self: object, job: object) -> tuple[int, str]:
        result = real(self, job)  # type: ignore[arg-type]
        truth = self._truth  # type: ignore[attr-defined]
        truth.restarts = {name: times + 1 for name, times in truth.restarts.items()}
        return result

    from watchkeeper.testing.world import WorldTarget

    real = WorldTarget._do
    monkeypatch.setattr(WorldTarget, "_do", twice)
    with pytest.raises(Broken, match="Night 3: a command was carried out twice"):
        live(3, tmp_path / "wrong", image)
