"""What the http probe sees of well-behaved, broken and hostile servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


def answering(status: int = 200, body: str = "all is well", **more: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, **more)

    return handler


@pytest.mark.parametrize(
    ("status", "options", "up"),
    [
        (200, {}, 1.0),
        (204, {}, 1.0),
        (301, {}, 0.0),
        (503, {}, 0.0),
        (404, {"expect_status": 404}, 1.0),
        (200, {"expect_status": [201, 204]}, 0.0),
        (200, {"contains": "well"}, 1.0),
        (200, {"contains": "broken"}, 0.0),
    ],
)
async def test_up_is_the_expected_status_and_text(
    probe: Make, site: Any, status: int, options: dict[str, Any], up: float
) -> None:
    look = await probe("http", url=await site(answering(status)), **options).look()
    assert look.problem is None
    assert (look.values["up"], look.values["status"]) == (up, float(status))
    assert look.values["seconds"] > 0


async def test_every_look_is_a_new_connection_with_the_headers_of_the_file(probe: Make, site: Any) -> None:
    seen: list[tuple[Any, str]] = []

    async def handler(request: web.Request) -> web.Response:
        peername = request.transport.get_extra_info("peername") if request.transport else None
        seen.append((peername, request.headers["X-Key"]))
        return web.Response()

    made = probe("http", url=await site(handler), headers={"X-Key": Secret("correct horse")})
    await made.look()
    await made.look()
    assert len({peername for peername, _ in seen}) == 2
    assert seen[0][1] == "correct horse"


async def test_redirects_are_followed_only_where_asked_and_not_for_ever(probe: Make, site: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/end":
            return web.Response()
        raise web.HTTPFound("/end" if request.path == "/once" else "/loop")

    url = await site(handler)
    assert (await probe("http", url=f"{url}/once").look()).values["up"] == 0.0
    assert (await probe("http", url=f"{url}/once", redirects=True).look()).values["up"] == 1.0
    look = await probe("http", url=f"{url}/loop", redirects=True).look()
    assert (look.values, look.detail) == ({"up": 0.0}, "it redirects more than 5 times")


async def test_nothing_listening_is_down_and_says_so(probe: Make, closed_port: int) -> None:
    look = await probe("http", url=f"http://127.0.0.1:{closed_port}/").look()
    assert (look.values, look.problem, look.detail) == ({"up": 0.0}, None, "connection refused")


async def test_a_peer_that_hangs_is_down_after_the_timeout_and_no_later(probe: Make, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    look = await probe("http", timeout_s=0.2, url=f"http://127.0.0.1:{await peer(hang)}/").look()
    assert (look.values, look.detail) == ({"up": 0.0, "seconds": 0.2}, "no complete answer within 0.2 s")


async def test_a_peer_that_drips_is_bounded_by_the_whole_time(probe: Make, peer: Any) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    look = await probe("http", timeout_s=0.3, url=f"http://127.0.0.1:{await peer(drip)}/").look()
    assert look.values["up"] == 0.0


async def test_a_body_of_a_gigabyte_is_cut(probe: Make, peer: Any) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1_000):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
            sent += 1_000_000

    look = await probe("http", url=f"http://127.0.0.1:{await peer(flood)}/").look()
    assert (look.values["up"], look.values["body_bytes"]) == (1.0, 65_536.0)
    assert look.detail == "200 OK, read up to 65,536 bytes"
    assert sent < 50_000_000


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_what_is_not_http_is_down(probe: Make, peer: Any, answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    look = await probe("http", url=f"http://127.0.0.1:{await peer(say)}/").look()
    assert look.values == {"up": 0.0}
    assert look.detail
    assert "\n" not in look.detail


async def test_tls_that_is_none_is_down(probe: Make, site: Any) -> None:
    url = await site(answering())
    look = await probe("http", url=url.replace("http:", "https:")).look()
    assert look.values["up"] == 0.0
    assert look.detail.startswith("TLS failed")
    assert ssl.HAS_TLSv1_3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "has no 'url'"),
        ({"url": "ftp://host/"}, "is not an address of the web"),
        ({"url": "http://host:99999/"}, "is not an address of the web"),
        ({"url": "http://host/", "method": "POST"}, "is 'POST'"),
        ({"url": "http://host/", "method": "HEAD", "contains": "x"}, "no body"),
        ({"url": "http://host/", "expect_status": "2xx"}, "is '2xx'"),
        ({"url": "http://host/", "headers": {"A": "b\r\nc"}}, "not a text of one line"),
        ({"url": "http://host/", "redirects": "yes"}, "is 'yes'"),
    ],
)
async def test_options_that_cannot_be_used_are_refused_with_their_line(probe: Make, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        probe("http", **options)
    assert (caught.value.where or "").endswith("watchkeeper.toml:3")


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [(socket.EAI_AGAIN, {}, "its name cannot be looked up"), (socket.EAI_NONAME, {"up": 0.0}, "not known")],
)
async def test_a_name_that_nobody_can_look_up_now_is_blindness_and_one_that_is_not_there_is_down(
    probe: Make, monkeypatch: pytest.MonkeyPatch, code: int, values: dict[str, float], said: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "Temporary failure" if code == socket.EAI_AGAIN else "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    look = await probe("http", url="http://shop.example/").look()
    assert look.values == values
    assert said in f"{look.problem} {look.detail}"
