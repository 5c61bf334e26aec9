"""What a report changes: the same twice is one, what is over stays over, and nothing that fires is taken for over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.alert.hearing import group_of, hear, route_of, since
from watchkeeper.alert.model import Known, Named, Report
from watchkeeper.alert.naming import Names, split
from watchkeeper.book.model import Book, Component, Dependency, Severity, Threshold
from watchkeeper.estate.model import Bindings, Bound, Hook, Route, Unbound

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def report(status: Any = "firing", **more: Any) -> Report:
    return Report("a", "InstanceDown", status, "It is down", **more)


def known(status: str, began: float = -10, said: float = -10, heard: float = -10) -> Known:
    return Known("prom:a", status, at(began), at(said), at(heard), "alt-1")


@pytest.mark.parametrize(
    ("said", "before", "move"),
    [
        # Alertmanager's kind: each report says when its episode began
        (report(began_at=at(-1), at=at(-1)), None, "open"),
        (report(began_at=at(-10), at=at(-10)), known("firing"), "again"),
        (report(began_at=at(-1), at=at(-1)), known("resolved"), "open"),
        (report(began_at=at(-10), at=at(-10)), known("resolved", said=-1, heard=-1), "old"),
        (report(began_at=at(-10), at=at(-10)), known("resolved", said=-5, heard=-5), "open"),
        (report(began_at=at(-20), at=at(-20)), known("resolved", said=-5, heard=-5), "old"),
        (report("resolved", began_at=at(-10), at=at(-1)), known("firing"), "end"),
        (report("resolved", began_at=at(-20), at=at(-15)), known("firing"), "old"),
        (report("resolved", began_at=at(-10), at=at(-1)), known("resolved", said=-1), "old"),
        (report("resolved", began_at=at(-10), at=at(-1)), None, "unheard"),
        # the others: each report has the instant of its own event, or none
        (report(at=at(-20)), known("resolved", said=-5), "old"),
        (report(at=at(-1)), known("resolved", said=-5), "open"),
        (report(), known("resolved", said=-5), "open"),
        (report("resolved", at=at(-20)), known("firing"), "old"),
        (report("resolved"), known("firing"), "end"),
        (report("resolved"), known("blind"), "end"),
        (report("blind"), known("firing"), "blind"),
        (report("blind"), None, "open"),
        (report(), known("blind"), "again"),
        (report("acknowledged"), known("firing"), "acknowledged"),
        (report("acknowledged"), None, "acknowledged"),
    ],
)
def test_what_a_report_changes(said: Report, before: Known | None, move: str) -> None:
    assert hear(said, before, NOW).move == move


STATES = st.sampled_from(["firing", "resolved", "blind"])
TIMES = st.none() | st.integers(-100, 100).map(at)


@given(st.lists(st.tuples(STATES, TIMES, TIMES), max_size=8))
def test_what_fires_last_is_never_over_and_twice_is_once(sent: list[tuple[Any, Any, Any]]) -> None:
    """With reports in any order, each taken again at once changes nothing more."""
    before: Known | None = None
    for n, (status, began, said) in enumerate(sent):
        now = at(200 + n)
        heard = hear(report(status, began_at=began, at=said), before, now)
        before = Known("k", heard.status, heard.began_at, heard.at, now, "alt-1")
        again = hear(report(status, began_at=began, at=said), before, now)
        assert again.status == heard.status
        assert again.move != "end"
        assert again.move != "open" or heard.move == "old"
    heard = hear(report(at=None, began_at=None), before, at(400))
    assert heard.status == "firing"


def test_a_clock_that_is_wrong_is_not_believed() -> None:
    ahead = hear(report(began_at=at(90), at=at(90)), None, NOW)
    long_ago = hear(report(began_at=at(-60 * 24 * 400), at=NOW), None, NOW)
    assert since(ahead, NOW) == since(long_ago, NOW) == NOW
    assert since(hear(report(began_at=at(-3), at=at(-3)), None, NOW), NOW) == at(-3)


def test_groups() -> None:
    said = report(labels={"switch": "sw1", "host": "a"}, group="{}/{sw}")
    assert group_of(said, Hook("prom", "alertmanager")) == "prom:{}/{sw}"
    assert group_of(said, Hook("prom", "alertmanager", group_by=("switch", "row"))) == "prom:switch=sw1/row="
    assert group_of(report(), Hook("prom", "alertmanager")) == "prom:InstanceDown"


def threshold(subject: str, severity: str | None, state: str | None = None, line: int = 9) -> Threshold:
    if state:
        return Threshold(line=line, role="alert", subject=subject, op="is", state=state, severity=severity)
    return Threshold(line=line, role="alert", subject=subject, op=">", value=5, unit="percent", severity=severity)


BOOK = Book(
    title="Shop", service="shop", digest="d",
    severities=(Severity(line=1, code="P1", name="Critical"), Severity(line=2, code="P2", name="High")),
    components=(Component(line=3, name="Database", technology="PostgreSQL 15"),
                Component(line=4, name="Cache", technology="Redis 7")),
    dependencies=(Dependency(line=5, source="Shop application", needs="Database"),),
)  # fmt: skip
NAMES = Names(
    BOOK,
    Bindings(
        bound=(Bound("db-down", threshold("Database", "P1", "down"), "db", "up", "Database", ""),),
        unbound=(
            Unbound("errors", threshold("Error rate > 5%", "P2"), ""),
            Unbound("disk-1", threshold("Disk usage", "P1", line=11), ""),
            Unbound("disk-2", threshold("Disk usage", "P2", line=12), ""),
        ),
    ),
)
PROM = Hook("prom", "alertmanager", component_labels=("service", "job"), alerts={"PgGone": "Database down", "Odd": "Not there"})


def named(name: str, severity: str | None = None, **labels: str) -> Named:
    return NAMES.find(Report("a", name, "firing", "x", severity=severity, labels=labels), PROM)


def test_the_names_of_the_book_are_found_in_those_of_others() -> None:
    found = named("DatabaseDown", "page")
    assert (found.threshold, found.component, found.severity, found.subject) == ("db-down", "Database", "P1", "Database")
    assert found.sentence == "The book's “Database” (line 9) gives it P1."
    assert named("HighErrorRate").threshold == "errors"
    assert named("PgGone").threshold == "db-down"
    assert named("DiskUsageHigh").threshold is None
    assert named("DiskUsageHigh", "critical").threshold == "disk-1"
    assert "“Not there”, which the book does not have" in named("Odd").sentence


def test_components_are_found_by_label_and_by_name() -> None:
    assert named("Latency", service="shop-application").component == "Shop application"
    assert named("RedisMemoryHigh").component == "Cache"
    assert named("PostgresqlTooManyConnections").component == "Database"
    assert named("InstanceDown", job="node").component is None
    assert named("InstanceDown", service="shop-application-blackbox-probe-of-the-edge").component is None
    fixed = Hook("kuma", "uptime-kuma", component="Cache")
    assert NAMES.find(report(), fixed).component == "Cache"


def test_severities_are_the_books_or_the_senders_own_word_and_it_is_said() -> None:
    assert named("X", "critical").severity == "P1"
    found = named("X", "page")
    assert (found.severity, found.sentence) == ("page", "prom calls it “page”, a severity that the book does not define.")
    assert named("X").severity is None
    assert named("X").sentence == "prom gives it no severity, and neither does the book."


def test_names_are_split() -> None:
    assert [split(each) for each in ("KubePodCrashLooping", "node_disk-full", "HTTPErrors")] == [
        "Kube Pod Crash Looping", "node disk full", "HTTP Errors",
    ]  # fmt: skip


def test_the_first_route_that_fits_is_taken() -> None:
    routes = [
        Route("web", 1, ("anna",), labels={"team": "web"}, severity="p1"),
        Route("db", 2, ("ben",), component="the database"),
        Route("prom", 3, ("ops",), hook="prom"),
        Route("rest", 4, ("all",)),
    ]
    said, database = report(labels={"team": "Web"}), Named("Database", "Database", "P2", None, "")
    assert route_of(Named("X", None, "P1", None, ""), said, "prom", routes) == "web"
    assert route_of(Named("X", None, "P2", None, ""), said, "prom", routes) == "prom"
    assert route_of(database, None, None, routes) == "db"
    assert route_of(Named("X", None, None, None, ""), None, None, routes) == "rest"
    assert route_of(Named("X", None, None, None, ""), None, None, routes[:3]) is None
