"""Where Slack sends what people say and press: POST /chat/NAME/command, /action and /event of [chat.NAME], each signed.

Slack wants its answer within three seconds, and sends again what it got none to: what was said is taken once by its id.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from watchkeeper.actions import chat as chats
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, Refused
from watchkeeper.estate.model import Chat
from watchkeeper.plugins.slack.room import plain
from watchkeeper.plugins.slack.signing import is_signed

MOST_BYTES = 200_000

router = APIRouter(prefix="/chat", include_in_schema=False)


@router.post("/{name}/command")
async def command(request: Request, name: str) -> Response:
    """Do a slash command."""
    app, chat, body = await _signed(request, name, once=True)
    form = _form(body)
    said = chats.Said(chat, form.get("user_id", ""), form.get("channel_id", ""))
    return _answer(await chats.command(app, said, form.get("text", "")))


@router.post("/{name}/action")
async def action(request: Request, name: str) -> Response:
    """Take the press of a button."""
    app, chat, body = await _signed(request, name, once=True)
    payload = _json(_form(body).get("payload", ""))
    said = chats.Said(chat, str(payload.get("user", {}).get("id", "")), str(payload.get("channel", {}).get("id", "")))
    pressed = [each for each in payload.get("actions", []) if isinstance(each, dict)]
    value = str(pressed[0].get("value", "")) if pressed else ""
    return _answer(await chats.press(app, said, value)) if value else Response(status_code=200)


@router.post("/{name}/event")
async def event(request: Request, name: str) -> Response:
    """Take what was said in a channel; Slack's question whether we are there is answered."""
    app, chat, body = await _signed(request, name, once=False)
    sent = _json(body.decode(errors="replace"))
    if sent.get("type") == "url_verification":
        return JSONResponse({"challenge": str(sent.get("challenge", ""))[:500]})
    about = sent.get("event", {})
    if isinstance(about, dict) and about.get("type") == "message" and not about.get("bot_id") and not about.get("subtype"):
        said = chats.Said(chat, str(about.get("user", "")), str(about.get("channel", "")))
        await chats.heard(app, said, str(about.get("text", "")), str(sent.get("event_id", ""))[:200])
    return Response(status_code=200)


async def _signed(request: Request, name: str, *, once: bool) -> tuple[App, Chat, bytes]:
    """Give the chat and the body of a request that Slack signed for it; refused otherwise, without saying why.

    `once` refuses what came before too; an event needs it not, since it has an id of its own under which it is taken once.
    """
    refused = Refused("This request was not signed by the chat.", code="WK436")
    app: App = request.app.state.watchkeeper
    chat = app.estate.chats.get(name)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise InputError("That is more than a chat sends at once.", code="WK435")
    if chat is None or not is_signed(chat.signing_secret, request.headers, body, app.clock.now()):
        raise refused
    if once and not await chats.is_new(app, chat, request.headers["x-slack-signature"]):
        raise refused
    return app, chat, body


def _form(body: bytes) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(body.decode(errors="replace"), keep_blank_values=True).items()}


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise InputError("This is no JSON.", code="WK435") from None
    if not isinstance(found, dict):
        raise InputError("This is no JSON object.", code="WK435")
    return found


def _answer(text: str) -> Response:
    return JSONResponse({"response_type": "ephemeral", "text": plain(text)})
