"""A small steady load of customers, who write down what they were promised; and the check whether any promise was broken.

python3 customers.py buy SHOP GATEWAY FILE: until ended, about two requests a second
python3 customers.py check VENDORS FILE POSTGRES: prints {"acknowledged": n, "lost": [...]}
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen


def ask(url: str, said: dict[str, Any] | None = None, form: dict[str, str] | None = None) -> Any:
    """Ask for JSON, or raise OSError."""
    body = urlencode(form).encode() if form is not None else json.dumps(said).encode() if said is not None else None
    kind = "application/x-www-form-urlencoded" if form is not None else "application/json"
    with urlopen(Request(url, body, {"Content-Type": kind}), timeout=8) as answer:
        return json.load(answer)


def visit(shop: str, gateway: str, number: int, promises: Path) -> None:
    """Look around, order and pay; what is acknowledged is written down before anything else is done."""
    chance = random.Random(number)
    found = ask(f"{shop}/api/v1/products?category={chance.randint(1, 40)}")
    time.sleep(0.5)
    person = {"email": f"customer{number % 50}@customers.example", "phone": f"+9198{number % 100_000_000:08d}"}
    chosen = {**person, "product_id": chance.choice(found)["id"], "subscribe": number % 10 == 0}
    order = ask(f"{shop}/api/v1/orders", chosen)
    note(promises, {"order": order["id"]})
    time.sleep(0.5)
    form = {"key_id": order["key_id"], "order_id": order["razorpay_order_id"], "amount": str(order["paise"]), "currency": "INR"}
    paid = ask(
        f"{gateway}/v1/payments/create/ajax", form={**form, "method": "upi", "email": person["email"], "contact": person["phone"]}
    )
    time.sleep(0.3)
    ask(f"{shop}/api/v1/payments", paid)
    note(promises, {"payment": paid["razorpay_payment_id"]})


def note(promises: Path, promise: dict[str, Any]) -> None:
    """Write one promise down."""
    with promises.open("a") as file:
        file.write(json.dumps(promise) + "\n")


def buy(shop: str, gateway: str, promises: Path) -> None:
    """Visit again and again; who gets no answer comes back later."""
    number = int(time.time()) % 1_000_000
    while True:
        number += 1
        try:
            visit(shop, gateway, number, promises)
        except (OSError, ValueError):
            time.sleep(1)
        time.sleep(0.7)


def check(promises: Path, postgres: str) -> dict[str, Any]:
    """Hold what was promised against what the database has."""
    made = [json.loads(line) for line in promises.read_text().splitlines()] if promises.exists() else []
    sql = "select id::text from orders union all select razorpay_payment_id from payments"
    words = ["docker", "exec", "-u", "postgres", postgres, "psql", "-d", "indostar_naturals", "-qAtc", sql]
    kept = set(subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout.split())
    lost = [f"{kind} {value}" for promise in made for kind, value in promise.items() if str(value) not in kept]
    return {"acknowledged": len(made), "lost": lost}


if __name__ == "__main__":
    if sys.argv[1] == "buy":
        buy(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        print(json.dumps(check(Path(sys.argv[3]), sys.argv[4])))
