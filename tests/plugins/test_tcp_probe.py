"""What the tcp probe sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.shop ready\r\n")
    await writer.drain()
    await reader.read()


async def test_a_port_that_accepts_is_up(probe: Make, peer: Any) -> None:
    port = await peer(greet)
    look = await probe("tcp", address=f"127.0.0.1:{port}").look()
    assert (look.values["up"], look.detail) == (1.0, "connected")
    assert (await probe("tcp", address=f"127.0.0.1:{port}", expect="220 ").look()).values["up"] == 1.0


async def test_a_closed_port_and_a_silent_one_are_down(probe: Make, peer: Any, closed_port: int) -> None:
    look = await probe("tcp", address=f"127.0.0.1:{closed_port}").look()
    assert (look.values, look.detail) == ({"up": 0.0}, "connection refused")
    port = await peer(greet)
    waits = await probe("tcp", timeout_s=0.1, address=f"127.0.0.1:{port}", expect="never said").look()
    assert (waits.values["up"], waits.detail) == (0.0, "no answer within 0.1 s")


async def test_another_greeting_is_down_and_shown(probe: Make, peer: Any) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 go away")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    look = await probe("tcp", address=f"127.0.0.1:{await peer(refuse)}", expect="220").look()
    assert (look.values["up"], look.detail) == (0.0, "it says b'554 go away', not what is expected")


@pytest.mark.parametrize("address", ["localhost", "localhost:", ":80", "host:0", "host:70000", "host:http"])
def test_an_address_needs_host_and_port(probe: Make, address: str) -> None:
    with pytest.raises(ConfigError):
        probe("tcp", address=address)
