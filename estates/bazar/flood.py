#!/usr/bin/env python3
"""Asks for one page with many clients at once, without end. Who is told that it is too much waits a second."""

from __future__ import annotations

import sys
import threading
import time
import urllib.error
import urllib.request


def ask_forever(url: str) -> None:
    """Ask again and again; who is refused waits."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                answer.read()
        except urllib.error.HTTPError as refused:
            time.sleep(1.0 if refused.code == 429 else 0.2)
        except OSError:
            time.sleep(0.5)
        time.sleep(0.05)


for _ in range(int(sys.argv[2])):
    threading.Thread(target=ask_forever, args=(sys.argv[1],), daemon=True).start()
threading.Event().wait()
