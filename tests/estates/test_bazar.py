"""Bazar's runbook, carried out on its estate through Watchkeeper: what no fault covers, each by its real effect."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.estates.carried import carried_out, output_of, said, succeeded

from watchkeeper.app import App
from watchkeeper.drill.commands import variables_of


@pytest.fixture(scope="module")
def estate(estate_up: Callable[[str], Path]) -> Path:
    return estate_up("bazar")


def sql(estate: Path, statement: str) -> str:
    return said(estate, "sql", statement)


def release(estate: Path) -> str:
    """Give the release that answers customers."""
    port = variables_of(estate / ".env")["SITE_PORT"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        return str(json.load(answer)["release"])


async def test_last_nights_backup_is_checked(app: App, estate: Path) -> None:
    run = await carried_out(app, "Daily check of last night's backup")
    succeeded(run)
    assert output_of(run, "sha256sum -c").count(": OK") == 2


async def test_a_damaged_backup_fails_the_daily_check(app: App, estate: Path) -> None:
    said(estate, "damage_backup")
    try:
        assert (await carried_out(app, "Daily check of last night's backup")).state == "failed"
    finally:
        said(estate, "on_host", "./scripts/backup-before-deploy.sh")


async def test_a_day_is_restored_to_its_last_minute(app: App, estate: Path) -> None:
    """A good backup, an order after it, a mistake after that: the order is there again, and the mistake is not."""
    said(estate, "on_host", "./scripts/backup-before-deploy.sh")
    listed = said(estate, "on_host", "aws s3 ls s3://bazar-backups/backups/bazar/")
    stamp = max(line.split("bazar_")[1][:15] for line in listed.splitlines() if "_manifest" in line)
    order = "INSERT INTO bazar_marketplace.orders (user_id, article_id, wanted_by, cents) VALUES (1, 1, 'after the backup', 999)"
    sql(estate, order)
    articles = sql(estate, "SELECT count(*) FROM bazar_marketplace.articles")
    time.sleep(1.5)
    stop = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    time.sleep(1.5)
    sql(estate, "DELETE FROM bazar_marketplace.articles")
    inputs = {"target_stamp": stamp, "stop_time": stop}
    try:
        succeeded(await carried_out(app, "Restoring to a point in time", inputs=inputs, within_s=900))
        assert sql(estate, "SELECT count(*) FROM bazar_restored.articles") == articles
        assert sql(estate, "SELECT count(*) FROM bazar_restored.orders WHERE wanted_by = 'after the backup'") == "1"
        assert said(estate, "compose", "exec", "-T", "app", "printenv", "DB_NAME") == "bazar_restored"
    finally:
        said(estate, "back_from_restored")


async def test_a_release_goes_out_and_back(app: App, estate: Path) -> None:
    assert release(estate) == "r1"
    said(estate, "on_host", "echo r2 > releases/next")
    try:
        succeeded(await carried_out(app, "Blue-green deployment", within_s=900))
        assert release(estate) == "r2"
        assert "_database.sql.gz" in said(estate, "on_host", "aws s3 ls s3://bazar-backups/backups/bazar/")
        succeeded(await carried_out(app, "Rolling back by hand", inputs={"prev_tag": "r1"}))
        assert release(estate) == "r1"
    finally:
        said(estate, "reset")


async def test_the_notice_reaches_the_chat(app: App, estate: Path) -> None:
    inputs = {"incident_severity": "P1", "incident_title": "Complete system outage", "incident_status": "Investigating"}
    inputs |= {"incident_eta": "30 minutes", "incident_impact": "All users"}
    succeeded(await carried_out(app, "Communication with a notice to Slack", inputs=inputs))
    port = variables_of(estate / ".env")["VENDORS_PORT"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/control/chat/sent", timeout=10) as answer:
        assert "Complete system outage" in answer.read().decode()


async def test_the_months_maintenance(app: App, estate: Path) -> None:
    """Its look for rootkits and its update of the system take minutes and the network; both are left out here."""
    answers = {"rkhunter": "skip", "apt-": "skip"}
    run = await carried_out(app, "Monthly maintenance", answers, within_s=900)
    succeeded(run)
    assert "can be restored" in output_of(run, "verify-backups.sh")
    assert "bazar_marketplace.orders" in output_of(run, "mysqlcheck")


async def test_tables_are_measured_and_rebuilt(app: App, estate: Path) -> None:
    run = await carried_out(app, "Tuning the database")
    succeeded(run)
    assert "articles" in output_of(run, "information_schema.tables")
    assert "status" in output_of(run, "OPTIMIZE TABLE").lower()


async def test_the_application_is_looked_at(app: App, estate: Path) -> None:
    run = await carried_out(app, "Watching the application")
    succeeded(run)
    assert "http_requests_total" in output_of(run, "/metrics")
    assert "listen queue" in output_of(run, "/fpm-status")
    assert "keyspace_hits" in output_of(run, "INFO stats")


async def test_the_daily_look_at_security(app: App, estate: Path) -> None:
    """AIDE compares with a database that a new machine has not made yet, so that its look is left out."""
    run = await carried_out(app, "Security check, daily", {"aide": "skip"}, within_s=600)
    assert int(output_of(run, "Failed password").strip() or 0) < 100
    assert "sshd" in output_of(run, "fail2ban-client status")
    assert "443/tcp" in output_of(run, "nmap")
