"""Customers of MarketHub: apps that open, look, log in, chat and buy, about four requests a second.

customers.py            goes on until it is ended; what it was promised stands in state/promised.jsonl
customers.py --try      does once what they do, and says what does not work
customers.py --check    asks the shop for all of it, and prints what is gone
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

API = f"http://127.0.0.1:{os.environ['EDGE_PORT']}"
CRASHES = f"http://127.0.0.1:{os.environ['CRASHES_PORT']}"
PROMISED = Path("state/promised.jsonl")
REST_S = 0.45
AT_ONCE = 200
CUSTOMERS = 2


def ask(method: str, path: str, body: Any = None, token: str = "", base: str = API) -> tuple[int, Any]:
    """Ask once; gives the status, 0 where nobody answered."""
    headers = {"Content-Type": "application/json", "X-Device": "customers"}
    if token:
        headers["Authorization"] = f"Token {token}"
    said = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(base + path, said, headers, method=method), timeout=15) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as problem:
        return problem.code, None
    except (OSError, ValueError):
        return 0, None


def session(chance: random.Random, token: str) -> None:
    """Live through one visit; an app that cannot make sense of a product crashes, and says so."""
    told = {"session": uuid.uuid4().hex, "version": "7.1.0", "device": chance.choice(["phone", "tablet"])}
    try:
        _visit(chance, token)
    except (TypeError, KeyError) as problem:
        told["crash"] = type(problem).__name__
    ask("POST", "/sessions", told, base=CRASHES)


def _visit(chance: random.Random, token: str) -> None:
    ask("POST", "/api/visits/", {})
    time.sleep(REST_S)
    _, listed = ask("GET", f"/api/products?category={chance.randint(1, 20)}", token=token)
    time.sleep(REST_S)
    products = (listed or {}).get("products") or []
    if not products:
        return
    status, product = ask("GET", f"/api/products/{chance.choice(products)['id']}", token=token)
    time.sleep(REST_S)
    if status != 200 or round(product["price"] * 1.0, 2) <= 0:
        return
    if chance.random() < 0.3:
        ask("POST", "/auth/stream-token/", {}, token=token)
        time.sleep(REST_S)
    rewards, _ = ask("GET", "/api/rewards/", token=token)
    if chance.random() < 0.6:
        _buy(product["id"], rewards == 200 and chance.random() < 0.9, token)
    time.sleep(REST_S)


def _buy(product: int, with_rewards: bool, token: str) -> None:
    key = uuid.uuid4().hex
    status, answer = ask("POST", "/api/orders/", {"key": key, "product": product, "rewards": with_rewards}, token=token)
    if status == 201 and answer and answer["status"] == "paid":
        with PROMISED.open("a") as file:
            file.write(json.dumps({"order": key, "at": time.time()}) + "\n")


def check() -> None:
    """Print how much was promised, and which of it the shop does not know."""
    keys = [json.loads(line)["order"] for line in PROMISED.read_text().splitlines()] if PROMISED.exists() else []
    lost: list[str] = []
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        for _ in range(20):
            status, answer = ask("POST", "/api/orders/known/", {"keys": some}, token=f"{1:048x}")
            if status == 200:
                break
            time.sleep(0.5)
        else:
            sys.exit("The shop cannot be asked.")
        lost += sorted(set(some) - set(answer["known"]))
    print(json.dumps({"acknowledged": len(keys), "lost": lost}))


def attempt() -> None:
    """Do once what a customer does, and say what does not work."""
    token = f"{1:048x}"
    for method, path, body in (
        ("GET", "/health", None),
        ("GET", "/api/rewards/", None),
        ("GET", "/api/products/1", None),
        ("POST", "/api/orders/", {"key": f"well-{uuid.uuid4().hex}", "product": 1}),
    ):
        status, _ = ask(method, path, body, token=token)
        if status not in (200, 201):
            sys.exit(f"{method} {path} is answered with {status or 'nothing'}.")


def main() -> None:
    """Visit until ended."""
    PROMISED.parent.mkdir(exist_ok=True)
    for _ in range(CUSTOMERS - 1):
        threading.Thread(target=visit, daemon=True).start()
    visit()


def visit() -> None:
    """Visit again and again."""
    chance = random.Random()
    while True:
        session(chance, f"{chance.randint(1, 20):048x}")


if __name__ == "__main__":
    {"--check": check, "--try": attempt}.get(sys.argv[-1], main)()
