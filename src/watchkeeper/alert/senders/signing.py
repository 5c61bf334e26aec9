"""Did the sender sign this? Shared secrets, and the certificates of SNS; comparisons take the same time whatever is given.

Nothing is fetched here: who asks brings the certificate, and only an address that `sns_address` allows may be asked for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from watchkeeper.base.secrets import Secret

_AMAZON = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-\d{1,2}\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE = re.compile(r"/[A-Za-z0-9_-]{1,200}\.pem")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def same(given: str, secret: Secret | None) -> bool:
    """Compare what was given with a secret; takes as long where there is none."""
    wanted = secret.reveal() if secret is not None else "there is none"
    digests = (hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (given, wanted))
    return hmac.compare_digest(*digests) and secret is not None


def is_signed(kind: str, secret: Secret, body: bytes, headers: Mapping[str, str]) -> bool:
    """Hold a sender's HMAC-SHA256 against the body: of Sentry, of Grafana, or of anybody as `X-Signature: sha256=…`."""
    key = secret.reveal().encode()
    if kind == "sentry":
        given, signed = headers.get("sentry-hook-signature", ""), body
    elif kind == "grafana":
        given, at = headers.get("x-grafana-alerting-signature", ""), headers.get("x-grafana-alerting-timestamp", "")
        signed = f"{at}:".encode() + body if at else body
    else:
        given = headers.get("x-hub-signature-256", "") or headers.get("x-signature", "")
        signed = body
    wanted = hmac.new(key, signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.removeprefix("sha256=").strip().lower().encode(), wanted.encode())


def sns_address(url: Any) -> bool:
    """Tell whether an address is one of SNS itself: https, its own host and nothing else in it."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return (
            parts is not None
            and parts.scheme == "https"
            and parts.port in (None, 443)
            and parts.username is None
            and _AMAZON.fullmatch(parts.hostname or "") is not None
        )
    except ValueError:
        return False


def sns_certificate_address(url: Any) -> bool:
    """Tell whether an address is one at which SNS keeps a certificate; its other addresses answer with what a stranger wrote."""
    if not sns_address(url):
        return False
    parts = urlsplit(url)
    return _CERTIFICATE.fullmatch(parts.path) is not None and not parts.query and not parts.fragment


def sns_text(message: Mapping[str, Any]) -> bytes:
    """Give the text that SNS signs: its fields in order, each with its name, a line each."""
    names = _NOTIFICATION if message.get("Type") == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None).encode()


def sns_signed(message: Mapping[str, Any], certificate: bytes, now: datetime) -> bool:
    """Hold the signature of SNS against its certificate, which must be in force."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.x509 import load_pem_x509_certificate

    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}.get(str(message.get("SignatureVersion")))  # noqa: S303
    try:
        loaded = load_pem_x509_certificate(certificate)
        key = loaded.public_key()
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
        if digest is None or not isinstance(key, rsa.RSAPublicKey) or not _in_force(loaded, now):
            return False
        key.verify(signature, sns_text(message), padding.PKCS1v15(), digest)
    except (ValueError, InvalidSignature):
        return False
    return True


def _in_force(certificate: Any, now: datetime) -> bool:
    return bool(certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc)
