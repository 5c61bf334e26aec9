"""Hours hold on the clocks of their zone, over midnight and over daylight saving, and nothing else reads as hours."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watchkeeper.estate.hours import parse_hours


@pytest.mark.parametrize(
    ("text", "instant", "holds"),
    [
        ("09:00-17:00", "2026-03-14T09:00", True),
        ("09:00-17:00", "2026-03-14T17:00", False),
        ("Mon-Fri 9:00-17:00", "2026-03-13T12:00", True),
        ("Mon-Fri 9:00-17:00", "2026-03-14T12:00", False),
        ("Sat,Sun 00:00-23:59", "2026-03-14T12:00", True),
        ("Fri-Mon 08:00-10:00", "2026-03-15T09:00", True),
        ("Fri-Mon 08:00-10:00", "2026-03-17T09:00", False),
        # Berlin is an hour ahead before 29 March 2026, two hours from then on
        ("09:00-17:00 Europe/Berlin", "2026-03-27T07:30", False),
        ("09:00-17:00 Europe/Berlin", "2026-03-30T07:30", True),
        # over midnight a span belongs to the day on which it begins
        ("Fri 22:00-06:00", "2026-03-13T23:00", True),
        ("Fri 22:00-06:00", "2026-03-14T05:59", True),
        ("Fri 22:00-06:00", "2026-03-13T05:00", False),
        ("Fri 22:00-06:00", "2026-03-14T23:00", False),
    ],
)
def test_hours_hold(text: str, instant: str, holds: bool) -> None:
    hours = parse_hours(text)
    assert hours is not None
    assert hours.hold(datetime.fromisoformat(instant).replace(tzinfo=UTC)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "office hours",
        "09:00",
        "25:00-26:00",
        "09:00-09:00",
        "Foo 09:00-10:00",
        "09:00-10:00 Mars/Base",
        "9-17",
        "09:00-10:00 ../etc",
    ],
)
def test_what_is_no_hours_is_refused(text: str) -> None:
    assert parse_hours(text) is None
