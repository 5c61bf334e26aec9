"""What the public reads, as data: components, ninety days, incidents in public words, maintenance that goes on by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.incident.model import Incident
from watchkeeper.tell.public import rules
from watchkeeper.tell.public.model import Maintenance, Post, Spell

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=200)


def ago(**much: float) -> datetime:
    return NOW - timedelta(**much)


def an_incident(**more: object) -> Incident:
    began = ago(minutes=20)
    return Incident("inc-1", "shop", "db-primary-3 dropped 12 % of sessions", "P1", "open", "db", began, began, **more)  # type: ignore[arg-type]


def test_a_component_without_trouble_works_and_was_always_up() -> None:
    shop = rules.component("Shop", [], False, [], SINCE, NOW)
    assert (shop.now, shop.uptime, len(shop.days)) == ("operational", 1.0, 90)
    assert {day.worst for day in shop.days} == {"operational"}


def test_what_nobody_watched_or_sees_is_not_called_well() -> None:
    never = rules.component("Shop", [], False, [], None, NOW)
    assert (never.now, never.uptime, {day.worst for day in never.days}) == ("unknown", None, {None})
    assert rules.component("Shop", [], True, [], SINCE, NOW).now == "unknown"
    young = rules.component("Shop", [], False, [], ago(days=3), NOW)
    assert [day.worst for day in young.days[-5:]] == [None, "operational", "operational", "operational", "operational"]


def test_overlapping_outages_count_once_and_degradation_is_no_downtime() -> None:
    spells = [
        Spell("Shop", "outage", ago(hours=10), ago(hours=8)),
        Spell("Shop", "outage", ago(hours=9), ago(hours=7)),
        Spell("Shop", "degraded", ago(hours=5), ago(hours=1)),
        Spell("Search", "outage", ago(hours=10), None),
    ]
    shop = rules.component("Shop", spells, False, [], ago(days=10), NOW)
    assert shop.days[-1].out_s == 3 * 3600
    assert shop.uptime == pytest.approx(1 - 3 / 240)
    assert (shop.now, shop.days[-1].worst) == ("operational", "outage")


def test_an_outage_over_midnight_is_in_both_days() -> None:
    shop = rules.component("Shop", [Spell("Shop", "outage", ago(hours=13), ago(hours=11))], False, [], SINCE, NOW)
    assert [day.out_s for day in shop.days[-2:]] == [3600, 3600]


def test_announced_work_explains_what_it_touches_and_nothing_else() -> None:
    work = Maintenance("mnt-1", "New disks", "", ("Shop",), ago(hours=1), NOW + timedelta(hours=1), ago(days=2))
    down = [Spell("Shop", "outage", ago(minutes=5), None), Spell("Search", "outage", ago(minutes=5), None)]
    assert rules.component("Shop", down, False, [work], SINCE, NOW).now == "maintenance"
    assert rules.component("Search", down, False, [work], SINCE, NOW).now == "outage"
    assert rules.component("Shop", [], False, [work], SINCE, NOW).now == "maintenance"
    assert rules.component("Shop", [], False, [work], SINCE, work.ends_at).now == "operational"


def test_maintenance_goes_through_its_stages_by_itself() -> None:
    work = Maintenance("mnt-1", "New disks", "", (), NOW, NOW + timedelta(hours=1), ago(days=2))
    ats = (ago(seconds=1), NOW, NOW + timedelta(minutes=59), NOW + timedelta(hours=1))
    assert [work.stage(at) for at in ats] == ["scheduled", "in progress", "in progress", "completed"]


def test_the_teams_words_never_reach_the_public() -> None:
    told = rules.incident(an_incident(), [Spell("Shop", "outage", ago(minutes=20), None)], [], by_itself=True)
    assert told is not None
    assert told.title == "Problem with Shop"
    assert "db-primary-3" not in str(told)
    assert "sessions" not in str(told)
    assert [post.text for post in told.posts] == ["We are looking into a problem with Shop."]


def test_an_incident_of_no_public_component_is_told_only_once_somebody_writes_of_it() -> None:
    assert rules.incident(an_incident(), [], [], by_itself=True) is None
    post = Post("inc-1", ago(minutes=1), "identified", "A cable was cut.", "anna")
    told = rules.incident(an_incident(), [], [post], by_itself=True)
    assert told is not None
    assert told.posts == (post,)
    assert told.progress == "identified"
    spell = Spell("Shop", "outage", ago(minutes=20), None)
    assert rules.incident(an_incident(), [spell], [], by_itself=False) is None


def test_a_resolved_incident_says_so_once_in_the_better_words() -> None:
    ended = an_incident(recovered_at=ago(minutes=8), resolved_at=ago(minutes=6))
    over = Incident(**{**{name: getattr(ended, name) for name in ended.__slots__}, "status": "resolved"})
    spell = Spell("Shop", "outage", ago(minutes=20), ago(minutes=8))
    told = rules.incident(over, [spell], [], by_itself=True)
    assert told is not None
    assert [post.progress for post in told.posts] == ["resolved", "monitoring", "investigating"]
    assert (told.progress, told.resolved_at) == ("resolved", ago(minutes=6))
    written = Post("inc-1", ago(minutes=5), "resolved", "The cable is mended.", "anna")
    told = rules.incident(over, [spell], [written], by_itself=True)
    assert told is not None
    assert [post.text for post in told.posts if post.progress == "resolved"] == ["The cable is mended."]


def test_the_whole_is_as_bad_as_its_worst() -> None:
    def whole(*spells: Spell) -> str:
        shown = [rules.component(name, spells, False, [], SINCE, NOW) for name in ("Shop", "Search")]
        return rules.page("Shop", "", shown, [], [], NOW, by_mail=False).sentence

    assert whole() == "Everything works."
    assert whole(Spell("Shop", "degraded", ago(minutes=1), None)) == "Some of it works badly."
    shop_out, search_out = (Spell(name, "outage", ago(minutes=1), None) for name in ("Shop", "Search"))
    assert whole(shop_out) == "Some of it does not work."
    assert whole(shop_out, search_out) == "Nothing works."
