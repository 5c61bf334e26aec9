"""`runs_per_s_1`, `_2`, `_4`: short runs that so many workers finish in a second on one PostgreSQL.

Each worker is a process as `watchkeeper worker` starts it; a run is three durable steps `true` that may change something, allowed
by a line of the policy, each run on a component of its own. Beside several workers stands what one does in the same measurement.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from row import Row, say
from sqlalchemy import func, select

from watchkeeper.actions.acts import drive_at
from watchkeeper.base.clock import SystemClock
from watchkeeper.book.model import Book, Command, Procedure, Step
from watchkeeper.demo.servers import postgres_programs, postgres_user, readable_for
from watchkeeper.run.ledger import runs
from watchkeeper.run.plan import plan
from watchkeeper.run.starting import start_run
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.store.workers import open_workers

RUNS = 60
STEPS = 3
WORKERS = (1, 2, 4)
TOML = """
[service]
name = "shop"
runbook = "runbook.md"
mode = "act"

[targets.local]
kind = "shell"

[[policy.rule]]
procedure = "mend"
command = "true"
allow = "run"
"""


def measure(folder: Path) -> list[Row]:
    """Have 1, 2 and 4 workers finish the same number of runs, one crew after the other."""
    found: dict[int, float] = {}
    with postgres(folder) as url:
        database = open_database(url, folder)
        migrate(database)
        try:
            for count in WORKERS:
                say(f"{count} worker{'s' if count > 1 else ''}")
                found[count] = runs_per_s(database, url, folder / f"crew-{count}", count)
        finally:
            database.close()
    cores = f"{os.cpu_count()} cores"
    rows = [Row("runs_per_s_1", found[1], "runs/s", "a figure to hold others against", True, cores)]
    for count in WORKERS[1:]:
        goal = "no slower than one worker" if count > (os.cpu_count() or 1) else "more than one worker"
        rows.append(Row(f"runs_per_s_{count}", found[count], "runs/s", goal, found[count] >= found[1], "one worker", found[1]))
    return rows


def runs_per_s(database: Database, url: str, folder: Path, count: int) -> float:
    """Start so many workers, let them warm up, and time the runs."""
    crew = [start_worker(url, folder / f"machine-{n}") for n in range(count)]
    try:
        until(lambda: len(database.read_now(open_workers)) == count, 60)
        begin(database, count * 4, f"warm-{count}")
        until(lambda: unfinished(database) == 0, 60)
        started = time.perf_counter()
        begin(database, RUNS, f"crew-{count}")
        until(lambda: unfinished(database) == 0, 120)
        return RUNS / (time.perf_counter() - started)
    finally:
        for worker in crew:
            worker.terminate()
        for worker in crew:
            worker.wait(30)


def start_worker(url: str, home: Path) -> subprocess.Popen[bytes]:
    """Start one worker with a configuration and a state folder of its own."""
    home.mkdir(parents=True)
    (home / "watchkeeper.toml").write_text(TOML)
    (home / "runbook.md").write_text("# Shop\n")
    command = [sys.executable, "-m", "watchkeeper", "worker", str(home)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "WATCHKEEPER_DATABASE_URL": url})


def begin(database: Database, number: int, name: str) -> None:
    """Owe so many runs to whoever is there."""
    commands = [Command(text="true", line=n, risk="change", tools=("true",)) for n in range(1, STEPS + 1)]
    steps = tuple(Step(n=n, text=f"Step {n}", line=n, phase="act", commands=(command,)) for n, command in enumerate(commands, 1))
    made = plan(
        Book(title="Shop", service="shop", digest="d1"), Procedure(id="mend", title="Mend", line=1, end_line=9, steps=steps)
    )
    now = SystemClock().now()

    def work(connection: Any) -> None:
        for each in range(number):
            run_id = start_run(connection, now, made, None, "anna", "local", component=f"{name}-{each}")
            drive_at(connection, run_id, now)

    database.write_now(work)


def unfinished(database: Database) -> int:
    """Count the runs that are not over; one that did not succeed is an error."""
    states = dict(database.read_now(lambda c: c.execute(select(runs.c.state, func.count()).group_by(runs.c.state)).all()))
    if states.keys() & {"failed", "cancelled", "asking"}:
        raise RuntimeError(f"Runs did not succeed: {states}")
    return sum(number for state, number in states.items() if state != "succeeded")


def until(condition: Any, within_s: float) -> None:
    """Wait for something, looking often."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("It took too long.")
        time.sleep(0.02)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own, as durable as it comes; gives its URL."""
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    user = postgres_user()
    programs = readable_for(user, postgres_programs(), folder)
    home = folder / "postgres"
    home.mkdir()
    as_user: dict[str, Any] = {"cwd": home}
    if user is not None:
        owner = pwd.getpwnam(user)
        shutil.chown(home, user, owner.pw_gid)
        as_user |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    initdb = [str(programs / "initdb"), "-D", "data", "-U", "bench", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **as_user)
    options = ["-c", f"port={port}", "-c", "unix_socket_directories=", "-c", "max_connections=200"]
    with subprocess.Popen([str(programs / "postgres"), "-D", "data", *options], stderr=subprocess.DEVNULL, **as_user) as server:
        try:
            until(lambda: _listens(port), 20)
            yield f"postgresql://bench@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
