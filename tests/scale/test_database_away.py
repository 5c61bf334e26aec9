"""PostgreSQL is gone for a while in the middle of a run: looking goes on, no act is begun, nothing acknowledged is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from crew import Crew
from own_postgres import Server

from watchkeeper.base.errors import Transient
from watchkeeper.watch.ledger import read_samples

AWAY_S = 60.0 if os.environ.get("WATCHKEEPER_TEST_SOAK") == "1" else 8.0
SIGNAL = """
[signals.eye]
kind = "command"
command = "echo look >> {looks}"
every = "500ms"
"""

pytestmark = pytest.mark.slow


def test_the_database_is_away_in_the_middle_of_a_run(server: Server, crew: Callable[..., Crew], tmp_path: Path) -> None:
    looks = tmp_path / "looks"
    looks.touch()
    both = crew(toml=SIGNAL.format(looks=looks))
    for name in ("one", "two"):
        both.hire(name)
    both.ready(2)
    run_id = both.begin(both.mark("a", after="sleep 3"), both.mark("b"), both.mark("c"))
    other = both.begin(both.mark("x"), component="other")
    both.until(lambda: both.look(other).acts["1.1"].question == "approve")
    both.until(lambda: both.look(run_id).acts["1.1"].question == "approve")
    both.say(run_id, "1.1", "approve")
    both.until(lambda: both.marks() == ["a"])
    gone_at = both.clock.now()
    server.stop("immediate")
    try:
        seen_at_first = looks.read_text().count("look")
        with pytest.raises(Transient, match="database"):
            both.say(other, "1.1", "approve")
        time.sleep(AWAY_S)
        assert both.marks() == ["a"]
        assert looks.read_text().count("look") - seen_at_first >= AWAY_S * 2 * 0.5
    finally:
        server.start()
        back_at = both.clock.now()
    both.until(lambda: both.look(run_id).ended_at, 90)
    assert both.marks() == ["a", "b", "c"]
    assert both.look(other).acts["1.1"].question == "approve"
    both.say(other, "1.1", "approve")
    both.until(lambda: both.look(other).ended_at)
    assert both.marks() == ["a", "b", "c", "x"]
    both.check([run_id, other])
    both.until(lambda: len(both.database.read_now(lambda c: read_samples(c, "eye", back_at))) >= 2)
    spooled = both.database.read_now(lambda c: read_samples(c, "eye", gone_at + timedelta(seconds=1)))
    meanwhile = [sample for sample in spooled if sample.at < back_at - timedelta(seconds=1)]
    assert len(meanwhile) >= (AWAY_S - 2) * 2 * 0.5
    assert "was taken for dead" not in both.logs()
