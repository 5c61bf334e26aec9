"""One PostgreSQL for the tests of several workers, which they may stop and start, and a database of its own for each of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need

sys.path.insert(0, str(Path(__file__).parent))

from crew import Crew
from own_postgres import Server
from tests.plugins.conftest import free_port

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.servers import postgres_programs, postgres_user, readable_for


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
