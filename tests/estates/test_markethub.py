"""MarketHub's runbook, carried out on its estate through Watchkeeper: what no fault covers, each by its real effect."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.estates.carried import carried_out, output_of, said, succeeded

from watchkeeper.app import App

AWS = 'aws() { command aws --endpoint-url http://cloud:5000 "$@"; }; '

pytestmark = pytest.mark.asyncio(loop_scope="function")


@pytest.fixture(scope="module")
def estate(estate_up: Callable[[str], Path]) -> Path:
    return estate_up("markethub")


def ops(estate: Path, command: str) -> str:
    """Run a command on the box from which MarketHub is operated."""
    keys = ["-e", "AWS_ACCESS_KEY_ID=estate", "-e", "AWS_SECRET_ACCESS_KEY=estate"]
    keys += ["-e", "AWS_DEFAULT_REGION=us-east-1", "-e", "KUBECONFIG=/srv/operations/kubeconfig"]
    return said(estate, "compose", "exec", "-T", *keys, "ops", "bash", "-c", AWS + command)


def sql(estate: Path, statement: str, database: str = "markethub", host: str = "postgres") -> str:
    return said(estate, "compose", "exec", "-T", "-u", "postgres", host, "psql", "-d", database, "-Atc", statement)


async def test_a_backup_is_made_and_proved_by_restoring_it(app: App, estate: Path) -> None:
    run = await carried_out(app, "Making a backup")
    succeeded(run)
    listed = ops(estate, "aws s3 ls s3://markethub-backups/db/")
    assert [end for end in (".dump", ".sql.gz", ".roles.sql") if end in listed] == [".dump", ".sql.gz", ".roles.sql"]
    assert int(output_of(run, "SELECT count(*) FROM orders").strip()) > 0
    assert "markethub_proof" not in sql(estate, "select string_agg(datname, ' ') from pg_database")


async def test_a_corrupted_database_is_brought_back_to_a_time_before_it(app: App, estate: Path) -> None:
    whole = int(sql(estate, "select count(*) from orders where total_cents > 0"))
    assert whole > 0
    await asyncio.sleep(1.5)
    before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    await asyncio.sleep(1.5)
    started = time.monotonic()
    sql(estate, "update orders set total_cents = 0")
    run = await carried_out(app, "The database as it was at a certain time", inputs={"restore_time": before})
    took = time.monotonic() - started
    succeeded(run)
    there = int(sql(estate, "select count(*) from orders where total_cents > 0", host="recovery"))
    assert there >= whole
    assert took < 3600, "the runbook promises an hour for what is not critical"
    print(json.dumps({"recovery_s": round(took, 1), "orders_lost": whole - min(whole, there)}))


async def test_a_release_goes_out_with_its_migration_and_comes_back(app: App, estate: Path) -> None:
    ready = await carried_out(app, "Ready to go?", answers={"": "done"})
    succeeded(ready)
    out = await carried_out(
        app, "Rolling out", answers={"brings migrations": "yes", "canary": "no", "python manage.py": "skip", "DataDog": "done"}
    )
    succeeded(out)
    image = "kubectl -n markethub get deployment backend -o jsonpath='{.spec.template.spec.containers[0].image}'"
    assert ops(estate, image).endswith(":2.5.0")
    assert (
        sql(estate, "select count(*) from information_schema.columns where table_name = 'orders' and column_name = 'note'") == "1"
    )
    succeeded(await carried_out(app, "Afterwards", answers={"": "done"}))
    answers = {"a migration removed": "no", "Choose one": "done", "To the release before": "yes", "To a certain revision": "no"}
    succeeded(await carried_out(app, "Rolling back by hand", answers=answers))
    assert ops(estate, image).endswith(":2.4.0")


async def test_the_database_is_kept_fast_and_its_indexes_are_there(app: App, estate: Path) -> None:
    sql(estate, "drop index if exists idx_orders_user_status")
    before = sql(estate, "select coalesce(max(last_analyze)::text, '') from pg_stat_user_tables where relname = 'orders'")
    succeeded(await carried_out(app, "Keeping it fast", answers={"Run these one at a time": "done", "Space goes back": "done"}))
    after = sql(estate, "select max(last_analyze)::text from pg_stat_user_tables where relname = 'orders'")
    assert after > before
    succeeded(await carried_out(app, "Tuning indexes for the usual queries"))
    assert sql(estate, "select count(*) from pg_indexes where indexname = 'idx_orders_user_status'") == "1"


async def test_what_is_slow_and_what_fills_the_disk_is_shown(app: App) -> None:
    slow = await carried_out(app, "Slow queries")
    succeeded(slow)
    assert "mean_exec_time" in output_of(slow, "pg_stat_statements")
    full = await carried_out(app, "The disk fills up")
    succeeded(full)
    assert "orders" in output_of(full, "pg_total_relation_size")


async def test_a_file_that_was_overwritten_comes_back_from_its_version(app: App, estate: Path) -> None:
    key, version = ((estate / "state" / "account" / name).read_text() for name in ("object_key", "version_id"))
    size = f"aws s3api head-object --bucket markethub-media --key {key} --query ContentLength --output text"
    ops(estate, f"printf '' | aws s3 cp - s3://markethub-media/{key}")
    assert ops(estate, size) == "0"
    succeeded(await carried_out(app, "One file from S3", inputs={"object_key": key, "version_id": version}))
    assert int(ops(estate, size)) > 0


async def test_old_images_move_and_their_rule_is_merged_with_what_was_there(app: App, estate: Path) -> None:
    succeeded(await carried_out(app, "Cheaper storage"))
    assert "0.jpg" in ops(estate, "aws s3 ls s3://markethub-archive/old-images/")
    rules = ops(
        estate, "aws s3api get-bucket-lifecycle-configuration --bucket markethub-media --query 'Rules[].ID' --output text"
    )
    assert sorted(rules.split()) == ["old-images", "uploads"]


async def test_what_is_reserved_is_looked_at_first_and_never_bought_by_itself(app: App) -> None:
    run = await carried_out(app, "Reserved instances", answers={"purchase-reserved-instances-offering": "skip"})
    assert "db.r5.xlarge" in output_of(run, "describe-db-instances")
    assert "cache.r5.large" in output_of(run, "describe-cache-clusters")
