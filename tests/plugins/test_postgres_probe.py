"""What the postgres probe reads from a real server, and how it takes a full, closed, absent or hanging one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


async def test_the_figures_of_a_server(probe: Make, postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as held:
        held.execute("select 1")
        look = await probe("postgres", {"size": "database_bytes"}, dsn=postgres_dsn).look()
    assert look.problem is None
    assert (look.values["up"], look.values["connections"], look.values["replicas"]) == (1.0, 1.0, 0.0)
    assert look.values["connections_percent"] == pytest.approx(100 / 7)
    assert look.values["connections_idle"] == 1.0
    assert look.values["long_transaction_seconds"] > 0
    assert look.values["database_bytes"] > 1_000_000
    assert "replication_lag_seconds" not in look.values
    assert "no replica is connected" in look.detail


async def test_queries_are_readings_and_one_that_fails_takes_only_its_own(probe: Make, postgres_dsn: str) -> None:
    queries = {
        "orders": "select 41 + 1",
        "words": "select 'a' like '%b%' or null",
        "wrong": "select nothing from nowhere",
        "slow": "select pg_sleep(9)",
        "after": "select 1.5::numeric",
    }
    look = await probe("postgres", {"x": "orders"}, timeout_s=2.0, dsn=postgres_dsn, queries=queries).look()
    assert (look.values["orders"], look.values["after"], look.values["up"]) == (42.0, 1.5, 1.0)
    assert not {"words", "wrong", "slow"} & look.values.keys()
    assert "wrong: relation" in look.detail
    assert "slow: canceling statement due to statement timeout" in look.detail
    assert "words: the query gave no number" in look.detail


async def test_a_server_whose_queries_take_too_long_is_up(probe: Make, postgres_dsn: str) -> None:
    queries = {"slow": "select pg_sleep(9)", "slower": "select pg_sleep(9)"}
    look = await probe("postgres", timeout_s=0.4, dsn=postgres_dsn, queries=queries).look()
    assert look.values["up"] == 1.0
    assert "connections" in look.values
    assert "not everything was read within 0.4 s" in look.detail


@pytest.mark.parametrize(
    "query", ["create table made (a int)", "commit; create table made (a int)", "set transaction read write", "rollback"]
)  # fmt: skip
async def test_a_query_changes_nothing(probe: Make, postgres_dsn: str, query: str) -> None:
    await probe("postgres", dsn=postgres_dsn, queries={"a": query, "b": "create table made (a int)"}).look()
    with psycopg.connect(postgres_dsn) as connection:
        found = connection.execute("select count(*) from pg_tables where tablename = 'made'").fetchone()
    assert found == (0,)


async def test_a_server_without_a_free_connection_is_up_and_full(probe: Make, postgres_dsn: str) -> None:
    held = []
    try:
        with contextlib.suppress(psycopg.OperationalError):
            while len(held) < 20:
                held.append(psycopg.connect(postgres_dsn))
        look = await probe("postgres", dsn=postgres_dsn).look()
    finally:
        for connection in held:
            connection.close()
    assert (look.values, look.problem) == ({"up": 1.0, "connections_percent": 100.0}, None)
    assert "has no connection free" in look.detail


async def test_a_server_that_does_not_let_us_in_was_not_looked_at(probe: Make, postgres_dsn: str) -> None:
    look = await probe("postgres", dsn=postgres_dsn.replace("dbname=postgres", "dbname=none")).look()
    assert look.values == {}
    assert 'does not let us in: database "none" does not exist' in (look.problem or "")


async def test_a_closed_port_is_down(probe: Make, closed_port: int) -> None:
    look = await probe("postgres", dsn=f"host=127.0.0.1 port={closed_port} user=x").look()
    assert (look.values, look.problem) == ({"up": 0.0}, None)
    assert "refused" in look.detail


async def test_a_server_that_hangs_is_down_after_the_timeout(probe: Make, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    look = await probe("postgres", timeout_s=0.3, dsn=f"host=127.0.0.1 port={await peer(hang)} user=x").look()
    assert look.values == {"up": 0.0, "seconds": 0.3}


@pytest.mark.parametrize(
    ("metrics", "options"),
    [
        ({}, {"dsn": "host=x unknown=1"}),
        ({"x": "conections"}, {"dsn": "host=x"}),
        ({}, {"dsn": "host=x", "queries": {"up": "select 1"}}),
        ({}, {"dsn": "host=x", "queries": {"a": 1}}),
    ],
)
def test_options_that_cannot_be_used_are_refused(probe: Make, metrics: dict[str, str], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        probe("postgres", metrics, **options)
    assert caught.value.where
    assert caught.value.hint
