"""Fetches the chain that a port serves, first as a careful client would; where that fails, again without judging it."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509

from watchkeeper.plugins.certificate.figures import Chain, parsed

STARTTLS = ("smtp", "imap", "postgres")
_LINE_BYTES, _MOST_LINES, _MOST_CERTIFICATES = 4_096, 100, 20
_POSTGRES_REQUEST = bytes.fromhex("0000000804d2162f")
#: what OpenSSL says of a chain that leads to a trusted root and only is not in its time
_OF_TIME = (9, 10)


class NotServedError(Exception):
    """The port speaks, but gives no certificate; the sentence says why."""


async def fetch_chain(host: str, port: int, name: str, ca: Path | None, starttls: str | None) -> Chain:
    """Fetch the chain. Raises OSError (also of TLS) where there is no connection, NotServedError where nothing is served."""
    try:
        return Chain(await _handshake(host, port, name, _careful(ca), starttls), "")
    except ssl.SSLCertVerificationError as problem:
        chain = await _handshake(host, port, name, _careless(), starttls)
        said = "" if problem.verify_code in _OF_TIME else str(problem.verify_message)
        return Chain(chain, said)
    except ssl.SSLError as problem:
        # old protocols and ciphers: a careful client gets nothing, and still the certificate has an end
        chain = await _handshake(host, port, name, _careless(), starttls)
        return Chain(chain, f"a careful client cannot connect: {problem.reason}")


def _careful(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.check_hostname = False
    return context


def _careless() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


async def _handshake(host: str, port: int, name: str, context: ssl.SSLContext, starttls: str | None) -> list[x509.Certificate]:
    # an address is not sent as the name of the server: RFC 6066 §3
    shown = None if _is_address(name) else name
    if starttls is None:
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=shown or "", limit=_LINE_BYTES)
    else:
        reader, writer = await asyncio.open_connection(host, port, limit=_LINE_BYTES)
        try:
            await _SAY[starttls](reader, writer)
            await writer.start_tls(context, server_hostname=shown or "")
        except BaseException:
            writer.transport.abort()
            raise
    try:
        return _chain_of(writer.get_extra_info("ssl_object"))
    finally:
        writer.transport.abort()


def _chain_of(connection: Any) -> list[x509.Certificate]:
    """Give the certificates as they were served. Python says so in public from 3.13 on; before, its inner object does."""
    inner = connection if hasattr(connection, "get_unverified_chain") else connection._sslobj
    served = inner.get_unverified_chain() or []
    raw = [each if isinstance(each, bytes) else ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in served]
    if not raw:
        raise NotServedError("it serves no certificate")
    return parsed(raw[:_MOST_CERTIFICATES])


async def _smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _answer(reader, b"220")
    writer.write(b"EHLO watchkeeper.invalid\r\n")
    if not any(line[4:].strip().upper() == b"STARTTLS" for line in await _answer(reader, b"250")):
        raise NotServedError("it offers no STARTTLS")
    writer.write(b"STARTTLS\r\n")
    await _answer(reader, b"220")


async def _answer(reader: asyncio.StreamReader, wanted: bytes) -> list[bytes]:
    lines: list[bytes] = []
    while len(lines) < _MOST_LINES:
        line = await _line(reader)
        lines.append(line)
        if line[:3] != wanted:
            raise NotServedError(f"it says {line.strip()[:80].decode(errors='replace')!r}")
        if line[3:4] != b"-":
            return lines
    raise NotServedError(f"it says more than {_MOST_LINES} lines")


async def _imap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if not (greeting := await _line(reader)).startswith(b"* OK"):
        raise NotServedError(f"it says {greeting.strip()[:80].decode(errors='replace')!r}")
    writer.write(b"a STARTTLS\r\n")
    for _ in range(_MOST_LINES):
        line = await _line(reader)
        if line.startswith(b"a OK"):
            return
        if not line.startswith(b"* "):
            raise NotServedError("it offers no STARTTLS")
    raise NotServedError(f"it says more than {_MOST_LINES} lines")


async def _postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_POSTGRES_REQUEST)
    if await reader.read(1) != b"S":
        raise NotServedError("it does not take TLS")


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        line = await reader.readline()
    except ValueError:
        raise NotServedError(f"it says a line of more than {_LINE_BYTES:,} bytes") from None
    if not line:
        raise NotServedError("it closed the connection")
    return line


_SAY: dict[str, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]] = {
    "smtp": _smtp,
    "imap": _imap,
    "postgres": _postgres,
}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
