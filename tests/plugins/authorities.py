"""Certificates of the tests' own: a root, and what it signs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Authority:
    """A root in a folder, that signs."""

    folder: Path

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test root")])
        now = datetime.now(UTC)
        made = _builder(self._name, self._name, self._key, now - timedelta(days=400), now + timedelta(days=400))
        self.root = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
            self._key, hashes.SHA256()
        )
        self.file = self.folder / "root.pem"
        self.file.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str, *names: str, since: float = -10, until: float = 80, itself: bool = False) -> tuple[Path, Path]:
        """Make a certificate for names that holds from and until so many days from now; gives its chain and its key."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = subject if itself else self._name
        made = _builder(subject, issuer, key, now + timedelta(days=since), now + timedelta(days=until))
        others = x509.SubjectAlternativeName([_general(each) for each in names or (name,)])
        signed = made.add_extension(others, critical=False).sign(key if itself else self._key, hashes.SHA256())
        chain, file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + (b"" if itself else self.file.read_bytes()))
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        file.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
        file.chmod(0o600)
        return chain, file


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return made.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
