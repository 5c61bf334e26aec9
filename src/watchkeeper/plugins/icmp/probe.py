"""Pings a host: how many of a few echo requests are answered, and how fast."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import reason_of
from watchkeeper.plugins.icmp.echo import echoes, open_socket
from watchkeeper.watch.probe import Look

_COUNTED = re.compile(r"(\d+) packets transmitted, (\d+) (?:packets )?received")
_TRIPS = re.compile(r"= ([\d.]+)/([\d.]+)/([\d.]+)")
_FAMILIES = {"any": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}


class IcmpProbe:
    """One host."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it answers at least once, else 0",
        "loss_percent": "requests that were not answered, in percent",
        "seconds": "average round trip of those that were, in seconds",
        "slowest_seconds": "the longest round trip, in seconds",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"packet_loss": ("loss_percent",)}
    called: ClassVar[tuple[str, ...]] = ("ping", "network")
    options: ClassVar[Mapping[str, str]] = {
        "host": "name or address of the host",
        "count": "requests at each look (default 3, at most 50)",
        "interval": "time between two of them (default 200ms)",
        "ip": '"4" or "6": only by this version of the protocol (default: what the name gives first)',
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._host = options.text("host")
        if not re.fullmatch(r"[\w:][\w.:%-]*", self._host):
            raise options.error("host", f"{options.name('host')} is {self._host!r}.", 'Write a name or an address: "192.0.2.1".')
        self._count = int(options.number("count", 3, 1, 50))
        self._interval_s = options.duration("interval", 0.2, 0.01)
        self._family = _FAMILIES[options.choice("ip", tuple(_FAMILIES), "any")]
        self._timeout_s = signal.timeout_s
        if self._count * self._interval_s > self._timeout_s:
            raise options.error(
                "count",
                f"{self._count} requests every {self._interval_s:g} s take longer than the timeout of {self._timeout_s:g} s.",
                "Ask for fewer, or set a longer timeout.",
            )

    async def look(self) -> Look:
        """Ping once."""
        until_s = time.monotonic() + self._timeout_s
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await asyncio.get_running_loop().getaddrinfo(
                    self._host, None, family=self._family, type=socket.SOCK_DGRAM
                )
        except (OSError, UnicodeError) as problem:
            return Look({"up": 0.0}, detail=reason_of(problem))
        except TimeoutError:
            return Look({"up": 0.0}, detail=f"its name was not found within {self._timeout_s:g} s")
        family, _, _, _, address = found[0]
        opened = open_socket(family)
        if opened is None:
            return await self._by_program(str(address[0]))
        with opened:
            try:
                trips, sent = await echoes(opened, address, self._count, self._interval_s, until_s)
            except PermissionError as problem:
                return Look(problem=f"we may not ping it: {problem.strerror}")
            except OSError as problem:
                return Look({"up": 0.0, "loss_percent": 100.0}, detail=problem.strerror or str(problem))
        return _said(sent, len(trips), [sum(trips) / len(trips), max(trips)] if trips else [])

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _by_program(self, address: str) -> Look:
        """Let the program `ping` do it, which may have the right that we have not."""
        ping = shutil.which("ping")
        if ping is None:
            return Look(problem="we may open no socket for ICMP, and there is no program `ping` here")
        # less than 200 ms between two is for root alone
        interval_s = max(0.2, self._interval_s)
        last_s = max(0.1, self._timeout_s - (self._count - 1) * interval_s)
        words = ["-n", "-q", "-c", str(self._count), "-i", f"{interval_s:g}", "-W", f"{last_s:g}"]
        process = await asyncio.create_subprocess_exec(
            ping, *words, "--", address, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
        )
        try:
            async with asyncio.timeout(self._timeout_s + 1):
                output, errors = await process.communicate()
        except TimeoutError:
            return Look(problem=f"ping did not end within {self._timeout_s + 1:g} s")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return read_ping(output.decode(errors="replace"), errors.decode(errors="replace"))


def read_ping(output: str, errors: str) -> Look:
    """Read what the program `ping` printed."""
    counted, trips = _COUNTED.search(output), _TRIPS.search(output)
    if counted is None or counted[1] == "0":
        said = [line.strip() for line in (errors or output).splitlines() if line.strip()]
        return Look(problem=said[-1][:200] if said else "ping printed nothing")
    times = [float(trips[2]) / 1_000, float(trips[3]) / 1_000] if trips else []
    return _said(int(counted[1]), int(counted[2]), times)


def _said(sent: int, answered: int, times: list[float]) -> Look:
    values = {"up": float(answered > 0), "loss_percent": 100.0 * max(0, sent - answered) / sent}
    if times:
        values |= {"seconds": times[0], "slowest_seconds": times[1]}
    return Look(values, detail=f"{answered} of {sent} requests were answered")
