"""Notices through Apprise: one address is one Apprise URL (json://, mailto://, slack://, tgram:// and a hundred more).

Apprise is imported here and nowhere else, because it is heavy; it works in a thread. What it logs never reaches our log, for it
may hold the address; what it says about a failure is taken out of the address's parts and kept as the problem.
"""

from __future__ import annotations

import asyncio
import logging
import re
from urllib.parse import unquote, urlsplit

import apprise

from watchkeeper.base.errors import Permanent, Transient

#: answers of a server after which the same message to the same address cannot be taken
_HOPELESS = re.compile(r"error=(?:400|401|403|410|413|422)\b")
_REPEAT = "(This may be a repeat: an earlier try may have reached you.)"

_own = logging.getLogger("apprise")
_own.propagate = False
_own.addHandler(logging.NullHandler())
# at DEBUG both print whole addresses
_own.setLevel(logging.WARNING)
logging.getLogger("urllib3").setLevel(logging.INFO)


class AppriseNotifier:
    """Sends a message to one Apprise URL."""

    async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
        """Send once; raises Permanent for an address that Apprise does not know or whose server refuses it, else Transient."""
        text = f"{body}\n\n{_REPEAT}" if repeat else body
        await asyncio.to_thread(_send, address, subject, f"{text}\n\nRef {idempotency_key}", idempotency_key)


def _send(address: str, subject: str, body: str, key: str) -> None:
    scheme = address.split(":", 1)[0]
    try:
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    except Exception as problem:
        raise Permanent(f"Apprise cannot read this {scheme} address ({type(problem).__name__}).", code="WK421") from None
    if service is None:
        raise Permanent(
            f"Apprise does not know this kind of address, or it lacks a part: {scheme}://…",
            hint="Apprise's wiki shows the form of each; `watchkeeper doctor` tries yours.",
            code="WK421",
        )
    headers = getattr(service, "headers", None)
    if isinstance(headers, dict):  # webhooks and mail: a receiver can tell a repeat by this
        headers["Idempotency-Key"] = key
    said: list[str] = []
    try:
        sender = apprise.Apprise()
        sender.add(service)
        # the callback gets what the service says, in this call only, whatever other threads send meanwhile
        done = sender.notify(body=body, title=subject, log_callback=lambda entry, _: said.append(entry.message), log_level=30)
    except Exception as problem:
        raise Transient(f"{scheme} failed: {type(problem).__name__}.", code="WK412") from None
    if done:
        return
    reason = _clean("; ".join(said), address) or "it was not accepted"
    if _HOPELESS.search(reason):
        raise Permanent(f"{scheme} refused it: {reason}", code="WK424")
    raise Transient(f"{scheme} did not take it: {reason}", code="WK412")


def _clean(reason: str, address: str) -> str:
    """Take every part of an address out of a text; the host may stay, for it says where to look."""
    parts = urlsplit(address)
    host = (parts.hostname or "").casefold()
    secret = re.split(r"[/?&=@:#,]+", f"{address}/{unquote(address)}")
    for part in sorted({address, *secret}, key=len, reverse=True):
        if len(part) >= 4 and part.casefold() not in (host, parts.scheme):
            reason = reason.replace(part, "…")
    return " ".join(reason.split())[:500]
