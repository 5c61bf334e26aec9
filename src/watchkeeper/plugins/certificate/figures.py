"""What a chain of certificates says at a time, for a name. Pure: certificates enter, readings and words leave."""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.utils import CryptographyDeprecationWarning


@dataclass(frozen=True, slots=True)
class Chain:
    """The certificates that were found, the server's own first."""

    certificates: Sequence[x509.Certificate]
    #: why it is not trusted; empty where it is, None where nobody can tell
    distrust: str | None = None


def parsed(raw: Sequence[bytes]) -> list[x509.Certificate]:
    """Read certificates as they were served. Raises ValueError; what is only unusual about them is not said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return [x509.load_der_x509_certificate(each) for each in raw]


def parsed_pem(raw: bytes) -> list[x509.Certificate]:
    """Read the certificates of a file. Raises ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificates(raw)


def readings_of(chain: Chain, name: str | None, now: datetime) -> tuple[dict[str, float], list[str]]:
    """Give the readings of a chain for the name under which it is reached, and what is to be said of it."""
    own = chain.certificates[0]
    days = _days_left(own, now)
    ends = [_days_left(each, now) for each in chain.certificates]
    whole = (own.not_valid_after_utc - own.not_valid_before_utc).total_seconds()
    left = (own.not_valid_after_utc - now).total_seconds()
    in_time = own.not_valid_before_utc <= now < own.not_valid_after_utc
    values = {
        "days": days,
        "chain_days": min(ends),
        "lifetime_left_percent": max(0.0, min(100.0, 100.0 * left / whole)) if whole > 0 else 0.0,
        "expired": float(now >= own.not_valid_after_utc),
        "self_signed": float(_is_self_signed(own)),
    }
    words = "expired" if now >= own.not_valid_after_utc else "ends"
    notes = [f"{_called(own)} {words} on {own.not_valid_after_utc:%Y-%m-%d}"]
    if now < own.not_valid_before_utc:
        notes.append(f"it holds from {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on")
    if min(ends) < days:
        soonest = chain.certificates[ends.index(min(ends))]
        notes.append(f"{_called(soonest)} of its chain ends before it, on {soonest.not_valid_after_utc:%Y-%m-%d}")
    is_well = in_time
    if name is not None:
        matches = is_for(own, name)
        values["name_matches"] = float(matches)
        is_well &= matches
        notes += [] if matches else [f"it is not for {name}, but for {', '.join(names_of(own)[:5]) or 'no name'}"]
    if chain.distrust is not None:
        values["trusted"] = float(not chain.distrust)
        is_well &= not chain.distrust
        notes += [chain.distrust] if chain.distrust else []
    return values | {"valid": float(is_well)}, notes


def names_of(certificate: x509.Certificate) -> list[str]:
    """Give the names and addresses for which a certificate is."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def is_for(certificate: x509.Certificate, name: str) -> bool:
    """Say whether a certificate is for a name or an address, as browsers do: `*` stands for one label, and CN for nothing."""
    return any(_matches(each, name) for each in names_of(certificate))


def _matches(pattern: str, name: str) -> bool:
    try:
        return ipaddress.ip_address(pattern) == ipaddress.ip_address(name)
    except ValueError:
        pass
    wanted, found = name.rstrip(".").casefold(), pattern.rstrip(".").casefold()
    if found.startswith("*."):
        label, _, rest = wanted.partition(".")
        return bool(label) and rest == found[2:] and "." in rest
    return wanted == found


def _days_left(certificate: x509.Certificate, now: datetime) -> float:
    return (certificate.not_valid_after_utc - now).total_seconds() / 86_400


def _is_self_signed(certificate: x509.Certificate) -> bool:
    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _called(certificate: x509.Certificate) -> str:
    named = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if named and isinstance(named[0].value, str) and named[0].value:
        return named[0].value[:80]
    return next(iter(names_of(certificate)), "the certificate")[:80]
