"""Writes a database of this release with waiting runs in it, as SQL text: what every later release must upgrade and finish.

Usage, when a version is released: python tests/store/make_fixture.py tests/store/fixtures/REVISION.sql
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sqlite3
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from watchkeeper import __version__
from watchkeeper.actions import acts
from watchkeeper.app import App, furnish, open_app
from watchkeeper.book.model import Book, Command, Procedure, Step
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.people.identity import Actor
from watchkeeper.run.plan import plan
from watchkeeper.run.starting import start_run
from watchkeeper.settings import load_settings
from watchkeeper.store import due
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.model import Sample, Standing

TOML = """
[service]
name = "shop"
runbook = "runbook.md"
mode = "act"

[targets.local]
kind = "shell"
directory = "/"
"""
BEN = Actor("ben", ("owner",))


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = open_shop(folder)
        write_runs(app)
        app.database.close()
        with contextlib.closing(sqlite3.connect(app.state / "watchkeeper.sqlite")) as rows:
            # SQLite's own index over words cannot be put into statements; it is made of the lines, and is no row of ours
            text = "\n".join(statement for statement in rows.iterdump() if "timeline_words" not in statement)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        for private, plain in (
            (name, "/srv/shop"),
            (boot, "00000000-1111-2222-3333-444444444444"),
            (os.uname().nodename, "host"),
        ):
            text = text.replace(private, plain)
        revision = re.search(r"alembic_version\W+VALUES\('(\w+)'\)", text)
        target.write_text(f"-- Watchkeeper {__version__}, schema {revision[1] if revision else '?'}\n{text}\n")


def open_shop(folder: Path) -> App:
    """Open an application on an empty estate with one shell target."""
    (folder / "watchkeeper.toml").write_text(TOML)
    (folder / "runbook.md").write_text("# Shop\n")
    app = open_app(folder / "watchkeeper.toml", load_settings({}))
    furnish(app)
    return app


def write_runs(app: App) -> None:
    """Write an incident and two runs: one that asks for an approval, and one that has it and was not driven on."""
    now = app.clock.now()
    incident = Incident("inc-0001", "shop", "Shop is down", "P1", "open", "shop", now, now)
    commands = [Command(text="true", line=n, risk="read" if n == 1 else "change", tools=("true",)) for n in (1, 2, 3)]
    steps = tuple(
        Step(n=n, text=f"Step {n}", line=n, phase="diagnose" if n == 1 else "act", commands=(command,))
        for n, command in enumerate(commands, 1)
    )
    procedure = Procedure(id="mend", title="Mend the shop", line=1, end_line=9, steps=steps)
    made = plan(Book(title="Shop", service="shop", digest="d1"), procedure)

    def work(connection: Connection) -> list[str]:
        incidents.open_incident(connection, incident)
        incidents.add_entry(connection, incident.id, now, "opened", "automation", "Incident opened.")
        watch.write_sample(connection, Sample("shop", now, 0.1, {"up": 0.0}, None, ""))
        watch.save_standings(connection, [("shop", Standing("shop is down", "firing", now, now, 0.0, now, "The shop is down."))])
        runs = [start_run(connection, now, made, about, who, "local") for about, who in ((incident, "anna"), (None, "ben"))]
        due.schedule(connection, due.Due("run:later", "run", runs[1], now + timedelta(days=1), {}))
        return runs

    asking, approved = app.database.write_now(work)

    async def drive() -> None:
        assert app.interpreter is not None
        for run_id in (asking, approved):
            while await app.interpreter.advance(run_id):
                pass
        await acts.answer(app, BEN, approved, "2.1", "approve", "go on")

    asyncio.run(drive())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
