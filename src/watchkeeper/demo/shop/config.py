"""What the shop is told from outside: addresses, the secret it shares with the payment gateway, and its own release."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """Addresses and secrets of one running shop."""

    database_url: str
    redis_url: str
    gateway_url: str
    shop_url: str
    webhook_secret: str
    mailbox: Path
    release: str


def from_environment() -> Config:
    """Read the environment; a missing variable is a KeyError at start, not a surprise at the first order."""
    release = Path("RELEASE")
    return Config(
        database_url=os.environ["SHOP_DATABASE_URL"],
        redis_url=os.environ["REDIS_URL"],
        gateway_url=os.environ["GATEWAY_URL"],
        shop_url=os.environ["SHOP_URL"],
        webhook_secret=os.environ["SHOP_WEBHOOK_SECRET"],
        mailbox=Path(os.environ["SHOP_MAILBOX"]),
        release=release.read_text().strip() if release.exists() else "development",
    )
