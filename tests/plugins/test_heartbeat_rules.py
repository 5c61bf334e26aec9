"""When a job is due, by period, cron and OnCalendar (held against systemd's own), and what is said of one that does not come."""

from __future__ import annotations

import doctest
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.conftest import need

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.states import bad_at_zero
from watchkeeper.plugins.heartbeat import calendar
from watchkeeper.plugins.heartbeat.calendar import ScheduleError, after_period, by_calendar, by_cron, read_zone
from watchkeeper.plugins.heartbeat.due import Plan, judge
from watchkeeper.watch.arrivals import Heartbeat
from watchkeeper.watch.probe import Probe

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
DAILY = Plan(after_period(24 * HOUR), HOUR, 2 * HOUR, HOUR)
NIGHTLY = Plan(by_cron("0 2 * * *", ZoneInfo("UTC")), HOUR, 2 * HOUR)


def at(hours: float) -> datetime:
    return NOON + hours * HOUR


@pytest.mark.parametrize(
    "expression",
    [
        "*-*-* 02:30:00", "daily", "weekly", "hourly", "quarterly", "Mon..Fri 02:30", "Sat,Sun *-*-* 10,22:15:30",
        "*-02-29 00:00", "*-*~1 03:00", "*:0/20", "*-*-1..7 18:00:00", "Fri *-*-13 08:00", "2027-*-* 00:00:00", "9..17/2:05",
        "Sun *-10-25 02:30", "*-1/3-2 00:00", "Thu,Sat..Sun 12:00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_on_calendar_is_what_systemd_makes_of_it(expression: str, zone: str) -> None:
    need(shutil.which("systemd-analyze") is not None, "systemd-analyze")
    base = datetime(2026, 10, 24, 21, 10, tzinfo=UTC)
    command = ["systemd-analyze", "calendar", "--iterations=6", f"--base-time=@{int(base.timestamp())}", f"{expression} {zone}"]
    said = subprocess.run(command, capture_output=True, text=True, env={"TZ": "UTC", "LC_ALL": "C"}, check=True).stdout
    theirs = [
        line.split(":", 1)[1].strip() for line in said.splitlines() if "(in UTC)" in line or "elapse:" in line or "Iter" in line
    ]
    wanted = sorted({_instant(each) for each in theirs if each.endswith("UTC")})
    next_after, ours, last = by_calendar(expression, ZoneInfo(zone)), [], base
    for _ in wanted:
        last = next_after(last)
        ours.append(last)
    assert ours == wanted


def _instant(text: str) -> datetime:
    return datetime.strptime(text.split(" ", 1)[1], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "Someday 02:00", "*-13-* 00:00", "25:00", "1-2-3-4 00:00", "*-02-30 00:00", "10:00 11:00", "* * * * *", "*:*/0", "a:b"],
)  # fmt: skip
def test_what_is_no_schedule_of_systemd_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        by_calendar(text, ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("expression", "last", "due"),
    [
        ("30 2 * * *", "2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 is left out that night
        ("30 2 * * *", "2026-10-25T00:31", "2026-10-26T01:30"),  # and comes twice on this one: the job runs once
        ("15 * * * *", "2026-10-25T00:15", "2026-10-25T01:15"),  # but an hourly one runs in both hours
        ("0 9-17/4 * * mon-fri", "2026-03-27T16:01", "2026-03-30T07:00"),
        ("@monthly", "2026-03-14T12:00", "2026-03-31T22:00"),
    ],
)
def test_cron_keeps_to_the_clocks_of_its_zone(expression: str, last: str, due: str) -> None:
    assert by_cron(expression, BERLIN)(datetime.fromisoformat(f"{last}+00:00")).isoformat() == f"{due}:00+00:00"


@pytest.mark.parametrize("text", ["* * *", "61 * * * *", "0 0 30 2 *", "0 0 * * * *", "H H * * *", "@reboot", "x"])
def test_what_is_no_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        by_cron(text, BERLIN)
    with pytest.raises(ScheduleError):
        read_zone("Europe/Atlantis")


@pytest.mark.parametrize(
    ("plan", "beat", "hours", "up", "said"),
    [
        (DAILY, Heartbeat(NOON), 24.5, None, "no ping came yet; the first is due in 0 s"),
        (DAILY, Heartbeat(NOON), 25.1, 0.0, "a ping was due 1 h 6 min ago, and none ever came"),
        (DAILY, Heartbeat(NOON, succeeded_at=at(1)), 25.9, 1.0, "it ran 1 d ago"),
        (DAILY, Heartbeat(NOON, succeeded_at=at(1)), 26.1, 0.0, "the last ping came 1 d 1 h ago"),
        (NIGHTLY, Heartbeat(NOON, succeeded_at=at(-9.9)), 14.9, 1.0, "it ran 1 d ago"),
        (NIGHTLY, Heartbeat(NOON, succeeded_at=at(-9.9)), 15.1, 0.0, "a ping was due 1 h 6 min ago"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), at(-9.8), 3, note="x\ndisk full\n"), 1, 0.0, "exit status 3: disk full"),
        (NIGHTLY, Heartbeat(NOON, at(-9.7), at(-9.8), 0), 1, 1.0, "it ran"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), running=(at(14),)), 15.5, 1.0, "it runs, since 1 h 30 min"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), running=(at(14),)), 16.1, 0.0, "it began 2 h 6 min ago and has not ended"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), running=(at(15.2),)), 15.3, 0.0, "a ping was due 1 h 18 min ago"),
        # nobody listened when the nightly ping was due: not late before the next night
        (NIGHTLY, Heartbeat(NOON, at(-9.9), gap=(at(14.1), at(14.2))), 15.1, None, "may have come while nobody listened"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), gap=(at(14.1), at(14.2))), 39.1, 0.0, "a ping was due 1 h 6 min ago"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), gap=(at(5), at(5.1))), 15.1, 0.0, "a ping was due 1 h 6 min ago"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), gap=(at(10), at(500))), 501, None, "nobody listened"),
        (NIGHTLY, Heartbeat(NOON, at(-9.9), running=(at(14),), gap=(at(14.5), at(15))), 17, None, "nobody listened"),
        (DAILY, Heartbeat(NOON, at(0), gap=(at(22), at(23.5))), 25.5, None, "nobody listened"),
        (DAILY, Heartbeat(NOON, at(0), gap=(at(22), at(22.5))), 25.5, 0.0, "a ping was due"),
    ],
)  # fmt: skip
def test_how_a_job_stands(plan: Plan, beat: Heartbeat, hours: float, up: float | None, said: str) -> None:
    judged = judge(plan, beat, at(hours))
    assert said in judged.sentence
    assert (judged.values.get("up"), judged.blind) == (up, up is None)


def test_what_is_measured_of_a_job() -> None:
    beat = Heartbeat(NOON, at(-9.9), exit=0, ran_s=42.0, running=(at(0.5),))
    assert judge(NIGHTLY, beat, at(1)).values == {
        "up": 1.0, "running": 1.0, "run_ok": 1.0, "time_ok": 1.0, "late_seconds": 0.0, "running_seconds": 1800.0,
        "age_seconds": 39240.0, "ran_seconds": 42.0, "exit": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key": "short"}, "fewer than 16"),
        ({"key": "a/" * 20}, "or a /"),
        ({}, "needs one of period, cron and calendar"),
        ({"period": "1 day", "cron": "* * * * *"}, "needs one of"),
        ({"cron": "61 * * * *"}, "cannot be read"),
        ({"calendar": "daily", "zone": "Mars"}, "no time zone 'Mars'"),
    ],
)
def test_options_that_cannot_be_used_are_refused(probe: Callable[..., Probe], options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        probe("heartbeat", **{"key": "k" * 16, **options})


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(calendar).failed == 0


def test_a_job_that_is_late_did_not_fail_and_the_book_s_words_tell_them_apart() -> None:
    late = judge(NIGHTLY, Heartbeat(NOON, at(-9.9)), at(15.1)).values
    failed = judge(NIGHTLY, Heartbeat(NOON, at(-9.9), at(-9.8), 3), at(1)).values
    assert (late["run_ok"], late["time_ok"], failed["run_ok"], failed["time_ok"]) == (1.0, 0.0, 0.0, 1.0)
    assert bad_at_zero("failed", "run_ok")
    assert bad_at_zero("missing", "time_ok")
