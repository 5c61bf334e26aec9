"""Which reading decides which threshold of the book, and what is said where none does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.book.model import Book, Metric, Threshold
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Bindings, Estate, SignalConfig
from watchkeeper.plugins.heartbeat.probe import HeartbeatProbe


def threshold(subject: str, op: Any = ">", value: float | None = 5.0, **more: Any) -> Threshold:
    return Threshold(line=more.pop("line", 7), role=more.pop("role", "alert"), subject=subject, op=op, value=value, **more)


def down(subject: str, state: str = "down") -> Threshold:
    return threshold(subject, "is", None, state=state)


def signal(name: str, metrics: dict[str, str], component: str | None = None) -> SignalConfig:
    return SignalConfig(name=name, kind="http", line=3, component=component, metrics=metrics)


def bound(thresholds: list[Threshold], *signals: SignalConfig, **more: Any) -> Bindings:
    estate = Estate(Path("/shop/watchkeeper.toml"), "shop", Path("/shop/runbook.md"), signals={s.name: s for s in signals})
    return bind(Book(title="Shop", service="shop", thresholds=tuple(thresholds), **more), estate)


@pytest.mark.parametrize(
    ("subject", "metric"),
    [
        ("Error rate", "error rate"),
        ("Error-Rates", "error rate"),
        ("Rate of errors", "errors rate"),
        ("Current error rate", "Error rate"),
        ("CPU", "CPU usage"),
        ("Shop response time", "response time"),
        ("p95 response time", "Response time (p95)"),
    ],
)
def test_words_match_whatever_their_case_order_and_plural(subject: str, metric: str) -> None:
    found = bound([threshold(subject)], signal("shop", {metric: "seconds"}, "Shop"))
    assert [item.reading for item in found.bound] == ["seconds"]
    assert f"{metric!r} of the signal shop (line 3)" in found.bound[0].because


@pytest.mark.parametrize(
    ("subject", "metric"),
    [("Database response time", "response time"), ("Memory", "Redis memory"), ("Queue", "Queue age"), ("PostgreSQL", "Redis")],
)
def test_words_that_name_something_else_do_not_match(subject: str, metric: str) -> None:
    found = bound([threshold(subject)], signal("shop", {metric: "seconds"}, "Shop"))
    assert not found.bound
    assert found.unbound[0].sentence.startswith(f"No signal has a metric named {subject!r}.")
    assert f'Write "{subject}" = "<reading>"' in found.unbound[0].sentence


def test_the_nearest_metric_is_named() -> None:
    found = bound([threshold("Database response time")], signal("shop", {"response time": "seconds"}))
    assert "The nearest is 'response time' of the signal shop." in found.unbound[0].sentence


def test_the_canonical_metric_binds_where_the_file_names_it_exactly() -> None:
    one = threshold("Messages waiting", metric="queue_length")
    assert bound([one], signal("queue", {"queue_length": "list_a"})).bound[0].reading == "list_a"
    assert not bound([one], signal("queue", {"queue length": "list_a"})).bound


def test_the_books_own_words_win_over_the_canonical_metric() -> None:
    one = threshold("Mail queue", metric="queue_length")
    found = bound([one], signal("a", {"queue_length": "list_all"}), signal("b", {"mail queues": "list_mail"}))
    assert found.bound[0].reading == "list_mail"


def test_two_readings_that_fit_alike_are_told_apart_by_component_or_not_at_all() -> None:
    two = [signal("a", {"memory": "x"}, "Redis"), signal("b", {"memory": "y"}, "Shop")]
    assert bound([threshold("Redis memory")], *two).bound[0].signal == "a"
    found = bound([threshold("Memory")], *two)
    assert found.unbound[0].sentence.startswith("More than one reading fits 'Memory': 'memory' of the signal a and 'memory' of")


def test_a_statistic_chooses_its_own_reading() -> None:
    metrics = {"response time": "plain", "response time p95": "p95", "response time p99": "p99"}
    found = bound([threshold("Response time", statistic=s) for s in ("p95", "p99", None)], signal("shop", metrics))
    assert [item.reading for item in found.bound] == ["p95", "p99", "plain"]
    only = bound([threshold("Response time", statistic="p95")], signal("shop", {"response time p99": "p99"}))
    assert not only.bound


def test_a_state_binds_to_its_mapping_and_else_to_the_signal_of_its_component() -> None:
    assert bound([down("Shop is down")], signal("a", {"Shop": "up"})).bound[0].reading == "up"
    assert bound([down("Backup failed", "failed")], signal("a", {"backup failed": "exit"})).bound[0].reading == "exit"
    implied = bound([down("The workers are down")], signal("a", {}, "Workers"))
    assert implied.bound[0].because == "The state of 'Workers' is the reading 'up' of its signal a (line 3)."
    assert not bound([down("Workers degraded", "degraded")], signal("a", {}, "Workers")).bound
    assert not bound([down("Database is down")], signal("a", {}, "Database replica")).bound


def test_states_that_the_book_tells_apart_are_each_their_own_reading() -> None:
    job = SignalConfig("backup", "heartbeat", 3, "Backup", states=HeartbeatProbe.states)
    failed, missing = down("Backup failed", "failed"), down("Backup missing", "missing")
    both = bound([failed, missing], job)
    assert [item.reading for item in both.bound] == ["run_ok", "time_ok"]
    assert both.bound[1].because.endswith("Its states are told apart: 'missing' is 'time_ok'.")
    for alone in (failed, missing):
        assert [item.reading for item in bound([alone], job).bound] == ["up"], "alone it is bad for either"
    mapped = replace(job, metrics={"Backup": "up"})
    assert [item.reading for item in bound([failed, missing], mapped).bound] == ["run_ok", "time_ok"]
    own = replace(job, metrics={"Backup failed": "up", "Backup": "up"})
    assert [item.reading for item in bound([failed, missing], own).bound] == ["up", "up"]


def test_warning_and_critical_bind_to_the_same_reading_under_keys_of_their_own() -> None:
    both = [threshold("Queue length", value=50.0, severity="SEV3"), threshold("Queue length", value=500.0, severity="SEV2")]
    found = bound([*both, both[0]], signal("queue", {"queue length": "list_a"}))
    assert [item.key for item in found.bound] == [
        "queue-length-above-50-sev3",
        "queue-length-above-500-sev2",
        "queue-length-above-50-sev3-2",
    ]


@pytest.mark.parametrize(
    ("reading", "unit", "factor"),
    [
        ("connections_percent", "percent", 1.0),
        ("ratio(a, b)", "percent", 100.0),
        ("rate(a_total[1m])", "per_minute", 60.0),
        ("seconds", "days", 1 / 86_400),
        ("list_a", "count", 1.0),
        ("value", "bytes", 1.0),
    ],
)
def test_readings_are_brought_to_the_books_unit(reading: str, unit: str, factor: float) -> None:
    found = bound([threshold("x", unit=unit)], signal("a", {"x": reading}))
    assert found.bound[0].factor == pytest.approx(factor)


def test_a_reading_in_a_unit_that_cannot_fit_is_not_bound() -> None:
    found = bound([threshold("Memory", unit="percent")], signal("a", {"memory": "memory_bytes"}))
    assert not found.bound
    assert "gives bytes. Map it to a reading in percent." in found.unbound[0].sentence


def test_members_of_an_and_group_know_each_other_and_half_a_group_decides_nothing() -> None:
    cpu, memory = (threshold(s, group="g", group_by="and") for s in ("CPU", "Memory"))
    whole = bound([cpu, memory], signal("a", {"cpu": "x", "memory": "y"}))
    assert [item.together_with for item in whole.bound] == [(whole.bound[1].key,), (whole.bound[0].key,)]
    half = bound([cpu, memory], signal("a", {"cpu": "x"}))
    assert not half.bound
    assert len(half.unbound) == 2


def test_objectives_are_not_bound_and_metrics_that_nothing_speaks_of_are_named() -> None:
    book = [threshold("Error rate", role="objective")]
    metrics = {"error rate": "a", "latency": "b", "sales": "c"}
    found = bound(book, signal("shop", metrics), metrics=(Metric(line=3, subject="Sales"),))
    assert not found.bound
    assert not found.unbound
    assert [(name, metric) for name, metric, _, _ in found.unused] == [("shop", "latency")]
    assert found.unused[0][3] == "/shop/watchkeeper.toml:3: no threshold of the book speaks of 'latency', so nothing fires on it."


DISK = {"disk_usage": ("disk_percent", "disk_bytes"), "disk_usage:low": ("disk_free_percent", "disk_free_bytes")}
MEMORY = {"memory_usage": ("memory_percent", "memory_bytes")}


def kind(name: str, known: dict[str, tuple[str, ...]], component: str | None = None, general: bool = False) -> SignalConfig:
    return SignalConfig(name, name, 3, component, known=known, general=general, readings=frozenset(sum(known.values(), ())))


def of_metric(subject: str, metric: str, op: Any = ">", **more: Any) -> Threshold:
    return threshold(subject, op, 80.0, metric=metric, unit=more.pop("unit", "percent"), **more)


@pytest.mark.parametrize(
    ("subject", "op", "unit", "reading"),
    [
        ("Disk usage", ">", "percent", "disk_percent"),
        ("Disk", ">", "bytes", "disk_bytes"),
        ("Free disk space", "<", "percent", "disk_free_percent"),
        ("Disk space free", "<", "bytes", "disk_free_bytes"),
    ],
)
def test_a_kind_knows_its_own_metrics_in_each_unit_and_on_each_side(subject: str, op: Any, unit: str, reading: str) -> None:
    found = bound([of_metric(subject, "disk_usage", op, unit=unit)], kind("host", DISK, general=True))
    assert [item.reading for item in found.bound] == [reading]
    assert "is disk_usage, which is a host signal's own reading" in found.bound[0].because


def test_what_names_a_component_is_that_components_and_what_names_none_the_hosts() -> None:
    host, cache = kind("host", MEMORY, general=True), kind("redis", MEMORY, "Session cache")
    found = bound([of_metric("Memory usage", "memory_usage"), of_metric("Redis memory", "memory_usage")], host, cache)
    assert [item.signal for item in found.bound] == ["host", "redis"]
    other = bound([of_metric("Elasticsearch memory", "memory_usage")], host, cache)
    assert not other.bound


def test_an_owners_word_goes_before_what_the_kind_knows() -> None:
    own = SignalConfig("shop", "command", 3, metrics={"Disk usage": "value"})
    found = bound([of_metric("Disk usage", "disk_usage")], kind("host", DISK, general=True), own)
    assert [item.signal for item in found.bound] == ["shop"]


def test_two_hosts_without_a_name_in_the_book_are_not_guessed_between() -> None:
    one, two = (kind(name, DISK, general=True) for name in ("web-1", "web-2"))
    found = bound([of_metric("Disk usage", "disk_usage")], one, two)
    assert not found.bound
    assert found.unbound[0].sentence.startswith("More than one reading fits 'Disk usage'")


def test_a_statistic_of_the_book_is_taken_over_single_readings_and_never_over_an_owners_expression() -> None:
    slow = of_metric("Response time", "response_time", unit="seconds", statistic="p95", for_s=300.0)
    single = kind("web", {"response_time": ("seconds",)})
    assert [item.window_s for item in bound([slow], single).bound] == [300.0]
    counted = kind("log", {"response_time": ("latency_p95_seconds",)})
    assert [item.window_s for item in bound([slow], counted).bound] == [None], "a percentile by its name is taken already"
    own = SignalConfig("web", "prometheus", 3, metrics={"response time": "quantile(0.95, rate(x_bucket[5m]))"})
    assert [item.window_s for item in bound([slow], own).bound] == [None]
