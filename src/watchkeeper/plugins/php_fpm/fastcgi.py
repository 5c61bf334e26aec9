"""One GET over FastCGI, straight to the socket of a pool, without a web server between.

The path and the query enter; the body of the answer leaves, of which never more than the given bytes are read. What is not
FastCGI is a ProtocolError.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping

_BEGIN, _END, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
_HEAD = struct.Struct(">BBHHBx")
_RESPONDER = b"\x00\x01\x00\x00\x00\x00\x00\x00"


class ProtocolError(Exception):
    """What came back is not FastCGI, or more than was wanted."""


def parameters(path: str, query: str) -> dict[str, str]:
    """Give what a web server would say of a request."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": path,
        "SCRIPT_FILENAME": path,
        "REQUEST_URI": f"{path}?{query}",
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "watchkeeper",
    }


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, query: str, most: int) -> tuple[int, bytes]:
    """Send the request and read the answer; gives its status and its body."""
    begin = _record(_BEGIN, _RESPONDER)
    pairs = b"".join(_pair(name.encode(), value.encode()) for name, value in parameters(path, query).items())
    writer.write(begin + _record(_PARAMS, pairs) + _record(_PARAMS, b"") + _record(_STDIN, b""))
    await writer.drain()
    out = bytearray()
    while True:
        try:
            version, kind, _, size, padding = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            if version != 1:
                raise ProtocolError("what came back is not FastCGI")
            content = await reader.readexactly(size + padding)
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("closed without an answer") from None
        if kind == _STDOUT:
            out += content[:size]
        if len(out) > most:
            raise ProtocolError(f"the answer is longer than {most:,} bytes")
        if kind == _END:
            return _parted(bytes(out))


def _record(kind: int, content: bytes) -> bytes:
    return _HEAD.pack(1, kind, 1, len(content), 0) + content


def _pair(name: bytes, value: bytes) -> bytes:
    sizes = b"".join(bytes([len(each)]) if len(each) < 128 else struct.pack(">I", len(each) | 1 << 31) for each in (name, value))
    return sizes + name + value


def _parted(answer: bytes) -> tuple[int, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    headers: Mapping[str, str] = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.decode("latin-1").splitlines())
    }
    status = headers.get("status", "200").split(" ")[0]
    return int(status) if status.isdecimal() else 0, body
