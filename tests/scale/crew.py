"""Real workers (`watchkeeper worker`) on one PostgreSQL, runs for them, the person who answers, and the deaths they die.

What a step did is counted by the target itself: each mutating step appends its name to a file and has it synced.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from watchkeeper.actions.acts import drive_at
from watchkeeper.base.clock import SystemClock
from watchkeeper.book.model import Book, Command, Procedure, Step
from watchkeeper.incident.model import Incident
from watchkeeper.run.answering import answer
from watchkeeper.run.ledger import list_attempts, list_runs, load_run, read_events
from watchkeeper.run.model import Run
from watchkeeper.run.plan import plan
from watchkeeper.run.starting import start_run
from watchkeeper.store.database import open_database
from watchkeeper.store.ledger import verify
from watchkeeper.store.migrate import migrate
from watchkeeper.store.workers import holder_of, open_workers

LEASE_S = 1.5
RUNBOOK = "# Shop\n\n## Severities\n\n| Severity | Criteria |\n|---|---|\n| P1 | All is lost |\n"
TOML = """
[service]
name = "shop"
runbook = "runbook.md"
mode = "act"

[targets.local]
kind = "shell"
directory = "{folder}"
timeout = "30s"

[policy]
change = {{ allow = ["P1"] }}
approval = "15m"
{more}
"""


class Crew:
    """Workers on one database, and what the test knows of them."""

    def __init__(
        self, url: str, folder: Path, toml: str = "", runbook: str = RUNBOOK, environment: dict[str, str] | None = None
    ) -> None:
        self.url, self.folder, self.clock = url, folder, SystemClock()
        self.toml, self.runbook, self.environment = toml, runbook, environment or {}
        self.marks_file = folder / "marks"
        self.marks_file.touch()
        self.database = open_database(url, folder)
        migrate(self.database)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.deaths = 0
        self.answers: Counter[str] = Counter()

    # --- workers

    def hire(self, name: str) -> subprocess.Popen[bytes]:
        """Start a worker as on a machine of its own: a folder with its configuration and its state."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        (home / "watchkeeper.toml").write_text(TOML.format(more=self.toml, folder=self.folder))
        (home / "runbook.md").write_text(self.runbook)
        environment = {**os.environ, "WATCHKEEPER_DATABASE_URL": self.url, "WATCHKEEPER_WORKER_LEASE_S": str(LEASE_S)}
        environment |= {"WATCHKEEPER_STATE": "state", **self.environment}
        does = ["worker"]
        if self.url.startswith("sqlite"):
            # the only process there is, with the database in its own state folder
            del environment["WATCHKEEPER_DATABASE_URL"]
            does = ["serve", "--port", "0"]
        command = [sys.executable, "-m", "watchkeeper", *does, str(home), "--verbose"]
        log = (self.folder / f"{name}.log").open("ab")
        self.workers[name] = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        log.close()
        return self.workers[name]

    def ready(self, count: int) -> None:
        """Wait until so many workers have entered."""
        self.until(lambda: len(self.database.read_now(open_workers)) >= count, 40)

    def driver_of(self, run_id: str) -> str:
        """Give the name of the worker that drives a run now."""
        found: list[str] = []

        def look() -> bool:
            worker = self.database.read_now(lambda c: holder_of(c, f"run:{run_id}"))
            found[:] = [name for name, each in self.workers.items() if worker and f"-{each.pid}-" in worker]
            return bool(found)

        self.until(look)
        return found[0]

    def kill(self, name: str, *, with_machine: bool = False) -> None:
        """Kill a worker by SIGKILL; with its machine, all it had started dies too and its folder is out of everybody's sight."""
        worker = self.workers.pop(name)
        jobs: list[psutil.Process] = []
        if with_machine:
            worker.send_signal(signal.SIGSTOP)
            with suppress(psutil.Error):
                jobs = psutil.Process(worker.pid).children(recursive=True)
        worker.kill()
        worker.wait()
        for job in jobs:
            with suppress(psutil.Error):
                job.kill()
        psutil.wait_procs(jobs, 5)
        if with_machine:
            (self.folder / name).rename(self.folder / f"{name}.gone-{self.deaths}")
        self.deaths += 1

    def close(self) -> None:
        """End every worker and what it left running."""
        for worker in self.workers.values():
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()
        self.database.close()

    # --- runs

    def begin(self, *scripts: str, actor: str = "anna", component: str = "web", risk: str = "change") -> str:
        """Start a run whose steps are these scripts, each one that changes something."""
        steps = tuple(
            Step(n=n, text=f"Step {n}", line=n, phase="act", commands=(Command(text=script, line=n, risk=risk, tools=("echo",)),))  # type: ignore[arg-type]
            for n, script in enumerate(scripts, 1)
        )
        procedure = Procedure(id="mend", title=f"Mend {component}", line=1, end_line=99, steps=steps)
        made, now = plan(Book(title="Shop", service="shop", digest="d1"), procedure), self.clock.now()
        incident = Incident(f"inc-{component}"[:40], "shop", "It is down", "P1", "open", component, now, now)

        def work(connection: object) -> str:
            run_id = start_run(connection, now, made, incident, actor, "local")  # type: ignore[arg-type]
            drive_at(connection, run_id, now)  # type: ignore[arg-type]
            return run_id

        return self.database.write_now(work)

    def mark(self, word: str, before: str = "", after: str = "") -> str:
        """Give a script that leaves a synced mark."""
        return f"{before}echo {word} >> {self.marks_file}; sync {self.marks_file}{'; ' + after if after else ''}"

    def marks(self) -> list[str]:
        return self.marks_file.read_text().split()

    def look(self, run_id: str) -> Run:
        run = self.database.read_now(lambda c: load_run(c, run_id))
        assert run is not None
        return run

    def open_runs(self) -> list[Run]:
        return self.database.read_now(lambda c: list_runs(c, limit=1000, open_only=True))

    def help(self, truth: Callable[[Run, str], bool] | None = None) -> None:
        """Answer what runs ask, as a person who looks: approve, and say of what is unknown whether it happened."""
        for run in self.open_runs():
            for key, standing in run.acts.items():
                if standing.state != "asking" or standing.question is None:
                    continue
                said = {"approve": "approve", "manual": "done", "branch": "yes", "failed": "again"}.get(standing.question, "")
                if standing.question == "settle":
                    assert truth is not None, f"{run.id} {key}: {standing.sentence}"
                    said = "happened" if truth(run, key) else "did-not-happen"
                self.say(run.id, key, said)

    def say(self, run_id: str, key: str, said: str) -> None:
        now = self.clock.now()

        def work(connection: object) -> None:
            answer(connection, now, run_id, key, said, "anna")  # type: ignore[arg-type]
            drive_at(connection, run_id, now)  # type: ignore[arg-type]

        self.database.write_now(work)
        self.answers[said] += 1

    # --- what must hold

    def until(self, condition: Callable[[], object], within_s: float = 30.0) -> None:
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, self.logs()
            dead = [name for name, worker in self.workers.items() if worker.poll() not in (None, 0)]
            assert not dead, self.logs()
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))

    def check(self, run_ids: list[str]) -> None:
        """Hold what every run promises: a log without holes, an outcome for each attempt, no approval asked for twice."""
        for run_id in run_ids:
            log = self.database.read_now(lambda c, run_id=run_id: read_events(c, run_id))
            assert [event.seq for event in log] == list(range(1, len(log) + 1))
            assert log[-1].kind == "ended"
            assert all(
                each.outcome is not None for each in self.database.read_now(lambda c, run_id=run_id: list_attempts(c, run_id))
            )
            approved: set[str] = set()
            for event in log:
                if event.kind == "approved":
                    approved |= set(event.body["digests"])
                elif event.kind == "answered" and event.act is not None:
                    approved.discard(event.act)  # "did not happen" asks anew
                elif event.kind == "asked" and event.body["question"] == "approve":
                    assert event.act not in approved, f"{run_id} asked twice for {event.act}"
        assert self.database.read_now(lambda c: verify(c, {}))[1] == []


def seed() -> int:
    """Give the seed of this run: as told, else by the commit, so that each commit tries other deaths and can be tried again."""
    told = os.environ.get("WATCHKEEPER_TEST_SEED")
    if told:
        return int(told)
    here = Path(__file__).parent
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False).stdout.strip()
    return int(found[:8] or "0", 16)


def chance(salt: str) -> random.Random:
    number = seed()
    print(f"seed {number}: WATCHKEEPER_TEST_SEED={number} tries the same again")
    return random.Random(f"{number} {salt}")
