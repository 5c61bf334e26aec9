"""What the postgres probe reads from a primary with its replica: Debian's PostgreSQL 15, which has pg_stat_statements."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.conftest import need
from tests.plugins.conftest import postgres

from watchkeeper.base.errors import ConfigError
from watchkeeper.demo.servers import Servers
from watchkeeper.plugins.postgres.memory import Memory
from watchkeeper.watch.probe import Look, Probe

Make = Callable[..., Probe]
DEBIAN = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary and its replica, by their connection strings."""

    primary: str
    replica: str


@pytest.fixture(scope="module")
def pair(servers: Servers, folder: Path) -> Iterator[Pair]:
    need((DEBIAN / "postgres").exists(), "postgresql-15")
    programs = replace(servers, postgres=DEBIAN)
    settings = [
        "shared_preload_libraries=pg_stat_statements",
        "archive_mode=on",
        "archive_command=test -e may-archive",
        "wal_level=replica",
    ]
    with (
        postgres(programs, folder / "primary", 20, *settings) as first,
        psycopg.connect(f"host=127.0.0.1 port={first} user=postgres dbname=postgres", autocommit=True) as connection,
    ):
        connection.execute("create extension pg_stat_statements")
        connection.execute("create role looker login")
        connection.execute("create role shop login")
        connection.execute("create table orders as select generate_series(1, 5000) as id")
        connection.execute("grant all on orders to shop")
        connection.execute("select pg_create_physical_replication_slot('gone', true)")
        with postgres(programs, folder / "replica", 20, "wal_retrieve_retry_interval=100ms", of=first) as second:
            names = "host=127.0.0.1 port={} user=postgres dbname=postgres"
            yield Pair(names.format(first), names.format(second))
            (folder / "primary" / "data" / "may-archive").touch()


async def until(probe: Probe, told: Callable[[Look], bool]) -> Look:
    for _ in range(200):
        look = await probe.look()
        if told(look):
            return look
        time.sleep(0.05)
    raise AssertionError(f"{look.values} {look.detail} {look.problem}")


async def test_counters_of_a_primary_become_rates(probe: Make, pair: Pair) -> None:
    made = probe("postgres", dsn=pair.primary)
    first = await made.look()
    assert first.problem is None
    assert not {"commits_per_s", "deadlocks_per_minute", "archive_failures", "slow_query_seconds"} & first.values.keys()
    with psycopg.connect(pair.primary) as connection:
        for _ in range(5):
            connection.execute("select count(*) from orders")
            connection.rollback()
    second = await until(made, lambda look: look.values["rollbacks_per_s"] > 0)
    assert 0 < second.values["rollback_percent"] <= 100
    assert second.values["deadlocks_per_minute"] == 0
    assert 50 < second.values["cache_hit_percent"] <= 100


async def test_a_primary_knows_its_replica_and_the_one_that_is_missing(probe: Make, pair: Pair) -> None:
    look = await until(probe("postgres", replicas=2, dsn=pair.primary), lambda look: "replication_lag_bytes" in look.values)
    assert (look.values["replicas"], look.values["replicas_missing"], look.values["slots_inactive"]) == (1.0, 1.0, 1.0)
    assert look.values["slots_retained_bytes"] > 0
    assert "1 of 1 replication slots have nobody, the one furthest back is gone" in look.detail


async def test_a_replica_says_how_far_it_is_and_whether_it_receives(probe: Make, pair: Pair) -> None:
    made = probe("postgres", dsn=pair.replica)
    with psycopg.connect(pair.primary, autocommit=True) as primary:
        primary.execute("insert into orders values (0)")  # else the stream begins at a file's edge, with nothing to replay
    look = await until(made, lambda look: look.values.get("replication_lag_bytes") == 0)
    assert (look.values["replica_receives"], look.values["replication_lag_seconds"]) == (1.0, 0.0)
    with psycopg.connect(pair.replica, autocommit=True) as replica, psycopg.connect(pair.primary, autocommit=True) as primary:
        replica.execute("select pg_wal_replay_pause()")
        primary.execute("insert into orders select generate_series(1, 5000)")
        behind = await until(made, lambda look: look.values["replication_lag_bytes"] > 0)
        replica.execute("select pg_wal_replay_resume()")
    assert behind.values["replication_lag_seconds"] > 0


async def test_who_waits_for_a_lock_and_who_holds_it(probe: Make, pair: Pair) -> None:
    shop = pair.primary.replace("user=postgres", "user=shop")
    with psycopg.connect(shop) as holder, psycopg.connect(pair.primary) as waiter:
        holder.execute("lock table orders in access exclusive mode")
        pid = holder.info.backend_pid
        waiter.execute("set lock_timeout = '5s'")

        def wait() -> None:
            waiter.execute("select count(*) from orders")

        waiting = threading.Thread(target=wait)
        waiting.start()
        look = await until(probe("postgres", dsn=pair.primary), lambda look: look.values.get("lock_waits") == 1)
        assert "1 wait for a lock, the longest for 0 s; blocked by " in look.detail
        assert f"{pid} (shop, idle in transaction, for " in look.detail
        assert look.values["idle_in_transaction_seconds"] > 0
        # sizes wait for no lock of somebody else's
        assert look.values["up"] == 1.0
        holder.rollback()
        waiting.join()


async def test_the_slowest_statement_is_named_and_no_command_that_can_hold_a_password(probe: Make, pair: Pair) -> None:
    made = probe("postgres", costly_every="0s", dsn=pair.primary)
    await made.look()
    with psycopg.connect(pair.primary, autocommit=True) as connection:
        connection.execute("select pg_sleep(0.15), 'slow'")
        look = await made.look()
        assert look.values["slow_query_seconds"] >= 0.15
        assert look.values["slow_query_mean_seconds"] >= 0.15
        assert look.values["slow_query_calls"] == 1.0
        assert "slowest statement: select pg_sleep($1), $2" in look.detail
        connection.execute("do $$ begin perform pg_sleep(0.2); end $$ /* secret-word */")
        other = await made.look()
    assert other.values["slow_query_mean_seconds"] >= 0.2
    assert "secret-word" not in other.detail


async def test_dead_rows_sizes_and_wraparound(probe: Make, pair: Pair) -> None:
    with psycopg.connect(pair.primary, autocommit=True) as connection:
        connection.execute("create table stale with (autovacuum_enabled = false) as select generate_series(1, 4000) as id")
        connection.execute("update stale set id = id + 1")
    made = probe("postgres", costly_every="0s", dsn=pair.primary)
    look = await until(made, lambda look: look.values.get("dead_rows_percent", 0) > 40)
    assert look.values["dead_rows"] >= 4000
    assert "most dead rows: stale (50 %, never vacuumed)" in look.detail
    assert look.values["databases_bytes"] > look.values["database_bytes"] > look.values["largest_table_bytes"] > 0
    assert "largest table: " in look.detail
    assert 0 < look.values["wraparound_percent"] < 1


async def test_archiving_that_fails_and_comes_back(probe: Make, pair: Pair, folder: Path) -> None:
    with psycopg.connect(pair.primary, autocommit=True) as connection:
        connection.execute("select pg_switch_wal()")
    made = probe("postgres", costly_every="0s", dsn=pair.primary)
    look = await until(made, lambda look: look.values["archive_failing"] == 1.0)
    assert look.values["archive_waiting"] >= 1
    assert "archive_age_seconds" not in look.values
    assert "WAL archiving fails since 0000000" in look.detail
    (folder / "primary" / "data" / "may-archive").touch()
    with psycopg.connect(pair.primary, autocommit=True) as connection:
        connection.execute("insert into orders values (1)")
        connection.execute("select pg_switch_wal()")
    well = await until(made, lambda look: look.values["archive_failing"] == 0.0)
    assert well.values["archive_age_seconds"] >= 0


async def test_a_role_that_may_not_see_says_so_and_gives_no_zero(probe: Make, pair: Pair) -> None:
    with psycopg.connect(pair.primary):
        look = await probe("postgres", dsn=pair.primary.replace("user=postgres", "user=looker")).look()
    assert look.problem is None
    assert look.values["connections"] >= 1
    hidden = {"long_transaction_seconds", "connections_active", "replication_lag_bytes", "archive_waiting"}
    assert not hidden & look.values.keys()
    assert "may not see what other roles' connections do (grant pg_monitor)" in look.detail
    assert "archiving: permission denied for function pg_ls_archive_statusdir" in look.detail
    assert look.values["slow_query_calls"] >= 1


async def test_what_is_dear_is_read_once_in_a_while(probe: Make, pair: Pair) -> None:
    made = probe("postgres", dsn=pair.primary, leave_out=["statements", "locks"])
    first, second = await made.look(), await made.look()
    assert first.values["database_bytes"] == second.values["database_bytes"]
    assert not {"slow_query_calls", "lock_waits"} & second.values.keys()
    assert "slowest" not in second.detail


def test_a_group_that_is_none_is_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match="'lock', which is no group") as caught:
        probe("postgres", dsn="host=x", leave_out=["lock"])
    assert "'locks'" in (caught.value.hint or "")


def test_statements_are_compared_with_what_they_were() -> None:
    memory = Memory()
    key: Any = ("1", "2", "3")
    assert memory.slowest_now([(key, 10, 1.0)]) is None
    assert memory.slowest_now([(key, 12, 5.0), (("2", "2", "3"), 1, 0.5)]) == 2.0
    assert memory.slowest_now([(key, 12, 5.0)]) is None
    assert memory.slowest_now([(key, 2, 3.0)]) == 1.5
