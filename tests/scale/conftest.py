"""One PostgreSQL for the tests of several workers, which they may stop and start, and a database of its own for each of them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.conftest import need

sys.path.insert(0, str(Path(__file__).parent))

from crew import Crew
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.servers import postgres_programs, postgres_user, readable_for


@dataclass
class Server:
    """A PostgreSQL of our own, on loopback."""

    programs: Path
    home: Path
    user: str | None
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = ["fsync=off", "max_connections=300", "unix_socket_directories=", f"port={self.port}"]
        options = [word for setting in settings for word in ("-c", setting)]
        command = [str(self.programs / "postgres"), "-D", "data", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **self.as_user())
        wait_for(self.port)
        for _ in range(200):
            try:
                psycopg.connect(self.dsn("postgres")).close()
                return
            except psycopg.OperationalError:
                continue

    def stop(self, how: str) -> None:
        """Stop it: "fast" or "immediate"."""
        if self.process is None:
            return
        control = [str(self.programs / "pg_ctl"), "-D", "data", "-m", how, "-w", "stop"]
        subprocess.run(control, check=True, stdout=subprocess.DEVNULL, **self.as_user())
        self.process.wait()
        self.process = None

    def as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {"cwd": self.home}
        owner = pwd.getpwnam(self.user)
        return {"cwd": self.home, "user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def dsn(self, name: str) -> str:
        return f"postgresql://test@127.0.0.1:{self.port}/{name}"

    def create(self) -> str:
        """Make an empty database; gives its URL."""
        name = f"t{uuid4().hex[:12]}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        return self.dsn(name)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="watchkeeper-scale-"))
    home.chmod(0o755)
    try:
        user = postgres_user()
        programs = readable_for(user, postgres_programs(), home)
    except WatchkeeperError as problem:
        need(False, str(problem))
        raise
    made = Server(programs, home, user, free_port())
    if user is not None:
        shutil.chown(home, user)
    initdb = [str(programs / "initdb"), "-D", "data", "-U", "test", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **made.as_user())
    made.start()
    yield made
    made.stop("fast")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def url(server: Server) -> str:
    return server.create()


@pytest.fixture
def crew(server: Server, tmp_path: Path) -> Iterator[Callable[..., Crew]]:
    """Give a maker of crews; every worker that still lives at the end of the test is ended, with its jobs."""
    made: list[Crew] = []

    def make(**values: Any) -> Crew:
        made.append(Crew(values.pop("url", None) or server.create(), tmp_path, **values))
        return made[-1]

    yield make
    for each in made:
        each.close()


def pytest_report_header() -> str:
    return f"seed of the kills: {os.environ.get('WATCHKEEPER_TEST_SEED', 'by the commit')}"
