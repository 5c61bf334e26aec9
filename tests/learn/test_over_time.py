"""Means over many incidents, and how much people were paged by night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from watchkeeper.learn.over_time import Lived, loads, over_time

JUNE, JULY = datetime(2026, 6, 10, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)


def lived(number: int, began: datetime, severity: str | None, **measures: float | None) -> Lived:
    return Lived(f"inc-{number}", "shop", severity, "cache", None, began, measures)


ALL = [
    lived(1, JUNE, "P1", detection_s=10, acknowledge_s=60, recovery_s=100, resolution_s=160),
    lived(2, JUNE, "P1", detection_s=20, acknowledge_s=None, recovery_s=300, resolution_s=400),
    lived(3, JULY, "P2", detection_s=30, recovery_s=None),
    lived(4, JULY, None, detection_s=None, recovery_s=50, resolution_s=50),
]


def test_what_was_not_measured_counts_in_no_mean() -> None:
    [found] = over_time(ALL)
    assert (found.incidents, found.mttd_s, found.mtta_s, found.mttm_s) == (4, 20, 60, 150)
    assert (found.longest_s, found.longest_id) == (300, "inc-2")


def test_groups_of_severity_cause_and_month() -> None:
    by = {each.group: each for each in over_time(ALL, "severity")}
    assert list(by) == ["P1", "P2", "no severity"]
    assert (by["P1"].mttm_s, by["P2"].mttm_s, by["P2"].longest_id) == (200, None, None)
    assert [each.group for each in over_time(ALL, "month")] == ["2026-06", "2026-07"]
    assert [(each.group, each.incidents) for each in over_time(ALL, "cause")] == [("cache", 4)]
    assert [each.group for each in over_time(ALL, "procedure")] == ["no procedure"]


def test_nothing_has_no_mean() -> None:
    assert over_time([]) == []
    assert loads([], "UTC") == []


def test_a_night_belongs_to_the_day_on_which_it_begins_on_the_clocks_of_the_zone() -> None:
    night = datetime(2026, 6, 1, 20, 30, tzinfo=UTC)  # 22:30 in Berlin
    pages = [("Anna", night + timedelta(hours=n)) for n in (0, 1, 8)]  # the last is at 06:30
    pages += [("Anna", night + timedelta(days=1)), ("Anna", night + timedelta(hours=14)), ("Ben", night + timedelta(hours=15))]
    anna, ben = loads(pages, "Europe/Berlin")
    assert (anna.person, anna.pages, anna.nights, anna.at_night, anna.worst_night) == ("Anna", 5, 2, 4, 3)
    assert (ben.pages, ben.nights, ben.at_night) == (1, 0, 0)
