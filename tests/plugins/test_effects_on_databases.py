"""Effects looked at on a real PostgreSQL and a real Redis, held against what the commands then really do."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.plugins.effect_bench import RUN, Bench, bench_in

from watchkeeper.book.commands import make_command
from watchkeeper.demo.servers import Servers
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.shell.target import ShellTarget
from watchkeeper.run.model import Act
from watchkeeper.run.preview import Previewer


@pytest.fixture
def bench(servers: Servers, tmp_path: Path) -> Bench:
    return bench_in(tmp_path, (servers.postgres, servers.redis_cli.parent))


@pytest.fixture
def psql(postgres_dsn: str) -> Iterator[str]:
    """Give the psql of the book on a database of the test's own."""
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute("create database effects")
    parts = dict(part.split("=") for part in postgres_dsn.split())
    yield f"psql -h {parts['host']} -p {parts['port']} -U {parts['user']} effects"
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute("drop database effects with (force)")


SCHEMA = """
create table jobs (id int primary key, state text, note text);
insert into jobs select n, case when n % 3 = 0 then 'done' else 'new' end, 'job ' || n from generate_series(1, 1204) n;
create table steps (job int references jobs on delete cascade);
create table flags (name text primary key, enabled boolean, changed timestamptz, share numeric, extra jsonb);
insert into flags values ('checkout', true, '2026-03-01 10:00:00.123456+01', 0.10, '{"a": [1.50, "it''s"]}');
insert into flags values ('O''Hara"s', false, null, null, null);
insert into flags values ('big', null, null, 12345678901234567890.1234567890, '{"a": null}');
create table "Big Orders" (id int);
"""


async def test_rows_are_counted_by_the_statements_own_where(bench: Bench, psql: str) -> None:
    bench.run(f"{psql} -q <<'SQL'\n{SCHEMA}\nSQL")
    text = f"""{psql} -c "DELETE FROM jobs WHERE state = 'done'" """.strip()
    seen = await bench.look(text)
    assert seen.sentence == "Deletes 401 rows in jobs; rows that belong to them go too, in steps."
    assert bench.run(f"{psql} -Atc 'select count(*) from jobs'") == "1204\n"
    assert await bench.happened(text, seen) is None
    bench.run(text)
    assert await bench.happened(text, seen) is True
    assert (await bench.look(f'{psql} -c "DELETE FROM jobs"')).sentence.startswith("Deletes every row: 803 rows in jobs")
    joined = f"""{psql} -c "DELETE FROM jobs j USING jobs o WHERE o.id < j.id AND j.id <= 4" """.strip()
    assert (await bench.look(joined)).sentence.startswith("Deletes 2 rows in jobs")
    nothing = await bench.look(f"""{psql} -c "DELETE FROM jobs WHERE nosuch = 1" """.strip())
    assert nothing.sentence.startswith("The effect could not be looked at:")


async def test_a_flag_is_put_back_to_the_last_bit(bench: Bench, psql: str) -> None:
    bench.run(f"{psql} -q <<'SQL'\n{SCHEMA}\nSQL")
    sets = "enabled = NOT coalesce(enabled, false), changed = now(), share = 0.5, extra = '[]'"
    text = f'{psql} -c "UPDATE flags SET {sets}"'
    before = bench.run(f"{psql} -Atc 'select * from flags order by name'")
    seen = await bench.look(text)
    assert seen.sentence == "Changes changed, enabled, extra, share of every row: 3 rows in flags."
    assert seen.way_back.startswith("Way back: psql ")
    bench.run(text)
    assert bench.run(f"{psql} -Atc 'select * from flags order by name'") != before
    bench.back(text, seen)
    assert bench.run(f"{psql} -Atc 'select * from flags order by name'") == before


async def test_a_null_of_json_is_not_taken_for_none(bench: Bench, psql: str) -> None:
    bench.run(f"{psql} -q <<'SQL'\n{SCHEMA}\ninsert into flags values ('odd', true, null, null, 'null');\nSQL")
    seen = await bench.look(f'{psql} -c "UPDATE flags SET extra = NULL"')
    assert seen.sentence == "Changes extra of every row: 4 rows in flags."
    assert seen.way_back.startswith("No way back: ")


async def test_a_table_says_rows_size_and_lock(bench: Bench, psql: str) -> None:
    bench.run(f"{psql} -q <<'SQL'\n{SCHEMA}\nSQL")
    truncated = await bench.look(f'{psql} -c "TRUNCATE jobs CASCADE"')
    assert truncated.sentence.startswith("Empties jobs (1,204 rows, ")
    assert "steps refer to it" in truncated.sentence
    assert "nobody can read or write it meanwhile (ACCESS EXCLUSIVE)" in truncated.sentence
    index = await bench.look(f"{psql} -c 'CREATE INDEX CONCURRENTLY i ON \"Big Orders\" (id)'")
    assert index.sentence.startswith('Builds an index on "Big Orders" (0 rows, ')
    assert "reading and writing go on" in index.sentence
    dropped = f'{psql} -c "DROP TABLE flags"'
    seen = await bench.look(dropped)
    bench.run(dropped)
    assert await bench.happened(dropped, seen) is True


async def test_a_setting_goes_back_to_what_the_file_said(bench: Bench, psql: str) -> None:
    text = f"{psql} -c \"ALTER SYSTEM SET work_mem = '8MB'\""
    first = await bench.look(text)
    assert first.sentence == "work_mem 4096 kB → 8MB."
    bench.run(text)
    assert await bench.happened(text, first) is True
    other = f"{psql} -c \"ALTER SYSTEM SET work_mem = '16MB'\""
    second = await bench.look(other)
    bench.run(other)
    bench.back(other, second)
    own = "select setting from pg_file_settings where name = 'work_mem'"
    assert bench.run(f'{psql} -Atc "{own}"') == "8MB\n"
    bench.back(text, first)
    assert bench.run(f'{psql} -Atc "{own}"') == ""


async def test_who_would_die_is_said_by_type_walsenders_too(bench: Bench, psql: str, servers: Servers, postgres_dsn: str) -> None:
    parts = dict(part.split("=") for part in postgres_dsn.split())
    conninfo = f"host=127.0.0.1 port={parts['port']} user=postgres"
    receiver = subprocess.Popen(
        [str(servers.postgres / "pg_receivewal"), "-d", conninfo, "-D", str(bench.folder), "--no-loop"], stderr=subprocess.DEVNULL
    )
    killing = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query_start < now() AND pid <> pg_backend_pid()"
    try:
        with contextlib.closing(psycopg.connect(postgres_dsn, dbname="effects", application_name="checkout")) as client:
            client.execute("select 1")
            walsenders = "select count(*) from pg_stat_activity where backend_type = 'walsender' and query_start is not null"
            await until(lambda: _said(bench.run(f'{psql} -Atc "{walsenders}"'), "1\n"))
            text = f'{psql} -c "{killing}"'
            seen = await bench.look(text)
            assert "1 client backend, 1 walsender" in seen.sentence
            assert "walsender: a replica or a backup loses its stream" in seen.sentence
            assert "checkout" in seen.sentence
            assert receiver.poll() is None
            assert client.execute("select 2").fetchone() == (2,)
            clients = f"{killing} AND backend_type = 'client backend'"
            safe = await bench.look(f'{psql} -c "{clients}"')
            assert "1 client backend, 0 walsenders" in safe.sentence
            assert safe.scope != seen.scope
            assert await bench.happened(text, seen) is None
            bench.run(text)
            await until(lambda: _true(bench.happened(text, seen)))
    finally:
        receiver.kill()
        receiver.wait()


async def _true(asked: Awaitable[bool | None]) -> bool:
    return await asked is True


async def _said(said: str, wanted: str) -> bool:
    return said == wanted


async def until(asked: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(200):
        if await asked():
            return
    raise AssertionError("it did not come about")


async def test_a_look_cannot_write_even_where_a_value_tries(bench: Bench, psql: str) -> None:
    bench.run(f"{psql} -q <<'SQL'\n{SCHEMA}\nSQL")
    body = "create function boom() returns boolean language sql as $$ delete from jobs; select true $$"
    bench.run(f"{psql} -q <<'SQL'\n{body}\nSQL")
    seen = await bench.look(f'{psql} -c "DELETE FROM steps WHERE boom()"')
    assert seen.sentence.startswith("No preview is known")
    assert bench.run(f"{psql} -Atc 'select count(*) from jobs'") == "1204\n"


# --- Redis


@pytest.fixture
def redis(redis_port: int, bench: Bench) -> Iterator[str]:
    bench.run(f"redis-cli -p {redis_port} FLUSHALL")
    yield f"redis-cli -p {redis_port}"
    bench.run(f"redis-cli -p {redis_port} FLUSHALL")


async def test_a_flush_says_keys_and_queues_by_database(bench: Bench, redis: str) -> None:
    bench.run(f"for n in $(seq 30); do echo RPUSH jobs $n; echo SET cache:$n x; done | {redis}; {redis} -n 2 SET other 1")
    seen = await bench.look(f"{redis} FLUSHALL")
    assert seen.sentence == (
        "Deletes 31 keys in database 0; deletes 1 key in database 2; among them 30 entries in 1 queue (jobs: 30)."
    )
    one = await bench.look(f"{redis} -n 2 FLUSHDB")
    assert one.sentence == "Deletes 1 key in database 2."
    assert bench.run(f"{redis} DBSIZE") == "31\n"
    bench.run(f"{redis} FLUSHALL")
    assert await bench.happened(f"{redis} FLUSHALL", seen) is True
    assert (await bench.look(f"{redis} FLUSHALL")).sentence == "There is nothing to delete."


async def test_a_delete_names_what_is_there_and_what_is_no_name(bench: Bench, redis: str) -> None:
    bench.run(f"{redis} RPUSH jobs a b c; {redis} SET cache:1 x; {redis} SET cache:2 x")
    assert (await bench.look(f"{redis} DEL jobs nosuch")).sentence == "Deletes 1 key; jobs: 3 entries; there is no nosuch."
    pattern = await bench.look(f'{redis} del "cache:*"')
    assert pattern.sentence == "Deletes 0 keys; cache:* names nothing: DEL takes names, not patterns."
    piped = f"{redis} --scan --pattern 'cache:*' | xargs -r {redis} unlink"
    seen = await bench.look(piped)
    assert seen.sentence == "Deletes 2 keys."
    bench.run(piped)
    assert await bench.happened(piped, seen) is True
    assert (await bench.look(f"{redis} LTRIM jobs -1 -1")).sentence == "Deletes 2 entries of jobs and keeps 1."


@pytest.mark.parametrize(
    ("set_up", "text", "look"),
    [
        ("SET flag 'it is \"on\"'", "SET flag off", "GET flag"),
        ("DEL flag", "SET flag off", "EXISTS flag"),
        ("HSET flags a 1", "HSET flags a 0", "HGETALL flags"),
        ("HSET flags b 1", "HSET flags a 0", "HGETALL flags"),
        ("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory-policy allkeys-lru", "CONFIG GET maxmemory-policy"),
    ],
)  # fmt: skip
async def test_a_value_is_put_back(bench: Bench, redis: str, set_up: str, text: str, look: str) -> None:
    bench.run(f"{redis} {set_up}")
    before = bench.run(f"{redis} {look}")
    seen = await bench.look(f"{redis} {text}")
    bench.run(f"{redis} {text}")
    assert bench.run(f"{redis} {look}") != before
    assert await bench.happened(f"{redis} {text}", seen) is True
    bench.back(f"{redis} {text}", seen)
    assert bench.run(f"{redis} {look}") == before


async def test_words_for_redis_by_themselves_are_looked_at_on_the_bound_connection(
    bench: Bench, redis: str, tmp_path: Path
) -> None:
    bench.run(f"{redis} RPUSH jobs a b")
    options: dict[str, Any] = {"redis_cli": redis}
    config = TargetConfig("local", "shell", 1, tmp_path, path=bench.previewer.estate.targets["local"].path, options=options)
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", targets={"local": config})
    previewer = Previewer(estate, {"local": ShellTarget(config, estate)}, tmp_path / "state")
    command = make_command("DEL jobs", 1, "redis")
    seen = await previewer.preview("look", Act("1.1", 1, "command", "x", 1, command=command, risk=command.risk), RUN)
    assert seen is not None
    assert seen.sentence == "Deletes 1 key; jobs: 2 entries."
