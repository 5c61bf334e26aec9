"""Each release's database, with waiting runs in it, is upgraded by this one, and its runs are finished."""

from __future__ import annotations

import re
import sqlite3
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection

sys.path.insert(0, str(Path(__file__).parent))

from make_fixture import BEN, main, open_shop

from watchkeeper.actions import acts
from watchkeeper.incident import ledger as incidents
from watchkeeper.run import ledger as runs
from watchkeeper.store.ledger import verify
from watchkeeper.watch import ledger as watch

ROOT = Path(__file__).parents[2]
FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.sql"))


def test_every_released_version_has_its_database_kept() -> None:
    released = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    kept = {version for path in FIXTURES for version in re.findall(r"\d+\.\d+\.\d+", path.read_text().splitlines()[0])}
    assert set(released) <= kept, "make the missing ones: python tests/store/make_fixture.py tests/store/fixtures/REVISION.sql"
    assert "0001" in {path.stem for path in FIXTURES}


@pytest.fixture(params=["head", *(path.stem for path in FIXTURES)])
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a release's database as SQL; "head" is what this release would leave behind."""
    if request.param == "head":
        main(tmp_path / "head.sql")
        return (tmp_path / "head.sql").read_text()
    return (Path(__file__).parent / "fixtures" / f"{request.param}.sql").read_text()


async def test_it_is_upgraded_and_its_waiting_runs_are_finished(dump: str, tmp_path: Path) -> None:
    state = tmp_path / "shop" / ".watchkeeper"
    state.mkdir(parents=True)
    with sqlite3.connect(state / "watchkeeper.sqlite") as old:
        old.executescript(dump)
    old.close()
    app = open_shop(tmp_path / "shop")
    assert app.interpreter is not None
    found = app.database.read_now(runs.list_runs)
    assert {run.state for run in found} == {"asking", "running"}
    for run in found:
        for _ in range(20):
            while await app.interpreter.advance(run.id):
                pass
            now = app.database.read_now(lambda c, run=run: runs.load_run(c, run.id))
            assert now is not None
            if now.ended_at is not None:
                break
            for key, standing in now.acts.items():
                if standing.state == "asking":
                    await acts.answer(app, BEN, run.id, key, "approve", "looked at")
        assert (now.state, [standing.state for standing in now.acts.values()]) == ("succeeded", ["done"] * 3)

    def look(connection: Connection) -> None:
        assert verify(connection, {})[1] == []
        assert [each.id for each in incidents.list_incidents(connection)] == ["inc-0001"]
        assert incidents.read_timeline(connection, "inc-0001")[0].sentence == "Incident opened."
        assert watch.read_standings(connection)["shop is down"].state == "firing"

    app.database.read_now(look)
    await app.close()
