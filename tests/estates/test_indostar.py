"""IndoStar's runbook, carried out on its estate through Watchkeeper: what no fault covers, each by its real effect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.estates.carried import carried_out, output_of, said, succeeded

from watchkeeper.app import App


@pytest.fixture(scope="module")
def estate(estate_up: Callable[[str], Path]) -> Path:
    return estate_up("indostar")


def keys(estate: Path, pattern: str) -> int:
    return len(said(estate, "redis", "cache", "--scan", "--pattern", pattern).split())


async def test_wrong_entries_are_dropped_and_others_stay(app: App, estate: Path) -> None:
    said(estate, "redis", "cache", "SET", "cache:wrong", "1")
    said(estate, "redis", "cache", "SET", "session:anna", "1")
    succeeded(await carried_out(app, "Dropping cached entries"))
    assert said(estate, "redis", "cache", "EXISTS", "cache:wrong") == "0"
    assert said(estate, "redis", "cache", "EXISTS", "session:anna") == "1"


async def test_a_task_is_sent_again(app: App, estate: Path) -> None:
    inputs = {"TASK_NAME": "indostar.subscriptions", "TASK_ARGS": "[]"}
    run = await carried_out(app, "Sending failed tasks again", inputs=inputs)
    succeeded(run)
    assert len(output_of(run, "celery_app call").strip().splitlines()[-1]) == 36, "the number of the task"


async def test_what_fires_is_listed(app: App, estate: Path) -> None:
    succeeded(await carried_out(app, "Which alerts are on?", {"Open issues": "done"}))


async def test_tables_are_tidied_and_measured(app: App, estate: Path) -> None:
    run = await carried_out(app, "Looking after the database")
    succeeded(run)
    assert "orders" in output_of(run, "pg_stat_user_tables")


async def test_what_people_do_is_ticked_off(app: App, estate: Path) -> None:
    succeeded(await carried_out(app, "Incident process", {"": "done"}))


async def test_a_snapshot_is_taken_before_maintenance(app: App, estate: Path) -> None:
    succeeded(await carried_out(app, "Planned maintenance", {"": "done"}))
    assert "before-maintenance-" in said(estate, "aws", "rds", "describe-db-snapshots")


async def test_a_container_is_looked_into(app: App, estate: Path) -> None:
    run = await carried_out(app, "Docker", inputs={"CONTAINER": said(estate, "container", "cache")})
    succeeded(run)
    assert "redis-server" in output_of(run, "docker exec")


async def test_the_database_is_looked_into(app: App, estate: Path) -> None:
    run = await carried_out(app, "PostgreSQL", inputs={"TABLE_NAME": "orders"})
    succeeded(run)
    assert "mailed_at" in output_of(run, "$TABLE_NAME")


async def test_the_whole_cache_is_forgotten_and_the_queue_stays(app: App, estate: Path) -> None:
    said(estate, "redis", "cache", "SET", "cache:one", "1")
    said(estate, "redis", "broker", "SET", "kept", "1")
    succeeded(await carried_out(app, "Redis", inputs={"CACHE_KEY": "cache:one"}))
    assert keys(estate, "cache:one") == 0
    assert said(estate, "redis", "broker", "GET", "kept") == "1"
