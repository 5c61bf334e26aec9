"""Deliveries of SNS: signed by Amazon's certificate, from an address of SNS itself, and of a topic that the owner named.

A topic's wish to be confirmed is granted only where watchkeeper.toml names the topic; any other waits for an owner. What is asked
over the network is one certificate or one confirmation, only at SNS's own hosts, bounded in time and bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from watchkeeper.actions.hooks import SEND, note_delivery
from watchkeeper.actions.permission import require
from watchkeeper.alert.senders.signing import sns_address, sns_certificate_address, sns_signed
from watchkeeper.app import App
from watchkeeper.base.errors import Refused, Transient
from watchkeeper.estate.model import Hook
from watchkeeper.people.identity import Actor

#: asks an address for its body; tests bring their own
Fetch = Callable[[str], Awaitable[bytes]]
MOST_BYTES = 100_000
CERTIFICATES = 16


async def fetch(url: str) -> bytes:
    """Ask an address of SNS, without following where it points."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise Transient(f"SNS answered {answer.status}.", code="WK431")
            return await answer.content.read(MOST_BYTES)
    except (aiohttp.ClientError, TimeoutError) as problem:
        raise Transient(f"SNS could not be asked: {problem}.", code="WK431") from None


class Sns:
    """What is remembered of SNS between deliveries."""

    def __init__(self, fetching: Fetch = fetch) -> None:
        self._fetch = fetching
        self._certificates: dict[str, bytes] = {}
        self._asked: set[str] = set()

    async def check(self, app: App, actor: Actor, hook: Hook, message: Mapping[str, Any]) -> str:
        """Refuse what SNS did not sign; answer what is no notification. Gives what was done, nothing for a notification."""
        require(actor, SEND)
        if not await self._signed(app, message):
            raise Refused("SNS has not signed this, so nothing was taken.", hint="Turn raw message delivery off.", code="WK343")
        topic, kind = str(message.get("TopicArn", ""))[:300], message.get("Type")
        named = topic in hook.topics
        if kind == "Notification":
            if hook.topics and not named:
                hint = f"Add it to topics of [hooks.{hook.name}] if its alerts are wanted."
                raise Refused(f"{topic} is not one of the topics of {hook.name}.", hint=hint, code="WK343")
            return ""
        if kind == "SubscriptionConfirmation":
            return await self._confirm(app, actor, hook, message, topic, named)
        return await self._say_once(app, actor, hook, topic, "hook left", f"{topic} sends nothing any more: it was unsubscribed.")

    async def _signed(self, app: App, message: Mapping[str, Any]) -> bool:
        url = message.get("SigningCertURL")
        if not isinstance(url, str) or not sns_certificate_address(url):
            return False
        known = self._certificates.get(url)
        if known is None:
            known = await self._fetch(url)
            if len(self._certificates) >= CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = known
        if sns_signed(message, known, app.clock.now()):
            return True
        self._certificates.pop(url, None)  # it may have been renewed under the same address
        return False

    async def _confirm(self, app: App, actor: Actor, hook: Hook, message: Mapping[str, Any], topic: str, named: bool) -> str:
        url = message.get("SubscribeURL")
        if not named:
            where = f"topics of [hooks.{hook.name}]"
            said = f"{topic} asks to be confirmed for {hook.name}: an owner adds it to {where}, then has SNS ask again."
            return await self._say_once(app, actor, hook, topic, "hook asks", said)
        if not isinstance(url, str) or not sns_address(url):
            raise Refused("This confirmation points to an address that is not SNS's own; it was not called.", code="WK343")
        await self._fetch(url)
        said = f"{topic} was confirmed for {hook.name}, which names it."
        await note_delivery(app, actor, hook, "hook confirmed", said)
        return said

    async def _say_once(self, app: App, actor: Actor, hook: Hook, topic: str, act: str, sentence: str) -> str:
        if f"{act} {topic}" not in self._asked and len(self._asked) < 1000:
            self._asked.add(f"{act} {topic}")
            await note_delivery(app, actor, hook, act, sentence)
        return sentence
