"""Listens for StatsD on a UDP port and says at each look what came since the last one.

The port is opened at the first look and closed when nobody looks any more. Reading takes at most a part of each tenth of a
second, so that a flood takes no more than its share; the system drops the rest, and `throttled` says so.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from typing import ClassVar

from watchkeeper.base.durations import format_duration
from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.statsd.gathered import Gathered
from watchkeeper.plugins.statsd.lines import read_line
from watchkeeper.watch.probe import Look

#: of each slice of time, so much is spent on reading
SLICE_S, MOST_S = 0.1, 0.04
#: lines read before others of the process get their turn
_AT_ONCE = 100
#: lines that are read of one packet
MOST_LINES = 1_000
_BUFFER = 4_194_304


class StatsdProbe:
    """What programs send as StatsD or DogStatsD."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 while packets come, 0 where none came yet",
        "packets_per_s": "packets per second since the last look",
        "bad_lines": "lines since the last look that are not StatsD",
        "names": "names that are kept",
        "throttled": "1 where more came since the last look than was read, so that counters are too low, else 0",
        "*": "a counter's <name> (since the last look) and <name>_per_s; a gauge's or set's <name>; a timer's "
        "<name>_p50_seconds, _p95_seconds, _p99_seconds, _max_seconds, _avg_seconds, _count and _per_s; the same of a "
        "histogram or distribution "
        'without _seconds; a check\'s <name>_up; each also with {tag="value"} for the tags in `by`',
    }
    options: ClassVar[Mapping[str, str]] = {
        "address": "host:port to listen on (default 127.0.0.1:8125)",
        "by": "tags whose values get readings of their own",
        "counters": "names of counters that are 0 while nothing comes for them",
        "fresh": "how long it may be silent before nothing is known (default 1 minute)",
        "window": "over which time quantiles are taken (default 1 minute)",
        "max_names": "most names that are kept (default 2,000)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        address = options.text("address", "127.0.0.1:8125")
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise options.error("address", f"{options.name('address')} is {address!r}.", 'Write address = "127.0.0.1:8125".')
        self._address = (host.strip("[]"), int(port))
        self._fresh_s = options.duration("fresh", 60.0, 1.0)
        most = int(options.number("max_names", 2_000, 1, 100_000))
        counters = options.texts("counters")
        zeros = [name for each in counters for name in (each, f"{each}_per_s")]
        self._gathered = Gathered(options.texts("by"), most, options.duration("window", 60.0, 1.0), zeros)
        self._idle_s = max(60.0, 5 * signal.every_s)
        self._socket: socket.socket | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._last_look_s = self._last_packet_s = time.monotonic()
        self._packets = self._bad = 0
        self._slice_s = self._spent_s = 0.0
        self._heard = self._throttled = False

    async def look(self) -> Look:
        """Say what came since the last look."""
        now = time.monotonic()
        self._stop_timers()
        if self._socket is None:
            try:
                self._open()
            except OSError as problem:
                reason = (problem.strerror or str(problem)).lower()
                return Look(problem=f"it cannot listen on {self._address[0]}:{self._address[1]}: {reason}")
            self._last_look_s = self._last_packet_s = now
        loop = asyncio.get_running_loop()
        self._timers = [loop.call_later(self._idle_s, self._close)]
        took_s = now - self._last_look_s
        if took_s <= 0:
            return Look({"up": float(self._heard)}, detail="it listens now")
        self._last_look_s = now
        turned_away = self._gathered.turned_away
        values = self._gathered.readings(now, took_s)
        own = {"packets_per_s": self._packets / took_s, "bad_lines": float(self._bad), "names": float(len(self._gathered))}
        own |= {"throttled": float(self._throttled), "up": float(self._heard)}
        notes = [f"{turned_away:,} lines had names or values for which there is no room"] if turned_away else []
        if self._throttled:
            notes.append("more came than is read at once, so counters are too low")
        self._packets = self._bad = 0
        self._throttled = False
        if now - self._last_packet_s > self._fresh_s:
            return Look(problem=f"no packet came for {format_duration(now - self._last_packet_s)}")
        return Look({**values, **own}, detail="; ".join(notes) or ("" if self._heard else "no packet came yet"))

    async def close(self) -> None:
        """Stop listening."""
        self._close()

    def _open(self) -> None:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            made.bind(self._address)
        except OSError:
            made.close()
            raise
        self._socket = made
        asyncio.get_running_loop().add_reader(made, self._read)

    def _close(self) -> None:
        self._stop_timers()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _stop_timers(self) -> None:
        # only the one that closes: reading that waits for its next slice goes on
        if self._timers:
            self._timers.pop(0).cancel()

    def _read(self) -> None:
        """Read what is there, a little at once, and rest where a slice of time has had its share."""
        assert self._socket is not None
        now = time.monotonic()
        if now - self._slice_s >= SLICE_S:
            self._slice_s, self._spent_s = now, 0.0
        self._take(self._socket, now)
        self._spent_s += time.monotonic() - now
        if self._spent_s >= MOST_S:
            self._throttled = True
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.call_later(max(0.0, self._slice_s + SLICE_S - time.monotonic()), self._go_on, self._socket)

    def _take(self, listener: socket.socket, now: float) -> None:
        taken = 0
        while taken < _AT_ONCE:
            try:
                packet = listener.recv(65_535)
            except OSError:
                return  # nothing more is there
            self._packets += 1
            taken += 1  # a packet without a line costs its turn too
            self._heard, self._last_packet_s = True, now
            found = packet.split(b"\n", MOST_LINES)
            self._throttled = self._throttled or len(found) > MOST_LINES
            for raw in found[:MOST_LINES]:
                if raw.strip():
                    taken += 1
                    line = read_line(raw.strip())
                    if line is None:
                        self._bad += not raw.startswith(b"_e{")
                    else:
                        self._gathered.take(line, now)

    def _go_on(self, which: socket.socket) -> None:
        if self._socket is which:
            asyncio.get_running_loop().add_reader(which, self._read)
