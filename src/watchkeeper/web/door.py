"""The door of the site: who may come in at all, and what every answer carries.

Each request passes before any page or API route sees it: its Host must be ours (a name that an attacker rebinds to loopback is
not), what changes something must come from our own pages, bodies are bounded, and each answer forbids foreign scripts and frames.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BYTES = 1_000_000
#: where others send alerts: they know our address by another name, and what lets them in is a secret and no cookie
HOOKS = ("/hooks/", "/chat/")
MOST_BYTES_SENT = 16_000_000
#: what everybody may read, under an address of its own
FOR_ALL = ("/status", "/api/v1/status", "/api/v2/")
DEFAULT_PORTS = {"http": 80, "https": 443}

POLICY = "content-security-policy"
HEADERS = {
    POLICY: (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; img-src 'self'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Door:
    """ASGI middleware around the whole site."""

    def __init__(self, site: ASGIApp, own: Collection[str] = (), public: str = "", status: str = "") -> None:
        """Take the site; `own` are names that are good with our port, `public` is our address through a proxy, and `status`
        that of the page for the public alone."""
        self._site = site
        self._own = LOOPBACK | {name.casefold() for name in own}
        self._public = public.rstrip("/").casefold()
        parts = urlsplit(status.casefold())
        self._status = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in or turn it away."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._site(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = scope["path"].startswith(HOOKS)
        trouble = None if sent else self._trouble(scope, headers)
        if trouble is not None:
            status, sentence = trouble
            await PlainTextResponse(sentence + "\n", status, headers={**HEADERS, "cache-control": "no-store"})(
                scope, receive, send
            )
            return
        await self._let_in(scope, receive, send, MOST_BYTES_SENT if sent else MOST_BYTES)

    def _trouble(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if len(headers.getlist("host")) != 1 or not self._ours(headers["host"], scope):
            return 421, "This is not an address of this Watchkeeper. Open the one that it printed."
        if scope["method"] in SAFE:
            return None
        if not _from_here(headers, self._origin(scope, headers["host"])):
            return 403, "This came from another site, so nothing was done."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return 413, "That is more than this Watchkeeper takes at once."
        return None

    def _ours(self, host: str, scope: Scope) -> bool:
        if self._is_public(host):
            return True
        if self._is_status(host) and scope["path"].startswith(FOR_ALL):
            return True
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.path:
            return False
        bound = (scope.get("server") or (None, None))[1]
        return name in self._own and (port or DEFAULT_PORTS.get(scope["scheme"])) == bound

    def _is_public(self, host: str) -> bool:
        return bool(self._public) and host.casefold() == urlsplit(self._public).netloc

    def _is_status(self, host: str) -> bool:
        return bool(self._status) and host.casefold() == urlsplit(self._status).netloc

    def _origin(self, scope: Scope, host: str) -> str:
        """Give what a browser calls our pages: a proxy may speak https with it and http with us."""
        if self._is_public(host):
            return f"{urlsplit(self._public).scheme}://{urlsplit(self._public).netloc}"
        return self._status if self._is_status(host) else f"{scope['scheme']}://{host}".casefold()

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            # what is too long is cut off, and whatever the site makes of the rest is answered as too long below
            return {"type": "http.disconnect"} if seen > most else message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                if seen > most:
                    message["status"] = 413
                headers = MutableHeaders(scope=message)
                own_policy = headers.get(POLICY)
                for name, value in HEADERS.items():
                    headers[name] = value
                if own_policy:  # a page that stands alone is stricter about scripts, and holds its style
                    headers[POLICY] = own_policy
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._site(scope, bounded, guarded)


def _from_here(headers: Headers, ours: str) -> bool:
    """Tell whether a change was asked for by a page of ours, or by a program, which sends neither header.

    Under `Referrer-Policy: no-referrer` Chromium sends `Origin: null` with our own forms too; then Sec-Fetch-Site, which no page
    can forge, must vouch for them.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin", "none"):
        return False
    if origin is None or (origin == "null" and site == "same-origin"):
        return True
    return origin.casefold() == ours
