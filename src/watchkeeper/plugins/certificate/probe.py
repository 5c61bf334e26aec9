"""Looks at certificates: for how long they hold, for which names, and whether clients trust them.

An expired, foreign or self-made certificate is what is looked for, so it is a reading; only what gives none is not up.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.certificate.figures import Chain, parsed_pem, readings_of
from watchkeeper.plugins.certificate.served import STARTTLS, NotServedError, fetch_chain
from watchkeeper.plugins.http.fetch import reason_of
from watchkeeper.watch.probe import Look

_MOST_FILE_BYTES = 1_000_000
#: of several certificates the least counts, and of these the most
_WORST_IS_MOST = ("expired", "self_signed", "seconds")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one certificate is."""

    called: str
    host: str = ""
    port: int = 0
    file: Path | None = None


class CertificateProbe:
    """The certificates of one or more ports or files; of several the worst counts."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where each gives a certificate, whatever it is, else 0",
        "days": "days for which it still holds; below 0 it has expired",
        "chain_days": "the same of the one of its chain that ends first",
        "lifetime_left_percent": "share of its lifetime that is left, in percent; a third is when it is usually renewed",
        "valid": "1 where it is in its time, for the name, and trusted, else 0",
        "expired": "1 where its end is past, else 0",
        "name_matches": "1 where it is for the name, else 0",
        "trusted": "1 where its chain leads to a root that this machine (or `ca`) trusts, else 0; not for files",
        "self_signed": "1 where it is signed by its own key, else 0",
        "seconds": "time until the slowest was read, in seconds",
        "*": "each reading of one of several, as shop_example_org_443_days or etc_ssl_shop_pem_days",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"certificate_expiry": ("days", "lifetime_left_percent")}
    called: ClassVar[tuple[str, ...]] = ("certificate", "ssl", "tls")
    options: ClassVar[Mapping[str, str]] = {
        "address": "host:port that serves it, or a list of them",
        "file": "or: file with the certificate (PEM), or a list of them",
        "name": "the name that is asked for and that it must be for (default: the host of the address; a file's is not checked)",
        "starttls": "protocol that begins without TLS: smtp, imap or postgres",
        "ca": "file of the roots that are trusted (default: this machine's)",
    }
    general: ClassVar[bool] = True

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._places = _places(options, estate.folder)
        self._name = options.maybe_text("name")
        self._starttls = options.choice("starttls", STARTTLS) if options.take("starttls") is not None else None
        ca = options.maybe_text("ca")
        self._ca = estate.folder / ca if ca else None
        self._timeout_s = signal.timeout_s
        plain = [name for name in self.readings if name != "*"]
        check_readings(signal, estate, [*plain, *(f"{each.called}_{name}" for each in self._places for name in plain)])

    async def look(self) -> Look:
        """Look at each once."""
        if self._ca is not None and not self._ca.is_file():
            return Look(problem=f"the file of roots {self._ca} is not there")
        looks = await asyncio.gather(*(self._look(place) for place in self._places))
        if len(looks) == 1:
            return looks[0]
        values: dict[str, float] = {}
        notes = []
        for place, look in zip(self._places, looks, strict=True):
            for name, value in look.values.items():
                values[f"{place.called}_{name}"] = value
                worse = max if name in _WORST_IS_MOST else min
                values[name] = worse(values.get(name, value), value)
            notes.append(f"{place.called}: {look.problem or look.detail}")
        problems = [look.problem for look in looks if look.problem]
        if len(problems) == len(looks):
            return Look(problem="; ".join(notes)[:1_000])
        return Look(values, detail="; ".join(notes)[:1_000])

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _look(self, place: _Place) -> Look:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                chain = await self._chain(place)
                name = self._name or (None if place.file else place.host)
                values, notes = readings_of(chain, name, datetime.now(UTC))
        except TimeoutError:
            return Look({"up": 0.0, "seconds": self._timeout_s}, detail=f"no certificate within {self._timeout_s:g} s")
        except NotServedError as problem:
            return Look({"up": 0.0}, detail=str(problem))
        except (ssl.SSLError, OSError) as problem:
            if place.file is not None:
                return Look(problem=f"{place.file} cannot be read: {problem.strerror or problem}")
            return Look({"up": 0.0}, detail=reason_of(problem))
        except (ValueError, UnicodeError) as problem:
            return Look(problem=f"what it gives cannot be read as a certificate: {str(problem)[:200]}")
        return Look({"up": 1.0, **values, "seconds": time.monotonic() - started}, detail="; ".join(notes))

    async def _chain(self, place: _Place) -> Chain:
        if place.file is None:
            return await fetch_chain(place.host, place.port, self._name or place.host, self._ca, self._starttls)
        raw = await asyncio.to_thread(_bytes_of, place.file)
        return Chain(parsed_pem(raw))


def _bytes_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_MOST_FILE_BYTES)


def _places(options: Table, folder: Path) -> list[_Place]:
    addresses, files = options.texts("address"), options.texts("file")
    if bool(addresses) == bool(files):
        raise options.error("address", f"{options.name()} needs one of `address` and `file`.", 'Write address = "host:443".')
    found = [_Place(_slug(each), file=folder / each) for each in files]
    for address in addresses:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise options.error("address", f"{options.name('address')} is {address!r}.", 'Write address = "host:port".')
        found.append(_Place(_slug(address), host, int(port)))
    return found


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")
