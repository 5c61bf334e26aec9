"""What holds an alert back and until when: silences by what they name, windows of the book on the clocks of their zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from watchkeeper.alert.model import Alert, Silence
from watchkeeper.alert.silencing import held, windows_at
from watchkeeper.book.model import Book, Schedule
from watchkeeper.estate.hours import parse_hours


def alert(now: datetime, **more: Any) -> Alert:
    values: dict[str, Any] = {"subject": "Replication lag", "component": "PostgreSQL replica", "severity": "P2", "key": "lag"}
    values |= more
    return Alert("alt-1", breached_at=now, fired_at=now, ended_at=None, value=1.0, sentence="It is so.", **values)


def silence(now: datetime, **more: Any) -> Silence:
    return Silence("sil-1", "anna", "Reindexing", now, now + timedelta(hours=2), **more)


@pytest.mark.parametrize(
    ("names", "is_held"),
    [
        ({"component": "postgresql-replica"}, True),
        ({"component": "PostgreSQL"}, False),
        ({"subject": "lag"}, True),
        ({"subject": "lag errors"}, False),
        ({"severity": "p2"}, True),
        ({"severity": "P1"}, False),
        ({"key": "lag"}, True),
        ({"key": "lag", "severity": "P1"}, False),
    ],
)
def test_a_silence_holds_what_it_names_and_all_that_it_names_must_fit(names: Any, is_held: bool, now: datetime) -> None:
    found = held(alert(now), [silence(now, **names)], (), now + timedelta(minutes=30))
    assert (found is not None) == is_held
    if found:
        assert found.sentence == "Replication lag is silenced by anna for another 1 h 30 min: Reindexing"


def test_a_silence_begins_and_ends(now: datetime) -> None:
    found = silence(now, key="lag")
    for at, is_held in [(-1, False), (0, True), (7199, True), (7200, False)]:
        assert (held(alert(now), [found], (), now + timedelta(seconds=at)) is not None) == is_held


def test_a_recurring_silence_holds_within_its_hours(now: datetime) -> None:
    weekly = replace(
        silence(now, key="lag"), hours=parse_hours("Sun 02:00-04:00 Europe/Berlin"), ends_at=now + timedelta(days=60)
    )
    sunday = datetime(2026, 3, 22, 1, 30, tzinfo=ZoneInfo("UTC"))  # 02:30 in Berlin
    assert held(alert(now), [weekly], (), sunday)
    assert not held(alert(now), [weekly], (), sunday + timedelta(days=1))
    # a week later Berlin's clocks are an hour ahead: the same hour of the wall is an hour earlier
    assert held(alert(now), [weekly], (), sunday + timedelta(days=7, hours=-1, minutes=45))


def window(**more: Any) -> Schedule:
    values: dict[str, Any] = {"title": "Maintenance window", "rrule": "FREQ=WEEKLY;BYDAY=SU", "at": "02:00", "until": "04:00"}
    return Schedule(line=9, **{**values, "timezone": "America/New_York", **more})


def book(*schedules: Schedule) -> Book:
    return Book(title="Shop", service="shop", schedules=schedules)


@pytest.mark.parametrize(
    ("at", "is_on"),
    [
        ("2026-03-15T06:00:00+00:00", True),  # 02:00 in summer time
        ("2026-03-15T07:59:59+00:00", True),
        ("2026-03-15T08:00:00+00:00", False),
        ("2026-03-14T06:30:00+00:00", False),  # a Saturday
        ("2026-03-01T06:30:00+00:00", False),  # 01:30 in winter time
        ("2026-03-01T07:30:00+00:00", True),
        ("2026-03-08T07:30:00+00:00", True),  # the night in which 02:00 to 03:00 does not exist
        ("2026-11-01T06:30:00+00:00", False),  # 01:30 for the second time
        ("2026-11-01T07:30:00+00:00", True),
    ],
)
def test_a_window_of_the_book_is_on_by_the_clocks_of_its_zone(at: str, is_on: bool, now: datetime) -> None:
    instant = datetime.fromisoformat(at)
    found = windows_at(book(window()), instant)
    assert bool(found) == is_on
    assert (held(alert(now), [], found, instant) is not None) == is_on


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    found = book(window(at="23:00", until="01:00", timezone="UTC"))
    assert windows_at(found, datetime.fromisoformat("2026-03-16T00:30:00+00:00"))
    assert not windows_at(found, datetime.fromisoformat("2026-03-15T00:30:00+00:00"))


@pytest.mark.parametrize(
    "more", [{"until": None}, {"title": "Full backup"}, {"rrule": None}, {"rrule": "nonsense"}, {"at": None}]
)
def test_what_is_no_maintenance_or_has_no_end_is_no_window(more: Any) -> None:
    assert not windows_at(book(window(**{"timezone": "UTC", **more})), datetime.fromisoformat("2026-03-15T03:00:00+00:00"))


def test_our_own_blindness_is_held_back_by_a_person_and_by_no_window(now: datetime) -> None:
    blind = alert(now, key="blind:replica", subject="replica is blind")
    at = datetime.fromisoformat("2026-03-15T06:30:00+00:00")
    windows = windows_at(book(window()), at)
    assert held(alert(now), [], windows, at)
    assert not held(blind, [], windows, at)
    assert held(blind, [silence(at, key="blind:replica")], windows, at)
