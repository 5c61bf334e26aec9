"""What `init` proposes comes from the classes of the signals themselves, so that a new kind is proposed without a line here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from watchkeeper.book.model import Book, Component, Metric, Threshold
from watchkeeper.book.reader import read_book
from watchkeeper.estate import plugins
from watchkeeper.estate.bind import asked_of, bind
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.init import annotated_toml, signal_lines, variable_lines
from watchkeeper.estate.offers import Offer, candidates, evidence, offer_of, offers
from watchkeeper.estate.proposals import Proposal, propose

ESTATES = sorted(runbook.parent for runbook in (Path(__file__).parents[2] / "estates").glob("*/runbook.md"))


class FlockProbe:
    """A kind that nobody has heard of before."""

    readings: ClassVar[Mapping[str, str]] = {"up": "1 or 0", "cpu_percent": "…", "wing_percent": "…", "*": "…"}
    options: ClassVar[Mapping[str, str]] = {"address": "where the flock is", "feathers": "how many"}
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"cpu_usage": ("cpu_percent",), "usage": ("wing_percent",)}
    examples: ClassVar[Mapping[str, tuple[str, str]]] = {"order_rate": ("eggs_per_hour", 'eggs = "SELECT 1"')}
    called: ClassVar[tuple[str, ...]] = ("geese",)
    speaks: ClassVar[str] = "honk"


def asked(subject: str, metric: str | None = None, **more: object) -> Threshold:
    values: dict[str, object] = {"role": "alert", "op": ">", "value": 5.0, "unit": "percent", **more}
    return Threshold(line=1, subject=subject, metric=metric, **values)  # type: ignore[arg-type]


FLOCK = offer_of("flock", FlockProbe)
GEESE = frozenset({"geese"})


@pytest.mark.parametrize(
    ("wanted", "shown", "readings"),
    [
        (asked("CPU usage", "cpu_usage"), GEESE, ["cpu_percent"]),
        (asked("CPU usage of the geese", "cpu_usage"), frozenset(), ["cpu_percent"]),
        (asked("CPU usage", "cpu_usage"), frozenset(), ["cpu_percent"]),
        (asked("Usage of the pond", "usage"), GEESE, []),
        (asked("Usage of the geese", "usage"), frozenset(), ["wing_percent"]),
        (asked("CPU usage", "cpu_usage", op="<", role="objective"), GEESE, ["cpu_percent"]),
        (asked("CPU time", "cpu_usage", unit="bytes"), GEESE, []),
        (asked("Flock", op="is", value=None, state="down"), frozenset(), ["up"]),
        (asked("Pond", op="is", value=None, state="down"), GEESE, []),
        (asked("Orders", "order_rate", unit="per_hour"), frozenset(), ["eggs_per_hour"]),
        (asked("x", source="honk"), frozenset(), [""]),
        (Metric(line=1, subject="CPU usage of geese", metric="cpu_usage"), frozenset(), ["cpu_percent"]),
    ],
)
def test_a_kind_offers_what_its_class_says_where_the_book_shows_it(
    wanted: Threshold | Metric, shown: frozenset[str], readings: list[str]
) -> None:
    assert [each.reading for each in candidates(wanted, None, [FLOCK], shown)] == readings


def test_the_likeliest_kind_is_the_one_that_the_component_is_made_with() -> None:
    book = Book(
        title="Shop",
        service="shop",
        components=(
            Component(line=1, name="Database", technology="PostgreSQL 15"),
            Component(line=2, name="Queue", technology="Redis"),
        ),
        thresholds=(asked("Database connections", "database_connections"), asked("Queue length", "queue_length", unit="count")),
    )
    found, unread = propose(book, offers())
    assert [(each.kind, each.component, [line.reading for line in each.lines]) for each in found] == [
        ("postgres", "Database", ["connections_percent"]),
        ("redis", "Queue", ["list_celery"]),
    ]
    assert not unread


def test_every_kind_can_be_offered_and_names_readings_that_it_has() -> None:
    kinds = {each.kind for each in offers()}
    assert kinds <= set(plugins.names(plugins.SIGNALS))
    for offer in offers():
        named = {reading for readings in offer.known.values() for reading in readings}
        assert named <= offer.readings, f"{offer.kind} binds readings that it does not have: {sorted(named - offer.readings)}"


@pytest.mark.parametrize("folder", ESTATES, ids=lambda folder: folder.name)
def test_what_init_writes_for_an_estate_loads_and_binds_every_line_of_its_book(folder: Path, tmp_path: Path) -> None:
    runbook = folder / "runbook.md"
    book = read_book(runbook)
    text = annotated_toml(book, runbook)
    (tmp_path / "runbook.md").write_bytes(runbook.read_bytes())
    path = tmp_path / "watchkeeper.toml"
    path.write_text(text)
    names = {line.split(" = ")[0] for line in text.splitlines() if " = { env = " in line and not line.startswith("#")}
    estate = load_estate(path, dict.fromkeys(names, "http://127.0.0.1:1/long-enough"))
    bindings = bind(book, estate)
    assert [(each.threshold.line, each.sentence) for each in bindings.unbound] == []
    for each in bindings.waiting:
        assert f"line {each.threshold.line} of the book has an objective that no kind reads by itself" in text
    shown = {each.line for each in bindings.charted}
    for metric in book.metrics:
        assert metric.line in shown or f"line {metric.line} of the book has a metric that no kind reads" in text


def test_evidence_is_components_links_and_tools() -> None:
    found = evidence(read_book(ESTATES[0] / "runbook.md"))
    assert {"haproxy", "mysql", "prometheus"} <= found


@pytest.mark.parametrize("folder", ESTATES, ids=lambda folder: folder.name)
def test_each_signal_that_init_writes_can_be_built_once_its_variables_are_set(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "runbook.md").write_bytes((folder / "runbook.md").read_bytes())
    path = tmp_path / "watchkeeper.toml"
    path.write_text(annotated_toml(read_book(folder / "runbook.md"), folder / "runbook.md"))
    estate = load_estate(path, _filled(path.read_text()))
    bindings = bind(read_book(folder / "runbook.md"), estate)
    for signal in estate.signals.values():
        plugins.load(plugins.SIGNALS, signal.kind)(replace(signal, asked=asked_of(bindings, signal.name)), estate)


@pytest.mark.parametrize("offer", offers(), ids=lambda offer: offer.kind)
def test_a_proposal_of_each_kind_can_be_built_once_its_variables_are_set(offer: Offer, tmp_path: Path) -> None:
    proposal = Proposal(offer.kind.replace("_", "-"), offer.kind, None, offer)
    (tmp_path / "runbook.md").write_text("# Shop\n")
    path = tmp_path / "watchkeeper.toml"
    text = "\n".join([*variable_lines([proposal], set()), *signal_lines(proposal)])
    hook = '[hooks.alertmanager]\nkind = "alertmanager"\ntoken = "$HOOK_TOKEN"\n'
    token = 'HOOK_TOKEN = { env = "HOOK_TOKEN", secret = true }'
    path.write_text(f'[service]\nname = "shop"\nrunbook = "runbook.md"\n[variables]\n{token}\n{text}\n{hook}')
    estate = load_estate(path, _filled(path.read_text()))
    plugins.load(plugins.SIGNALS, offer.kind)(estate.signals[proposal.name], estate)


def _filled(text: str) -> dict[str, str]:
    """Give each variable of a written file a value that can be one of its kind."""
    names = re.findall(r"^(\w+) = \{ env = ", text, re.MULTILINE)
    known = {
        "BUSINESS_URL": "postgresql://shop@127.0.0.1:1/shop",
        "MYSQL_URL": "mysql://shop@127.0.0.1:1/shop", "SQL_URL": "postgresql://shop@127.0.0.1:1/shop", "_DSN": "host=127.0.0.1",
        "REDIS_URL": "redis://127.0.0.1:1/0", "BROKER": "redis://127.0.0.1:1/0",
        "ADDRESS": "127.0.0.1:1", "ICMP_HOST": "127.0.0.1", "_URL": "http://127.0.0.1:1/",
    }  # fmt: skip
    # two jobs never share a key
    return {name: next((v for end, v in known.items() if name.endswith(end)), f"long-enough-for-{name}") for name in names}


def test_figures_of_the_business_are_queries_of_one_signal_that_are_blind_until_somebody_writes_them(tmp_path: Path) -> None:
    book = Book(
        title="Shop",
        service="shop",
        components=(Component(line=1, name="Payments", technology="PostgreSQL 15"),),
        thresholds=(
            asked("Orders per hour", "order_rate", unit="per_hour", op="<"),
            asked("Conversion", "conversion_rate", op="<"),
            asked("Failed payments", "payment_failures", unit="per_hour"),
            asked("Pending payments", "queue_length", unit="count"),
            asked("Churn of subscriptions", "churn"),
            asked("Usage of rewards", "usage", op="<"),
            asked("Active users", "active_users", unit="count", op="<"),
        ),
        metrics=(Metric(line=2, subject="Comparisons made per hour"),),
    )
    text = annotated_toml(book, tmp_path / "runbook.md")
    (tmp_path / "runbook.md").write_text("# Shop\n")
    path = tmp_path / "watchkeeper.toml"
    path.write_text(text)
    estate = load_estate(path, _filled(text))
    found = bind(book, estate)
    assert [(item.signal, item.reading) for item in found.bound] == [
        ("business", "orders_per_hour"), ("business", "conversion_percent"), ("business", "payment_failures_per_hour"),
        ("business", "pending_payments"), ("business", "churn_percent"), ("business", "rewards_usage_percent"),
        ("business", "active_users"),
    ]  # fmt: skip
    assert [(each.signal, each.reading) for each in found.charted] == [("business", "comparisons_made_per_hour")]
    queries = estate.signals["business"].options["queries"]
    assert set(queries.values()) == {"select null"}, "nobody's tables are guessed, and what is not asked is not well"
    assert "SqlProbe" in type(plugins.load(plugins.SIGNALS, "sql")(estate.signals["business"], estate)).__name__
    assert text.count("# missing: your query, such as select ") == 8


def test_a_queue_of_other_things_is_no_payment() -> None:
    [first, *_] = candidates(asked("Pending jobs", "queue_length", unit="count"), None, offers(), frozenset({"redis"}))
    assert first.offer.kind != "sql"


def test_a_book_of_postgresql_is_offered_no_mysql() -> None:
    database = Component(line=1, name="Database", technology="PostgreSQL 15")
    errors = asked("Database connection errors", "connection_errors", unit="per_minute")
    for component, shown in ((database, frozenset[str]()), (None, frozenset({"psql"}))):
        assert [each.offer.kind for each in candidates(errors, component, offers(), shown)] == ["logs"]
    assert candidates(errors, None, offers(), frozenset({"mysql"}))[0].offer.kind == "mysql"


def test_a_share_of_requests_is_no_number_of_errors() -> None:
    metric = Metric(line=1, subject="Share of requests that fail (error rate)", metric="error_rate")
    assert candidates(metric, None, offers(), frozenset({"sentry"}))[0].reading.startswith("percent(")
