"""Slack's Web API: a channel for each incident, its topic, people, messages with buttons.

Each call is one POST of JSON with the bot's token; what Slack answers decides whether it is worth trying again: `ratelimited` is,
a token or a right that is missing never.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp

from watchkeeper.base.errors import Permanent, Transient
from watchkeeper.base.secrets import Secret
from watchkeeper.tell.chat.model import ChatPost

API = "https://slack.com/api"
TAKES_S = 20.0
#: what the same call may get another answer to
_PASSING = frozenset(
    {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
#: longest text of a section
_SECTION = 2900
_REPEAT = "(This may be a repeat.)"


class SlackRoom:
    """One workspace, as a bot sees it."""

    def __init__(self, token: Secret, api: str = API) -> None:
        self._token, self._api = token, api.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def make_channel(self, name: str, private: bool) -> str:
        """Make a channel; where one of that name is there from before, it is ours, since an incident's id is in it."""
        try:
            found = await self._call("conversations.create", name=name, is_private=private)
        except Permanent as problem:
            if "name_taken" not in problem.message:
                raise
            return await self._find(name, private)
        return str(found["channel"]["id"])

    async def _find(self, name: str, private: bool) -> str:
        cursor = ""
        for _ in range(50):
            kinds = "private_channel" if private else "public_channel"
            more = {"cursor": cursor} if cursor else {}
            found = await self._call("conversations.list", types=kinds, limit=1000, exclude_archived=True, **more)
            for channel in found.get("channels", []):
                if channel.get("name") == name:
                    if not private:  # a private one is listed only to who is in it, and nobody joins one
                        await self._call("conversations.join", channel=channel["id"])
                    return str(channel["id"])
            cursor = found.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                break
        raise Permanent(f"Slack has a channel named {name} that the bot may not see.", code="WK438")

    async def set_topic(self, channel: str, topic: str) -> None:
        """Set what stands above a channel."""
        await self._call("conversations.setTopic", channel=channel, topic=topic)

    async def invite(self, channel: str, users: Sequence[str]) -> None:
        """Bring people in, those whom Slack knows; who is there already stays."""
        if users:
            await self._call("conversations.invite", tolerated=("already_in_channel", "user_not_found", "cant_invite_self"),
                             channel=channel, users=",".join(users), force=True)  # fmt: skip

    async def post(self, channel: str, post: ChatPost, *, repeat: bool) -> None:
        """Write a message with its buttons."""
        await self._call("chat.postMessage", channel=channel, **message(post, repeat=repeat))

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(self, method: str, tolerated: Sequence[str] = (), **fields: Any) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TAKES_S))
        headers = {"Authorization": f"Bearer {self._token.reveal()}", "Content-Type": "application/json; charset=utf-8"}
        try:
            async with self._session.post(f"{self._api}/{method}", json=fields, headers=headers) as answer:
                if answer.status == 429:
                    after = answer.headers.get("Retry-After", "1")
                    raise Transient(f"Slack wants {after} s of rest.", code="WK439")
                if answer.status >= 500:
                    raise Transient(f"Slack answered {answer.status} to {method}.", code="WK439")
                found: dict[str, Any] = await answer.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, ValueError) as problem:
            raise Transient(f"Slack could not be asked ({method}): {type(problem).__name__}.", code="WK439") from None
        said = str(found.get("error", "")) if isinstance(found, dict) else "no JSON object"
        if isinstance(found, dict) and (found.get("ok") is True or said in tolerated):
            return found
        if said in _PASSING:
            raise Transient(f"Slack could not do {method}: {said}.", code="WK439")
        hint = f"Slack names what is missing: {found['needed']}." if isinstance(found, dict) and found.get("needed") else None
        raise Permanent(f"Slack refused {method}: {said or 'without saying why'}.", hint=hint, code="WK438")


def message(post: ChatPost, *, repeat: bool = False) -> dict[str, Any]:
    """Give a message in Slack's blocks; its words are words, never marks of ours or mentions of everybody."""
    text = plain(f"{post.text}\n{_REPEAT}" if repeat else post.text)
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": text[:_SECTION], "verbatim": True}}]
    elements: list[dict[str, Any]] = [
        {"type": "button", "action_id": f"watchkeeper-{n}", "text": {"type": "plain_text", "text": button.label[:75]},
         "value": button.value[:2000]}
        for n, button in enumerate(post.buttons)
    ]  # fmt: skip
    if post.link:
        elements.append({"type": "button", "action_id": "watchkeeper-open", "text": {"type": "plain_text", "text": "Open"},
                         "url": post.link[:3000]})  # fmt: skip
    if elements:
        blocks.append({"type": "actions", "elements": elements[:25]})
    return {"text": text[:_SECTION], "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def plain(text: str) -> str:
    """Give words as Slack shows them: no mark, no mention of everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
