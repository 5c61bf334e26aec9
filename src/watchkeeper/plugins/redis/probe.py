"""Looks at a Redis server on a new connection: its own figures, and the length of the lists that the file names."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar

import redis.asyncio as client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError, ResponseError

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.redis.bounded import bounded
from watchkeeper.plugins.redis.info import read_cluster, read_info
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rates import Rates

_FULL = "max number of clients"


class RedisProbe:
    """One server."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it answers (or has no connection free), else 0",
        "seconds": "time until everything was read, in seconds",
        "ping_seconds": "time that it took to answer a PING, in seconds",
        "memory_bytes": "memory in use, in bytes",
        "memory_percent": "the same as a share of maxmemory, in percent; missing where no limit is set",
        "fragmentation_ratio": "memory that the system gave it, as a multiple of what it uses",
        "clients": "connected clients",
        "clients_percent": "the same as a share of maxclients, in percent",
        "clients_blocked": "clients that wait in a blocking command",
        "clients_refused_per_minute": "connections refused because none was free, a minute",
        "commands_per_s": "commands a second",
        "hit_percent": "lookups since the last look that found their key, in percent; before any, of all lookups",
        "evictions": "keys evicted since the last look; missing at the first",
        "evictions_per_s": "keys evicted a second",
        "expired_per_s": "keys that expired a second",
        "keys": "keys in all databases",
        "save_ok": "1 where the last snapshot was written, else 0",
        "save_age_seconds": "time since the last snapshot, in seconds; before any, since the start",
        "changes_unsaved": "changes since the last snapshot",
        "aof_ok": "1 where the append-only file was written and rewritten last time, else 0 (where it is on)",
        "replicas": "replicas that are connected",
        "replicas_missing": "how many fewer than the option `replicas` says",
        "replica_link": "1 where this replica is connected to its primary, else 0 (on a replica)",
        "replication_lag_seconds": "time since this replica (or on a primary the slowest) was heard of, in seconds",
        "replication_lag_bytes": "how many bytes the slowest replica is behind (on a primary)",
        "cluster_ok": "1 where the cluster covers all slots, else 0 (where it is one); 0 too where this node does not answer",
        "cluster_slots_failing": "slots whose node fails or may fail",
        "*": "list_<name>: length of a list of `lists`; stream_<name>: length of a stream of `streams`; stream_<name>_pending: "
        "messages that its groups have taken and not finished",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "memory_usage": ("memory_percent", "memory_bytes"),
        "cache_hit_rate": ("hit_percent",),
        "evictions": ("evictions_per_s", "evictions"),
        "memory_fragmentation": ("fragmentation_ratio",),
    }
    options: ClassVar[Mapping[str, str]] = {
        "url": "redis://[user:password@]host:port/database, or rediss:// for TLS",
        "lists": "names of lists whose length is a reading",
        "streams": "names of streams whose length is a reading",
        "replicas": "how many replicas a primary is to have; gives the reading replicas_missing",
    }

    called: ClassVar[tuple[str, ...]] = ("redis", "valkey", "elasticache", "cache")
    examples: ClassVar[Mapping[str, tuple[str, str]]] = {
        "queue_length": ("list_celery", 'lists = ["celery"]    # the list that is the queue'),
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._url = options.text("url")
        self._lists = options.texts("lists")
        self._streams = options.texts("streams")
        self._replicas = int(options.number("replicas", 0, 0, 1_000)) if "replicas" in signal.options else None
        named = [f"list_{name}" for name in self._lists]
        named += [f"stream_{name}{end}" for name in self._streams for end in ("", "_pending")]
        check_readings(signal, estate, [*(name for name in self.readings if name != "*"), *named])
        self._timeout_s = signal.timeout_s
        self._rates = Rates()
        try:
            client.ConnectionPool.from_url(self._url)
        except ValueError as problem:
            raise ConfigError(
                f"{options.name('url')} is not an address of Redis: {str(problem).splitlines()[0]}.",
                hint="Write redis://host:port/0.",
                code="WK132",
                where=options.where("url"),
            ) from None

    async def look(self) -> Look:
        """Look once."""
        found = Found(time.monotonic())
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._read(found)
        except TimeoutError:
            return Look(_DOWN | {"seconds": self._timeout_s}, detail=f"no answer within {self._timeout_s:g} s")
        except (AuthenticationError, NoPermissionError) as problem:
            return Look(problem=f"it does not let us in: {problem}")
        except BusyLoadingError:
            return Look(_DOWN, detail="it is still loading its data")
        except (RedisError, OSError) as problem:
            return self._refused(problem)
        found.put(up=1, seconds=time.monotonic() - found.now_s)
        return Look(found.values, detail="; ".join(found.notes))

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _read(self, found: Found) -> None:
        server = bounded(client.Redis.from_url(self._url, single_connection_client=True, retry=Retry(NoBackoff(), 0)))
        try:
            info: dict[str, Any] = await server.info()
            read_info(info, found, self._rates, time.time())
            if self._replicas is not None and "replicas" in found.values:
                found.put(replicas_missing=max(0.0, self._replicas - found.values["replicas"]))
            began = time.monotonic()
            if await _asked(server.ping(), "ping", found) is not None:
                found.put(ping_seconds=time.monotonic() - began)
            if info.get("cluster_enabled"):
                read_cluster(await _asked(server.cluster("INFO"), "cluster", found), found)
            for name in self._lists:
                if (length := await _asked(server.llen(name), name, found)) is not None:
                    found.values[f"list_{name}"] = float(length)
            for name in self._streams:
                await self._stream(server, name, found)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await server.aclose()

    async def _stream(self, server: client.Redis, name: str, found: Found) -> None:
        length = await _asked(server.xlen(name), name, found)
        if length is not None:
            found.values[f"stream_{name}"] = float(length)
            groups = await _asked(server.xinfo_groups(name), name, found) if length else []
            if groups is not None:
                found.values[f"stream_{name}_pending"] = float(sum(group["pending"] for group in groups))

    def _refused(self, problem: Exception) -> Look:
        said = str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
        if _FULL in said:
            return Look({"up": 1.0, "clients_percent": 100.0}, detail="it has no connection free")
        if isinstance(problem, ResponseError) and ("NOAUTH" in said or "WRONGPASS" in said or "Authentication" in said):
            return Look(problem=f"it does not let us in: {said}")
        return Look(_DOWN, detail=said)


#: a node that is down says nothing of its cluster, and who asks only for that must not be blind to a node that is gone
_DOWN = {"up": 0.0, "cluster_ok": 0.0}


async def _asked(answer: Awaitable[Any], what: str, found: Found) -> Any:
    """Wait for an answer; None, and a word in the detail, where the server refuses this one."""
    try:
        return await answer
    except (ResponseError, NoPermissionError) as problem:
        found.notes.append(f"{what}: {problem}")
        return None
