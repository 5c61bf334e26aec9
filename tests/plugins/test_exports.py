"""What is written for Prometheus, Alertmanager and Grafana is taken by their own programs, and says what the runbook says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need

from watchkeeper.base.yaml import comment, dump
from watchkeeper.book.model import Book, Threshold
from watchkeeper.book.reader import read_book
from watchkeeper.cli import execute
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Bindings, Bound, Budget, Estate, SignalConfig
from watchkeeper.plugins.alertmanager.routes import routes, waits_of
from watchkeeper.plugins.grafana import dashboards
from watchkeeper.plugins.prometheus.rule_files import RuleFile, rule_file
from watchkeeper.testing import book_from

SEEDS = sorted((Path(__file__).parents[2] / "estates").glob("*/runbook.md"))
RUNBOOK = Path("runbook.md")
SHOP = """
    # Shop

    ### Dependencies

    - Shop application → PostgreSQL
    - Workers → Redis

    ## Severities

    | Severity | Criteria | Response time |
    |----------|----------|---------------|
    | SEV1 | Customers are affected | 5 minutes |
    | SEV2 | Some are | 30 minutes |

    ## Escalation

    1. On-call engineer (immediately)
    2. Engineering lead (10 minutes)

    ## Alerts

    ### Critical alerts (SEV1)

    - Shop application is down for 12 seconds
    - PostgreSQL is down
    - average CPU > 80% for 5 minutes
    - p95 response time > 2 s

    ### Further alerts (SEV2)

    - CPU usage > 90% and memory usage > 85% for 10 minutes
    - moon phase > 3
    - Response time > 1.5 s

    ```yaml
    - alert: "Errors {{ $labels.x }}"
      expr: |
        sum(rate(http_requests_total{code=~"5.."}[5m]))
          / sum(rate(http_requests_total[5m])) > 0.05
      for: 90s
      labels:
        severity: SEV2
    - alert: Holes
      expr: up{job="<your-job>"} == 0
    ```
    """


def signal(name: str, kind: str, component: str, metrics: dict[str, str]) -> SignalConfig:
    known = frozenset(metrics.values())
    return SignalConfig(name, kind, 1, component=component, metrics=metrics, readings=known)


@pytest.fixture(scope="module")
def book() -> Book:
    return book_from(SHOP)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    signals = (
        signal("shop", "http", "Shop application", {"Shop application": "up", "response time": "seconds"}),
        signal("database", "postgres", "PostgreSQL", {"PostgreSQL": "up"}),
        signal("host", "host", "", {"CPU": "cpu_percent", "CPU usage": "cpu_percent", "memory usage": "memory_percent"}),
    )
    folder = tmp_path_factory.mktemp("estate")
    return Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", signals={each.name: each for each in signals})


@pytest.fixture(scope="module")
def bindings(book: Book, estate: Estate) -> Bindings:
    return bind(book, estate)


@pytest.fixture(scope="module")
def rules(book: Book, bindings: Bindings) -> RuleFile:
    return rule_file(book, bindings, "shop", RUNBOOK)


def whole(path: Path) -> tuple[Book, Bindings]:
    """Give a seed with every threshold of it bound, whatever decides it."""
    book = read_book(path)
    alerts = [threshold for threshold in book.thresholds if threshold.role == "alert"]
    bound = tuple(Bound(f"t-{number}", each, "any", "value", "Thing", "", 0.5) for number, each in enumerate(alerts))
    return book, Bindings(bound=bound)


def promtool(folder: Path, text: str) -> str:
    need(shutil.which("promtool") is not None, "promtool (Debian's prometheus)")
    path = folder / "rules.yml"
    path.write_text(text)
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + text
    return done.stdout


def amtool(folder: Path, text: str) -> str:
    need(shutil.which("amtool") is not None, "amtool (Debian's prometheus-alertmanager)")
    path = folder / "alertmanager.yml"
    path.write_text(text)
    done = subprocess.run(["amtool", "check-config", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + text
    return done.stdout


def named(rules: RuleFile, words: str) -> dict[str, Any]:
    (found,) = (rule for rule in rules.rules if words in rule["alert"])
    return found


def test_prometheus_takes_the_rules_of_a_book(tmp_path: Path, rules: RuleFile) -> None:
    assert f"SUCCESS: {len(rules.rules)} rules found" in promtool(tmp_path, rules.text)


def test_a_rule_says_what_the_book_says(rules: RuleFile, book: Book) -> None:
    down = named(rules, "ShopApplicationIsDown")
    assert down["expr"] == 'watchkeeper_signal_value{service="shop", signal="shop", reading="up"} == 0'
    assert (down["for"], down["labels"]["severity"], down["labels"]["component"]) == ("12s", "SEV1", "Shop application")
    line = next(each.line for each in book.thresholds if each.for_s == 12)
    assert down["annotations"]["runbook"] == f"runbook.md:{line}"
    slow = named(rules, "P95ResponseTime")
    assert slow["expr"].startswith("quantile_over_time(0.95, watchkeeper_signal_value{")
    assert "count_over_time(" in slow["expr"]
    assert "for" not in slow
    average = named(rules, "Avg")
    assert average["expr"].startswith("avg_over_time(")
    assert "offset 5m" in average["expr"]


def test_what_counts_only_together_is_one_expression(tmp_path: Path) -> None:
    bounds = tuple(
        Bound(
            name,
            Threshold(line=1, role="alert", subject=name, op=">", value=85.0, for_s=600),
            "host",
            name,
            None,
            "",
            1.0,
            (other,),
        )
        for name, other in (("cpu", "memory"), ("memory", "cpu"))
    )
    made = rule_file(Book(title=None, service=None), Bindings(bound=bounds), "shop", RUNBOOK)
    promtool(tmp_path, made.text)
    assert 'reading="cpu"} > 85) and on() (' in made.rules[0]["expr"]
    assert (made.rules[0]["for"], made.rules[0]["expr"].count("> 85")) == ("10m", 2)


@pytest.mark.parametrize("counts", ["up", "within", "share", "bad"])
def test_a_budget_is_its_burn_rates(tmp_path: Path, counts: Any) -> None:
    objective = Threshold(line=4, role="objective", subject="Response time", op="<", value=2.0)
    budget = Budget(0.001, counts, 30 * 86_400.0)
    threshold = Threshold(line=4, role="alert", subject="Error budget", op="is", state="burning")
    bound = Bound("budget", threshold, "shop", "seconds", "Shop", "", budget=budget, objective=objective)
    made = rule_file(Book(title=None, service=None, thresholds=(objective,)), Bindings(bound=(bound,)), "shop", RUNBOOK)
    promtool(tmp_path, made.text)
    expression = made.rules[0]["expr"]
    assert (expression.count("[1h:15s]"), expression.count("[3d:15s]"), expression.count("[6h:15s]")) == (1, 1, 2)
    assert "> 3.456 and" in expression  # 14.4 times 0.001 of the 240 looks of an hour
    assert made.left_out == ()


def test_the_books_own_promql_is_taken_as_it_is(rules: RuleFile) -> None:
    errors = next(rule for rule in rules.rules if "http_requests_total" in rule["expr"])
    assert errors["expr"].endswith("> 0.05")
    assert (errors["for"], errors["labels"]["severity"]) == ("90s", "SEV2")
    assert not any("your-job" in rule["expr"] for rule in rules.rules)


def test_what_cannot_be_a_rule_is_named_with_its_line(rules: RuleFile) -> None:
    assert any("moon phase" in sentence for _, sentence in rules.left_out)
    assert any("hole for somebody to fill" in sentence for _, sentence in rules.left_out)
    assert all(f"runbook.md:{line}: " in rules.text for line, _ in rules.left_out)


def test_blindness_and_our_own_absence_are_rules(rules: RuleFile) -> None:
    assert named(rules, "WatchkeeperBlind")["labels"]["severity"] == "SEV1"
    assert "absent(" in named(rules, "WatchkeeperGone")["expr"]


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.parent.name)
def test_every_threshold_of_the_seeds_can_be_exported(path: Path, tmp_path: Path) -> None:
    book, bindings = whole(path)
    made = rule_file(book, bindings, path.parent.name, path)
    assert len(made.rules) == len(bindings.bound) + 2
    assert f"SUCCESS: {len(made.rules)} rules found" in promtool(tmp_path, made.text)
    assert "SUCCESS" in amtool(tmp_path, routes(book, bindings, "s", path, "http://127.0.0.1:1/", ""))
    seen = {"labels", "alert", "expr", "annotations", "for"}
    assert all(set(rule) <= seen for rule in made.rules)


HOSTILE = 'a"b\\c\n- x: {{ $value }} \u2028 ${y} \x00\x1b # é 漢 \ud800 `'


def test_words_of_the_book_cannot_leave_their_place(tmp_path: Path) -> None:
    threshold = Threshold(
        line=3, role="alert", subject=HOSTILE, op=">", value=1.0, severity=HOSTILE, text=HOSTILE, actions=(HOSTILE,)
    )
    bindings = Bindings(bound=(Bound(HOSTILE, threshold, HOSTILE, HOSTILE, HOSTILE, ""),))
    book = Book(title=None, service=None, thresholds=(threshold,))
    made = rule_file(book, bindings, HOSTILE, Path("x\ny.md"))
    promtool(tmp_path, made.text)
    amtool(tmp_path, routes(book, bindings, HOSTILE, Path("x\ny.md"), "http://127.0.0.1:1/", ""))
    estate = Estate(tmp_path / "w", HOSTILE, tmp_path / "r", signals={HOSTILE: SignalConfig(HOSTILE, "http", 1)})
    for dashboard in dashboards.dashboards(book, bindings, estate).values():
        for expression in dashboards.expressions_of(dashboard):
            promtool(tmp_path, dump({"groups": [{"name": "g", "rules": [{"record": "a:b", "expr": expression}]}]}))


def test_yaml_is_read_back_as_it_was() -> None:
    yaml = pytest.importorskip("yaml")
    value = {"a b": [{"x": 1, "y": [[1, 2], []]}, HOSTILE.replace("\ud800", "")], "on": {}, "no": True, "z": 1.5}
    assert yaml.safe_load(comment("one\ntwo") + dump(value)) == value


def test_alertmanager_takes_the_routes(tmp_path: Path, book: Book, bindings: Bindings) -> None:
    text = routes(book, bindings, "shop", RUNBOOK, "http://127.0.0.1:8421/hook", "/etc/token")
    said = amtool(tmp_path, text)
    assert "3 receivers" in said
    path = tmp_path / "alertmanager.yml"
    told = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={path}", "service=shop", "severity=SEV1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "watchkeeper SEV1"


def test_waits_are_the_ladders(book: Book) -> None:
    waits = waits_of(book, "SEV1")
    assert (waits.repeat_s, waits.interval_s) == (600.0, 200.0)
    assert waits_of(Book(title=None, service=None), None).repeat_s == 4 * 3600


def test_the_diagram_and_the_graver_alert_inhibit(book: Book, bindings: Bindings) -> None:
    text = routes(book, bindings, "shop", RUNBOOK, "http://127.0.0.1:8421/hook", "")
    source, target = '"component=\\"PostgreSQL\\""', '"component=\\"Shop application\\""'
    assert text.index(source) < text.index(target)
    assert '"severity=~\\"SEV2' in text
    circle = book_from("# S\n\n### Dependencies\n\n- Shop application → PostgreSQL\n- PostgreSQL → Shop application\n")
    assert source not in routes(circle, bindings, "shop", RUNBOOK, "http://127.0.0.1:8421/hook", "")


def test_four_dashboards_of_the_current_schema(tmp_path: Path, book: Book, bindings: Bindings, estate: Estate) -> None:
    made = dashboards.dashboards(book, bindings, estate)
    assert list(made) == ["main", "infrastructure", "application", "database"]
    for dashboard in made.values():
        hold_dashboard(dashboard)
    expressions = [each for dashboard in made.values() for each in dashboards.expressions_of(dashboard)]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(expressions)]
    promtool(tmp_path, dump({"groups": [{"name": "panels", "rules": rules}]}))
    steps = [
        panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        for panel in made["infrastructure"]["panels"]
        if panel["title"].startswith("CPU usage")
    ]
    assert [step["value"] for step in steps[0]] == [None, 90.0]
    titles = {name: [panel["title"] for panel in each["panels"]] for name, each in made.items()}
    assert any("PostgreSQL" in title for title in titles["database"])
    assert any("Response time" in title or "response time" in title for title in titles["application"])


def hold_dashboard(dashboard: dict[str, Any]) -> None:
    """Hold a dashboard against what Grafana's schema asks of one."""
    json.loads(json.dumps(dashboard, allow_nan=False))
    assert dashboard["schemaVersion"] >= 39
    assert len(dashboard["uid"]) <= 40
    assert {"title", "panels", "templating", "time", "refresh", "tags"} <= set(dashboard)
    assert [panel["id"] for panel in dashboard["panels"]] == list(range(1, len(dashboard["panels"]) + 1))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
        assert panel["type"] in ("timeseries", "stat", "text", "state-timeline")
        assert panel["type"] == "text" or panel["targets"]
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        numbers = [step["value"] for step in steps]
        assert not numbers or (numbers[0] is None and numbers[1:] == sorted(numbers[1:]))


TOML = """
[service]
name = "shop"
runbook = "runbook.md"
[signals.shop]
kind = "tcp"
component = "Shop application"
address = "127.0.0.1:9"
[signals.shop.metrics]
"Shop application" = "up"
"""


def test_the_same_runbook_gives_the_same_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from textwrap import dedent

    (tmp_path / "runbook.md").write_text(dedent(SHOP))
    (tmp_path / "watchkeeper.toml").write_text(TOML)
    for what, files in (
        ("prometheus", {"watchkeeper.rules.yml"}),
        ("alertmanager", {"alertmanager.yml"}),
        ("grafana", {f"watchkeeper-{name}.json" for name in ("main", "infrastructure", "application", "database")}),
        ("status", {"status.json"}),
    ):
        for folder in ("one", "two"):
            assert execute(["export", what, "--config", str(tmp_path), "--output", str(tmp_path / folder)]) == 0
        assert files <= {path.name for path in (tmp_path / "one").iterdir()}
        capsys.readouterr()
        assert execute(["export", what, "--config", str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        if len(files) == 1:
            assert printed == (tmp_path / "one" / next(iter(files))).read_text()
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
