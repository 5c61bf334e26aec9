"""Servers that show their figures on a socket of their own or on a page: which of the two is meant, and how it is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from watchkeeper.estate.table import Table
from watchkeeper.plugins.http.fetch import Fetcher, Request
from watchkeeper.plugins.http.probe import web_address
from watchkeeper.watch.probe import Look


def socket_of(options: Table, example: str) -> str | None:
    """Take the option `socket`; None where `url` stands in its place. One of the two must be there, and not both."""
    socket = options.maybe_text("socket")
    if (socket is None) == (options.take("url") is None):
        raise options.error("socket", f"{options.name()} needs a socket or a url, one of the two.", f'socket = "{example}"')
    return socket


def page_of(
    options: Table, address: Callable[[str], str], headers: Mapping[str, str], most_bytes: int, timeout_s: float
) -> Fetcher:
    """Give what asks for the page; `address` makes of the option `url` what is asked for."""
    return Fetcher(
        Request(
            url=address(web_address(options)),
            headers=headers,
            verify_tls=options.flag("verify_tls", True),
            most_bytes=most_bytes,
            timeout_s=timeout_s,
        )
    )


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a socket by its path, or by host:port."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in address:
        return await asyncio.open_connection(host.strip("[]"), int(port))
    return await asyncio.open_unix_connection(address)


def away(took_s: float, late: bool, problem: str | None) -> Look:
    """Give the look at a page that gave no answer."""
    return Look({"up": 0.0, "seconds": took_s} if late else {"up": 0.0}, detail=problem or "")
