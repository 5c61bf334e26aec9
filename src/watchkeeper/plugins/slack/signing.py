"""Did Slack send this? Its signature over the time and the body, good for five minutes. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from watchkeeper.base.secrets import Secret

GOOD_FOR_S = 300.0


def is_signed(secret: Secret, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Hold the headers of a request against its body; what is older or younger than five minutes counts for nothing."""
    at, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not at.isdigit() or len(at) > 12 or abs(now.timestamp() - int(at)) > GOOD_FOR_S:
        return False
    wanted = "v0=" + hmac.new(secret.reveal().encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
