"""Where others send alerts: POST /hooks/NAME of [hooks.NAME], with its token in the address, a header or the body.

What lets a sender in is its secret; it is compared before anything is read of what it sent. A delivery is bounded in bytes,
alerts and time, and answered once it is on disk; where it cannot be written, 503 says when to send it again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from watchkeeper.actions.callers import address_of
from watchkeeper.actions.hooks import Counts, Rate, sender, take_alerts
from watchkeeper.actions.sns import Sns
from watchkeeper.alert.model import Report
from watchkeeper.alert.naming import Names
from watchkeeper.alert.senders import alertmanager, pagerduty
from watchkeeper.alert.senders.kinds import read_delivery
from watchkeeper.alert.senders.reading import unlike
from watchkeeper.alert.senders.signing import is_signed, same
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, Refused, Transient
from watchkeeper.base.words import counted
from watchkeeper.estate.model import Hook
from watchkeeper.people.identity import Actor

log = logging.getLogger(__name__)

#: of one delivery
MOST_BYTES, MOST_ALERTS, MOST_S = 16_000_000, 20_000, 30.0
#: parts of one delivery: small things need many times their bytes once they are read
MOST_OBJECTS, MOST_COMMAS = 500_000, 1_500_000
#: of all that are being taken at one time from those whose token was seen; the others, who have yet to show that they may, have
#: half as much room of their own, so that no stranger takes the place of a sender
MOST_AT_ONCE = 64_000_000
#: a body from here on is read in a thread of its own, so that the console goes on
LARGE = 200_000
AGAIN_S = 5
PAGERDUTY = "v2/enqueue"

router = APIRouter(prefix="/hooks", include_in_schema=False)


class Intake:
    """What the deliveries of one site share."""

    def __init__(self, app: App, sns: Sns | None = None) -> None:
        self.names = Names(app.book, app.bindings)
        self.sns = sns or Sns()
        self.rates: dict[str, Rate] = {}
        self.counts = Counts(app)
        #: bytes of deliveries that are being taken: of those whose token was seen, and of the others
        self.under_way = {True: 0, False: 0}


def intake_of(request: Request, app: App) -> Intake:
    """Give the intake of a site, made with its first delivery."""
    state = request.app.state
    if getattr(state, "intake", None) is None:
        state.intake = Intake(app)
    intake: Intake = state.intake
    return intake


@router.post("/{name}")
async def deliver(request: Request, name: str) -> Response:
    """Take a delivery."""
    return await _deliver(request, name, "")


@router.post("/{name}/{rest:path}")
async def deliver_under(request: Request, name: str, rest: str) -> Response:
    """Take a delivery whose address ends with the token, or as PagerDuty's Events API does."""
    return await _deliver(request, name, rest)


async def _deliver(request: Request, name: str, rest: str) -> Response:
    app: App = request.app.state.watchkeeper
    hook = app.estate.alerting.hooks.get(name)
    shown = _may_come_in(hook, request, "" if rest == PAGERDUTY else rest)
    if hook is None:
        raise _stranger()
    intake = intake_of(request, app)
    try:
        answer = await _bounded(app, intake, hook, request, shown)
    except Refused:
        intake.counts.refused(hook, "wrong_token")
        raise
    except InputError:
        intake.counts.refused(hook, "unreadable")
        raise
    if answer.status_code in (400, 413):
        intake.counts.refused(hook, "unreadable")
    return answer


async def _bounded(app: App, intake: Intake, hook: Hook, request: Request, shown: bool) -> Response:
    """Take a delivery where there is room for it, and its sender may still show that it may."""
    if not (shown or _shows_later(hook)):
        raise _stranger()
    length = _length(request.headers)
    if length > MOST_BYTES:
        return _too_much(f"A delivery has at most {MOST_BYTES // 1_000_000} MB.")
    if intake.under_way[shown] + length > (MOST_AT_ONCE if shown else MOST_AT_ONCE // 2):
        return _later(AGAIN_S, "Too much is being sent at once.")
    intake.under_way[shown] += length
    try:
        return await _taken(app, intake, hook, request, shown)
    except Transient as problem:
        log.warning("%s could not send: %s", hook.name, problem, extra={"action": "delivery_put_off", "hook": hook.name})
        return _later(AGAIN_S, problem.message)
    finally:
        intake.under_way[shown] -= length


async def _taken(app: App, intake: Intake, hook: Hook, request: Request, shown: bool) -> Response:
    raw = await _body(request)
    if raw is None:
        return _too_much("That took too long or is more than a delivery may have.")
    if hook.secret is not None and not is_signed(hook.kind, hook.secret, raw, request.headers):
        raise _stranger()
    if len(raw) > LARGE and (raw.count(b"{") + raw.count(b"[") > MOST_OBJECTS or raw.count(b",") > MOST_COMMAS):
        return _too_much("That has more parts than a delivery may have.")
    body = await asyncio.to_thread(_parsed, raw) if len(raw) > LARGE else _parsed(raw)
    if not shown and hook.secret is None and not (isinstance(body, dict) and same(str(body.get("routing_key", "")), hook.token)):
        raise _stranger()
    actor = sender(hook, address_of(request))
    if hook.kind == "pagerduty" and (wrong := pagerduty.errors(body)):
        return JSONResponse({"status": "invalid event", "message": "Event object is invalid", "errors": wrong}, 400)
    if hook.kind == "cloudwatch":
        if not isinstance(body, dict):
            raise unlike("SNS")
        if said := await intake.sns.check(app, actor, hook, body):
            return JSONResponse({"said": said})
    many = len(raw) > LARGE
    reports = (
        await asyncio.to_thread(read_delivery, hook, body, request.headers)
        if many
        else read_delivery(hook, body, request.headers)
    )
    if len(reports) > MOST_ALERTS:
        return _too_much(f"A delivery has at most {MOST_ALERTS:,} alerts; in Alertmanager max_alerts bounds them.")
    now = app.clock.now()
    rate = intake.rates.setdefault(hook.name, Rate(hook.rate, now))
    if wait_s := rate.take(len(reports), hook.rate, now):
        status = 429 if hook.kind == "pagerduty" else 503  # Alertmanager sends again after 503 alone
        return _later(wait_s, f"{hook.name} sends more than {hook.rate:,.0f} alerts a minute.", status)
    return await _answer(app, intake, hook, actor, body, reports)


async def _answer(app: App, intake: Intake, hook: Hook, actor: Actor, body: Any, reports: list[Report]) -> Response:
    taken = await take_alerts(app, actor, hook, reports, intake.names)
    if hook.kind == "pagerduty":
        key = str(body.get("dedup_key") or reports[0].id).encode("utf-8", "replace").decode()
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": key}, 202)
    sentences = list(taken.sentences)
    if missing := alertmanager.left_out(body) if hook.kind in ("alertmanager", "grafana") else 0:
        sentences.append(
            f"{hook.name} left out {counted(missing, 'alert')} of this delivery by itself: its max_alerts is too low."
        )
        log.warning("%s", sentences[-1], extra={"action": "alerts_left_out", "hook": hook.name})
    numbers = {name: getattr(taken, name) for name in ("opened", "again", "ended", "old", "unheard")}
    return JSONResponse({"taken": len(reports), **numbers, "sentences": sentences})


def _length(headers: Mapping[str, str]) -> int:
    """Give the length that a sender promises; what promises none is taken for a whole delivery's most."""
    promised = headers.get("content-length", "")
    return int(promised) if promised.isdigit() and len(promised) < 15 else MOST_BYTES


def _may_come_in(hook: Hook | None, request: Request, rest: str) -> bool:
    """Hold all that may be the token against it, each in the same time, for a sender that is not there as well."""
    token = hook.token if hook is not None else None
    found = [same(given, token) for given in _given(request.headers, rest)]
    return True in found


def _given(headers: Mapping[str, str], rest: str) -> Iterator[str]:
    yield rest
    yield headers.get("x-watchkeeper-token", "")
    scheme, _, value = headers.get("authorization", "").partition(" ")
    yield value.strip() if scheme.casefold() in ("bearer", "token", "genericapikey") else ""
    try:
        basic = base64.b64decode(value, validate=True).decode() if scheme.casefold() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        basic = ""
    yield basic.partition(":")[2]


def _shows_later(hook: Hook) -> bool:
    """Tell whether what a sender shows stands in its body: PagerDuty's routing key, or a signature where there is no token."""
    return hook.kind == "pagerduty" or (hook.token is None and hook.secret is not None)


async def _body(request: Request) -> bytes | None:
    """Read a body within bytes and time; None where it has more."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(MOST_S):
            async for part in request.stream():
                size += len(part)
                if size > MOST_BYTES:
                    return None
                parts.append(part)
    except TimeoutError:
        return None
    return b"".join(parts)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise InputError("The body is not JSON.", hint="Set the sender to send JSON.", code="WK165") from None


def _stranger() -> Refused:
    return Refused(
        "No sender of this name and token is known.",
        hint="Send to /hooks/NAME/TOKEN of [hooks.NAME] in watchkeeper.toml, or the token as `Authorization: Bearer TOKEN`.",
        code="WK342",
    )


def _later(wait_s: float, sentence: str, status: int = 503) -> Response:
    said = {"code": "WK416", "message": sentence, "hint": "Send it again: nothing is lost by that, and nothing is taken twice."}
    return JSONResponse(said, status, headers={"retry-after": str(max(1, round(wait_s)))})


def _too_much(sentence: str) -> Response:
    return JSONResponse({"code": "WK164", "message": sentence, "hint": "Send less at once."}, 413)
