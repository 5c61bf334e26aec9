"""A local server that checks what it is sent as strictly as Slack's documentation describes it, and answers as Slack does."""

from __future__ import annotations

from typing import Any

from aiohttp import web

TOKEN = "xoxb-1-2-abcdefghijklmnop"
FIELDS = {
    "conversations.create": {"name", "is_private"},
    "conversations.list": {"types", "limit", "exclude_archived", "cursor"},
    "conversations.join": {"channel"},
    "conversations.setTopic": {"channel", "topic"},
    "conversations.invite": {"channel", "users", "force"},
    "chat.postMessage": {"channel", "text", "blocks", "unfurl_links", "unfurl_media"},
}


class SlackStandIn:
    """One workspace: its channels, who is in them, and what was written."""

    def __init__(self) -> None:
        self.channels: dict[str, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        #: method -> answers that it gives before it does what it is asked
        self.answers: dict[str, list[web.Response | dict[str, Any]]] = {}
        self.members = {"U0ANNA", "U0BEN"}

    def site(self) -> web.Application:
        """Give the application."""
        made = web.Application()
        made.router.add_post("/api/{method}", self._answer)
        return made

    def texts(self) -> list[str]:
        """Give the words of all messages."""
        return [message["text"] for message in self.messages]

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if not request.headers.get("Content-Type", "").startswith("application/json"):
            return web.json_response({"ok": False, "error": "invalid_post_type"})
        sent = await request.json()
        unknown = set(sent) - FIELDS.get(method, set())
        if method not in FIELDS or unknown:
            self.wrong.append(f"{method}: {unknown}")
            return web.json_response({"ok": False, "error": "unknown_method" if method not in FIELDS else "invalid_arguments"})
        if self.answers.get(method):
            given = self.answers[method].pop(0)
            return given if isinstance(given, web.Response) else web.json_response(given)
        return web.json_response(getattr(self, "_" + method.replace(".", "_"))(sent))

    def _conversations_create(self, sent: dict[str, Any]) -> dict[str, Any]:
        name = sent["name"]
        if not (0 < len(name) <= 80) or name != name.lower() or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_"):
            return {"ok": False, "error": "invalid_name"}
        if any(channel["name"] == name for channel in self.channels.values()):
            return {"ok": False, "error": "name_taken"}
        channel = {"id": f"C{len(self.channels):08}", "name": name, "members": set[str](), "topic": ""}
        channel["private"] = bool(sent.get("is_private"))
        self.channels[str(channel["id"])] = channel
        return {"ok": True, "channel": {"id": channel["id"], "name": name}}

    def _conversations_list(self, sent: dict[str, Any]) -> dict[str, Any]:
        kinds = {"private_channel": True, "public_channel": False}
        wanted = {kinds[kind] for kind in sent["types"].split(",")}
        found = [{"id": each["id"], "name": each["name"]} for each in self.channels.values() if each["private"] in wanted]
        at = int(sent.get("cursor") or 0)
        following = str(at + 1) if at + 1 < len(found) else ""
        return {"ok": True, "channels": found[at : at + 1], "response_metadata": {"next_cursor": following}}

    def _conversations_join(self, sent: dict[str, Any]) -> dict[str, Any]:
        if self.channels.get(sent["channel"], {}).get("private"):
            return {"ok": False, "error": "method_not_supported_for_channel_type"}
        return {"ok": sent["channel"] in self.channels}

    def _conversations_setTopic(self, sent: dict[str, Any]) -> dict[str, Any]:
        if len(sent["topic"]) > 250:
            return {"ok": False, "error": "too_long"}
        self.channels[sent["channel"]]["topic"] = sent["topic"]
        return {"ok": True}

    def _conversations_invite(self, sent: dict[str, Any]) -> dict[str, Any]:
        users = set(sent["users"].split(","))
        inside = self.channels[sent["channel"]]["members"]
        if users <= inside:
            return {"ok": False, "error": "already_in_channel"}
        inside |= users & self.members
        return {"ok": True} if users <= self.members else {"ok": False, "error": "user_not_found"}

    def _chat_postMessage(self, sent: dict[str, Any]) -> dict[str, Any]:
        if sent["channel"] not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        ids: list[str] = []
        for block in sent["blocks"]:
            if block["type"] == "section" and not 0 < len(block["text"]["text"]) <= 3000:
                return {"ok": False, "error": "invalid_blocks"}
            for element in block.get("elements", []):
                ids.append(element["action_id"])
                label = element["text"]
                if label["type"] != "plain_text" or len(label["text"]) > 75 or len(element.get("value", "")) > 2000:
                    return {"ok": False, "error": "invalid_blocks"}
        if len(ids) != len(set(ids)) or "<!" in sent["text"]:
            return {"ok": False, "error": "invalid_blocks"}
        self.messages.append(sent)
        return {"ok": True, "ts": f"{len(self.messages)}.0001"}
