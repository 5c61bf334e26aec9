"""Sends ICMP echo requests and takes the replies: on a socket that needs no rights where the kernel allows it, else on a raw one.

Each request carries random bytes of its own, so that neither another program's replies nor made-up ones count.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from typing import Any

_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_TOKEN_BYTES = 16


def open_socket(
    family: socket.AddressFamily, kinds: tuple[int, ...] = (socket.SOCK_DGRAM, socket.SOCK_RAW)
) -> socket.socket | None:
    """Open a socket for ICMP; None where neither kind is allowed here."""
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    for kind in kinds:
        try:
            opened = socket.socket(family, kind, protocol)
        except OSError:
            continue
        opened.setblocking(False)
        return opened
    return None


async def echoes(
    opened: socket.socket, address: tuple[Any, ...], count: int, interval_s: float, until_s: float
) -> tuple[list[float], int]:
    """Send so many requests, and give the round trips of those that were answered, and how many were sent, until a time."""
    loop = asyncio.get_running_loop()
    family = opened.family
    sent: dict[bytes, float] = {}
    trips: list[float] = []

    async def receive() -> None:
        while True:
            packet = await loop.sock_recv(opened, 2_048)
            began = sent.pop(_token(packet, family, opened.type) or b"", None)
            if began is not None:
                trips.append(time.monotonic() - began)

    receiving = asyncio.create_task(receive())
    try:
        number = 0
        for number in range(1, count + 1):
            token = os.urandom(_TOKEN_BYTES)
            sent[token] = time.monotonic()
            await loop.sock_sendto(opened, request(family, number, token), address)
            wait_s = min(interval_s, until_s - time.monotonic()) if number < count else until_s - time.monotonic()
            last_s = time.monotonic() + wait_s
            while time.monotonic() < last_s and (number < count or sent):
                if receiving.done():
                    receiving.result()
                await asyncio.wait([receiving], timeout=min(0.01, max(0.0, last_s - time.monotonic())))
            if time.monotonic() >= until_s:
                break
        return trips, number
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


def request(family: int, number: int, token: bytes) -> bytes:
    """Make an echo request. The kernel puts its own identifier in, and its own checksum for IPv6 or an unprivileged socket.

    >>> request(socket.AF_INET, 1, bytes(4)).hex()
    '0800f7fe0000000100000000'
    """
    head = struct.pack("!BBHHH", _REQUEST[socket.AddressFamily(family)], 0, 0, 0, number)
    check = _checksum(head + token)
    return struct.pack("!BBHHH", _REQUEST[socket.AddressFamily(family)], 0, check, 0, number) + token


def _checksum(data: bytes) -> int:
    whole: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while whole >> 16:
        whole = (whole & 0xFFFF) + (whole >> 16)
    return ~whole & 0xFFFF


def _token(packet: bytes, family: int, kind: int) -> bytes | None:
    """Give what an echo reply carries; None where the packet is none. A raw IPv4 socket gives the IP header too."""
    if family == socket.AF_INET and kind == socket.SOCK_RAW and packet:
        packet = packet[(packet[0] & 0x0F) * 4 :]
    if len(packet) != 8 + _TOKEN_BYTES or packet[0] != _REPLY[socket.AddressFamily(family)]:
        return None
    return packet[8:]
