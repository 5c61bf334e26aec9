"""What the mysql probe reads from two real MariaDB servers, and how it takes a full, closed, absent or hanging one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest
from tests.conftest import need
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.base.errors import ConfigError
from watchkeeper.demo.servers import Servers
from watchkeeper.plugins.mysql.groups import read_replica
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look, Probe
from watchkeeper.watch.rates import Rates

Make = Callable[..., Probe]


@dataclass(frozen=True, slots=True)
class Pair:
    """The ports of a primary and of its replica."""

    primary: int
    replica: int

    def url(self, user: str = "watch", port: int | None = None, database: str = "shop") -> str:
        return f"mysql://{user}:look-at-me@127.0.0.1:{port or self.primary}/{database}"


def connect(port: int, user: str = "owner", **options: Any) -> pymysql.Connection[Any]:
    return pymysql.connect(host="127.0.0.1", port=port, user=user, password="look-at-me", database="shop", **options)


@contextlib.contextmanager
def mariadb(image: Path, home: Path, user: str | None, number: int) -> Iterator[int]:
    """Run a MariaDB of our own on a copy of an empty data folder; gives its port."""
    shutil.copytree(image, home)
    as_user = [f"--user={user}"] if user else []
    if user:
        subprocess.run(["chown", "-R", user, str(home)], check=True)
    port = free_port()
    options = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={home / 's'}", f"--pid-file={home / 'pid'}"]
    options += [f"--server-id={number}", "--log-bin=log", "--innodb-flush-method=fsync", "--innodb-flush-log-at-trx-commit=0"]
    options += ["--max-connections=12", "--performance-schema=ON", "--skip-name-resolve", "--innodb-buffer-pool-size=16M"]
    options += ["--slave-net-timeout=2", "--long-query-time=0.05"]
    command = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={home}", *as_user, *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            wait_for(port)
            yield port
        finally:
            running.terminate()
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()


@pytest.fixture(scope="module")
def pair(servers: Servers, folder: Path) -> Iterator[Pair]:
    install = Path("/usr/bin/mariadb-install-db")
    need(install.exists() and Path("/usr/sbin/mariadbd").exists(), "mariadb-server")
    image = folder / "image"
    image.mkdir()
    as_user = [f"--user={servers.user}"] if servers.user else []
    if servers.user:
        owner = pwd.getpwnam(servers.user)
        os.chown(image, owner.pw_uid, owner.pw_gid)
    made = [str(install), "--no-defaults", f"--datadir={image}", "--auth-root-authentication-method=normal"]
    subprocess.run([*made, "--skip-test-db", *as_user], check=True, capture_output=True, timeout=120)
    with mariadb(image, folder / "first", servers.user, 1) as first, mariadb(image, folder / "second", servers.user, 2) as second:
        with pymysql.connect(host="127.0.0.1", port=first, user="root") as root, root.cursor() as cursor:
            cursor.execute("create database shop")
            cursor.execute("create user owner identified by 'look-at-me'")
            cursor.execute("grant all on *.* to owner")
            cursor.execute("create user watch identified by 'look-at-me'")
            cursor.execute("grant process, slave monitor, binlog monitor on *.* to watch")
            cursor.execute("grant select on shop.* to watch")
            cursor.execute("grant select on performance_schema.* to watch")
            cursor.execute("create user nobody identified by 'look-at-me'")
            cursor.execute("grant select on shop.* to nobody")
            cursor.execute("create table shop.orders (id int primary key, cents int) engine=innodb")
            cursor.execute("insert into shop.orders values (1, 100), (2, 200)")
            root.commit()
        with pymysql.connect(host="127.0.0.1", port=second, user="root") as root, root.cursor() as cursor:
            cursor.execute(
                f"change master to master_host='127.0.0.1', master_port={first}, master_user='owner', "
                "master_password='look-at-me', master_log_file='log.000001', master_log_pos=4, master_connect_retry=1"
            )
            cursor.execute("start slave")
        yield Pair(first, second)


async def until(probe: Probe, told: Callable[[Look], bool]) -> Look:
    for _ in range(70):
        look = await probe.look()
        if told(look):
            return look
        time.sleep(0.15)  # InnoDB shows who waits from a copy that it renews only when nobody has read it for 0.1 s
    raise AssertionError(f"{look.values} {look.detail} {look.problem}")


async def test_the_figures_of_a_primary(probe: Make, pair: Pair) -> None:
    made = probe("mysql", {"x": "orders"}, replicas=2, url=pair.url(), queries={"orders": "select count(*) from orders"})
    with connect(pair.primary):
        first = await until(made, lambda look: look.values.get("replicas") == 1)
        second = await made.look()
    assert first.problem is None
    assert (second.values["up"], second.values["orders"], second.values["replicas_missing"]) == (1.0, 2.0, 1.0)
    assert 0 < second.values["connections_percent"] < 100
    assert second.values["connections_percent"] == pytest.approx(100 * second.values["connections"] / 12)
    assert second.values["queries_per_s"] > 0
    assert second.values["deadlocks_per_minute"] == second.values["lock_waits"] == second.values["lock_wait_seconds"] == 0
    assert 0 < second.values["buffer_pool_hit_percent"] <= 100
    assert second.values["databases_bytes"] >= second.values["database_bytes"] > 0
    assert second.values["binary_log_bytes"] > 0
    assert "largest table: " in second.detail


async def test_a_replica_that_follows_breaks_and_loses_its_primary(probe: Make, pair: Pair) -> None:
    made = probe("mysql", url=pair.url(port=pair.replica))
    well = await until(made, lambda look: look.values.get("replication_lag_seconds") == 0)
    assert (well.values["replica_io"], well.values["replica_sql"]) == (1.0, 1.0)
    with connect(pair.replica) as replica, connect(pair.primary) as primary:
        replica.cursor().execute("insert into orders values (7, 1)")
        replica.commit()
        primary.cursor().execute("insert into orders values (7, 1)")
        primary.commit()
        broken = await until(made, lambda look: look.values["replica_sql"] == 0)
        assert "replication_lag_seconds" not in broken.values
        assert "the SQL thread is No: Error 'Duplicate entry '7' for key 'PRIMARY'' on query." in broken.detail
        assert "insert" not in broken.detail
        replica.cursor().execute("stop slave")
        replica.cursor().execute("set global sql_slave_skip_counter = 1")
        replica.cursor().execute("start slave sql_thread")
        apart = await until(made, lambda look: look.values["replica_sql"] == 1)
        assert apart.values["replica_io"] == 0
        assert "replication_lag_seconds" not in apart.values
        assert "the IO thread is No" in apart.detail
        replica.cursor().execute("start slave")
    await until(made, lambda look: look.values.get("replication_lag_seconds") == 0)


async def test_who_waits_for_a_lock_and_who_holds_it_and_deadlocks(probe: Make, pair: Pair) -> None:
    made = probe("mysql", url=pair.url())
    await made.look()
    with connect(pair.primary) as holder, connect(pair.primary) as waiter:
        holder.cursor().execute("update orders set cents = 1 where id = 1")
        waiter.cursor().execute("update orders set cents = 1 where id = 2")
        waiting = threading.Thread(target=lambda: waiter.cursor().execute("update orders set cents = 2 where id = 1"))
        waiting.start()
        look = await until(made, lambda look: "blocked by" in look.detail)
        assert f"1 wait for a lock; blocked by {holder.thread_id()} (owner, idle in transaction, for " in look.detail
        assert look.values["lock_waits"] == 1
        assert look.values["connections_idle_in_transaction"] == 1
        with contextlib.suppress(pymysql.err.OperationalError):
            holder.cursor().execute("update orders set cents = 2 where id = 2")
        waiting.join()
        after = await made.look()
        holder.rollback()
        waiter.rollback()
    assert after.values["deadlocks_per_minute"] > 0


async def test_slow_statements_and_connections_that_fail(probe: Make, pair: Pair) -> None:
    made = probe("mysql", costly_every="0s", url=pair.url())
    await made.look()
    with connect(pair.primary) as connection, connection.cursor() as cursor:
        cursor.execute("select sleep(0.1) from dual where 7 = 7")
    with contextlib.suppress(pymysql.err.OperationalError):
        pymysql.connect(host="127.0.0.1", port=pair.primary, user="owner", password="wrong")
    look = await made.look()
    assert look.values["slow_queries_per_s"] > 0
    assert look.values["aborted_connects_per_minute"] > 0
    assert look.values["slow_query_mean_seconds"] >= 0.1
    assert "slowest statement: " in look.detail
    assert "look-at-me" not in look.detail


async def test_a_user_who_may_not_see_says_so_and_gives_no_zero(probe: Make, pair: Pair) -> None:
    look = await probe("mysql", url=pair.url("nobody")).look()
    assert look.problem is None
    assert look.values["up"] == 1.0
    assert not {"long_transaction_seconds", "lock_wait_seconds", "binary_log_bytes", "replica_io"} & look.values.keys()
    assert "transactions: Access denied; you need (at least one of) the PROCESS privilege" in look.detail
    assert "logs: Access denied" in look.detail


@pytest.mark.parametrize(
    "query",
    ["create table t (a int)", "delete from orders", "commit; delete from orders", "set global x = 1", "select 1; select 2"],
)  # fmt: skip
def test_a_query_that_may_write_is_refused(probe: Make, query: str) -> None:
    with pytest.raises(ConfigError) as caught:
        probe("mysql", url="mysql://x", queries={"a": query}, only_read=["a"])
    assert caught.value.where


async def test_a_trusted_function_that_writes_is_stopped_by_the_server(probe: Make, pair: Pair) -> None:
    with connect(pair.primary) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create function wipe() returns int deterministic modifies sql data begin delete from orders; return 1; end"
        )
        look = await probe("mysql", url=pair.url("owner"), queries={"a": "select wipe()"}, only_read=["a"]).look()
        cursor.execute("select count(*) > 1 from orders")
        assert cursor.fetchone() == (1,)
        cursor.execute("drop function wipe")
    assert "a: Cannot execute statement in a READ ONLY transaction" in look.detail


async def test_the_figures_of_a_business(probe: Make, pair: Pair) -> None:
    queries = {
        "orders": "select count(*) from orders where cents > 0",
        "money": "select sum(cents) as cents, min(id) as first, avg(cents) as average from orders",
        "none": "select id from orders where id = 99",
        "nothing": "select sum(cents) from orders where id = 99",
        "many": "select id from orders",
        "wrong": "select what from orders",
        "slow": "select sleep(9)",
    }
    look = await probe("sql", {"money": "money_cents"}, timeout_s=2.0, url=pair.url(), queries=queries, only_read=["slow"]).look()
    assert look.problem is None
    assert look.values["orders"] >= 2
    assert (look.values["money_first"], look.values["many"]) == (1.0, 1.0)
    assert look.values["money_cents"] > look.values["money_average"] > 0
    assert "none: no row; nothing: NULL; wrong: Unknown column 'what'" in look.detail
    assert "slow" not in look.values
    refused = await probe("sql", url=f"mysql://watch:no@127.0.0.1:{pair.primary}/shop", queries={"a": "select 1"}).look()
    assert "does not let us in" in (refused.problem or "")


async def test_queries_that_fail_take_only_their_own(probe: Make, pair: Pair) -> None:
    queries = {
        "slow": "select sleep(9)",
        "words": "select 'a'",
        "none": "select 1 from orders where id = 99",
    }
    look = await probe("mysql", timeout_s=2.0, url=pair.url(), queries=queries, only_read=["slow"], leave_out=["sizes"]).look()
    assert look.values["up"] == 1.0
    assert not {"slow", "words", "none", "database_bytes"} & look.values.keys()
    assert "slow: " in look.detail  # MariaDB sometimes gives the answer of a sleep that was cut short


async def test_a_full_server_is_up_and_full(probe: Make, pair: Pair) -> None:
    held = []
    try:
        with contextlib.suppress(pymysql.err.OperationalError):
            while len(held) < 20:
                held.append(connect(pair.primary, "nobody"))
        look = await probe("mysql", url=pair.url()).look()
    finally:
        for connection in held:
            connection.close()
    assert (look.values, look.problem) == ({"up": 1.0, "connections_percent": 100.0}, None)
    assert "has no connection free: Too many connections" in look.detail


async def test_a_server_that_does_not_let_us_in_was_not_looked_at(probe: Make, pair: Pair) -> None:
    look = await probe("mysql", url=f"mysql://watch:no@127.0.0.1:{pair.primary}/shop").look()
    assert look.values == {}
    assert "does not let us in: Access denied for user" in (look.problem or "")


async def test_what_is_no_mysql_hangs_or_is_closed(probe: Make, closed_port: int, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)
        await writer.drain()

    def url(port: int) -> str:
        return f"mysql://watch:x@127.0.0.1:{port}/shop"

    look = await probe("mysql", url=url(closed_port)).look()
    assert (look.values, look.problem) == ({"up": 0.0}, None)
    waits = await probe("mysql", timeout_s=0.3, url=url(await peer(hang))).look()
    assert waits.values == {"up": 0.0, "seconds": 0.3}
    babbles = await probe("mysql", timeout_s=1.0, url=url(await peer(babble))).look()
    assert babbles.values.get("up", 0.0) == 0.0


def test_both_vocabularies_of_a_replica_say_the_same() -> None:
    older = {"Seconds_Behind_Master": 4, "Slave_IO_Running": "Yes", "Slave_SQL_Running": "Yes", "Last_IO_Error": ""}
    newer = {"Seconds_Behind_Source": 4, "Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Channel_Name": "east"}
    for row in (older, newer):
        found = Found(0.0)
        read_replica([row], found, Rates())
        assert found.values == {"replication_lag_seconds": 4.0, "replica_io": 1.0, "replica_sql": 1.0}
    found = Found(0.0)
    read_replica([older, {**newer, "Seconds_Behind_Source": None, "Replica_IO_Running": "Connecting"}], found, Rates())
    assert found.values == {"replica_io": 0.0, "replica_sql": 1.0}
    assert found.notes == ["channel east, the IO thread is Connecting"]


@pytest.mark.parametrize(
    ("metrics", "options"),
    [
        ({}, {"url": "postgres://x"}),
        ({}, {"url": "mysql://x?tls=maybe"}),
        ({}, {"url": "mysql://x:99999999/y"}),
        ({"x": "conections"}, {"url": "mysql://x"}),
        ({}, {"url": "mysql://x", "queries": {"up": "select 1"}}),
        ({}, {"url": "mysql://x", "leave_out": ["size"]}),
    ],
)
def test_options_that_cannot_be_used_are_refused(probe: Make, metrics: dict[str, str], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        probe("mysql", metrics, **options)
    assert caught.value.where
    assert caught.value.hint
