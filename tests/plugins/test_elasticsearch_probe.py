"""What the elasticsearch probe makes of answers in the format that Elasticsearch and OpenSearch document.

The stand-in serves them over HTTP; no real cluster was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
HEALTH: dict[str, Any] = {
    "cluster_name": "shop", "status": "yellow", "timed_out": False, "number_of_nodes": 2, "number_of_data_nodes": 2,
    "active_primary_shards": 5, "active_shards": 8, "relocating_shards": 1, "initializing_shards": 1, "unassigned_shards": 2,
    "delayed_unassigned_shards": 0, "number_of_pending_tasks": 3, "number_of_in_flight_fetch": 0,
    "task_max_waiting_in_queue_millis": 1500, "active_shards_percent_as_number": 80.0,
}  # fmt: skip


def node(name: str, heap: int, free: int, searches: int, millis: int) -> dict[str, Any]:
    return {
        "name": name,
        "jvm": {"mem": {"heap_used_percent": heap}},
        "fs": {"total": {"total_in_bytes": 1000, "free_in_bytes": free + 50, "available_in_bytes": free}},
        "indices": {
            "search": {"query_total": searches, "query_time_in_millis": millis},
            "indexing": {"index_total": 7, "index_time_in_millis": 70},
        },
        "thread_pool": {"search": {"rejected": 0}, "write": {"rejected": searches // 100}},
    }


class Cluster:
    """Answers as a cluster; `asked` keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.health: Any = HEALTH
        self.nodes: Any = {"nodes": {"a": node("one", 40, 300, 100, 1000), "b": node("two", 91, 700, 0, 0)}}
        self.status = 200

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        told = self.health if request.path == "/_cluster/health" else self.nodes
        if isinstance(told, bytes):
            return web.Response(body=told, status=self.status)
        return web.json_response(told, status=self.status)


async def test_the_figures_of_a_cluster(probe: Make, site: Any) -> None:
    cluster = Cluster()
    secret = Secret("look-at-me", "ES_PASSWORD")
    made = probe("elasticsearch", url=await site(cluster.answer), nodes=3, user="watch", password=secret)
    first = await made.look()
    assert first.problem is None
    expected = {"up": 1, "status": 1, "nodes": 2, "nodes_missing": 1, "unassigned_shards": 2, "moving_shards": 2}
    expected |= {
        "active_shards_percent": 80,
        "pending_tasks": 3,
        "pending_task_seconds": 1.5,
        "heap_percent": 91,
        "disk_percent": 70,
    }
    assert {name: first.values[name] for name in expected} == pytest.approx(expected)
    assert first.detail == "the cluster is yellow; heap: two has 91 %; disk: one has 70 %"
    assert not {"search_seconds", "searches_per_s", "rejections_per_minute"} & first.values.keys()
    cluster.nodes["nodes"]["a"] = node("one", 40, 300, 300, 5000)
    second = await made.look()
    assert second.values["search_seconds"] == pytest.approx(0.02)
    assert second.values["searches_per_s"] > 0
    assert second.values["rejections_per_minute"] > 0
    assert (second.values["indexed_per_s"], "indexing_seconds" in second.values) == (0.0, False)
    assert {request.method for request in cluster.asked} == {"GET"}
    assert cluster.asked[0].headers["Authorization"] == "Basic d2F0Y2g6bG9vay1hdC1tZQ=="


async def test_nodes_that_may_not_be_seen_are_said(probe: Make, site: Any) -> None:
    cluster = Cluster()
    cluster.nodes = b"[1"
    look = await probe("elasticsearch", url=await site(cluster.answer)).look()
    assert (look.values["up"], "heap_percent" in look.values) == (1.0, False)
    assert "its nodes could not be read" in look.detail


@pytest.mark.parametrize(
    ("body", "status", "up", "said"),
    [
        (b"{}", 401, None, "does not let us in: 401"),
        (b'{"error": {"reason": "no master"}}', 503, 0.0, "503 Service Unavailable no master"),
        (b"<html>", 200, None, "not the health of a cluster"),
        (b'{"status": "blue"}', 200, None, "not the health of a cluster"),
        (b"[" * 100_000, 200, None, "not the health of a cluster"),
        (b" " * 6_000_000, 200, None, "not the health of a cluster"),
    ],
)
async def test_what_is_no_healthy_answer(probe: Make, site: Any, body: bytes, status: int, up: float | None, said: str) -> None:
    cluster = Cluster()
    cluster.health, cluster.status = body, status
    look = await probe("elasticsearch", url=await site(cluster.answer)).look()
    assert look.values.get("up") == up
    assert said in (look.problem or look.detail)


@pytest.mark.parametrize(
    "nodes", [{"nodes": {"a": 1, "b": {"jvm": [], "fs": {"total": {"total_in_bytes": 0}}}}}, {"nodes": {}}, {"nodes": []}, {}]
)
async def test_hostile_figures_give_no_reading(probe: Make, site: Any, nodes: Any) -> None:
    cluster = Cluster()
    cluster.nodes = nodes
    cluster.health = {"status": "green", "number_of_nodes": "many", "unassigned_shards": 10**400}
    look = await probe("elasticsearch", url=await site(cluster.answer)).look()
    assert (look.values["up"], look.values["status"]) == (1.0, 0.0)
    assert not {"nodes", "unassigned_shards", "heap_percent", "disk_percent"} & look.values.keys()


async def test_a_cluster_that_is_away_or_hangs(probe: Make, closed_port: int, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    away = await probe("elasticsearch", url=f"http://127.0.0.1:{closed_port}").look()
    assert (away.values, away.problem) == ({"up": 0.0}, None)
    waits = await probe("elasticsearch", timeout_s=0.2, url=f"http://127.0.0.1:{await peer(hang)}").look()
    assert waits.values == {"up": 0.0, "seconds": 0.2}


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    for options in ({"url": "search:9200"}, {"url": "http://x", "nodes": -1}, {}):
        with pytest.raises(ConfigError):
            probe("elasticsearch", **options)


async def test_a_node_that_comes_or_goes_is_no_rise(probe: Make, site: Any) -> None:
    cluster = Cluster()
    cluster.nodes = {"nodes": {"a": node("one", 40, 300, 900_000, 0), "b": node("two", 91, 700, 500_000, 0)}}
    made = probe("elasticsearch", url=await site(cluster.answer))
    await made.look()
    gone = cluster.nodes["nodes"].pop("a")
    without = await made.look()
    cluster.nodes["nodes"] |= {"a": gone, "c": node("three", 20, 900, 800_000, 0)}
    again = await made.look()
    for look in (without, again):
        assert {look.values[name] for name in ("searches_per_s", "indexed_per_s", "rejections_per_minute")} == {0.0}
