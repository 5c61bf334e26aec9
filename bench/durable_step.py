"""`durable_step_ms`: a whole step `true` of a run that may change something, beside `bash -c true` alone and a task of Ansible.

Everything a step passes through in service is there: the engine's checkpoint, the decision, intent with lease and ledger, the
shell's wrapper, outcome with ledger and timeline, on SQLite. What is measured is the time from one intent to the next.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from itertools import pairwise
from pathlib import Path

from row import Row, median, say

from watchkeeper.base.clock import SystemClock
from watchkeeper.book.model import Book, Command, Procedure, Severity, Step
from watchkeeper.estate.model import Bindings, Estate, Policy, TargetConfig
from watchkeeper.incident.model import Incident
from watchkeeper.plugins.dbos.engine import DbosEngine
from watchkeeper.plugins.shell.processes import boot_id
from watchkeeper.plugins.shell.target import ShellTarget
from watchkeeper.run.chronicle import chronicle
from watchkeeper.run.interpreter import Interpreter
from watchkeeper.run.journal import Journal
from watchkeeper.run.ledger import load_run, read_events
from watchkeeper.run.plan import plan
from watchkeeper.run.starting import start_run
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.migrate import migrate

RUNS = 12
STEPS = 12
LIMIT_MS = 8.0


def measure(folder: Path) -> list[Row]:
    """Drive runs of a dozen steps, and bash by itself before, between and after."""
    database = open_database("", folder)
    migrate(database)
    bare: list[float] = []
    try:
        steps = asyncio.run(_drive(database, folder, bare))
    finally:
        database.close()
    value = median(steps)
    rows = [Row("durable_step_ms", value, "ms", f"≤ {LIMIT_MS:g} ms", value <= LIMIT_MS, "bash -c true alone", median(bare))]
    peer = _ansible_ms(folder)
    if peer is None:
        return [*rows, Row("step_beside_ansible_ms", value, "ms", "ahead of Ansible", True, "ansible-playbook: not here")]
    return [
        *rows,
        Row("step_beside_ansible_ms", value, "ms", "ahead of Ansible", value < peer, "a task of ansible-playbook", peer),
    ]


async def _drive(database: Database, folder: Path, bare: list[float]) -> list[float]:
    critical = Severity(code="P1", name="Critical", line=1)
    target = TargetConfig("local", "shell", 1, folder)
    policy = Policy(mode="act", change_allowed=("Critical",))
    estate = Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", targets={"local": target}, policy=policy)
    interpreter = Interpreter(
        database,
        SystemClock(),
        estate,
        Bindings(),
        {"local": ShellTarget(target, estate)},
        folder,
        Journal(database, "bench", boot_id(), told=chronicle),
        severities=(critical,),
    )
    engine = DbosEngine(folder)
    await engine.open(interpreter.advance)
    found: list[float] = []
    try:
        for number in range(RUNS):
            say(f"run {number + 1} of {RUNS}")
            bare += [_bash_ms() for _ in range(5)]
            taken = await _one_run(database, engine, number)
            found += taken if number else []
    finally:
        await engine.close()
    return found


async def _one_run(database: Database, engine: DbosEngine, number: int) -> list[float]:
    """Drive one run to its end; gives the milliseconds from each intent to the next."""
    command = Command(text="true", line=1, risk="change", tools=("true",))
    steps = tuple(Step(n=n, text=f"Step {n}", line=n, phase="act", commands=(command,)) for n in range(1, STEPS + 1))
    procedure = Procedure(id=f"try-{number}", title=f"Try {number}", line=1, end_line=99, steps=steps)
    made = plan(Book(title="Shop", service="shop", digest="d1"), procedure)
    now = SystemClock().now()
    incident = Incident(f"inc-{number}", "shop", "Shop is down", "P1", "open", f"part-{number}", now, now)
    run_id = await database.write(lambda c: start_run(c, now, made, incident, "automation", "local"))
    await engine.drive(run_id, 1)
    async with asyncio.timeout(30.0):
        while (run := await database.read(lambda c: load_run(c, run_id))) is None or run.ended_at is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    if run.state != "succeeded":
        raise RuntimeError(f"The run {run.state}: {run.sentence}")
    begun = [event.at for event in await database.read(lambda c: read_events(c, run_id)) if event.kind == "intent"]
    return [(later - earlier).total_seconds() * 1000 for earlier, later in pairwise(begun)]


def _ansible_ms(folder: Path) -> float | None:
    """Give what one more task `true` costs a playbook on this machine, its start left out; None where there is no Ansible."""
    if shutil.which("ansible-playbook") is None:
        return None
    times: dict[int, list[float]] = {}
    for tasks in (2, 12, 2, 12):
        say(f"ansible-playbook with {tasks} tasks")
        playbook = folder / "playbook.yml"
        lines = ["- hosts: localhost", "  connection: local", "  gather_facts: false", "  tasks:"]
        playbook.write_text("\n".join([*lines, *("    - ansible.builtin.command: 'true'" for _ in range(tasks))]) + "\n")
        environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "LC_ALL": "C.UTF-8"}
        environment = {**environment, "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"), "HOME": str(folder)}
        command = ["ansible-playbook", "-i", "localhost,", str(playbook)]
        started = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            say(f"ansible-playbook failed: {done.stderr.decode(errors='replace')[-200:]}")
            return None
        times.setdefault(tasks, []).append((time.perf_counter() - started) * 1000)
    return (min(times[12]) - min(times[2])) / 10


def _bash_ms() -> float:
    started = time.perf_counter()
    pid = os.posix_spawnp("bash", ["bash", "--noprofile", "--norc", "-c", "true"], os.environ)
    os.waitpid(pid, 0)
    return (time.perf_counter() - started) * 1000
