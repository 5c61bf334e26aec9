"""What the redis probe reads from a real server, and how it takes a full, closed, absent or hanging one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import redis

from watchkeeper.base.errors import ConfigError
from watchkeeper.watch.probe import Probe

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


async def test_a_closed_port_is_down_and_a_hanging_peer_too(probe: Make, closed_port: int, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    look = await probe("redis", url=f"redis://127.0.0.1:{closed_port}/0").look()
    assert (look.values, look.problem) == ({"up": 0.0}, None)
    waits = await probe("redis", timeout_s=0.2, url=f"redis://127.0.0.1:{await peer(hang)}/0").look()
    assert waits.values == {"up": 0.0, "seconds": 0.2}


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match="is not an address of Redis"):
        probe("redis", url="localhost:6379")
    with pytest.raises(ConfigError, match="list_job") as caught:
        probe("redis", {"queue": "list_job"}, url="redis://localhost", lists=["jobs"])
    assert "'list_jobs'" in (caught.value.hint or "")
