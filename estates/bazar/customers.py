#!/usr/bin/env python3
"""A small steady load: customers who look, search, log in and order. Each order that was acknowledged is written down."""

from __future__ import annotations

import json
import random
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

EVERY_S = 0.5


def ask(url: str, body: dict[str, Any] | None = None, session: str = "") -> tuple[int, Any]:
    """Ask once; status 0 where nobody answered."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", "X-Session": session})
    try:
        with urllib.request.urlopen(request, timeout=8) as answer:
            return answer.status, json.load(answer)
    except (OSError, ValueError):
        return getattr(sys.exc_info()[1], "code", 0), None


def main() -> None:
    """Go on until ended."""
    site, promised = sys.argv[1], Path(sys.argv[2])
    session = ""
    with promised.open("a") as written:
        for turn in range(sys.maxsize):
            began = time.monotonic()
            if turn % 4 == 0:
                ask(f"{site}/articles")
            elif turn % 4 == 1:
                ask(f"{site}/search?q=carpet")
            elif turn % 4 == 2:
                ask(f"{site}/articles/{random.randint(1, 200)}")
            elif not session:
                status, told = ask(f"{site}/login", {"email": f"customer{random.randint(1, 50)}@bazar.example"})
                session = told["token"] if status == 200 else ""
            else:
                status, told = ask(f"{site}/orders", {"article": random.randint(1, 200), "key": uuid.uuid4().hex}, session)
                if status == 201:
                    print(told["key"], file=written, flush=True)
                elif status == 401:
                    session = ""
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))


if __name__ == "__main__":
    main()
