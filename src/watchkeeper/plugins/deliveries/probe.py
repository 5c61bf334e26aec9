"""Says of one sender of [hooks] when it last delivered, and how many of its deliveries were refused and why."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import Connection

from watchkeeper.base.durations import format_duration
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.watch.arrivals import Deliveries, read_deliveries
from watchkeeper.watch.own_rows import OwnRows
from watchkeeper.watch.probe import Look

#: what is counted of a sender, by the name of the reading
_COUNTS = ("deliveries", "refused", "wrong_token", "unreadable")


class DeliveriesProbe(OwnRows[Deliveries]):
    """What one sender of alerts delivers to us, and what of it was refused."""

    readings: ClassVar[Mapping[str, str]] = {
        "age_seconds": "time since its last delivery that was taken, in seconds; missing before the first",
        "deliveries": "deliveries taken within `window`",
        "refused": "deliveries refused within `window`, for whatever reason",
        "wrong_token": "of these, those that showed no right token or signature",
        "unreadable": "of these, those that were let in and could not be read, or were too much",
    }
    needs: ClassVar[Mapping[str, str]] = {"sender": '"alertmanager"'}
    options: ClassVar[Mapping[str, str]] = {
        "sender": "which of [hooks]",
        "window": "over which time deliveries are counted (default 10 minutes)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        check_readings(signal, estate, list(self.readings))
        self._hook = options.choice("sender", tuple(estate.alerting.hooks) or ("(there are no [hooks])",))
        self._window = timedelta(seconds=options.duration("window", 600.0, 1.0))
        #: what was counted up to each look of the window, oldest first
        self._past: deque[tuple[datetime, Mapping[str, float]]] = deque()

    def read(self, connection: Connection, now: datetime) -> Deliveries:
        """Read what is known of the sender."""
        return read_deliveries(connection).get(self._hook, Deliveries())

    def judge(self, found: Deliveries, now: datetime) -> Look:
        """Count what came since the window began."""
        counts = {name: float(getattr(found, name)) for name in _COUNTS}
        if not self._past:
            # of what came before the first look only the newest is known to be within the window or not
            recent = {"deliveries": found.delivered_at, "wrong_token": found.strange_at, "unreadable": found.unreadable_at}
            newest = {name: 1.0 for name, at in recent.items() if at is not None and now - at <= self._window}
            newest["refused"] = newest.get("wrong_token", 0.0) + newest.get("unreadable", 0.0)
            self._past.append((now, {name: counts[name] - newest.get(name, 0.0) for name in _COUNTS}))
        self._past.append((now, counts))
        while len(self._past) > 2 and now - self._past[1][0] >= self._window:
            self._past.popleft()
        before = self._past[0][1]
        # rows that were pruned meanwhile have begun to count anew
        values = {name: counts[name] - before[name] if counts[name] >= before[name] else counts[name] for name in _COUNTS}
        if found.delivered_at is not None:
            values["age_seconds"] = max(0.0, (now - found.delivered_at).total_seconds())
        return Look(values, detail=self._said(found, values, now))

    def _said(self, found: Deliveries, values: Mapping[str, float], now: datetime) -> str:
        last = f"{self._hook} delivered nothing yet"
        if found.delivered_at:
            last = f"the last {format_duration(values['age_seconds'])} ago"
        if not values["refused"]:
            return last
        whys = [f"{values[name]:g} {why}" for name, why in _WHYS.items() if values[name]]
        within = format_duration(self._window.total_seconds())
        return f"{last}; {values['refused']:g} refused within {within}: {', '.join(whys)}"


_WHYS = {"wrong_token": "without the right token or signature", "unreadable": "that could not be read"}
