"""Bounds what one look reads of a server: what answers on its port may send without end, or promise more than there is memory.

The reader of a connection is wrapped, so that neither a line nor a value of a promised length is waited for beyond the bound.
"""

from __future__ import annotations

from typing import Any

import redis.asyncio as client
from redis.exceptions import ConnectionError as Broken

#: INFO of a large server has some ten thousand bytes
MOST_BYTES = 4_000_000


class BoundedReader:
    """A stream of which so many bytes are read and no more."""

    def __init__(self, reader: Any, most: int = MOST_BYTES) -> None:
        self._reader, self._left, self._most = reader, most, most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def read(self, n: int = -1) -> bytes:
        """Read what there is, up to n bytes."""
        return self._spend(await self._reader.read(self._left + 1 if n < 0 else n))

    async def readexactly(self, n: int) -> bytes:
        """Read n bytes; what is promised beyond the bound is not waited for."""
        if n > self._left:
            raise self._too_much()
        return self._spend(await self._reader.readexactly(n))

    async def readline(self) -> bytes:
        """Read a line; asyncio bounds its length."""
        return self._spend(await self._reader.readline())

    def _spend(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise self._too_much()
        return data

    def _too_much(self) -> Broken:
        return Broken(f"it sends more than {self._most // 1_000_000} MB at one look")


def bounded(server: client.Redis) -> client.Redis:
    """Give the client with connections that read no more than the bound."""
    pool = server.connection_pool
    kind: Any = pool.connection_class

    class Bounded(kind):  # type: ignore[misc]
        _reader: Any

        async def _connect(self) -> None:
            await super()._connect()
            self._reader = BoundedReader(self._reader)

    pool.connection_class = Bounded
    return server
