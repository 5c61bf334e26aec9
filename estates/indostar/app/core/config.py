"""What the shop is told from outside. What it cannot start without is asked for at once, the rest when it is needed."""

from __future__ import annotations

import os

DATABASE_URL = os.environ["DATABASE_URL"]
BROKER_URL = os.environ["BROKER_URL"]
CACHE_URL = os.environ["CACHE_URL"]
RELEASE = os.environ.get("RELEASE", "development")


def wanted(name: str) -> str:
    """Give a variable that this request needs; a missing or empty one is a KeyError that names it."""
    if not os.environ.get(name):
        raise KeyError(name)
    return os.environ[name]
