"""Whatever a page of metrics does to us, a threshold that it decides is blind then: never well, and what fired stays firing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound
from watchkeeper.watch import rules
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.probe import Look, Probe

Make = Callable[..., Probe]
ERRORS = Bound("errors", Threshold(line=1, role="alert", subject="Error rate", op=">", value=5.0), "shop", "errors", "Shop", "")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
FRAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\n"


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(FRAMED)
    while True:
        writer.write(b"errors 1\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def gigabyte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(FRAMED)
    for _ in range(1_000):
        writer.write(b"errors 1\n" * 111_111)
        await writer.drain()


async def million_series(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    for start in range(0, 1_000_000, 10_000):
        writer.write("".join(f'errors{{id="{number}"}} 1\n' for number in range(start, start + 10_000)).encode())
        await writer.drain()


def saying(text: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(text)
        await writer.drain()
        writer.close()

    return say


def judged(look: Look, now: datetime, state: str) -> Standing:
    before = Standing("errors", state, now, now if state == "firing" else None, None, now, "…")  # type: ignore[arg-type]
    return rules.judge(ERRORS, before, Sample("shop", now, 0.1, look.values, look.problem, look.detail), now)


def must_be_blind(look: Look, now: datetime) -> None:
    assert look.problem or look.detail, "it says why"
    assert judged(look, now, "ok").state == "blind"
    fired = judged(look, now, "firing")
    assert fired.state == "firing"
    assert rules.is_blind(fired)


@pytest.mark.parametrize(
    "talk",
    [
        hang,
        drip,
        gigabyte,
        million_series,
        saying(HEAD + b"errors{ 1\n"),
        saying(HEAD + b"errors one\n"),
        saying(HEAD + b"<html>errors 1</html>"),
        saying(HEAD),
        saying(b"HTTP/1.1 500 Oops\r\n\r\nerrors 1\n"),
        saying(b"220 mail.example ESMTP\r\n"),
    ],
    ids=["hangs", "drips", "gigabyte", "million-series", "cut", "no-number", "html", "empty", "500", "no-http"],
)
async def test_a_hostile_page_of_metrics_is_blindness(probe: Make, peer: Any, talk: Any, now: datetime) -> None:
    made = probe("prometheus", {"errors": "errors"}, timeout_s=1.0, url=f"http://127.0.0.1:{await peer(talk)}/metrics")
    must_be_blind(await made.look(), now)


async def test_tls_that_is_none_a_closed_port_and_a_name_nobody_can_look_up_are_blindness(
    probe: Make, peer: Any, closed_port: int, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await peer(saying(HEAD + b"errors 1\n"))
    for url in (f"https://127.0.0.1:{plain}/", f"http://127.0.0.1:{closed_port}/"):
        must_be_blind(await probe("prometheus", {"errors": "errors"}, url=url).look(), now)

    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    made = probe("prometheus", {"errors": "errors"}, url="http://shop.example/")
    monkeypatch.setattr(socket, "getaddrinfo", fails)
    look = await made.look()
    must_be_blind(look, now)
    assert look.problem is not None


async def test_an_honest_page_is_seen(probe: Make, peer: Any, now: datetime) -> None:
    port = await peer(saying(HEAD + b"errors 1\n"))
    made = probe("prometheus", {"errors": "errors"}, url=f"http://127.0.0.1:{port}/")
    assert judged(await made.look(), now, "firing").state == "ok"
