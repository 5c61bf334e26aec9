"""Mobile Matrix's runbook, carried out on its estate through Watchkeeper: what no fault covers, each by its real effect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.estates.carried import carried_out, output_of, said, succeeded

from watchkeeper.app import App


@pytest.fixture(scope="module")
def estate(estate_up: Callable[[str], Path]) -> Path:
    return estate_up("mobile-matrix")


def newest_backup(estate: Path) -> str:
    said(estate, "backup")
    return said(estate, "on_host", "sh", "-c", "ls -t /backups/mobile_matrix_backup_*.sql.gz | head -1")


async def test_the_morning_check_finds_the_backup(app: App, estate: Path) -> None:
    newest_backup(estate)
    run = await carried_out(app, "Daily health check", {"Open Grafana": "done", "fewer errors": "yes"})
    succeeded(run)
    assert "minutes old" in output_of(run, "backup-status")


async def test_the_monthly_look_reads_the_certificate(app: App) -> None:
    run = await carried_out(app, "Monthly tasks", {"Performance": "done", "Capacity": "done"})
    succeeded(run)
    assert "will not expire" in output_of(run, "openssl s_client")


async def test_a_restored_database_has_the_rows_of_its_backup(app: App, estate: Path) -> None:
    backup = newest_backup(estate)
    said(estate, "psql", "DELETE FROM phones WHERE id > 10")
    assert said(estate, "psql", "SELECT count(*) FROM phones") == "10"
    succeeded(await carried_out(app, "Restoring the database", {"Choose": "done"}, {"BACKUP_FILE": backup}))
    assert said(estate, "psql", "SELECT count(*) FROM phones") == "3000"
    said(estate, "well")


async def test_a_full_recovery_keeps_what_came_after_the_backup(app: App, estate: Path) -> None:
    newest_backup(estate)
    said(estate, "psql", "INSERT INTO users (email) VALUES ('late@example.org')")
    said(estate, "psql", "DELETE FROM phones WHERE id > 10")
    succeeded(await carried_out(app, "Recovering the full system"))
    assert said(estate, "psql", "SELECT count(*) FROM phones") == "3000"
    assert said(estate, "psql", "SELECT count(*) FROM users WHERE email = 'late@example.org'") == "1"


async def test_the_proof_of_a_backup_leaves_nothing_behind(app: App, estate: Path) -> None:
    newest_backup(estate)
    succeeded(await carried_out(app, "Weekly proof that backups work"))
    assert said(estate, "psql", "SELECT count(*) FROM pg_database WHERE datname = 'mobile_matrix_proof'") == "0"


async def test_a_damaged_backup_fails_its_proof(app: App, estate: Path) -> None:
    newest_backup(estate)
    said(estate, "cut_backup")
    try:
        assert (await carried_out(app, "Weekly proof that backups work")).state == "failed"
    finally:
        said(estate, "backup")


async def test_the_databases_figures_are_read(app: App) -> None:
    run = await carried_out(app, "Database performance")
    succeeded(run)
    assert "phones" in output_of(run, "pg_stat_user_tables")


async def test_an_instance_is_profiled(app: App, estate: Path) -> None:
    run = await carried_out(app, "Application performance", {"Expected: 80": "yes"})
    assert "app" in output_of(run, "docker stats")
    assert said(estate, "on_host", "jq", "-r", ".nodes | length > 0", "profile.cpuprofile") == "true"
    said(estate, "on_host", "rm", "profile.cpuprofile")


async def test_images_and_limits_are_listed(app: App) -> None:
    run = await carried_out(app, "Infrastructure tuning")
    assert "mobile-matrix/app" in output_of(run, "docker images")


@pytest.mark.parametrize("procedure", ["Incident process", "Planned maintenance", "Emergency maintenance"])
async def test_what_people_do_is_ticked_off(app: App, procedure: str) -> None:
    succeeded(await carried_out(app, procedure, {"": "done"}))


async def test_the_cluster_takes_over_restarts_and_gives_back(estate: Path) -> None:
    said(estate, "kubernetes")
    try:
        before = said(estate, "pods")
        said(estate, "kubectl", "rollout", "restart", "deployment/mobile-matrix-app", "-n", "mobile-matrix")
        said(estate, "kubectl", "rollout", "status", "deployment/mobile-matrix-app", "-n", "mobile-matrix", "--timeout=120s")
        assert said(estate, "pods") != before
        said(estate, "well")
    finally:
        said(estate, "compose_again")
