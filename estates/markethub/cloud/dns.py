"""The names of the hosted zone, for whoever asks by DNS: an A record, or a CNAME to a service of this estate."""

from __future__ import annotations

import socket
import socketserver
import struct

from moto.core import DEFAULT_ACCOUNT_ID
from moto.route53.models import route53_backends

TTL_S = 1
_A, _AAAA = 1, 28


def serve() -> None:
    """Answer until ended."""
    socketserver.ThreadingUDPServer(("0.0.0.0", 53), _Handler).serve_forever()


def address_of(name: str) -> str | None:
    """Find a name's address in the zones; a CNAME is followed to the container of that name."""
    for zone in route53_backends[DEFAULT_ACCOUNT_ID]["aws"].zones.values():
        for record in zone.rrsets:
            if record.name.strip(".").casefold() == name.strip(".").casefold() and record.type in ("A", "CNAME"):
                return _resolved(str(record.records[0]))
    return None


def _resolved(value: str) -> str | None:
    try:
        return socket.gethostbyname(value.strip("."))
    except OSError:
        return None


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Answer one question."""
        asked, sock = self.request
        labels, at = [], 12
        while asked[at]:
            labels.append(asked[at + 1 : at + 1 + asked[at]].decode("ascii", "replace"))
            at += asked[at] + 1
        question = asked[12 : at + 5]
        kind = struct.unpack("!H", asked[at + 1 : at + 3])[0]
        address = address_of(".".join(labels)) if kind in (_A, _AAAA) else None
        answers = b""
        if address and kind == _A:
            answers = struct.pack("!HHHIH", 0xC00C, _A, 1, TTL_S, 4) + socket.inet_aton(address)
        code = 0 if address else 3
        head = asked[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, 1 if answers else 0, 0, 0)
        sock.sendto(head + question + answers, self.client_address)
