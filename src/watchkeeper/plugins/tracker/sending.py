"""Takes a follow-up to a tracker: one POST, whose answer says where it is now.

GitHub's and Jira's documented REST forms; a webhook gets our own JSON. What may pass raises Transient, what never will Permanent.
"""

from __future__ import annotations

import base64
from typing import Any

import aiohttp

from watchkeeper.base.errors import Permanent, Transient
from watchkeeper.estate.model import Tracker
from watchkeeper.learn.follow_up import FollowUp

TAKES_S = 20.0
#: sent again since the answer was lost: perhaps it is there twice
_REPEAT = "(This may be a repeat.)"


async def send(tracker: Tracker, one: FollowUp, owner: str, about: str) -> str:
    """Write a follow-up there; gives its address, or what the tracker calls it. `about` says of which incident."""
    address, sent = request(tracker, one, owner, about)
    headers = {"Accept": "application/json"}
    if tracker.token is not None:
        token = tracker.token.reveal()
        login = base64.b64encode(f"{tracker.user}:{token}".encode()).decode()
        headers["Authorization"] = f"Basic {login}" if tracker.user else f"Bearer {token}"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TAKES_S)) as session,
            session.post(address, json=sent, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status in (408, 425, 429) or answer.status >= 500:
                raise Transient(f"{tracker.name} answered {answer.status}.", code="WK445")
            if not 200 <= answer.status < 300:
                hint = {
                    401: "Its token is wrong or has lapsed.",
                    403: "Its token may not write there.",
                    404: "There is no such project.",
                }
                raise Permanent(f"{tracker.name} answered {answer.status}.", hint=hint.get(answer.status), code="WK446")
            found = await _json(answer)
    except (TimeoutError, aiohttp.ClientError) as problem:
        raise Transient(f"{tracker.name} could not be reached: {type(problem).__name__}.", code="WK445") from None
    return where(tracker, found) or tracker.name


def request(tracker: Tracker, one: FollowUp, owner: str, about: str) -> tuple[str, dict[str, Any]]:
    """Give the address and the JSON of what is sent. Pure."""
    due = f"{one.due_at:%Y-%m-%d}"
    lines = [one.text, "", f"From the review of {about}.", f"Owner: {owner}. Due: {due}.", f"Watchkeeper: {one.id}"]
    body = "\n".join([*lines, _REPEAT] if one.tries else lines)
    title = " ".join(one.text.split())[:240]
    if tracker.kind == "github":
        sent: dict[str, Any] = {"title": title, "body": body}
        if tracker.labels:
            sent["labels"] = list(tracker.labels)
        return f"{tracker.url}/repos/{tracker.project}/issues", sent
    if tracker.kind == "jira":
        fields = {
            "project": {"key": tracker.project},
            "summary": title,
            "description": body,
            "issuetype": {"name": "Task"},
            "duedate": due,
        }
        return f"{tracker.url}/rest/api/2/issue", {
            "fields": fields | ({"labels": list(tracker.labels)} if tracker.labels else {})
        }
    return tracker.url, {
        "id": one.id, "incident_id": one.incident_id, "incident": about, "text": one.text, "owner": owner, "due": due,
        "repeat": one.tries > 0,
    }  # fmt: skip


def where(tracker: Tracker, answer: Any) -> str:
    """Give the address of what was made, from the tracker's answer; empty where it does not say."""
    if not isinstance(answer, dict):
        return ""
    if tracker.kind == "jira" and answer.get("key"):
        return f"{tracker.url}/browse/{answer['key']}"[:1000]
    link = str(answer.get("html_url") or answer.get("url") or "")
    return link[:1000] if link.startswith(("https://", "http://")) else ""


async def _json(answer: aiohttp.ClientResponse) -> Any:
    try:
        return await answer.json(content_type=None)
    except ValueError:
        return None
