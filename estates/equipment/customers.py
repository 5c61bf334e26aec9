"""A few customers: they sign in, look around, book, have their payment confirmed, now and then put up a picture.

Usage: customers.py SITE_URL SECRET PROMISED; what was acknowledged is written to PROMISED, one reference a line.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import ssl
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

#: the site's certificate is of an authority of the estate
ANY = ssl.create_default_context()
ANY.check_hostname = False
ANY.verify_mode = ssl.CERT_NONE


def call(url: str, body: Any = None, **headers: str) -> Any:
    """Ask for something, or send it; raises OSError where it is not taken."""
    data = None if body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    with urllib.request.urlopen(urllib.request.Request(url, data, given), timeout=5, context=ANY) as answer:
        return json.load(answer)


def visit(site: str, secret: str, promised: Path) -> None:
    """Come, look, book and pay, with pauses."""
    session = call(f"{site}/api/sessions", {"user": "customer", "password": "correct"})["session"]
    pause()
    equipment = random.choice(call(f"{site}/api/equipment"))["id"]
    pause()
    reference = f"b-{uuid.uuid4().hex[:16]}"
    booking = {"reference": reference, "equipment": equipment}
    if call(f"{site}/api/bookings", booking, X_Session=session)["reference"] == reference:
        with promised.open("a") as kept:
            kept.write(reference + "\n")
    pause()
    signature = hmac.new(secret.encode(), json.dumps({"reference": reference}).encode(), hashlib.sha256).hexdigest()
    call(f"{site}/api/payments/webhook", {"reference": reference}, X_Signature=signature)
    pause()
    call(f"{site}/api/pictures", {"of": equipment})
    pause()


def pause() -> None:
    """Wait a little."""
    time.sleep(random.uniform(0.3, 0.6))


if __name__ == "__main__":
    while True:
        try:
            visit(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
        except (OSError, ValueError, KeyError):
            pause()
