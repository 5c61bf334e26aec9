"""Fixtures that every chapter's tests share: the database (either kind) and a clock that stands still."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from watchkeeper.store.database import Database, open_database
from watchkeeper.store.migrate import migrate
from watchkeeper.store.schema import metadata


def own_database(url: str, worker: str | None) -> str:
    """Give the URL of a database of its own to one of several pytest processes on one server, making it where it is missing."""
    if not url or worker is None:
        return url
    name = f"watchkeeper_{worker}"
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"')
    return f"{url.rpartition('/')[0]}/{name}"


#: PostgreSQL for the whole suite; empty: SQLite
DATABASE_URL = own_database(os.environ.get("WATCHKEEPER_TEST_DATABASE_URL", ""), os.environ.get("PYTEST_XDIST_WORKER"))
#: set by CI: a server that is missing fails the test instead of skipping it
EVERYTHING = os.environ.get("WATCHKEEPER_TEST_EVERYTHING", "") == "1"

#: where tests start real servers, processes or browsers: apart from the unit suite
REAL = ("plugins", "demo", "web", "api", "soak", "scale", "estates")
REAL_FILES = ("test_targets.py", "test_kill.py", "test_interpreter.py", "test_watcher.py", "test_show.py", "test_preview.py")

#: the files that take longest begin first, so that at the end no process waits for one of them
FIRST = ("demo", "scenarios", "scale", "soak")

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what starts something real, by where it lies; leave what only a soak runs to the soak."""
    if os.environ.get("WATCHKEEPER_TEST_SOAK") != "1":
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    contained = [item for item in items if _room(item) == "estates" and "docker" in getattr(item, "fixturenames", ())]
    for item in contained:
        item.add_marker(pytest.mark.estate)
    if "estate" not in (config.option.markexpr or ""):
        config.hook.pytest_deselected(items=contained)
        items[:] = [item for item in items if item not in contained]
    items.sort(key=lambda item: _room(item) not in FIRST)
    for item in items:
        folder = _room(item)
        if folder in REAL or item.path.name in REAL_FILES:
            item.add_marker(pytest.mark.real)


def _room(item: pytest.Item) -> str:
    """Give the folder of tests/ in which a test lies."""
    return item.path.relative_to(Path(__file__).parent).parts[0]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """In CI a skip is a failure, whoever skipped: what was not tried is not known to work."""
    outcome = yield
    report = outcome.get_result()
    if EVERYTHING and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"


def need(condition: bool, what: str) -> None:
    """Skip where a server is missing, naming it; in CI fail instead."""
    if condition:
        return
    if EVERYTHING:
        pytest.fail(f"missing here: {what}")
    pytest.skip(f"missing here: {what}")


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def _postgres() -> bool:
    """Migrate the PostgreSQL of this process once, where there is one."""
    if DATABASE_URL:
        made = open_database(DATABASE_URL, Path())
        migrate(made)
        made.close()
    return bool(DATABASE_URL)


@pytest.fixture(scope="session")
def _sqlite_image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated, empty SQLite file, made once and copied for each test."""
    path = tmp_path_factory.mktemp("image") / "empty.sqlite"
    database = open_database(f"sqlite:///{path}", path.parent)
    migrate(database)
    database.write_now(lambda connection: None)
    database.close()
    return path.read_bytes()


@pytest.fixture
def database(tmp_path: Path, _postgres: bool, _sqlite_image: bytes) -> Iterator[Database]:
    """An empty, migrated database: SQLite in the test's folder, or PostgreSQL by WATCHKEEPER_TEST_DATABASE_URL."""
    if _postgres:
        # opened anew for each test: closing waits for what a test left in writing, which else came after the next had emptied it
        made = open_database(DATABASE_URL, tmp_path)
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        made.write_now(lambda connection: connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY"))
        yield made
        made.close()
        return
    path = tmp_path / "watchkeeper.sqlite"
    path.write_bytes(_sqlite_image)
    made = open_database("", tmp_path)
    yield made
    made.close()
