"""What the sql probe reads from a real PostgreSQL and a real MariaDB, and what it refuses before it asks."""

from __future__ import annotations

import asyncio
import doctest
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from tests.plugins.conftest import free_port

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.sql import answer
from watchkeeper.plugins.sql.answer import take
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
SHOP = """
drop table if exists payments; drop table if exists visits;
create table payments (id int, status text, created_at timestamptz);
insert into payments select i, (array['captured', 'failed', 'pending'])[1 + i % 3], now() - i * interval '10 minutes'
    from generate_series(1, 12) as i;
create table visits as select i as id, i % 50 = 0 as ordered from generate_series(1, 1000) as i;
create or replace function failed_payments() returns bigint language sql as $$
    delete from visits; select count(*) from payments where status = 'failed' $$;
"""
QUERIES = {
    "payment_failures_per_hour": "select count(*) from payments where status = 'failed' "
    "and created_at > now() - interval '1 hour'",
    "conversion_percent": "select 100.0 * count(*) filter (where ordered) / nullif(count(*), 0) from visits",
    "pending": "select count(*) as older, max(now() - created_at) as oldest from payments where status = 'pending';",
    "average_percent": "select avg(id) from payments where status = 'refunded'",
    "nothing": "select id from payments where status = 'refunded'",
    "word": "select status from payments limit 1",
}


@pytest.fixture
def url(postgres_dsn: str) -> str:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(SHOP.encode())
    return postgres_dsn


async def test_the_figures_of_a_business(probe: Make, url: str) -> None:
    look = await probe("sql", {"old payments": "pending_older"}, url=url, queries=QUERIES).look()
    assert look.problem is None
    assert (look.values["payment_failures_per_hour"], look.values["conversion_percent"]) == (2.0, 2.0)
    assert look.values["pending_older"] == 4.0
    assert look.values["pending_oldest"] == pytest.approx(110 * 60, abs=60)
    assert not {"average_percent", "nothing", "word"} & look.values.keys()
    assert look.detail == "average_percent: NULL; nothing: no row; word: not a number"


async def test_one_query_that_fails_or_waits_takes_only_its_own(probe: Make, url: str) -> None:
    queries = {"wrong": "select nothing from payments", "slow": "select pg_sleep(9)", "after": "select 1"}
    look = await probe("sql", timeout_s=2.0, url=url, queries=queries, only_read=["slow"]).look()
    assert look.values.get("after", look.values["up"]) == 1.0
    assert "wrong: column" in look.detail
    assert "slow: canceling statement due to statement timeout" in look.detail


async def test_a_function_that_is_trusted_and_writes_is_stopped_by_the_server(probe: Make, url: str) -> None:
    query = "select failed_payments()"
    look = await probe("sql", url=url, queries={"failed": query}, only_read=["failed"]).look()
    assert "failed: cannot execute DELETE in a read-only transaction" in look.detail
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from visits").fetchone() == (1000,)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("delete from payments", "may write"),
        ("update payments set status = 'x' where id = 1", "may write"),
        ("with gone as (delete from payments returning id) select count(*) from gone", "may write"),
        ("select count(*) from payments; drop table payments", "not one statement"),
        ("select 1; select 2", "not one statement"),
        ("select failed_payments()", "Whether failed_payments() changes anything is not known"),
        ("select pg_terminate_backend(1)", "may write"),
        ("", "not one statement"),
    ],
)
def test_an_order_to_write_is_refused_at_the_start(probe: Make, query: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"may write|not one statement") as caught:
        probe("sql", url="postgresql://x", queries={"a": query})
    assert why in caught.value.message
    assert caught.value.where
    assert caught.value.hint


@pytest.mark.parametrize(
    ("metrics", "options"),
    [
        ({}, {"url": "postgresql://x", "queries": {}}),
        ({}, {"url": "redis://x", "queries": {"a": "select 1"}}),
        ({}, {"url": "mysql://x?what=1", "queries": {"a": "select 1"}}),
        ({}, {"url": "postgresql://x", "queries": {"up": "select 1"}}),
        ({}, {"url": "postgresql://x", "queries": {"a": "select 1"}, "only_read": ["b"]}),
        ({"x": "b"}, {"url": "postgresql://x", "queries": {"a": "select 1"}}),
    ],
)
def test_options_that_cannot_be_used_are_refused(probe: Make, metrics: dict[str, str], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        probe("sql", metrics, **options)
    assert caught.value.where


async def test_a_database_that_is_away_hangs_or_does_not_let_us_in(probe: Make, url: str, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    queries = {"a": "select 1"}
    for kind in ("postgresql", "mysql"):
        look = await probe("sql", url=f"{kind}://x@127.0.0.1:{free_port()}/x", queries=queries).look()
        assert (look.values, look.problem) == ({"up": 0.0}, None)
        waits = await probe("sql", timeout_s=0.2, url=f"{kind}://x@127.0.0.1:{await peer(hang)}/x", queries=queries).look()
        assert waits.values == {"up": 0.0, "seconds": 0.2}
    blind = await probe("sql", url=url.replace("dbname=postgres", "dbname=none"), queries=queries).look()
    assert blind.values == {}
    assert "does not let us in" in (blind.problem or "")


def test_numbers_of_a_database_and_a_row_of_many_columns() -> None:
    assert doctest.testmod(answer).failed == 0
    found = Found(0.0)
    take("wide", [f"c{n}" for n in range(60)], range(60), found)
    assert len(found.values) == 50
    assert found.notes == ["wide: only the first 50 columns are read"]
