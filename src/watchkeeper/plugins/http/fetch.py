"""Asks for one page with a bound on time and on bytes, on a connection of its own.

An address enters; the answer, or the sentence why there is none, leaves. Never more than the given bytes of a body are read,
compressed bodies are not asked for, and nothing is sent but the request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

_NEVER = aiohttp.ClientTimeout(total=None)
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "watchkeeper"}


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    follow_redirects: bool = False
    verify_tls: bool = True
    most_bytes: int = 65_536
    timeout_s: float = 10.0
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `status` None: no answer, and `problem` says why."""

    took_s: float
    status: int | None = None
    reason: str = ""
    body: bytes = b""
    #: names in lower case
    headers: Mapping[str, str] = field(default_factory=dict)
    #: there was more than was read
    cut: bool = False
    #: seconds since 1970 until which the server's certificate holds
    cert_until: float | None = None
    problem: str | None = None
    #: it is not that the answer failed: it did not come in time
    late: bool = False
    #: it says nothing about the other side: no server of ours could look its name up
    unseen: bool = False


class Fetcher:
    """Asks one address, or others as it is told, again and again, each time on a new connection."""

    def __init__(self, request: Request, *, keeps_cookies: bool = False) -> None:
        """Take what is asked unless `fetch` is told otherwise; cookies are kept only where that is wanted."""
        self._request = request
        self._session: aiohttp.ClientSession | None = None
        self._keeps_cookies = keeps_cookies

    async def fetch(self, request: Request | None = None) -> Answer:
        """Ask once. Never raises for what the other side does."""
        request = request or self._request
        started = time.monotonic()
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._ask(request, started)
        except TimeoutError:
            limit = request.timeout_s
            return Answer(limit, problem=f"no complete answer within {limit:g} s", late=True)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            return Answer(time.monotonic() - started, problem=reason_of(problem), unseen=_is_unseen(problem))

    async def close(self) -> None:
        """Let go of the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, request: Request, started: float) -> Answer:
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True, limit=0, ssl=self._request.verify_tls)
            # a session of one service may be on an address without a name
            jar = aiohttp.CookieJar(unsafe=True) if self._keeps_cookies else aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(connector=connector, timeout=_NEVER, auto_decompress=False, cookie_jar=jar)
        async with self._session.request(
            request.method,
            request.url,
            headers={**_HEADERS, **request.headers},
            data=request.body,
            allow_redirects=request.follow_redirects,
            max_redirects=5,
        ) as response:
            cert_until = _cert_until(response) if request.url.lower().startswith("https:") else None
            body, cut = await read_bounded(response.content, request.most_bytes)
            if cut:
                response.close()
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(time.monotonic() - started, response.status, response.reason or "", body, headers, cut, cert_until)


async def read_bounded(stream: aiohttp.StreamReader, most: int) -> tuple[bytes, bool]:
    """Read a body up to so many bytes; gives it, and whether there was more."""
    parts: list[bytes] = []
    size = 0
    while size <= most:
        part = await stream.readany()
        if not part:
            return b"".join(parts), False
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:most], True


def _cert_until(response: aiohttp.ClientResponse) -> float | None:
    """Give the end of the certificate while the connection is still there; None where it was not checked."""
    transport = response.connection.transport if response.connection else None
    certificate = transport.get_extra_info("peercert") if transport else None
    until = certificate.get("notAfter") if certificate else None
    return float(ssl.cert_time_to_seconds(until)) if until else None


def _is_unseen(problem: BaseException) -> bool:
    """Say whether it is our own look-up of names that fails; a name that is not there is the other side's fault."""
    while isinstance(problem, aiohttp.ClientConnectorError) and problem.os_error is not None:
        problem = problem.os_error
    return isinstance(problem, socket.gaierror) and problem.errno in (socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM)


def reason_of(problem: BaseException) -> str:
    """Say in a few words why there was no answer.

    >>> reason_of(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 80)"))
    'connection refused'
    """
    inner = problem
    while isinstance(inner, aiohttp.ClientConnectorError) and inner.os_error is not None:
        inner = inner.os_error
    match inner:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not accepted: {inner.certificate_error}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {inner.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {inner.reason}"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError() | aiohttp.ServerDisconnectedError():
            return "the connection was closed without an answer"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case aiohttp.TooManyRedirects():
            return "it redirects more than 5 times"
        case aiohttp.InvalidURL():
            return "this is not an address"
        case aiohttp.ClientResponseError():
            return f"what came back is not HTTP: {' '.join(inner.message.split())[:100]}"
        case OSError() if inner.errno is not None and "Connect call failed" in str(inner):
            return f"it cannot be reached: {inner.strerror.split('(')[0].strip() if inner.strerror else inner}"
        case _:
            return str(inner).splitlines()[0][:200] if str(inner) else type(inner).__name__
