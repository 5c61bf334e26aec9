"""The signature on a payment notice: HMAC-SHA256 over the exact bytes of the body."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Gateway-Signature"


def sign(body: bytes, secret: str) -> str:
    """Give the hex signature of `body`."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_genuine(body: bytes, signature: str, secret: str) -> bool:
    """Say whether `signature` was made with our secret; takes equally long for right and wrong."""
    return hmac.compare_digest(sign(body, secret), signature)
