"""Recurring work, and its RFC 5545 rules."""

from __future__ import annotations

import doctest
from datetime import datetime
from textwrap import dedent

import pytest
from dateutil.rrule import rrulestr

from watchkeeper.book.read import recurrence
from watchkeeper.book.read.passages import Passages, read_passages
from watchkeeper.book.read.recurrence import read_cron, read_recurrence
from watchkeeper.book.read.schedules import read_schedules
from watchkeeper.text.markdown import read_text


def passages(source: str) -> Passages:
    return read_passages(read_text(dedent(source).lstrip("\n")))


def schedules(source: str) -> list[tuple[object, ...]]:
    return [(s.line, s.every, s.at, s.until, s.timezone) for s in read_schedules(passages(source))]


@pytest.mark.parametrize(
    ("text", "every", "rule"),
    [
        ("Every Sunday at 2 AM", "week", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0"),
        ("First Sunday of each month", "month", "FREQ=MONTHLY;BYDAY=1SU"),
        ("daily at 02:30 UTC", "day", "FREQ=DAILY;BYHOUR=2;BYMINUTE=30"),
        ("every 6 hours", "hour", "FREQ=HOURLY;INTERVAL=6"),
        ("Quarterly", "quarter", "FREQ=MONTHLY;INTERVAL=3"),
        ("jeden Sonntag um 04:00 Uhr", "week", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=4;BYMINUTE=0"),
        ("chaque mois", "month", "FREQ=MONTHLY"),
        ("毎日 午後3時", "day", "FREQ=DAILY;BYHOUR=15;BYMINUTE=0"),
        ("last Friday of the month, 6pm", "month", "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18;BYMINUTE=0"),
    ],
)
def test_recurrences(text: str, every: str, rule: str) -> None:
    found = read_recurrence(text)
    assert found is not None
    assert (found.every, found.rrule) == (every, rule)
    rrulestr(rule, dtstart=datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("0 3 * * * backup", "FREQ=DAILY;BYHOUR=3;BYMINUTE=0"),
        ("*/5 * * * * probe", "FREQ=MINUTELY;INTERVAL=5"),
        ("30 4 1 * * report", "FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=4;BYMINUTE=30"),
        ("0 2 * * 1-5 sync", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=2;BYMINUTE=0"),
        ("0 */6 * * * snap", "FREQ=HOURLY;INTERVAL=6;BYMINUTE=0"),
    ],
)
def test_cron_lines(line: str, rule: str) -> None:
    found = read_cron(line)
    assert found is not None
    assert found[0].rrule == rule


@pytest.mark.parametrize("line", ["1 2 3 4 5", "99 * * * * x", "SELECT * FROM t", "a * b * c"])
def test_other_lines_are_no_cron(line: str) -> None:
    assert read_cron(line) is None


def test_headings_and_labels_become_one_schedule() -> None:
    source = (
        "## Weekly maintenance\n\n**Every Sunday at 2 AM**:\n\n1. rotate logs\n\n"
        "## Daily checks\n\n**Morning checklist** (run at 9 AM):\n\n1. look\n"
    )
    assert schedules(source) == [(3, "week", "02:00", None, None), (9, "day", "09:00", None, None)]


def test_list_window_table_and_cron() -> None:
    source = """
        ### Backup schedule
        - **Hourly**: log rotation
        - **Daily**: database backup (2 AM)
        - **Full backup:** weekly at 03:00 UTC

        ### Planned maintenance
        **Maintenance window**: Sundays 2-4 AM

        | Task | Frequency |
        |---|---|
        | Key rotation | Quarterly |

        ```
        0 4 * * 1 /opt/shop/report
        ```
    """
    assert schedules(source) == [
        (2, "hour", None, None, None),
        (3, "day", "02:00", None, None),
        (4, "week", "03:00", None, "UTC"),
        (7, "week", "02:00", "04:00", None),
        (11, "quarter", None, None, None),
        (14, "week", "04:00", None, None),
    ]


def test_heading_that_only_groups_is_no_schedule() -> None:
    assert schedules("## Daily operations\n### Look\n1. look\n") == []


@pytest.mark.parametrize(
    "source",
    [
        "Track progress weekly\n",
        "- **Frequency:** Every 30 minutes for P1\n",
        "Daily active users are counted.\n",
        "- Notify users 24 hours in advance\n",
    ],
)
def test_words_in_passing_are_no_schedules(source: str) -> None:
    assert schedules(f"## Incident\n{source}") == []


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(recurrence).failed == 0
