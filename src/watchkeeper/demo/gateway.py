"""The payment gateway's sandbox: takes charges, sends a signed notice a moment later, and answers what became of one.

Run as `python -m watchkeeper.demo.gateway`. It keeps the last thousand charges and knows nothing of the shop but the
address to notify and the shared secret.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import OrderedDict
from uuid import uuid4

import aiohttp
from aiohttp import web

from watchkeeper.demo.shop.signature import HEADER, sign

KEPT = 1000
DELAY_S = 0.3
TRIES = 2


class Gateway:
    """Charges in memory, notices over HTTP."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._charges: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._notices: set[asyncio.Task[None]] = set()

    async def status(self, request: web.Request) -> web.Response:
        """Say that the sandbox is open."""
        return web.json_response({"status": "open", "charges": len(self._charges)})

    async def charge(self, request: web.Request) -> web.Response:
        """Take a charge; it is captured a moment later."""
        asked = await request.json()
        charge = {"id": f"pay_{uuid4().hex[:12]}", "order": str(asked["order"]), "status": "pending"}
        self._charges[charge["id"]] = charge
        while len(self._charges) > KEPT:
            self._charges.popitem(last=False)
        task = asyncio.create_task(self._capture(charge, asked["notify"]))
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)
        return web.json_response(charge, status=201)

    async def look_up(self, request: web.Request) -> web.Response:
        """Answer what became of a charge; one that was forgotten counts as failed."""
        known = self._charges.get(request.match_info["id"])
        return web.json_response(known or {"id": request.match_info["id"], "status": "failed"})

    async def _capture(self, charge: dict[str, str], notify: str) -> None:
        await asyncio.sleep(DELAY_S)
        charge["status"] = "captured"
        body = json.dumps(charge).encode()
        headers = {HEADER: sign(body, self._secret), "Content-Type": "application/json"}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            for attempt in range(TRIES):
                await asyncio.sleep(attempt)
                try:
                    async with session.post(notify, data=body, headers=headers) as answer:
                        if answer.status < 400:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    continue


def application(secret: str) -> web.Application:
    """Wire the sandbox."""
    gateway = Gateway(secret)
    app = web.Application()
    app.add_routes(
        [
            web.get("/status", gateway.status),
            web.post("/payments", gateway.charge),
            web.get("/payments/{id}", gateway.look_up),
        ]
    )
    return app


def main() -> None:
    """Serve on the port that the environment names."""
    port = int(os.environ["GATEWAY_URL"].rpartition(":")[2])
    web.run_app(application(os.environ["SHOP_WEBHOOK_SECRET"]), host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
