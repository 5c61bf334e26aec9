"""The equipment marketplace's runbook, carried out on its estate: what no fault covers, each by its real effect."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.estates.carried import carried_out, output_of, said, succeeded, watchkeeper

from watchkeeper.app import App
from watchkeeper.drill.commands import variables_of

BACKUPS = "/var/backups/equipment-marketplace"


@pytest.fixture(scope="module")
def estate(estate_up: Callable[[str], Path]) -> Path:
    return estate_up("equipment")


@pytest.fixture
async def app(estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """Watchkeeper over the estate, which leaves what is broken here to who carries the book out."""
    for name, value in variables_of(estate / ".env").items():
        monkeypatch.setenv(name, value)
    async with watchkeeper(estate, tmp_path / "state", mode="ask") as opened:
        yield opened


def asked(estate: Path, path: str) -> Any:
    """Give what the site answers, or the number of its refusal."""
    port = variables_of(estate / ".env")["SITE_PORT"]
    whoever = ssl._create_unverified_context()
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{port}{path}", timeout=10, context=whoever) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def eventually(holds: Callable[[], bool], within_s: float = 30) -> bool:
    """Tell whether something holds within some seconds."""
    until = time.monotonic() + within_s
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.3)
    return held


def dumps(estate: Path) -> list[str]:
    return said(estate, "on_host", f"find {BACKUPS} -name '*.sql' | sort").split()


@contextmanager
def customers(estate: Path) -> Iterator[None]:
    """Have customers come and book."""
    coming = subprocess.Popen([estate / "estate", "customers"])
    try:
        yield
    finally:
        coming.terminate()
        coming.wait(10)


async def test_health_is_checked(app: App) -> None:
    run = await carried_out(app, "1. Checking health")
    succeeded(run)
    assert "HTTP status 200" in output_of(run, "$LOCAL_URL/api/health")
    up = output_of(run, "production.yml ps")
    assert all(service in up for service in ("nginx", "backend", "postgres", "redis"))
    assert int(output_of(run, "--tail=100 backend").strip()) < 5


async def test_logs_are_read_from_a_certain_time_on(app: App, estate: Path) -> None:
    def complain_of(letter: str) -> None:
        given = ["-H", "Content-Type: application/json", "-d", letter, "http://127.0.0.1:3000/api/sessions"]
        said(estate, "compose", "exec", "-T", "backend", "curl", "-sS", *given)

    complain_of("q")
    time.sleep(1.5)
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    complain_of("z")
    assert asked(estate, "/api/marked-in-the-log") == 404
    run = await carried_out(app, "2. Reading logs", inputs={"since": since})
    succeeded(run)
    assert "marked-in-the-log" in output_of(run, "--tail=200 nginx")
    assert "database system is ready" in output_of(run, "--tail=200 postgres")
    assert "token q" in output_of(run, "--tail=200 backend")
    assert "token q" not in output_of(run, "--since")
    assert "token z" in output_of(run, "--since")


async def test_the_database_is_looked_at_and_dumped(app: App, estate: Path) -> None:
    before = dumps(estate)
    run = await carried_out(app, "3. Working with the database")
    succeeded(run)
    assert 'connected to database "equipment_marketplace"' in output_of(run, "conninfo")
    assert "mean_exec_time" in output_of(run, "pg_stat_statements")
    (made,) = set(dumps(estate)) - set(before)
    assert "COPY public.bookings" in said(estate, "on_host", f"grep -h '^COPY' {made}")


async def test_keys_are_dropped_by_their_beginning_then_all_and_sessions_stay(app: App, estate: Path) -> None:
    def redis(number: int, *words: str) -> str:
        return said(estate, "compose", "exec", "-T", "redis", "redis-cli", "-n", str(number), *words)

    redis(0, "SET", "page:one two", "1")
    redis(0, "SET", "price:1", "1")
    redis(1, "SET", "page:session", "1")
    left: list[str] = []

    def look_first() -> str:
        left.append(redis(0, "EXISTS", "page:one two") + redis(0, "EXISTS", "price:1"))
        return "approve"

    answers = {"flushdb": look_first}
    run = await carried_out(app, "4. Working with the cache", answers=answers, inputs={"cache_prefix": "page:"})
    succeeded(run)
    assert "PONG" in output_of(run, "redis-cli ping")
    assert left == ["01"], "only the keys that begin so"
    assert redis(0, "EXISTS", "price:1") == "0"
    assert redis(1, "EXISTS", "page:session") == "1"
    redis(1, "DEL", "page:session")


async def test_a_release_goes_out_and_a_bad_one_comes_back(app: App, estate: Path) -> None:
    before = dumps(estate)
    said(estate, "release", "1.2.0")
    try:
        succeeded(await carried_out(app, "5. Deploying", answers={"health-check fails": "no"}))
        assert asked(estate, "/api/health")["release"] == "1.2.0"
        assert set(dumps(estate)) - set(before)
        said(estate, "release", "1.3.0", "errors")
        answers = {"health-check fails": "yes", "deploy.sh health-check": "done"}
        run = await carried_out(app, "5. Deploying", answers=answers)
        assert "1.3.0 is deployed" in output_of(run, "deploy.sh deploy")
        assert eventually(lambda: asked(estate, "/api/health") == {"status": "ok", "release": "1.2.0"})
    finally:
        said(estate, "reset")


async def test_what_people_do_is_ticked_off(app: App) -> None:
    succeeded(await carried_out(app, "Incident process", answers={"": "done"}))


async def test_an_application_that_lacks_a_variable_is_started_again(app: App, estate: Path) -> None:
    said(estate, "lose_secret")
    try:
        assert asked(estate, "/api/health") == 502
        answers: dict[str, str | Callable[[], str]] = {
            '"all set" is missing': "yes",
            "the lacking variable": lambda: said(estate, "give_secret") or "done",
            "does not accept connections": "no",
            "the disk is full": "no",
            "test -n": "done",
        }
        run = await carried_out(app, "The application does not start", answers=answers)
        assert "JWT_SECRET is not set" in output_of(run, "--tail=200 backend")
        assert "all set" not in output_of(run, "test -n")
        assert asked(estate, "/api/health")["status"] == "ok"
    finally:
        said(estate, "reset", "backend")


async def test_the_daily_round_books_on_staging_and_looks_at_production(app: App, estate: Path) -> None:
    booked = "SELECT count(*) FROM bookings WHERE reference LIKE 'test-%'"
    staging, production = (int(said(estate, "sql", booked, each)) for each in ("staging", "equipment_marketplace"))
    run = await carried_out(app, "Daily")
    succeeded(run)
    assert int(said(estate, "sql", booked, "staging")) == staging + 1
    assert int(said(estate, "sql", booked, "equipment_marketplace")) == production
    assert output_of(run, "-mmin -1500").split()[-1] in dumps(estate)


async def test_the_monthly_round_audits_and_restores_a_backup(app: App, estate: Path) -> None:
    took: list[float] = []

    def restored() -> str:
        started = time.monotonic()
        inside = "docker compose -f docker-compose.production.yml exec -T postgres psql -q -U equipment -v ON_ERROR_STOP=1"
        said(estate, "sql", "CREATE DATABASE tried", "postgres")
        said(estate, "on_host", f"{inside} -d tried < {dumps(estate)[-1]}")
        took.append(time.monotonic() - started)
        rows = said(estate, "sql", "SELECT count(*) FROM equipment", "tried")
        said(estate, "sql", "DROP DATABASE tried", "postgres")
        return "done" if rows == "200" else "abort"

    # the estate's registry of packages answers no audits, so nothing is updated here
    answers = {"npm audit": "skip", "Performance": "done", "Backups": restored}
    run = await carried_out(app, "Monthly", answers=answers)
    assert "0 findings" in output_of(run, "security-audit.sh")
    assert run.state == "succeeded", run.sentence
    print(json.dumps({"restored_s": round(took[0], 1)}))


async def test_all_is_started_again_where_the_host_answers(app: App, estate: Path) -> None:
    for service in ("nginx", "backend", "postgres", "redis"):
        said(estate, "kill", service)
    answers = {"answers, and": "no", "the host answers": "yes", "the host does not answer": "no"}
    try:
        run = await carried_out(app, "Everything has failed", answers=answers)
        succeeded(run)
        assert "load average" in output_of(run, "-- uptime")
        assert asked(estate, "/api/health")["status"] == "ok"
        assert said(estate, "well") == ""
    finally:
        said(estate, "reset")


async def test_corrupt_data_is_replaced_by_the_newest_dump(app: App, estate: Path) -> None:
    with customers(estate):
        time.sleep(8)
        said(estate, "on_host", "./scripts/backup-database.sh")
        time.sleep(8)
        said(estate, "damage", "equipment")
        started = time.monotonic()
        assert eventually(lambda: asked(estate, "/api/equipment") == 503), "the cache forgets what it has, and the damage is seen"
        bookings = int(said(estate, "sql", "SELECT count(*) FROM bookings"))
        answers = {"pg_checksums": "done", "pg_amcheck": "done"}
        try:
            run = await carried_out(app, "Data is corrupt", answers=answers, inputs={"backup_file": dumps(estate)[-1]})
            took = time.monotonic() - started
            assert "Bad checksums:  1" in output_of(run, "pg_checksums")
            assert len(asked(estate, "/api/equipment")) == 50
            assert said(estate, "sql", "SELECT count(*) FROM bookings", "damaged") == str(bookings)
            assert "PG_VERSION" in said(estate, "on_host", "ls /var/lib/equipment/copies/damaged")
        finally:
            said(estate, "forget_damaged")
            said(estate, "reset")
    found = json.loads(said(estate, "promised"))
    print(json.dumps({"recovery_s": round(took, 1), "rows_lost": len(found["lost"]), "acknowledged": found["acknowledged"]}))


async def test_a_container_is_looked_into(app: App, estate: Path) -> None:
    # images of others on this engine stay
    run = await carried_out(app, "Docker", answers={"image prune": "skip"}, inputs={"container": "watchkeeper-equipment_redis_1"})
    assert run.state == "succeeded", run.sentence
    assert "redis-server" in output_of(run, "docker exec")


async def test_a_session_is_cancelled_then_ended(app: App, estate: Path) -> None:
    sleeping = subprocess.Popen([estate / "estate", "sql", "SELECT pg_sleep(200)"], stderr=subprocess.DEVNULL)
    look = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(200)'"
    assert eventually(lambda: said(estate, "sql", look) != "")
    pid = said(estate, "sql", look)
    inputs = {"postgres_user": "equipment", "postgres_db": "equipment_marketplace", "table_name": "bookings", "backend_pid": pid}
    run = await carried_out(app, "PostgreSQL", answers={"it does not stop": "yes"}, inputs=inputs)
    succeeded(run)
    assert "paid_at" in output_of(run, "$TABLE_NAME")
    assert pid in output_of(run, "left(query, 100)")
    assert sleeping.wait(20) != 0
    assert said(estate, "sql", look) == ""


async def test_the_host_is_looked_at(app: App, estate: Path) -> None:
    run = await carried_out(app, "The host")
    succeeded(run)
    assert ":22 " in output_of(run, "ss -tulpn")
    assert "sshd" in output_of(run, "journalctl")
