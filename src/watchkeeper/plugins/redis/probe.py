"""Looks at a Redis server on a new connection: its own figures, and the length of the lists that the file names."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import redis.asyncio as client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError, ResponseError

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.watch.probe import Look

_FULL = "max number of clients"


class RedisProbe:
    """One server."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it answers (or has no connection free), else 0",
        "seconds": "time until everything was read, in seconds",
        "memory_bytes": "memory in use, in bytes",
        "memory_percent": "the same as a share of maxmemory, in percent; missing where no limit is set",
        "clients": "connected clients",
        "clients_percent": "the same as a share of maxclients, in percent",
        "hit_percent": "lookups since the last look that found their key, in percent; before any, of all lookups",
        "evictions": "keys evicted since the last look",
        "replicas": "replicas that are connected",
        "*": "list_<name>: length of a list of the option `lists`",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "memory_usage": ("memory_percent", "memory_bytes"),
        "cache_hit_rate": ("hit_percent",),
    }
    options: ClassVar[Mapping[str, str]] = {
        "url": "redis://[user:password@]host:port/database, or rediss:// for TLS",
        "lists": "names of lists whose length is a reading",
    }

    called: ClassVar[tuple[str, ...]] = ("redis", "valkey", "elasticache", "cache")
    examples: ClassVar[Mapping[str, tuple[str, str]]] = {
        "queue_length": ("list_celery", 'lists = ["celery"]    # the list that is the queue'),
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._url = options.text("url")
        self._lists = options.texts("lists")
        check_readings(
            signal, estate, [*(name for name in self.readings if name != "*"), *(f"list_{name}" for name in self._lists)]
        )
        self._timeout_s = signal.timeout_s
        self._before: tuple[float, float, float] | None = None
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
        started = time.monotonic()
        notes: list[str] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                values = await self._read(notes)
        except TimeoutError:
            return Look({"up": 0.0, "seconds": self._timeout_s}, detail=f"no answer within {self._timeout_s:g} s")
        except (AuthenticationError, NoPermissionError) as problem:
            return Look(problem=f"it does not let us in: {problem}")
        except BusyLoadingError:
            return Look({"up": 0.0}, detail="it is still loading its data")
        except (RedisError, OSError) as problem:
            return self._refused(problem)
        values |= {"up": 1.0, "seconds": time.monotonic() - started}
        return Look(values, detail="; ".join(notes))

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _read(self, notes: list[str]) -> dict[str, float]:
        server = client.Redis.from_url(self._url, single_connection_client=True, retry=Retry(NoBackoff(), 0))
        try:
            info: dict[str, Any] = await server.info()
            values = self._figures(info)
            for name in self._lists:
                try:
                    values[f"list_{name}"] = float(await server.llen(name))
                except ResponseError as problem:
                    notes.append(f"{name}: {problem}")
            return values
        finally:
            with contextlib.suppress(RedisError, OSError):
                await server.aclose()

    def _figures(self, info: Mapping[str, Any]) -> dict[str, float]:
        used, most = float(info.get("used_memory", 0)), float(info.get("maxmemory", 0))
        clients, most_clients = float(info.get("connected_clients", 0)), float(info.get("maxclients", 0))
        values = {"memory_bytes": used, "clients": clients, "replicas": float(info.get("connected_slaves", 0))}
        if most:
            values["memory_percent"] = 100.0 * used / most
        if most_clients:
            values["clients_percent"] = 100.0 * clients / most_clients
        now = tuple(float(info.get(name, 0)) for name in ("keyspace_hits", "keyspace_misses", "evicted_keys"))
        hits, misses, evicted = now
        before = self._before if self._before and all(a >= b for a, b in zip(now, self._before, strict=True)) else None
        self._before = (hits, misses, evicted)
        values["evictions"] = evicted - before[2] if before else 0.0
        since = (hits - before[0], misses - before[1]) if before else (hits, misses)
        found, asked = (since[0], sum(since)) if sum(since) else (hits, hits + misses)
        if asked:
            values["hit_percent"] = 100.0 * found / asked
        return values

    def _refused(self, problem: Exception) -> Look:
        said = str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
        if _FULL in said:
            return Look({"up": 1.0, "clients_percent": 100.0}, detail="it has no connection free")
        if isinstance(problem, ResponseError) and ("NOAUTH" in said or "WRONGPASS" in said or "Authentication" in said):
            return Look(problem=f"it does not let us in: {said}")
        return Look({"up": 0.0}, detail=said)
