"""Who was affected: counted by a real command with the span of the incident, once it is over and whenever somebody asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from watchkeeper.actions import affected
from watchkeeper.actions.acts import OURSELVES
from watchkeeper.app import App
from watchkeeper.base.errors import ConfigError, NotFound
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Affected, Bindings, Estate
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn.ledger import get_review
from watchkeeper.loop import Loop
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.store.membership import TURN
from watchkeeper.testing import FakeClock


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    counts = {"span": Affected("span", 3, 'echo $(( $(date -d "$UNTIL" +%s) - $(date -d "$SINCE" +%s) ))', 10.0)}
    estate = Estate(tmp_path / "w.toml", "shop", tmp_path / "r.md", affected=counts)
    made = App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip
    began = made.clock.now() - timedelta(minutes=30)
    over = Incident("inc-1", "shop", "Down", "P1", "resolved", "Shop", began, began,
                    recovered_at=began + timedelta(minutes=7), resolved_at=began + timedelta(minutes=8))  # fmt: skip
    database.write_now(lambda c: incidents.open_incident(c, over))
    return made


async def test_the_span_reaches_from_the_first_breach_to_the_recovery(app: App) -> None:
    [said] = await affected.count(app, OURSELVES, "inc-1")
    assert said.startswith("span: 420 between ")
    with pytest.raises(NotFound):
        await affected.count(app, OURSELVES, "inc-9")


@pytest.mark.parametrize(("command", "said"), [
    ("echo nothing", "it printed no number"), ("echo 3; exit 4", "it ended with status 4"),
    ("sleep 60", "it did not end within 0.5 s"),
])  # fmt: skip
async def test_what_cannot_be_counted_says_why(app: App, command: str, said: str) -> None:
    app.estate = replace(app.estate, affected={"orders": Affected("orders", 3, command, 0.5)})
    assert await affected.count(app, OURSELVES, "inc-1") == [f"orders could not be counted: {said}."]


async def test_it_is_counted_once_before_the_review_is_written_and_stands_in_it(app: App) -> None:
    loop = Loop(app)
    await loop.worker.enter()
    assert await loop.worker.claim(TURN)
    await loop.conclude()
    assert app.database.read_now(lambda c: get_review(c, "inc-1")) is None, "the turn does not wait for it, but the review does"
    await asyncio.gather(*loop._counting.values())
    for _ in range(3):
        await loop.conclude()
    lines = [e.sentence for e in app.database.read_now(lambda c: incidents.read_timeline(c, "inc-1")) if e.kind == "affected"]
    assert len(lines) == 1
    review = app.database.read_now(lambda c: get_review(c, "inc-1"))
    assert review is not None
    assert "span: 420 between" in review.markdown


CONFIG = '[service]\nname = "shop"\nrunbook = "r.md"\n[affected.orders]\ncommand = '


@pytest.mark.parametrize("command", ["psql -Atc 'DELETE FROM orders'", "rm -f /tmp/x; echo 1", "./count.sh", ""])
def test_a_count_that_could_change_something_is_refused(tmp_path: Path, command: str) -> None:
    path = tmp_path / "watchkeeper.toml"
    path.write_text(CONFIG + f'"{command}"')
    with pytest.raises(ConfigError):
        load_estate(path, {})


def test_a_count_that_only_reads_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "watchkeeper.toml"
    sql = "SELECT count(*) FROM orders WHERE state = 'failed' AND at BETWEEN '$SINCE' AND '$UNTIL'"
    path.write_text(CONFIG + f"""\'\'\'psql "$DATABASE_URL" -Atc "{sql}"\'\'\'""")
    assert load_estate(path, {}).affected["orders"].timeout_s == 30.0
