"""Looks whether something accepts connections on a TCP port, and if asked what it says first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import reason_of
from watchkeeper.watch.probe import Look

_BANNER_BYTES = 4_096


class TcpProbe:
    """One host and port, connected to at each look."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it accepts a connection (and greets as expected), else 0",
        "seconds": "time until it did, in seconds; where it did not in time, the time that was waited",
    }
    options: ClassVar[Mapping[str, str]] = {
        "address": "host:port, or [IPv6]:port",
        "tls": "true: the connection counts once TLS is agreed (default false)",
        "expect": "text that the other side must say by itself within its first 4,096 bytes",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        address = options.text("address")
        host, _, port = address.rpartition(":")
        self._host = host.strip("[]")
        if not self._host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise options.error("address", f"{options.name('address')} is {address!r}.", 'Write address = "host:port".')
        self._port = int(port)
        self._tls = options.flag("tls", False)
        expect = options.maybe_text("expect")
        self._expect = expect.encode() if expect else b""
        self._timeout_s = signal.timeout_s

    async def look(self) -> Look:
        """Connect once."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                said = await self._connect()
        except TimeoutError:
            waited = self._timeout_s
            return Look({"up": 0.0, "seconds": waited}, detail=f"no answer within {waited:g} s")
        except OSError as problem:
            return Look({"up": 0.0}, detail=reason_of(problem))
        is_expected = self._expect in said
        detail = "connected" if is_expected else f"it says {said[:80]!r}, not what is expected"
        return Look({"up": float(is_expected), "seconds": time.monotonic() - started}, detail=detail)

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _connect(self) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=True if self._tls else None)
        try:
            said = b""
            while self._expect not in said and len(said) < _BANNER_BYTES:
                part = await reader.read(_BANNER_BYTES)
                if not part:
                    break
                said += part
            return said
        finally:
            writer.transport.abort()
