"""Asks a hosted monitor or a search engine for JSON, with a bound on time and on bytes. Whatever goes wrong is Unanswered.

When such a monitor is away, refuses or asks for patience, nothing is known of what it watches: that is blindness, never bad news
and never good. "Too many requests" is obeyed: until the time that it names has passed it is not asked again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from watchkeeper.base.durations import format_duration
from watchkeeper.estate.table import Table
from watchkeeper.plugins.http.fetch import reason_of

Params: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

_NEVER = aiohttp.ClientTimeout(total=None)
_MOST_BYTES = 8_000_000
#: headers in which a service says how many seconds to wait
_RESET = ("X-RateLimit-Reset", "X-Sentry-Rate-Limit-Reset")
_LONGEST_WAIT_S = 3_600.0
_USUAL_WAIT_S = 60.0


class Unanswered(Exception):
    """There is no answer that can be used, and why."""


class Api:
    """One service, by the address below which its paths lie."""

    def __init__(self, name: str, url: str, headers: Mapping[str, str], timeout_s: float, verify_tls: bool = True) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "watchkeeper", **headers}
        self._timeout_s = timeout_s
        self._verify_tls = verify_tls
        self._session: aiohttp.ClientSession | None = None
        self._not_before_s = 0.0

    async def get(self, path: str, params: Params = ()) -> Any:
        """Ask for a path."""
        return await self._ask("GET", path, params, None)

    async def post(self, path: str, body: Mapping[str, Any], params: Params = ()) -> Any:
        """Ask with a question as JSON; used where that is how a service is read."""
        return await self._ask("POST", path, params, body)

    async def close(self) -> None:
        """Let go of the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, method: str, path: str, params: Params, body: Mapping[str, Any] | None) -> Any:
        left_s = self._not_before_s - time.monotonic()
        if left_s > 0:
            raise Unanswered(f"{self._name} asked for patience (429); it is asked again in {format_duration(left_s)}")
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True, ssl=self._verify_tls)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_NEVER, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.request(
                    method, self._url + path, params=params, json=body, headers=self._headers, allow_redirects=False
                ) as response,
            ):
                text = await self._read(response)
                return self._judge(response, text)
        except TimeoutError:
            raise Unanswered(f"{self._name} gave no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise Unanswered(f"{self._name} cannot be asked: {reason_of(problem)}") from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := await response.content.readany():
            parts.append(part)
            size += len(part)
            if size > _MOST_BYTES:
                response.close()
                raise Unanswered(f"the answer of {self._name} is larger than {_MOST_BYTES:,} bytes")
        return b"".join(parts)

    def _judge(self, response: aiohttp.ClientResponse, text: bytes) -> Any:
        match response.status:
            case 200 | 202:
                try:
                    return json.loads(text)
                except (ValueError, RecursionError):
                    raise Unanswered(f"the answer of {self._name} is not JSON") from None
            case 401 | 403:
                raise Unanswered(f"{self._name} does not let us in: {response.status} {said_in(text)}".rstrip())
            case 429:
                wait_s = min(_LONGEST_WAIT_S, wait_of(response.headers, datetime.now(UTC)))
                self._not_before_s = time.monotonic() + wait_s
                raise Unanswered(f"{self._name} asks for patience (429); it is asked again in {format_duration(wait_s)}")
            case status:
                raise Unanswered(f"{self._name} answered {status} {response.reason}: {said_in(text)}".rstrip(": "))


def wait_of(headers: Mapping[str, str], now: datetime) -> float:
    """Give the seconds for which a service asks to be left alone: a number, or a time of day.

    >>> wait_of({"Retry-After": "30"}, datetime(2026, 3, 14, tzinfo=UTC)), wait_of({}, datetime(2026, 3, 14, tzinfo=UTC))
    (30.0, 60.0)
    """
    for name in ("Retry-After", *_RESET):
        said = headers.get(name, "").strip()
        try:
            number = float(said)
        except ValueError:
            try:
                return max(1.0, (parsedate_to_datetime(said) - now).total_seconds())
            except (ValueError, TypeError):
                continue
        # Sentry says the second since 1970
        seconds = number - now.timestamp() if number > 1e9 else number
        if seconds == seconds:
            return max(1.0, min(seconds, _LONGEST_WAIT_S))
    return _USUAL_WAIT_S


def said_in(text: bytes) -> str:
    """Give what an answer says went wrong, in one short line."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        for key in ("errors", "error", "message", "detail", "reason"):
            if found.get(key):
                value = found[key]
                while isinstance(value, list | dict) and value:
                    below = value[0] if isinstance(value, list) else value.get("reason") or value.get("message") or ""
                    value = below if below != value else ""
                if isinstance(value, str):
                    return " ".join(value.split())[:200]
    return " ".join(text[:400].decode(errors="replace").split())[:120] if not text.lstrip().startswith(b"<") else ""


def address_of(options: Table, key: str, default: str | None = None) -> str:
    """Take an option that is the address of a service."""
    url = options.text(key, default)
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        whole = False
    if not whole:
        raise options.error(key, f"{options.name(key)} is not the address of a service.", "Write https://host:port.")
    return url
