"""Watchkeeper operates the sample estate: under other names, and killed in the middle of a repair."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchkeeper.actions.acts import AUTOMATION
from watchkeeper.demo.estate import Estate
from watchkeeper.demo.faults import FAULTS, settle
from watchkeeper.incident import ledger as incidents
from watchkeeper.run import ledger as runs
from watchkeeper.run.model import Event, Run
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.ledger import verify as verify_chain
from watchkeeper.watch import ledger as watch

pytestmark = pytest.mark.demo


class Keeper:
    """`watchkeeper serve` in a process of its own, and a look into its rows."""

    def __init__(self, estate: Estate, url: str) -> None:
        self.estate = estate
        self._url = url
        self._log = estate.folder / "logs" / "watchkeeper.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._database: Database | None = None

    @property
    def database(self) -> Database:
        if self._database is None:
            self._database = open_database(self._url, self.estate.folder / ".watchkeeper")
        return self._database

    def start(self) -> None:
        environment = {**os.environ, "WATCHKEEPER_DATABASE_URL": self._url}
        call = [sys.executable, "-m", "watchkeeper", "serve", str(self.estate.toml_path)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(call, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        self.wait_for(lambda: b"Console:" in self._log.read_bytes(), 20)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._log.write_bytes(b"")

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)
        if self._database is not None:
            self._database.close()

    def wait_for(self, holds: Callable[[], object], patience_s: float = 60) -> None:
        deadline = time.monotonic() + patience_s
        while not holds():
            if self._process is not None and self._process.poll() is not None:
                pytest.fail(f"Watchkeeper ended: {self._log.read_text()}")
            if time.monotonic() > deadline:
                pytest.fail(f"nothing came of it in {patience_s} s: {self._log.read_text()}")
            time.sleep(0.1)

    def calm(self) -> bool:
        standings = self.database.read_now(watch.read_standings)
        return len(standings) > 10 and all(s.state == "ok" for s in standings.values())

    def last_run(self) -> Run | None:
        found = self.database.read_now(lambda c: runs.list_runs(c, limit=1))
        return found[0] if found else None

    def resolved(self) -> bool:
        found = self.database.read_now(lambda c: incidents.list_incidents(c))
        return bool(found) and found[0].status == "resolved"

    def events(self, run_id: str) -> list[Event]:
        return self.database.read_now(lambda c: runs.read_events(c, run_id))


@pytest.fixture
def keeper_of() -> Iterator[Callable[[dict[str, str]], Keeper]]:
    kept: list[Keeper] = []

    def make(rename: dict[str, str]) -> Keeper:
        estate = Estate(Path(tempfile.mkdtemp(prefix="watchkeeper-operated-")), rename=rename)
        estate.start()
        kept.append(Keeper(estate, ""))
        return kept[-1]

    yield make
    for keeper in kept:
        try:
            keeper.stop()
        finally:
            keeper.estate.stop()
            shutil.rmtree(keeper.estate.folder, ignore_errors=True)


def spawned(estate: Estate, program: str) -> int:
    """How often supervisord started a program: the target's own count, which Watchkeeper cannot flatter."""
    logs = "".join(path.read_text(errors="replace") for path in (estate.folder / "logs").glob("supervisord*"))
    return logs.count(f"spawned: '{estate.named(program)}'")


def test_other_names_for_everything_change_nothing(
    keeper_of: Callable[[dict[str, str]], Keeper], new_names: dict[str, str]
) -> None:
    keeper = keeper_of(new_names)
    keeper.start()
    keeper.wait_for(keeper.calm)
    for name in ("app-killed", "workers-dead"):
        before = keeper.last_run()
        FAULTS[name].inject(keeper.estate)
        keeper.wait_for(lambda before=before: (run := keeper.last_run()) and run.id != (before.id if before else None))
        keeper.wait_for(keeper.resolved)
        run = keeper.last_run()
        assert run is not None
        assert (run.state, run.actor) == ("succeeded", AUTOMATION), run.sentence
        assert run.plan.title in new_names.values()
        assert keeper.estate.complaints() == []
        settle(keeper.estate)
        keeper.wait_for(keeper.calm)


def test_killed_in_the_middle_of_a_repair_it_goes_on_and_does_nothing_twice(
    keeper_of: Callable[[dict[str, str]], Keeper],
) -> None:
    keeper = keeper_of({})
    keeper.start()
    keeper.wait_for(keeper.calm)
    started = spawned(keeper.estate, "shop")
    FAULTS["app-hangs"].inject(keeper.estate)

    def repairing() -> bool:
        run = keeper.last_run()
        return run is not None and any(run.acts[a.key].state == "running" and a.mutating for a in run.plan.acts)

    keeper.wait_for(repairing)
    keeper.kill()
    time.sleep(3)
    keeper.start()
    keeper.wait_for(keeper.resolved, 90)
    run = keeper.last_run()
    assert run is not None
    assert run.state == "succeeded", run.sentence
    assert spawned(keeper.estate, "shop") == started + 1
    events = keeper.events(run.id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    meant = [(e.act, e.body["attempt"]) for e in events if e.kind == "intent"]
    came = [(e.act, e.body["attempt"]) for e in events if e.kind == "outcome" and e.body["attempt"]]
    assert sorted(meant) == sorted(came)
    assert keeper.database.read_now(lambda c: verify_chain(c, {}))[1] == []
