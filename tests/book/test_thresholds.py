"""Thresholds in every form people write them, and what looks like one and is none."""

from __future__ import annotations

from textwrap import dedent

import pytest

from watchkeeper.book.model import Threshold
from watchkeeper.book.read.comparisons import find_comparisons
from watchkeeper.book.read.passages import read_passages
from watchkeeper.book.read.thresholds import read_thresholds
from watchkeeper.text.markdown import read_text


def thresholds(source: str) -> tuple[Threshold, ...]:
    return read_thresholds(read_passages(read_text(dedent(source).lstrip("\n"))))


def said(source: str) -> list[tuple[object, ...]]:
    """Give what a test compares: line, role, op, value, unit, how long."""
    return [(t.line, t.role, t.op, t.state if t.op == "is" else t.value, t.unit, t.for_s) for t in thresholds(source)]


def test_list_under_key_metrics_states_objectives() -> None:
    source = """
        ## Key metrics
        - Latency (p95 < 300ms)
        - Error rate: < 0.5%
        - Uptime > 99.9%
        - Requests per second
    """
    assert said(source) == [
        (2, "objective", "<", 0.3, "seconds", None),
        (3, "objective", "<", 0.5, "percent", None),
        (4, "objective", ">", 99.9, "percent", None),
    ]
    assert [(t.statistic, t.metric) for t in thresholds(source)] == [
        ("p95", "response_time"),
        (None, "error_rate"),
        (None, "availability"),
    ]


def test_breach_under_key_metrics_is_still_an_alert() -> None:
    assert said("## Metrics\n- Error rate > 5%\n") == [(2, "alert", ">", 5, "percent", None)]


def test_alert_block_keeps_response_and_actions() -> None:
    (found,) = thresholds(
        "### Critical Alerts\n```\nAlert: Queue length > 500 for 5 minutes\n"
        "Response: < 10 minutes\nActions:\n1. Look\n2. Scale\n```\n"
    )
    assert (found.line, found.value, found.unit, found.for_s) == (3, 500, "count", 300)
    assert (found.severity, found.respond_within_s, found.actions, found.source) == (
        "critical",
        600,
        ("Look", "Scale"),
        "alert-block",
    )


@pytest.mark.parametrize("label", ["Actions", "Do"])
def test_an_action_with_a_colon_is_one(label: str) -> None:
    source = f'```\nAlert: Cache is down\n{label}:\n1. Follow "P1: the cache"\n2. Call support: nothing is cached\n```\n'
    (found,) = thresholds(source)
    assert found.actions == ('Follow "P1: the cache"', "Call support: nothing is cached")


def test_the_age_of_a_backup_is_watched_and_how_long_it_is_kept_is_not() -> None:
    found = thresholds("## Alerts\n\n- Backup age > 26 hours\n- Backups are kept > 30 days\n")
    assert [(one.subject, one.op, one.value, one.unit) for one in found] == [("Backup age", ">", 93600.0, "seconds")]


def test_compound_condition_shares_duration_and_group() -> None:
    cpu, memory = thresholds("**Alert**: CPU > 80% or memory > 85% for 10 minutes\n")
    assert (cpu.subject, memory.subject) == ("CPU", "memory")
    assert cpu.for_s == memory.for_s == 600
    assert cpu.group == memory.group is not None
    assert cpu.group_by == "or"


def test_range_is_two_comparisons() -> None:
    assert said("### P1 incidents\n#### Symptoms\n- High error rates (5-50%)\n") == [
        (3, "alert", ">=", 5, "percent", None),
        (3, "alert", "<=", 50, "percent", None),
    ]


@pytest.mark.parametrize(
    ("line", "state", "for_s"),
    [
        ("Application down for > 1 minute", "down", 60),
        ("Backup failed", "failed", None),
        ("**ShopDown**: Service unavailable for > 2 minutes", "unavailable", 120),
        ("Unauthorized access detected", "detected", None),
    ],
)
def test_states_in_lists_of_alerts(line: str, state: str, for_s: float | None) -> None:
    (found,) = thresholds(f"## Alerts (P2)\n- {line}\n")
    assert (found.op, found.state, found.for_s, found.severity) == ("is", state, for_s, "P2")


@pytest.mark.parametrize("line", ["Check failed pods", "Restart the database if it is down", "Action: service is down"])
def test_steps_about_states_are_no_alerts(line: str) -> None:
    assert thresholds(f"## Alert response\n- {line}\n") == ()


def test_condition_with_or_is_a_state_and_a_comparison() -> None:
    found = thresholds("#### Severity 1 (Critical)\n\n**Condition**: Shop completely down OR error rate > 10%\n")
    assert sorted((t.op, t.state, t.value) for t in found) == [(">", None, 10), ("is", "down", None)]


def test_bands_in_a_table() -> None:
    source = (
        "| Metric | Normal | Warning | Critical |\n|---|---|---|---|\n"
        "| p95 latency | < 200ms | > 500ms | > 1s |\n| Free disk | 40% | 20% | 10% |\n"
    )
    assert [(t.line, t.role, t.op, t.value, t.severity) for t in thresholds(source)] == [
        (3, "objective", "<", 0.2, None),
        (3, "alert", ">", 0.5, "warning"),
        (3, "alert", ">", 1, "critical"),
        (4, "objective", ">", 40, None),
        (4, "alert", "<", 20, "warning"),
        (4, "alert", "<", 10, "critical"),
    ]


def test_catalogue_table_with_severity_duration_and_action() -> None:
    (found,) = thresholds(
        "| Alert | Condition | Severity | For | Action |\n|---|---|---|---|---|\n"
        "| SlowShop | p95 latency > 1s | warning | 5m | Scale out<br>Tell Ben |\n"
    )
    assert (found.value, found.severity, found.for_s, found.actions) == (1, "warning", 300, ("Scale out", "Tell Ben"))


def test_bands_below_the_metric_they_belong_to() -> None:
    source = "## Alert thresholds\n```yaml\nQuery time:\n  Warning: > 100ms (p95)\n  Critical: > 500ms (p95)\n```\n"
    assert [(t.subject, t.value, t.severity) for t in thresholds(source)] == [
        ("Query time", 0.1, "warning"),
        ("Query time", 0.5, "critical"),
    ]


def test_bands_in_comments_of_a_script() -> None:
    found = thresholds("### Order queue\n```bash\nredis-cli LLEN orders\n# Healthy: < 100\n# Critical: > 1,000\n```\n")
    assert [(t.line, t.role, t.value, t.unit) for t in found] == [(4, "objective", 100, "count"), (5, "alert", 1000, "count")]


def test_decision_tree() -> None:
    tree = (
        "```\nAlert\n├── Is the shop responding?\n│   ├── No → P1: page on-call\n"
        "│   └── Yes → continue\n├── Is error rate > 10%?\n"
        "│   └── Yes → P2: tell the team\n```\n"
    )
    assert [(t.line, t.op, t.state, t.value, t.severity) for t in thresholds(tree)] == [
        (3, "is", "not responding", None, "P1"),
        (6, ">", None, 10, "P2"),
    ]


def test_sentence_over_two_lines_keeps_the_line_of_the_comparison() -> None:
    source = "It is a warning alert if free space is below 20%. It is a critical alert\nif free space is less than 5%.\n"
    assert [(t.line, t.op, t.value, t.severity) for t in thresholds(source)] == [(1, "<", 20, "warning"), (2, "<", 5, "critical")]


def test_labels_beside_each_other() -> None:
    (found,) = thresholds("**Severity:**Warning**Threshold:**Disk usage >75%**Duration:**10 minutes\n")
    assert (found.value, found.severity, found.for_s) == (75, "warning", 600)


@pytest.mark.parametrize(
    "source",
    [
        "**Schwellenwert:** Antwortzeit > 2s\n",
        "- Fehlerrate über 2 % während 5 Minuten (Alarm)\n",
        "## Alertes\n- Latence p95 > 2 s pendant 5 minutes\n",
        "## Alertas\n- Tasa de errores > 2 % durante 5 minutos\n",
        "## アラート\n- エラー率が2%以上\n",
        "## 告警\n- 错误率超过 2%\n",
        "## Alarmy\n- Błędy > 2 % przez 5 minut\n",
    ],
)
def test_other_languages(source: str) -> None:
    (found,) = thresholds(source)
    assert (found.role, found.value) == ("alert", 2)


@pytest.mark.parametrize(
    "source",
    [
        "**Response Time**: < 15 minutes\n",
        "## Severity\n| Level | Response time |\n|---|---|\n| P1 | < 15 min |\n",
        "- RTO: < 4 hours\n",
        "## Prerequisites\n- Node >= 18\n- kubectl version > 1.20\n",
        "## Recovery Time Objectives (RTO)\n- Checkout: < 1 hour\n",
        "# Older than > 5 minutes\n",
        "```bash\n# Kill queries (> 5 minutes)\nkill-them\n```\n",
        "**Expected output:**\n```\nlatency > 5s\n```\n",
        "Backups are kept for > 30 days.\n",
        "Caching gives a 20-30% improvement in latency.\n",
        "## SLA\n| Plan | P1 | P2 |\n|---|---|---|\n| Gold | 1h | 4h |\n",
        "Use `replicaCount >= 2` for upgrades.\n",
        "```yaml\napiVersion: v1\nkind: Pod\nspec:\n  cpu: > 80%\n```\n",
        "- Level 2: Ben (> 30 min)\n",
        "Alert: [name of the alert]\n",
    ],
)
def test_other_numbers_are_no_thresholds(source: str) -> None:
    assert thresholds(source) == ()


def test_names_do_not_matter() -> None:
    source = (
        "# Shop runbook\n## Critical Alerts\n- **ShopDown**: Shop down for > 1 minute\n"
        "- Shop error rate > 5% for 5 minutes\n\n**Alert**: shop-db connections > 90\n"
    )
    renamed = source.replace("Shop", "Kolibri").replace("shop", "kolibri")
    assert said(renamed) == said(source)
    assert len(said(source)) == 3


def test_a_range_that_is_said_in_words_and_in_figures_keeps_its_subject() -> None:
    low, high = find_comparisons("Error rate between 5% and 50% (5-50%)")
    assert [(c.subject, c.op, c.value, c.unit) for c in (low, high)] == [
        ("Error rate", ">=", 5.0, "percent"),
        ("Error rate", "<=", 50.0, "percent"),
    ]
