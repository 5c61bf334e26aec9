"""What the redis probe reads from a real server, and how it takes a full, closed, absent or hanging one."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.base.errors import ConfigError
from watchkeeper.demo.servers import Servers
from watchkeeper.plugins.redis.bounded import BoundedReader
from watchkeeper.plugins.redis.info import read_info
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look, Probe
from watchkeeper.watch.rates import Rates

Make = Callable[..., Probe]


@pytest.fixture
def url(redis_port: int) -> str:
    return f"redis://127.0.0.1:{redis_port}/0"


async def test_the_figures_of_a_server_and_the_length_of_lists(probe: Make, url: str) -> None:
    with redis.Redis.from_url(url) as server:
        server.flushall()
        server.rpush("jobs", "a", "b", "c")
        server.set("text", "x")
        made = probe("redis", {"queue": "list_jobs"}, url=url, lists=["jobs", "none", "text"])
        first = await made.look()
        server.get("text")
        server.get("text")
        server.get("missing")
        second = await made.look()
    assert (first.values["up"], first.values["list_jobs"], first.values["list_none"]) == (1.0, 3.0, 0.0)
    assert "list_text" not in first.values
    assert "text: WRONGTYPE" in first.detail
    assert 0 < first.values["memory_percent"] < 100
    assert first.values["memory_percent"] == pytest.approx(first.values["memory_bytes"] / 100 / 1024 / 1024 * 100)
    assert second.values["hit_percent"] == pytest.approx(100 * 2 / 3)
    assert second.values["evictions"] == 0.0


async def test_streams_evictions_keys_and_what_is_blocked(probe: Make, url: str) -> None:
    with redis.Redis.from_url(url) as server:
        server.flushall()
        for number in range(3):
            server.xadd("mail", {"n": number})
        server.xgroup_create("mail", "senders", id="0")
        server.xreadgroup("senders", "anna", {"mail": ">"}, count=2)
        server.set("a", "1")
        made = probe("redis", {"mail": "stream_mail_pending"}, url=url, streams=["mail", "none", "a"], replicas=1)
        await made.look()
        look = await made.look()
    assert (look.values["stream_mail"], look.values["stream_mail_pending"], look.values["stream_none"]) == (3.0, 2.0, 0.0)
    assert "stream_a" not in look.values
    assert (look.values["keys"], look.values["clients_blocked"], look.values["replicas_missing"]) == (2.0, 0.0, 1.0)
    assert look.values["evictions_per_s"] == look.values["clients_refused_per_minute"] == 0
    assert look.values["ping_seconds"] < look.values["seconds"]
    assert look.values["fragmentation_ratio"] > 0
    assert "aof_ok" not in look.values
    assert (look.values["save_ok"], look.values["changes_unsaved"] > 0) == (1.0, True)


@contextlib.contextmanager
def running(program: Path, home: Path, *options: str) -> Iterator[str]:
    # a cluster talks on a second port, 10,000 above
    port = next(port for port in iter(free_port, 0) if port < 55_000)
    home.mkdir()
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


async def until(probe: Probe, told: Callable[[Look], bool]) -> Look:
    for _ in range(200):
        look = await probe.look()
        if told(look):
            return look
        await asyncio.sleep(0.05)
    raise AssertionError(f"{look.values} {look.detail} {look.problem}")


async def test_a_replica_and_its_primary(probe: Make, servers: Servers, tmp_path: Path) -> None:
    with running(servers.redis_server, tmp_path / "one", "--appendonly", "yes", "--repl-diskless-sync-delay", "0") as primary:
        port = primary.split(":")[2].split("/")[0]
        of = ("--replicaof", "127.0.0.1", port)
        with running(servers.redis_server, tmp_path / "two", *of) as replica:
            linked = await until(probe("redis", url=replica), lambda look: look.values.get("replica_link") == 1)
            assert linked.values["replication_lag_seconds"] >= 0
            told = await until(probe("redis", url=primary), lambda look: "replication_lag_bytes" in look.values)
            assert (told.values["replicas"], told.values["aof_ok"]) == (1.0, 1.0)
            with redis.Redis.from_url(replica) as server:
                server.execute_command("REPLICAOF", "127.0.0.1", "1")
            apart = await until(probe("redis", url=replica), lambda look: look.values.get("replica_link") == 0)
            assert "no link to its primary" in apart.detail


async def test_a_cluster_that_does_not_cover_its_slots(probe: Make, servers: Servers, tmp_path: Path) -> None:
    with running(servers.redis_server, tmp_path / "node", "--cluster-enabled", "yes") as url:
        look = await probe("redis", url=url).look()
        assert look.values["cluster_ok"] == 0.0
        assert look.detail.startswith("16384 slots of the cluster belong to no node")
        with redis.Redis.from_url(url) as server:
            server.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        whole = await until(probe("redis", url=url), lambda look: look.values["cluster_ok"] == 1.0)
        assert whole.values["cluster_slots_failing"] == 0.0


async def test_a_user_who_may_only_see_some(probe: Make, url: str) -> None:
    with redis.Redis.from_url(url) as server:
        server.execute_command("ACL", "SETUSER", "watch", "on", ">look-at-me", "~*", "+info", "+llen")
    seen = await probe("redis", url=url.replace("//", "//watch:look-at-me@"), lists=["jobs"]).look()
    assert (seen.values["up"], seen.problem) == (1.0, None)
    assert "ping_seconds" not in seen.values
    assert "ping: " in seen.detail


def test_the_age_of_a_snapshot_is_taken_by_the_servers_own_clock() -> None:
    info = {"rdb_last_bgsave_status": "err", "rdb_last_save_time": 1_000, "server_time_usec": 1_060_000_000, "aof_enabled": 1}
    found = Found(0.0)
    read_info({**info, "aof_last_write_status": "err", "mem_fragmentation_ratio": "nan"}, found, Rates(), 9e9)
    assert (found.values["save_ok"], found.values["save_age_seconds"], found.values["aof_ok"]) == (0.0, 60.0, 0.0)
    assert found.notes == ["the last snapshot could not be written", "the append-only file: its last write failed"]


async def test_a_server_without_a_free_connection_is_up_and_full(probe: Make, url: str) -> None:
    held = []
    try:
        with contextlib.suppress(redis.RedisError):
            while len(held) < 30:
                held.append(redis.Redis.from_url(url, single_connection_client=True))
                held[-1].ping()
        look = await probe("redis", url=url).look()
    finally:
        for connection in held:
            connection.close()
    assert look.values == {"up": 1.0, "clients_percent": 100.0}


async def test_a_server_that_asks_for_a_password_was_not_looked_at(probe: Make, peer: Any) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4_096):
            writer.write(b"-NOAUTH Authentication required.\r\n" * 3)
            await writer.drain()

    look = await probe("redis", url=f"redis://127.0.0.1:{await peer(refuse)}/0").look()
    assert look.values == {}
    assert "does not let us in" in (look.problem or "")


async def test_a_server_that_promises_more_than_a_look_may_read_is_not_waited_for(probe: Make, peer: Any) -> None:
    async def promise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4_096):
            writer.write(b"$64000000\r\n" + b"x" * 1_000)
            await writer.drain()

    look = await probe("redis", url=f"redis://127.0.0.1:{await peer(promise)}/0").look()
    assert look.values == {"up": 0.0, "cluster_ok": 0.0}
    assert "it sends more than 4 MB at one look" in look.detail


async def test_what_a_look_reads_is_counted_together() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"+OK\r\n" + b"x" * 1_999_990)
    reader = BoundedReader(stream, most=2_000_000)
    assert await reader.readline() == b"+OK\r\n"
    assert len(await reader.readexactly(1_999_990)) == 1_999_990
    with pytest.raises(redis.RedisError, match="more than 2 MB"):
        await reader.readexactly(6)


async def test_a_closed_port_is_down_and_a_hanging_peer_too(probe: Make, closed_port: int, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    look = await probe("redis", url=f"redis://127.0.0.1:{closed_port}/0").look()
    assert (look.values, look.problem) == ({"up": 0.0, "cluster_ok": 0.0}, None)
    waits = await probe("redis", timeout_s=0.2, url=f"redis://127.0.0.1:{await peer(hang)}/0").look()
    assert waits.values == {"up": 0.0, "cluster_ok": 0.0, "seconds": 0.2}


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match="is not an address of Redis"):
        probe("redis", url="localhost:6379")
    with pytest.raises(ConfigError, match="list_job") as caught:
        probe("redis", {"queue": "list_job"}, url="redis://localhost", lists=["jobs"])
    assert "'list_jobs'" in (caught.value.hint or "")


@pytest.mark.parametrize("role", ["master", "slave"])
def test_what_a_server_does_not_say_is_no_reading(role: str) -> None:
    told: dict[str, Any] = {"role": role, "connected_clients": 3, "rdb_last_bgsave_status": "ok", "maxmemory": 100}
    told |= {"slave0": {"ip": "a", "offset": 5}} if role == "master" else {"master_link_status": "up"}
    rates = Rates()
    for now_s in (0.0, 10.0):
        found = Found(now_s)
        read_info(told, found, rates, now_s)
    linked = {"replica_link": 1.0} if role == "slave" else {}
    assert found.values == {"clients": 3.0, "keys": 0.0, "save_ok": 1.0, **linked}


def test_a_first_look_knows_of_no_evictions() -> None:
    rates, seen = Rates(), []
    for now_s, evicted in ((0.0, 7), (10.0, 9)):
        found = Found(now_s)
        read_info({"evicted_keys": evicted}, found, rates, now_s)
        seen.append(found.values.get("evictions"))
    assert seen == [None, 2.0]
