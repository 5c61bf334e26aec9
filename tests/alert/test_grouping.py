"""One incident a cause: which alert explains which, who waits, and that none is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.alert.graph import Graph
from watchkeeper.alert.model import Alert, Grouping, OpenIncident
from watchkeeper.alert.rules import LONGEST_WAIT, Scene, group, keys_to_watch
from watchkeeper.book.model import Component, Dependency, Threshold
from watchkeeper.estate.model import Bindings, Bound, Budget
from watchkeeper.watch.model import Standing

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
DIAGRAM = [("Load balancer", "Shop application"), ("Shop application", "PostgreSQL database"), ("Shop application", "Cache"),
           ("Workers", "PostgreSQL database"), ("Workers", "Cache")]  # fmt: skip
SUBJECTS = {
    "lb": "load balancer",
    "shop": "Shop application",
    "db": "database",
    "cache": "cache",
    "workers": "worker",
    "dns": "DNS",
}


def graph(*arrows: tuple[str, str]) -> Graph:
    return Graph([Dependency(line=n, source=a, needs=b) for n, (a, b) in enumerate(arrows or DIAGRAM, 1)])


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def alert(key: str, fired: float = -5, *, breached: float | None = None, ended: float | None = None, incident: str | None = None,
          component: str | None = "") -> Alert:  # fmt: skip
    where = SUBJECTS.get(key, key) if component == "" else component
    begun = NOW + seconds(fired - 10 if breached is None else breached)
    return Alert(f"alt-{key}", key, key, where, None, begun, NOW + seconds(fired),
                 None if ended is None else NOW + seconds(ended), 0.0, f"{key} is red.", incident)  # fmt: skip


def bound(key: str, for_s: float = 10) -> Bound:
    threshold = Threshold(line=1, role="alert", subject=key, op="is", state="down", for_s=for_s)
    return Bound(key, threshold, f"{key}-signal", "up", SUBJECTS.get(key), "")


def pending(key: str, since: float) -> dict[str, Standing]:
    return {key: Standing(key, "pending", NOW + seconds(since), NOW + seconds(since), 0.0, NOW, "")}


def look(waiting: list[Alert], *, others: list[Alert] | None = None, incidents: list[OpenIncident] | None = None,
         standings: dict[str, Standing] | None = None, arrows: list[tuple[str, str]] | None = None, wait: float = 1,
         now: datetime = NOW) -> dict[str, Grouping]:  # fmt: skip
    bindings = Bindings(tuple(bound(key) for key in SUBJECTS))
    scene = Scene(
        waiting, [*waiting, *(others or [])], incidents or [], standings or {}, bindings, graph(*(arrows or ())), now, wait
    )
    groupings = group(scene)
    assert [g.alert_id for g in groupings] == [a.id for a in sorted(waiting, key=lambda a: (a.fired_at, a.id))]
    assert all(g.sentence.endswith(".") for g in groupings)
    return {g.alert_id.removeprefix("alt-"): g for g in groupings}


def test_an_alert_alone_opens_an_incident_for_its_component() -> None:
    found = look([alert("shop")])["shop"]
    assert (found.move, found.cause, found.explained_by) == ("open", "Shop application", None)
    assert "nothing that Shop application depends on is red" in found.sentence


def test_dependents_follow_the_deepest_red_component_in_one_round() -> None:
    found = look([alert("lb"), alert("shop"), alert("db"), alert("workers")])
    assert [key for key, g in found.items() if g.move == "open"] == ["db"]
    assert {key: (g.move, g.leader, g.explained_by) for key, g in found.items() if key != "db"} == {
        "lb": ("join", "alt-db", "database"), "shop": ("join", "alt-db", "database"), "workers": ("join", "alt-db", "database"),
    }  # fmt: skip


def test_independent_components_get_incidents_of_their_own() -> None:
    found = look([alert("db"), alert("cache"), alert("dns")])
    assert {key: (g.move, g.cause) for key, g in found.items()} == {
        "db": ("open", "database"), "cache": ("open", "cache"), "dns": ("open", "DNS"),
    }  # fmt: skip


def test_with_two_red_dependencies_the_one_that_broke_first_explains() -> None:
    found = look([alert("shop"), alert("db", breached=-20), alert("cache", breached=-30)])
    assert found["shop"].explained_by == "cache"


def test_a_pending_dependency_is_waited_for_as_long_as_it_can_still_fire_in_time() -> None:
    found = look([alert("shop", -2)], standings=pending("db", -6))["shop"]
    assert found.move == "wait"
    assert (
        found.sentence == "database, on which Shop application depends, is breached too and may explain it; waiting at most 9 s."
    )
    assert look([alert("shop", -16)], standings=pending("db", -12))["shop"].move == "open"
    assert look([alert("shop", -14)], standings=pending("db", -1))["shop"].move == "open", "it could not fire in time"


def test_a_figure_of_what_may_be_down_waits_until_that_is_clear_and_its_being_down_does_not() -> None:
    down = bound("shop")
    errors = replace(down, key="errors", threshold=replace(down.threshold, subject="errors", op=">", state=None, value=5.0))
    burning = replace(
        down, key="burning", threshold=replace(down.threshold, subject="Budget"), budget=Budget(0.001, "up", 86400.0)
    )
    bindings = Bindings((down, errors, burning))
    budget = alert("burning", -2, component="Shop application")
    assert group(Scene([budget], [budget], [], pending("shop", -6), bindings, graph(), NOW, 1))[0].move == "wait"
    figure = alert("errors", -2, component="Shop application")
    scene = Scene([figure], [figure], [], pending("shop", -6), bindings, graph(), NOW, 1)
    (found,) = group(scene)
    assert found.move == "wait"
    assert found.sentence == "Shop application itself may be down and may explain it; waiting at most 9 s."
    late = [alert(key, -14, component="Shop application") for key in ("errors", "burning")]
    moves = [group(Scene([each], [each], [], pending("shop", -1), bindings, graph(), NOW, 1))[0].move for each in late]
    assert moves == ["open", "wait"], "a budget waits longer: it counts what has been"
    spent = alert("burning", -60, component="Shop application")
    assert group(Scene([spent], [spent], [], pending("shop", -1), bindings, graph(), NOW, 1))[0].move == "open"
    gone = {"shop": replace(scene.standings["shop"], state="ok", breached_since=None)}
    assert group(replace(scene, standings=gone))[0].move == "open"
    (being_down,) = group(replace(scene, waiting=[alert("shop", -2)], standings=pending("errors", -6)))
    assert being_down.move == "open"


def test_what_is_pending_above_is_not_waited_for() -> None:
    assert look([alert("db")], standings=pending("shop", -6))["db"].move == "open"


def test_a_fresh_alert_waits_for_the_others() -> None:
    found = look([alert("shop", -0.25)])["shop"]
    assert (found.move, found.sentence) == ("wait", "Waiting 750 ms for an alert that may explain shop.")


def test_a_cause_that_fires_right_after_its_symptom_leads_its_incident() -> None:
    found = look([alert("shop", -1.5), alert("db", -0.2)])
    assert (found["db"].move, found["db"].cause) == ("open", "database")
    assert (found["shop"].move, found["shop"].leader, found["shop"].explained_by) == ("join", "alt-db", "database")
    together = look([alert("shop", -0.5), alert("db", -0.2)])
    assert {grouping.move for grouping in together.values()} == {"wait"}


def test_an_alert_on_the_same_component_joins_at_once() -> None:
    members = (alert("shop", -60, incident="inc-1"),)
    found = look(
        [alert("errors", -0.1, component="shop application")], incidents=[OpenIncident("inc-1", "Shop application", members)]
    )
    assert (found["errors"].move, found["errors"].incident_id, found["errors"].explained_by) == ("join", "inc-1", None)


def test_a_dependent_joins_the_incident_of_its_cause() -> None:
    db = alert("db", -60, incident="inc-1")
    found = look([alert("shop", -1)], others=[db], incidents=[OpenIncident("inc-1", "database", (db,))])["shop"]
    assert (found.move, found.incident_id, found.explained_by) == ("join", "inc-1", "database")
    assert found.sentence == "shop is explained by database, which Shop application depends on; it joins that incident."


def test_a_deeper_cause_that_comes_later_takes_the_incident_over() -> None:
    shop = alert("shop", -60, incident="inc-1")
    found = look([alert("db")], others=[shop], incidents=[OpenIncident("inc-1", "Shop application", (shop,))])["db"]
    assert (found.move, found.incident_id, found.cause, found.new_cause) == ("join", "inc-1", "database", True)
    assert found.sentence == "Shop application depends on database, which is red too: database is now taken for the cause."


def test_what_fires_together_with_a_deeper_cause_joins_the_incident_that_it_takes_over() -> None:
    shop = alert("shop", -60, incident="inc-1")
    incident = OpenIncident("inc-1", "Shop application", (shop,))
    found = look([alert("lb", -2), alert("db", -1)], others=[shop], incidents=[incident])
    assert (found["db"].incident_id, found["db"].new_cause) == ("inc-1", True)
    assert (found["lb"].move, found["lb"].incident_id, found["lb"].cause, found["lb"].new_cause) == (
        "join", "inc-1", "database", False,
    )  # fmt: skip


def test_a_breach_that_began_while_the_cause_was_red_joins_it_though_the_cause_is_healthy_again() -> None:
    db = alert("db", -60, breached=-70, ended=-20, incident="inc-1")
    incident = OpenIncident("inc-1", "database", (db,))
    assert look([alert("shop", -2, breached=-30)], incidents=[incident])["shop"].incident_id == "inc-1"
    assert look([alert("shop", -2, breached=-10)], incidents=[incident])["shop"].move == "open"


def test_a_member_that_turns_red_again_rejoins() -> None:
    db = alert("db", -60, breached=-70, ended=-40, incident="inc-1")
    before = alert("shop", -60, breached=-70, ended=-30, incident="inc-1")
    again = Alert("alt-again", "shop", "shop", "Shop application", None, NOW - seconds(8), NOW - seconds(2), None, 0.0, "")
    found = look([again], incidents=[OpenIncident("inc-1", "database", (db, before))])["again"]  # fmt: skip
    assert (found.move, found.incident_id, found.explained_by) == ("join", "inc-1", "database")


def test_components_that_need_each_other_make_one_incident() -> None:
    ring = [("a", "b"), ("b", "c"), ("c", "a")]
    found = look([alert("a", breached=-30), alert("b", breached=-40), alert("c", breached=-20)], arrows=ring)
    assert {g.cause for g in found.values()} == {"b"}
    assert sorted(g.move for g in found.values()) == ["join", "join", "open"]


def test_alerts_without_a_component_meet_by_their_signal_only() -> None:
    found = look([alert("db", component=None), alert("stray", component=None)])
    assert {g.move for g in found.values()} == {"open"}
    assert found["stray"].sentence == "stray belongs to no component; it is taken for a cause of its own."


def test_a_technology_is_another_name_of_its_component() -> None:
    dependencies = [Dependency(line=1, source="Shop", needs="Database")]
    known = Graph(dependencies, [Component(line=2, name="Database", technology="PostgreSQL 15")])
    assert known.place("PostgreSQL") == known.place("database") == "database"
    assert known.place("shop database") == "database"
    assert Graph(dependencies).place("PostgreSQL") == "postgresql"


def test_a_name_that_could_be_two_parts_is_a_place_of_its_own() -> None:
    assert graph(("Shop application", "Shop database")).place("shop") == "shop"


def test_a_blind_signal_is_over_when_all_it_decides_is_healthy() -> None:
    bindings = Bindings((bound("shop"), bound("db")))
    blind = alert("blind:shop-signal")
    assert keys_to_watch([blind, alert("db")], bindings) == ("shop", "db")


names = st.sampled_from([*SUBJECTS, "a", "b", "c"])
arrows = st.lists(st.tuples(names, names), max_size=12)
times = st.floats(-30, 0)


@settings(max_examples=150, deadline=None)
@given(arrows, st.lists(st.tuples(names, times), unique_by=lambda a: a[0], max_size=8), st.lists(names, max_size=3, unique=True),
       st.lists(st.tuples(names, times), max_size=4))  # fmt: skip
def test_no_alert_is_lost_and_none_waits_for_ever(
    drawn: list[tuple[str, str]], fired: list[tuple[str, float]], open_causes: list[str], unripe: list[tuple[str, float]]
) -> None:
    waiting = [alert(key, at, component=key) for key, at in fired]
    incidents = [
        OpenIncident(f"inc-{key}", key, (alert(f"old-{key}", -60, incident=f"inc-{key}", component=key),)) for key in open_causes
    ]
    standings = {key: standing for name, at in unripe for key, standing in pending(name, at).items()}
    diagram = drawn or [("x", "y")]
    found = look(
        waiting, incidents=incidents, standings=standings, arrows=diagram, others=[a for i in incidents for a in i.alerts]
    )
    assert set(found) == {key for key, _ in fired}
    for grouping in found.values():
        assert grouping.move in ("open", "join", "wait")
        if grouping.move == "join":
            joined = grouping.incident_id is not None
            assert joined != (grouping.leader is not None)
            if grouping.leader:
                assert next(g for g in found.values() if g.alert_id == grouping.leader).move == "open"
    later = look(waiting, incidents=incidents, standings=standings, arrows=diagram, now=NOW + LONGEST_WAIT)
    assert "wait" not in {g.move for g in later.values()}


def test_a_budget_that_still_counts_the_past_holds_no_incident_open_but_one_of_its_own() -> None:
    bindings = Bindings((replace(bound("cache"), budget=Budget(0.01, "up", 3600.0)), bound("shop")))
    assert keys_to_watch([alert("cache"), alert("shop")], bindings) == ("shop",)
    assert keys_to_watch([alert("cache")], bindings) == ("cache",)
