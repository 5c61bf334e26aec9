"""Looks at an Elasticsearch or OpenSearch cluster by its HTTP API: two GET requests, bounded in time and bytes."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.http.fetch import Answer, Fetcher, Request
from watchkeeper.plugins.http.probe import headers_of, web_address
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rates import Rates

_MOST_BYTES = 5_000_000
_STATUS = {"green": 0.0, "yellow": 1.0, "red": 2.0}
_SEARCH = ("query_total", "query_time_in_millis")
_INDEXING = ("index_total", "index_time_in_millis")
_FIELDS = ",".join(
    f"nodes.*.{field}"
    for field in (
        "name",
        "jvm.mem.heap_used_percent",
        "fs.total.total_in_bytes",
        "fs.total.available_in_bytes",
        *(f"indices.search.{name}" for name in _SEARCH),
        *(f"indices.indexing.{name}" for name in _INDEXING),
        "thread_pool.search.rejected",
        "thread_pool.write.rejected",
    )
)
_NODES = f"/_nodes/stats/jvm,fs,indices,thread_pool?filter_path={_FIELDS}"


class ElasticsearchProbe:
    """One cluster of Elasticsearch or OpenSearch. It needs the cluster privilege monitor, and changes nothing."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the cluster answers, else 0",
        "seconds": "time until everything was read, in seconds",
        "status": "0 green, 1 yellow (copies are missing), 2 red (data is missing)",
        "nodes": "nodes of the cluster",
        "nodes_missing": "how many fewer than the option `nodes` says",
        "unassigned_shards": "shards that no node has",
        "moving_shards": "shards that are being started or moved",
        "active_shards_percent": "share of the shards that are active, in percent",
        "pending_tasks": "changes that wait for the cluster's master",
        "pending_task_seconds": "for how long the first of them has waited, in seconds",
        "heap_percent": "JVM heap in use of the node that uses most, in percent",
        "disk_percent": "disk in use of the fullest node, in percent",
        "search_seconds": "mean time of a shard's search since the last look, in seconds",
        "indexing_seconds": "mean time of indexing a document since the last look, in seconds",
        "searches_per_s": "searches of shards a second",
        "indexed_per_s": "documents indexed a second",
        "rejections_per_minute": "searches and writes that a node refused because its queue was full, a minute",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "unassigned_shards": ("unassigned_shards",),
        "memory_usage": ("heap_percent",),
        "disk_usage": ("disk_percent",),
    }
    options: ClassVar[Mapping[str, str]] = {
        "url": "address of a node or a balancer, such as https://search:9200",
        "user": "user for basic authentication",
        "password": "their password",
        "headers": "table of request headers, such as Authorization with an API key",
        "verify_tls": "false: accept any certificate (default true)",
        "nodes": "how many nodes there are to be; gives the reading nodes_missing",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        base = web_address(options).rstrip("/")
        headers = {"Accept": "application/json", **_login(options), **headers_of(options)}
        verify = options.flag("verify_tls", True)

        def fetcher(path: str) -> Fetcher:
            url, timeout_s = base + path, signal.timeout_s
            return Fetcher(Request(url=url, headers=headers, verify_tls=verify, most_bytes=_MOST_BYTES, timeout_s=timeout_s))

        self._health, self._stats = fetcher("/_cluster/health"), fetcher(_NODES)
        self._nodes = int(options.number("nodes", 0, 0, 10_000)) if "nodes" in signal.options else None
        self._rates = Rates()

    async def look(self) -> Look:
        """Look once."""
        found = Found(time.monotonic())
        health, stats = await asyncio.gather(self._health.fetch(), self._stats.fetch())
        if health.status is None:
            return Look({"up": 0.0, "seconds": health.took_s} if health.late else {"up": 0.0}, detail=health.problem or "")
        if health.status in (401, 403):
            return Look(problem=f"it does not let us in: {health.status} {health.reason}")
        told = _object(health)
        if health.status != 200:
            return Look({"up": 0.0}, detail=f"{health.status} {health.reason} {_reason(told)}".strip())
        if told is None or told.get("status") not in _STATUS:
            return Look(problem="what answers is not the health of a cluster")
        self._read_health(told, found)
        nodes = _at(_object(stats), "nodes") if stats.status == 200 else None
        if isinstance(nodes, Mapping):
            self._read_nodes({str(key): node for key, node in nodes.items() if isinstance(node, Mapping)}, found)
        else:
            found.notes.append(f"its nodes could not be read: {stats.problem or f'{stats.status} {stats.reason}'}")
        found.put(up=1, seconds=time.monotonic() - found.now_s)
        return Look(found.values, detail="; ".join(found.notes))

    async def close(self) -> None:
        """Let go of the sessions."""
        await self._health.close()
        await self._stats.close()

    def _read_health(self, told: Mapping[str, Any], found: Found) -> None:
        waited = _number(told.get("task_max_waiting_in_queue_millis"))
        nodes = _number(told.get("number_of_nodes"))
        found.put(
            status=_STATUS[told["status"]],
            nodes=nodes,
            unassigned_shards=_number(told.get("unassigned_shards")),
            moving_shards=_sum(_number(told.get(name)) for name in ("initializing_shards", "relocating_shards")),
            active_shards_percent=_number(told.get("active_shards_percent_as_number")),
            pending_tasks=_number(told.get("number_of_pending_tasks")),
            pending_task_seconds=None if waited is None else waited / 1_000,
        )
        if self._nodes is not None and nodes is not None:
            found.put(nodes_missing=max(0.0, self._nodes - nodes))
        if told["status"] != "green":
            found.notes.append(f"the cluster is {told['status']}")

    def _read_nodes(self, by_key: Mapping[str, Mapping[str, Any]], found: Found) -> None:
        nodes = list(by_key.values())
        heap, disk = _worst(nodes, _heap), _worst(nodes, _disk)
        for reading, worst in (("heap_percent", heap), ("disk_percent", disk)):
            if worst is not None:
                found.values[reading] = worst[0]
                found.notes.append(f"{reading.split('_')[0]}: {worst[1]} has {worst[0]:.0f} %")
        for part, names, mean, rate in (
            ("search", _SEARCH, "search_seconds", "searches_per_s"),
            ("indexing", _INDEXING, "indexing_seconds", "indexed_per_s"),
        ):
            risen, took = (self._risen(by_key, ("indices", part, name), found.now_s) for name in names)
            if risen is not None and took is not None:
                found.values[rate] = risen[0] / risen[1]
                if risen[0]:
                    found.values[mean] = took[0] / 1_000 / risen[0]
        rejected = [self._risen(by_key, ("thread_pool", pool, "rejected"), found.now_s) for pool in ("search", "write")]
        known = [each for each in rejected if each is not None]
        found.put(rejections_per_minute=60 * sum(each[0] / each[1] for each in known) if known else None)

    def _risen(self, nodes: Mapping[str, Mapping[str, Any]], path: Sequence[str], now_s: float) -> tuple[float, float] | None:
        """Give by how much a counter rose on all nodes, and in how many seconds; None where that is not known.

        Each node's own counter is held against what it was: a node that comes or goes is no rise.
        """
        values = {key: _number(_at(node, *path)) for key, node in nodes.items()}
        name = " ".join(path)
        risen = [self._rates.rise(f"{key} {name}", now_s, value) for key, value in values.items() if value is not None]
        known = [each for each in risen if each is not None]
        return (sum(each[0] for each in known), known[0][1]) if known else None


def _login(options: Table) -> dict[str, str]:
    user, password = options.maybe_text("user"), options.maybe_text("password")
    if user is None and password is None:
        return {}
    word = base64.b64encode(f"{user or ''}:{password or ''}".encode()).decode()
    return {"Authorization": f"Basic {word}"}


def _object(answer: Answer) -> dict[str, Any] | None:
    """Give the JSON object of an answer; None where it is none, or too large."""
    if answer.cut:
        return None
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _reason(told: Mapping[str, Any] | None) -> str:
    reason = _at(told or {}, "error", "reason")
    return " ".join(reason.split())[:160] if isinstance(reason, str) else ""


def _at(told: Any, *path: str) -> Any:
    for name in path:
        told = told.get(name) if isinstance(told, Mapping) else None
    return told


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18 else None


def _sum(values: Iterable[float | None]) -> float | None:
    """Add what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _heap(node: Mapping[str, Any]) -> float | None:
    return _number(_at(node, "jvm", "mem", "heap_used_percent"))


def _disk(node: Mapping[str, Any]) -> float | None:
    total, free = (_number(_at(node, "fs", "total", f"{name}_in_bytes")) for name in ("total", "available"))
    return 100.0 * (1.0 - free / total) if total and free is not None else None


def _worst(nodes: list[Mapping[str, Any]], figure: Any) -> tuple[float, str] | None:
    """Give the highest of a figure over the nodes, and whose it is."""
    found = [(value, str(node.get("name"))[:80]) for node in nodes if (value := figure(node)) is not None]
    return max(found, default=None)
