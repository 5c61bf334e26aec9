"""The customers of Mobile Matrix: customers.py shop (until ended), well (look once), promised FILE (what of it is gone)."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import random
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

URL = f"https://127.0.0.1:{os.environ.get('WEB_PORT', '443')}"
KEPT = Path("state/promised.txt")
_CONTEXT = ssl.create_default_context()
_CONTEXT.check_hostname = False
_CONTEXT.verify_mode = ssl.CERT_NONE
#: the payment provider's secret, as compose.yml gives it to the shop
_SECRET = b"estate-webhook-secret"


def ask(path: str, body: Mapping[str, Any] | None = None, timeout_s: float = 12.0, **headers: str) -> Any:
    """Ask the shop; gives what its JSON says, and raises OSError for anything but success."""
    data = None if body is None else json.dumps(body).encode()
    if path.endswith("/webhook") and data:
        headers["X-Signature"] = hmac.new(_SECRET, data, hashlib.sha256).hexdigest()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=timeout_s, context=_CONTEXT) as answer:
        return json.load(answer)


def shop() -> None:
    """Shop at about two requests a second, and write down each order and payment once it was acknowledged."""
    chosen = random.Random()
    for number in itertools.count():
        began = time.monotonic()
        try:
            visit(number, chosen)
        except (OSError, ValueError):
            pass
        time.sleep(max(0.1, 2.0 - (time.monotonic() - began)))


def visit(number: int, chosen: random.Random) -> None:
    """Look around, and sometimes compare or buy: four requests."""
    ask("/api/phones")
    phone = chosen.randint(1, 3_000)
    ask(f"/api/phones/{phone}")
    if number % 4 == 0:
        ask("/api/compare", {"ids": [phone, chosen.randint(1, 3_000)]})
    token = ask("/api/login", {"email": f"customer-{number % 50}@example.org"})["token"]
    key = f"{os.getpid()}-{time.time_ns()}"
    order = ask("/api/orders", {"phone": phone, "key": key}, Authorization=f"Bearer {token}")
    keep(key)
    event = f"pay-{key}"
    ask("/api/payments/webhook", {"event": event, "order": order["order"], "amount_cents": order["total_cents"]})
    keep(event)


def keep(what: str) -> None:
    """Write down what was promised."""
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.open("a") as file:
        file.write(what + "\n")


def well() -> str | None:
    """Look at the shop as a customer; gives what is wrong."""
    try:
        ask("/api/health", timeout_s=3)
        ask("/api/phones", timeout_s=3)
        ask(f"/api/phones/{random.randint(1, 3_000)}", timeout_s=3)
        ask("/api/login", {"email": "well@example.org"}, timeout_s=3)
        ask("/api/compare", {"ids": [1, 2]}, timeout_s=5)
    except urllib.error.HTTPError as problem:
        return f"{problem.url.removeprefix(URL)} answers {problem.code}"
    except (OSError, ValueError) as problem:
        return f"the shop does not answer: {problem}"
    return None


def promised(told: Path) -> dict[str, Any]:
    """Compare what was promised, as it was told before, with what the database says on standard input."""
    there = set(sys.stdin.read().split())
    kept = told.read_text().split()
    return {"acknowledged": len(kept), "lost": [each for each in kept if each not in there]}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["shop"]:
            shop()
        case ["well"]:
            sys.exit(well())
        case ["promised", told]:
            print(json.dumps(promised(Path(told))))
        case _:
            sys.exit(__doc__)
