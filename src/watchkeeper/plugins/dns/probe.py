"""Asks a DNS server for a name: whether it answers, with what, and how fast.

One question is sent by UDP, and again by TCP where the answer was cut; what does not belong to the question is not taken.
/etc/hosts and search domains are left aside.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

import dns.asyncquery
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.http.fetch import reason_of
from watchkeeper.watch.probe import Look

_SHOWN = 5
_SAID = {
    dns.rcode.NXDOMAIN: "there is no such name",
    dns.rcode.SERVFAIL: "the server could not find out",
    dns.rcode.REFUSED: "the server refuses to answer",
}


class DnsProbe:
    """One name, asked of one server."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the answer has records of the type, and those that are expected, else 0",
        "seconds": "time until the answer, in seconds; where none came in time, the time that was waited",
        "rcode": "what the server said: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED; missing where it said nothing",
        "answers": "records of the type in the answer",
        "ttl_seconds": "how long the answer may be kept, in seconds",
        "authenticated": "1 where the server says that it checked DNSSEC, else 0",
    }
    called: ClassVar[tuple[str, ...]] = ("dns", "name server", "nameserver")
    needs: ClassVar[Mapping[str, str]] = {"name": '"example.org"'}
    options: ClassVar[Mapping[str, str]] = {
        "name": "the name to ask for",
        "type": "type of the records: A, AAAA, CNAME, MX, TXT, NS, SOA, SRV, PTR, CAA … (default A)",
        "server": "address of the server, as 192.0.2.53 or [2001:db8::53]:5353 (default: those of /etc/resolv.conf in turn)",
        "expect": "records that must be in the answer, as dig +short shows them",
        "only": "true: no other records may be in it (default false)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        kind = options.text("type", "A").upper()
        try:
            self._name = dns.name.from_text(options.text("name"), idna_codec=dns.name.IDNA_2008_Practical)
        except (dns.exception.DNSException, UnicodeError) as problem:
            raise options.error(
                "name", f"{options.name('name')} is not a name: {problem}.", 'Write "shop.example.org".'
            ) from None
        try:
            self._type = dns.rdatatype.from_text(kind)
        except (dns.exception.DNSException, ValueError):
            raise options.error("type", f"{options.name('type')} is {kind!r}, which is no type of records.", "Write A.") from None
        if dns.rdatatype.is_metatype(self._type):
            raise options.error("type", f"{options.name('type')} is {kind!r}, which is many types.", "Name one type.")
        self._servers = _servers(options)
        self._expected = frozenset(_folded(record) for record in options.texts("expect"))
        self._only = options.flag("only", False)
        self._timeout_s = signal.timeout_s

    async def look(self) -> Look:
        """Ask once."""
        servers = self._servers
        if not servers:
            try:
                found = await asyncio.to_thread(dns.resolver.Resolver)
            except (dns.exception.DNSException, OSError) as problem:
                return Look(problem=f"this machine names no DNS server: {problem}")
            servers = [(str(address), 53) for address in found.nameservers]
        return await self._ask_in_turn(servers)

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _ask_in_turn(self, servers: Sequence[tuple[str, int]]) -> Look:
        # a server that is silent leaves time for the next one
        each_s = self._timeout_s / len(servers)
        silent: list[str] = []
        late = False
        for address, port in servers:
            started = time.monotonic()
            try:
                async with asyncio.timeout(each_s):
                    answer = await self._ask(address, port)
            except (TimeoutError, dns.exception.Timeout):
                silent.append(f"{address} gave no answer within {each_s:g} s")
                late = True
                continue
            except dns.exception.DNSException as problem:
                silent.append(f"{address} gave no valid answer: {str(problem)[:200] or type(problem).__name__}")
                continue
            except (OSError, EOFError) as problem:
                silent.append(f"{address}: {reason_of(problem)}")
                continue
            values, said = self._judge(answer)
            return Look({**values, "seconds": time.monotonic() - started}, detail="; ".join([*silent, said]))
        return Look({"up": 0.0, "seconds": self._timeout_s} if late else {"up": 0.0}, detail="; ".join(silent))

    async def _ask(self, address: str, port: int) -> dns.message.Message:
        question = dns.message.make_query(self._name, self._type, use_edns=0, payload=1232, want_dnssec=False)
        question.flags |= dns.flags.AD
        answer, _ = await dns.asyncquery.udp_with_fallback(
            question, address, timeout=self._timeout_s, port=port, ignore_unexpected=True, ignore_errors=True
        )
        return answer

    def _judge(self, answer: dns.message.Message) -> tuple[dict[str, float], str]:
        rcode = answer.rcode()
        values = {"up": 0.0, "rcode": float(rcode), "authenticated": float(bool(answer.flags & dns.flags.AD))}
        if rcode != dns.rcode.NOERROR:
            said = f": {_SAID[rcode]}" if rcode in _SAID else ""
            return values | {"answers": 0.0}, f"{dns.rcode.to_text(rcode)}{said}"
        records, ttl_s = self._records(answer)
        values["answers"] = float(len(records))
        if not records:
            return values, f"there is the name, but it has no {dns.rdatatype.to_text(self._type)} records"
        values |= {"ttl_seconds": float(ttl_s)}
        found = {_folded(record) for record in records}
        missing, more = sorted(self._expected - found), sorted(found - self._expected) if self._only else []
        values["up"] = float(not missing and not more)
        said = _listed(records)
        said += f"; missing: {_listed(missing)}" if missing else ""
        return values, said + (f"; not expected: {_listed(more)}" if more else "")

    def _records(self, answer: dns.message.Message) -> tuple[list[str], int]:
        """Give the records at the end of the chain of aliases."""
        if not isinstance(answer, dns.message.QueryMessage):
            return [], 0
        try:
            chain = answer.resolve_chaining()
        except dns.exception.DNSException:
            return [], 0
        if chain.answer is None:
            return [], 0
        return [record.to_text() for record in chain.answer], chain.minimum_ttl


def _servers(options: Table) -> list[tuple[str, int]]:
    given = options.maybe_text("server")
    if given is None:
        return []
    address, port = given, "53"
    if given.startswith("["):
        address, _, rest = given[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif given.count(":") == 1:
        address, _, port = given.partition(":")
    if not dns.inet.is_address(address) or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(
            f"{options.name('server')} is {given!r}, which is not an address.",
            hint='Write server = "192.0.2.53", or "192.0.2.53:5353".',
            code="WK132",
            where=options.where("server"),
        )
    return [(address, int(port))]


def _folded(record: str) -> str:
    """Bring a record to one form: names in lower case without the last dot, texts without quotes."""
    return record.strip().replace('"', "").rstrip(".").casefold()


def _listed(records: Sequence[str]) -> str:
    more = f" and {len(records) - _SHOWN} more" if len(records) > _SHOWN else ""
    return ", ".join(record[:80] for record in records[:_SHOWN]) + more
