"""Is each dependency of the shop there? All are asked at once and none may take longer than a second and a half."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from urllib.request import urlopen

import redis
import sqlalchemy as sa

PATIENCE_S = 1.5


def database(engine: sa.Engine) -> None:
    """Open a connection as a customer's request would, and ask the smallest question."""
    with engine.connect() as connection:
        connection.execute(sa.text("select 1"))


def broker(client: redis.Redis) -> None:
    """Ping the broker."""
    client.ping()


def gateway(url: str) -> None:
    """Ask the payment gateway for its status page."""
    with urlopen(f"{url}/status", timeout=1) as response:  # noqa: S310 - the address comes from our own configuration
        response.read()


class Health:
    """Asks every dependency in its own thread and reports "up" or what is wrong with it."""

    def __init__(self, checks: dict[str, Callable[[], None]]) -> None:
        self._checks = checks
        self._threads = ThreadPoolExecutor(max_workers=2 * len(checks), thread_name_prefix="health")

    def report(self) -> tuple[int, dict[str, object]]:
        """Give the HTTP status (503 when anything is down) and the body to answer."""
        deadline = time.monotonic() + PATIENCE_S
        asked = {name: self._threads.submit(check) for name, check in self._checks.items()}
        found: dict[str, str] = {}
        for name, future in asked.items():
            try:
                future.result(timeout=max(0.0, deadline - time.monotonic()))
            except Late:
                future.cancel()
                found[name] = f"no answer within {PATIENCE_S} s"
            except Exception as error:
                found[name] = f"down: {type(error).__name__}"
            else:
                found[name] = "up"
        well = all(state == "up" for state in found.values())
        return (200 if well else 503), {"status": "ok" if well else "failing", **found}
