"""Waits for the pings of one job (a cron job, a backup) at the address /ping/KEY, and says whether they came in time.

The pings stand in our rows, so that a restart forgets none; time in which nobody listened is not held against the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import Connection

from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.heartbeat.calendar import NextAfter, ScheduleError, after_period, by_calendar, by_cron, read_zone
from watchkeeper.plugins.heartbeat.due import Plan, judge
from watchkeeper.watch.arrivals import Heartbeat, look_at
from watchkeeper.watch.own_rows import OwnRows
from watchkeeper.watch.probe import Look

#: a key that is shorter could be guessed
SHORTEST_KEY = 16
_EXAMPLES = {"cron": 'cron = "30 2 * * *"', "calendar": 'calendar = "Mon..Fri 02:30"'}
_KEY_HINT = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(18))".'


class HeartbeatProbe(OwnRows[Heartbeat]):
    """One job that pings us."""

    writes: ClassVar[bool] = True
    called: ClassVar[tuple[str, ...]] = ("heartbeat", "backup", "cron", "job")
    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 while it ran when it was due, did not fail and does not run for too long, else 0",
        "late_seconds": "how long ago it was due, in seconds; 0 while it is not late",
        "age_seconds": "time since it last succeeded, in seconds",
        "run_ok": "0 where its last run failed, else 1",
        "time_ok": "0 while it is late or runs for too long, else 1",
        "exit": "the exit status that it last sent",
        "running": "1 between its start and its end, else 0",
        "running_seconds": "time since it began, in seconds; missing where it does not run",
        "ran_seconds": "how long its last run took, in seconds; missing where it sent no start",
    }
    #: a run that failed and one that did not come are told apart where the book has a line for each
    states: ClassVar[Mapping[str, str]] = {"failed": "run_ok", "missing": "time_ok", "stuck": "time_ok"}
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"lateness": ("age_seconds",)}
    needs: ClassVar[Mapping[str, str]] = {"key": "$", "period": '"1 day"'}
    options: ClassVar[Mapping[str, str]] = {
        "key": "what its address ends in, at least 16 characters: /ping/KEY, /ping/KEY/start, /ping/KEY/fail, /ping/KEY/0",
        "period": "how often it pings",
        "cron": "or: when it runs, as cron writes it",
        "calendar": "or: when it runs, as systemd's OnCalendar= writes it",
        "zone": "time zone of cron and calendar (default UTC)",
        "grace": "how late a ping may be (default 10 minutes)",
        "longest": "how long a run may take from its start to its end (default: as long as grace, at least an hour)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        if len(options.text("key")) < SHORTEST_KEY or not options.text("key").isprintable() or "/" in options.text("key"):
            raise options.error("key", f"{options.name('key')} has fewer than {SHORTEST_KEY} characters, or a /.", _KEY_HINT)
        same = [each.name for each in estate.signals.values() if each.kind == signal.kind and each.name != signal.name]
        for other in same:
            if options_of(estate.signals[other], estate).maybe_text("key") == options.text("key"):
                hint = "Give each job a key of its own, or one's ping would be taken for the other's."
                raise options.error("key", f"{options.name('key')} is the key of [signals.{other}] too.", hint)
        grace = timedelta(seconds=options.duration("grace", 600.0))
        longest = timedelta(seconds=options.duration("longest", max(3600.0, grace.total_seconds()), 1.0))
        next_after, early = _schedule(options, grace)
        self._plan = Plan(next_after, grace, longest, early)
        self._name = signal.name
        self._unheard = timedelta(seconds=max(2 * signal.every_s, signal.every_s + 15.0))

    def read(self, connection: Connection, now: datetime) -> Heartbeat:
        """Read what is known of the job, and write down that we look."""
        return look_at(connection, now, self._name, self._unheard)

    def judge(self, found: Heartbeat, now: datetime) -> Look:
        """Say how the job stands now."""
        try:
            judged = judge(self._plan, found, now)
        except ScheduleError as problem:
            return Look(problem=f"its schedule ends: {problem}")
        return Look(problem=judged.sentence) if judged.blind else Look(judged.values, detail=judged.sentence)


def _schedule(options: Table, grace: timedelta) -> tuple[NextAfter, timedelta]:
    """Read the one of period, cron and calendar that is there; a period's ping may also come early."""
    given = [name for name in ("period", "cron", "calendar") if options.take(name) is not None]
    if len(given) != 1:
        raise options.error(
            given[1] if given else "key", f"{options.name()} needs one of period, cron and calendar.", 'period = "1 day"'
        )
    if given == ["period"]:
        return after_period(timedelta(seconds=options.duration("period", 0.0, 1.0))), grace
    try:
        zone = read_zone(options.text("zone", "UTC"))
        text = options.text(given[0])
        return (by_cron(text, zone) if given == ["cron"] else by_calendar(text, zone)), timedelta(0)
    except ScheduleError as problem:
        raise options.error(
            given[0], f"{options.name(given[0])} cannot be read: {problem}.", f"For example {_EXAMPLES[given[0]]}."
        ) from None
