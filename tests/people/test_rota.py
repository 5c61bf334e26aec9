"""Who is on call: turns on the clocks of a zone, layers, holidays, changes, and the nights on which the clocks are moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.estate.hours import parse_hours
from watchkeeper.estate.rota import Layer, Rota
from watchkeeper.people.model import Change
from watchkeeper.people.rota import around, gap_finding, gaps, on_call, shifts, turn_at, turn_begins

BERLIN, CHICAGO, SYDNEY = "Europe/Berlin", "America/Chicago", "Australia/Sydney"


def layer(*turns: str, starts: str = "2026-01-05 09:00", zone: str = BERLIN, hours: tuple[str, ...] = (), **more: Any) -> Layer:
    parsed = tuple(found for text in hours if (found := parse_hours(f"{text} {zone}")) is not None)
    assert len(parsed) == len(hours)
    taken = tuple(tuple(turn.split("+")) for turn in turns)
    return Layer(taken, zone, datetime.fromisoformat(starts), hours=parsed, **more)


def rota(*layers: Layer, zone: str = BERLIN, **more: Any) -> Rota:
    return Rota("primary", 4, zone, layers, **more)


def at(text: str, zone: str = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def override(person: str, begins: datetime, ends: datetime, instead_of: str | None = None, made: int = 0) -> Change:
    made_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=made)
    return Change(f"chg-{made}", "primary", "override", person, instead_of, begins, ends, "ben", "dentist", made_at)


WEEKLY = rota(layer("anna", "ben", "cara"))


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2026-01-05 08:59", ()),
        ("2026-01-05 09:00", ("anna",)),
        ("2026-01-12 08:59", ("anna",)),
        ("2026-01-12 09:00", ("ben",)),
        ("2026-01-26 09:00", ("anna",)),
        ("2026-03-30 08:59", ("cara",)),  # the clocks were put forward the day before
        ("2026-03-30 09:00", ("anna",)),
        ("2026-10-26 08:59", ("cara",)),  # and back
        ("2026-10-26 09:00", ("anna",)),
    ],
)
def test_a_weekly_turn_is_handed_over_at_nine_whatever_the_clocks_do(when: str, who: tuple[str, ...]) -> None:
    assert on_call(WEEKLY, (), at(when)).people == who


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (CHICAGO, "2026-03-08", 23),
        (CHICAGO, "2026-11-01", 25),
        (SYDNEY, "2026-04-05", 25),
        (SYDNEY, "2026-10-04", 23),
        (BERLIN, "2026-06-01", 24),
    ],
)
def test_a_daily_turn_at_midnight_is_as_long_as_its_day(zone: str, day: str, hours: int) -> None:
    daily = rota(layer("anna", "ben", starts="2026-01-01 00:00", zone=zone, unit="days"), zone=zone)
    shift, following = around(daily, (), at(f"{day} 12:00", zone))
    assert shift.ends_at - shift.begins_at == timedelta(hours=hours)
    assert shift.begins_at == at(f"{day} 00:00", zone)
    assert following is not None
    assert following.begins_at == shift.ends_at
    assert following.people != shift.people


def test_a_hand_over_at_a_skipped_time_happens_once_and_leaves_no_hole() -> None:
    night = rota(layer("anna", "ben", starts="2026-01-01 02:30", unit="days"))
    found = shifts(night, (), at("2026-03-28 12:00"), at("2026-03-30 12:00"))
    assert [shift.begins_at.astimezone(UTC).strftime("%d %H:%M") for shift in found[1:]] == ["29 01:30", "30 00:30"]
    assert not gaps(night, (), at("2026-03-28 12:00"), at("2026-03-30 12:00"))


def test_a_hand_over_at_a_time_shown_twice_happens_at_the_first_and_nobody_is_called_back() -> None:
    night = rota(layer("anna", "ben", starts="2026-01-01 02:30", unit="days"))
    first, second = on_call(night, (), at("2026-10-25 02:29")), on_call(night, (), at("2026-10-25 02:30"))
    assert first.people != second.people
    assert on_call(night, (), at("2026-10-25 02:15", fold=1)).people == second.people
    assert on_call(night, (), at("2026-10-25 02:45", fold=1)).people == second.people


def test_hours_on_the_night_the_clocks_go_back_hand_over_once() -> None:
    two = rota(layer("anna", hours=("18:00-02:30",)), layer("ben", hours=("02:30-18:00",)))
    found = shifts(two, (), at("2026-10-24 20:00"), at("2026-10-25 17:00"))
    assert [(shift.people, shift.begins_at) for shift in found[1:]] == [(("ben",), at("2026-10-25 02:30"))]


def test_the_sun_is_followed_round_the_world() -> None:
    sun = rota(
        layer("anna", "arne", zone=BERLIN, hours=("09:00-17:00",)),
        layer("cleo", "carl", zone=CHICAGO, hours=("09:00-17:00",)),
        layer("sue", "sam", zone=SYDNEY, hours=("07:00-19:00",)),
        zone="UTC",
    )
    who = {hour: on_call(sun, (), datetime(2026, 7, 15, hour, tzinfo=UTC)).people for hour in (3, 10, 14, 16, 21, 22)}
    assert who == {3: ("sam",), 10: ("arne",), 14: ("carl",), 16: ("carl",), 21: ("sam",), 22: ("sam",)}
    assert [gap.people for gap in gaps(sun, (), datetime(2026, 7, 15, tzinfo=UTC), datetime(2026, 7, 17, tzinfo=UTC))] == []


def test_in_winter_the_same_sun_leaves_an_hour_to_nobody_and_that_is_said() -> None:
    two = rota(layer("anna", zone=BERLIN, hours=("08:00-20:00",)), layer("sue", zone=SYDNEY, hours=("04:00-16:00",)), zone="UTC")
    summer, winter = datetime(2026, 7, 15, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC)
    assert gaps(two, (), summer, summer + timedelta(days=2)) == []
    [first, *_] = gaps(two, (), winter, winter + timedelta(days=1))
    assert (first.begins_at.hour, first.ends_at.hour) == (5, 7)
    said = gap_finding(two, (), winter)
    assert said is not None
    assert said.startswith("Nobody is on call for primary (line 4 of watchkeeper.toml) from Tue 20 Jan 05:00 UTC until")
    assert "27 more times within 28 days" in said


def test_a_later_layer_covers_an_earlier_one_or_stands_beside_it() -> None:
    base, cover = layer("anna", "ben"), layer("dana", hours=("Mon-Fri 09:00-17:00",), name="office hours")
    monday, night = at("2026-01-06 10:00"), at("2026-01-06 22:00")
    assert on_call(rota(base, cover), (), monday).people == ("dana",)
    assert on_call(rota(base, cover), (), night).people == ("anna",)
    both = on_call(rota(base, layer("dana", hours=("Mon-Fri 09:00-17:00",), beside=True, name="office hours")), (), monday)
    assert both.people == ("anna", "dana")
    assert both.sentence == "anna and dana are on call: anna by their turn in layer 1; dana by their turn in office hours."


def test_two_can_take_a_turn_together_and_a_layer_can_end() -> None:
    pair = rota(layer("anna+ben", "cara", ends=datetime(2026, 1, 20)))  # noqa: DTZ001
    assert on_call(pair, (), at("2026-01-06 10:00")).people == ("anna", "ben")
    assert on_call(pair, (), at("2026-01-18 23:59")).people == ("cara",)
    assert on_call(pair, (), at("2026-01-19 23:59")).people == ("anna", "ben")
    assert on_call(pair, (), at("2026-01-20 00:00")).people == ()


@pytest.mark.parametrize(
    ("unit", "every", "when", "who"),
    [
        ("hours", 12, "2026-01-05 20:59", "anna"),
        ("hours", 12, "2026-01-05 21:00", "ben"),
        ("hours", 12, "2026-03-29 08:59", "anna"),
        ("hours", 12, "2026-03-29 09:00", "anna"),
        ("weeks", 2, "2026-01-19 08:59", "anna"),
        ("weeks", 2, "2026-01-19 09:00", "ben"),
        ("months", 1, "2026-02-05 08:59", "anna"),
        ("months", 1, "2026-02-05 09:00", "ben"),
    ],
)
def test_turns_of_any_length(unit: Any, every: int, when: str, who: str) -> None:
    found = on_call(rota(layer("anna", "ben", unit=unit, every=every)), (), at(when)).people
    if unit == "hours" and when.startswith("2026-03"):
        # day and night turns keep their clock times over the night on which the clocks are moved
        assert found == (("ben",) if when.endswith("08:59") else ("anna",))
        return
    assert found == (who,)


def test_holidays_are_kept_by_a_layer_of_their_own() -> None:
    days = {"holidays": frozenset({date(2026, 5, 14)}), "yearly": frozenset({(12, 25)})}
    kept = rota(layer("anna", on_holidays="off"), layer("ben", on_holidays="only"), **days)
    assert on_call(kept, (), at("2026-05-13 23:59")).people == ("anna",)
    assert on_call(kept, (), at("2026-05-14 00:00")).people == ("ben",)
    assert on_call(kept, (), at("2026-12-25 12:00")).people == ("ben",)
    assert on_call(kept, (), at("2027-12-25 12:00")).people == ("ben",)
    assert gaps(kept, (), at("2026-05-10 00:00"), at("2026-05-20 00:00")) == []
    office = rota(layer("anna", hours=("22:00-06:00",), on_holidays="off"), **days)
    assert on_call(office, (), at("2026-05-14 05:00")).people == ("anna",), "the night that began before the holiday goes on"
    assert on_call(office, (), at("2026-05-14 23:00")).people == ()


def test_an_override_goes_before_the_file_and_says_who_and_why() -> None:
    change = override("dana", at("2026-01-06 12:00"), at("2026-01-06 18:00"))
    assert on_call(WEEKLY, [change], at("2026-01-06 11:59")).people == ("anna",)
    found = on_call(WEEKLY, [change], at("2026-01-06 12:00"))
    assert found.people == ("dana",)
    assert found.sentence == (
        "dana is on call: dana stands in for whoever it would be until 2026-01-06 17:00 UTC by ben's override (dentist)."
    )
    assert on_call(WEEKLY, [change], at("2026-01-06 18:00")).people == ("anna",)


def test_standing_in_for_somebody_counts_only_while_they_would_be_on_call() -> None:
    change = override("dana", at("2026-01-05 12:00"), at("2026-01-19 12:00"), instead_of="anna")
    assert on_call(WEEKLY, [change], at("2026-01-06 12:00")).people == ("dana",)
    assert on_call(WEEKLY, [change], at("2026-01-13 12:00")).people == ("ben",)


def test_of_two_overrides_the_later_word_counts() -> None:
    span = at("2026-01-06 00:00"), at("2026-01-07 00:00")
    both = [override("ben", *span, made=2), override("dana", *span, made=1)]
    assert on_call(WEEKLY, both, at("2026-01-06 12:00")).people == ("ben",)
    assert on_call(WEEKLY, [*both, override("cara", *span, instead_of="ben", made=3)], at("2026-01-06 12:00")).people == ("cara",)


def test_a_change_of_another_rota_is_none_of_ours() -> None:
    other = Change(
        "chg-9", "backup", "override", "dana", None, at("2026-01-06 00:00"), at("2026-01-09 00:00"), "x", "", at("2026-01-01")
    )
    assert on_call(WEEKLY, [other], at("2026-01-07 00:00")).people == ("anna",)


def test_now_and_next_reach_as_far_as_they_must() -> None:
    yearly = rota(layer("anna", "ben", starts="2026-01-01 00:00", unit="months", every=6))
    shift, following = around(yearly, (), at("2026-03-01 12:00"))
    assert (shift.people, shift.begins_at, shift.ends_at) == (("anna",), at("2026-01-01 00:00"), at("2026-07-01 00:00"))
    assert following is not None
    assert following.people == ("ben",)
    alone = around(rota(layer("anna")), (), at("2026-03-01 12:00"))
    assert (alone[0].people, alone[1]) == (("anna",), None)


ZONES = st.sampled_from(
    [BERLIN, CHICAGO, SYDNEY, "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "Africa/Casablanca", "UTC"]
)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
SPANS = st.sampled_from(
    ["22:00-06:00", "09:00-17:00", "Mon-Fri 00:00-24:00", "Sat-Sun 02:30-02:15", "01:00-03:30", "Sun 00:00-02:30"]
)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    zone = draw(ZONES)
    turns = tuple((name,) for name in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4)))
    starts = draw(st.datetimes(datetime(2025, 12, 1), datetime(2026, 6, 1)))  # noqa: DTZ001
    unit = draw(st.sampled_from(["hours", "days", "weeks", "months"]))
    hours = tuple(found for text in draw(st.lists(SPANS, max_size=2)) if (found := parse_hours(f"{text} {zone}")))
    kept = draw(st.sampled_from(["as usual", "off", "only"]))
    return Layer(turns, zone, starts, draw(st.integers(1, 5)), unit, None, hours, kept, draw(st.booleans()))


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    yearly = frozenset({(3, 29), (10, 25), (5, 1)})
    return Rota("primary", 1, draw(ZONES), tuple(draw(st.lists(layers(), min_size=1, max_size=3))), yearly=yearly)


@st.composite
def made(draw: st.DrawFn) -> list[Change]:
    found = []
    for number in range(draw(st.integers(0, 3))):
        begins = draw(INSTANTS)
        ends = begins + draw(st.timedeltas(timedelta(minutes=1), timedelta(days=20)))
        found.append(override(draw(st.sampled_from("abcd")), begins, ends, draw(st.sampled_from([None, "a", "b"])), number))
    return found


@settings(max_examples=150, deadline=None)
@given(rotas(), made(), INSTANTS, st.integers(1, 40), st.data())
def test_shifts_say_at_every_instant_what_the_instant_says(
    each: Rota, changes: list[Change], begins: datetime, days: int, data: st.DataObject
) -> None:
    ends = begins + timedelta(days=days)
    found = shifts(each, changes, begins, ends)
    assert (found[0].begins_at, found[-1].ends_at) == (begins, ends)
    assert all(one.ends_at == other.begins_at and one.people != other.people for one, other in pairwise(found))
    for shift in data.draw(st.lists(st.sampled_from(found), max_size=8)):
        inside = shift.begins_at + data.draw(st.timedeltas(timedelta(0), shift.ends_at - shift.begins_at - timedelta.resolution))
        assert on_call(each, changes, inside).people == shift.people


@settings(max_examples=200, deadline=None)
@given(layers(), INSTANTS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_turns_never_go_back(each: Layer, now: datetime, later: timedelta) -> None:
    first, second = turn_at(each, now), turn_at(each, now + later)
    assert first <= second
    assert first < 0 or turn_begins(each, first) <= now
    assert turn_begins(each, first + 1) > now
