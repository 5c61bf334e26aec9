"""Identifiers: short, sortable by the time they were made, safe in a URL and in a file name."""

from __future__ import annotations

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread over the phone


def new_id(prefix: str, now: datetime) -> str:
    """Make an id such as `inc-01k9x3h8v2-7dq4mz`: milliseconds since 1970, then 30 random bits."""
    return f"{prefix}-{_encode(int(now.timestamp() * 1000), 10)}-{_encode(secrets.randbits(30), 6)}"


def _encode(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, rest = divmod(number, 32)
        digits = _ALPHABET[rest] + digits
    return digits
