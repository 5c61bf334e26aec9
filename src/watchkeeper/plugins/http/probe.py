"""Looks at an HTTP address: does it answer as it should, how fast, and for how long its certificate holds."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.http.fetch import Answer, Fetcher, Request
from watchkeeper.watch.probe import Look

METHODS = ("GET", "HEAD")


class HttpProbe:
    """One address, asked on a new connection at each look."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the answer is complete and as expected, else 0",
        "seconds": "time until the answer was read, in seconds; where none came in time, the time that was waited",
        "status": "HTTP status",
        "body_bytes": "bytes of the body, at most 65,536 of which are read",
        "cert_days": "days for which the server's certificate still holds (https)",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "response_time": ("seconds",),
        "certificate_expiry": ("cert_days",),
        "availability": ("up",),
    }
    called: ClassVar[tuple[str, ...]] = (
        "application",
        "app",
        "api",
        "site",
        "website",
        "web",
        "frontend",
        "backend",
        "service",
        "shop",
        "page",
        "health",
        "endpoint",
        "uptime",
    )
    options: ClassVar[Mapping[str, str]] = {
        "url": "address to ask",
        "method": "GET or HEAD (default GET)",
        "headers": "table of request headers",
        "expect_status": "the status that is well, or a list of them (default: 200 to 299)",
        "contains": "text that the body must contain",
        "redirects": "true: follow redirects (default false)",
        "verify_tls": "false: accept any certificate (default true)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._expected = _expected(options)
        contains = options.maybe_text("contains")
        self._contains = contains.encode() if contains else None
        request = Request(
            url=web_address(options),
            method=options.choice("method", METHODS, "GET"),
            headers=headers_of(options),
            follow_redirects=options.flag("redirects", False),
            verify_tls=options.flag("verify_tls", True),
            timeout_s=signal.timeout_s,
        )
        if self._contains and request.method == "HEAD":
            raise options.error("contains", "A HEAD request has no body to look into.", 'Use method = "GET".')
        self._fetcher = Fetcher(request)

    async def look(self) -> Look:
        """Ask once."""
        answer = await self._fetcher.fetch()
        if answer.unseen:
            return Look(problem=f"its name cannot be looked up: {answer.problem}")
        if answer.status is None:
            return Look({"up": 0.0, "seconds": answer.took_s} if answer.late else {"up": 0.0}, detail=answer.problem or "")
        is_expected = answer.status in self._expected if self._expected else 200 <= answer.status < 300
        has_text = self._contains is None or self._contains in answer.body
        values = {
            "up": 1.0 if is_expected and has_text else 0.0,
            "seconds": answer.took_s,
            "status": float(answer.status),
            "body_bytes": float(len(answer.body)),
        }
        if answer.cert_until is not None:
            values["cert_days"] = (answer.cert_until - time.time()) / 86_400
        return Look(values, detail=self._words(answer, has_text))

    async def close(self) -> None:
        """Let go of the session."""
        await self._fetcher.close()

    def _words(self, answer: Answer, has_text: bool) -> str:
        said = f"{answer.status} {answer.reason}".strip()
        if not has_text:
            said += ", and the expected text is not in it"
        return f"{said}, read up to {len(answer.body):,} bytes" if answer.cut else said


def web_address(options: Table) -> str:
    """Take the option `url` and see that it is an address of the web."""
    url = options.text("url")
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise options.error("url", f"{options.name('url')} is not an address of the web.", "Write http://host:port/path.")
    return url


def headers_of(options: Table) -> dict[str, str]:
    """Take the option `headers`; a value may be a secret."""
    found = {}
    for name, value in options.table("headers").values.items():
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str) or any(char in f"{name}{text}" for char in "\r\n"):
            raise ConfigError(
                f"The header {name!r} is not a text of one line.",
                hint='headers = { Accept = "text/html" }',
                code="WK132",
                where=options.where("headers"),
            )
        found[name] = text
    return found


def credentials_of(options: Table) -> dict[str, str]:
    """Take the options `token`, or `user` with `password`, as the header that carries them; nothing where there are none."""
    token, user, password = (options.maybe_text(name) for name in ("token", "user", "password"))
    if token is not None and user is not None:
        raise options.error("token", f"{options.name()} has a token and a user.", "Leave one of the two out.")
    said = f"{user}:{password or ''}"
    if any(char in f"{token or ''}{said}" for char in "\r\n"):
        raise options.error(
            "token" if token else "user", f"{options.name()} has a line break in what it signs in by.", "Mend it."
        )
    if token is not None:
        return {"Authorization": f"Bearer {token}"}
    return {"Authorization": f"Basic {base64.b64encode(said.encode()).decode()}"} if user is not None else {}


def _expected(options: Table) -> frozenset[int]:
    value = options.take("expect_status")
    items = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(item, int) and 100 <= item <= 599 for item in items):
        raise options.error("expect_status", f"{options.name('expect_status')} is {value!r}.", "Write 200, or [200, 204].")
    return frozenset(items)
