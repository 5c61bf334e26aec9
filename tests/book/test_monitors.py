"""Definitions of monitoring systems, valid or bent."""

from __future__ import annotations

import doctest
from textwrap import dedent

import pytest

from watchkeeper.book.model import Threshold
from watchkeeper.book.read import comparisons, promql
from watchkeeper.book.read.passages import read_passages
from watchkeeper.book.read.promql import read_expression
from watchkeeper.book.read.thresholds import read_thresholds
from watchkeeper.text.markdown import read_text


def thresholds(source: str) -> tuple[Threshold, ...]:
    return read_thresholds(read_passages(read_text(dedent(source).lstrip("\n"))))


def test_prometheus_rule() -> None:
    (found,) = thresholds(
        """
        ```yaml
        - alert: ShopSlow
          expr: |
            histogram_quantile(0.95, rate(http_request_duration_seconds_bucket{job="shop"}[5m]))
              > 0.5
          for: 10m
          labels:
            severity: warning
        ```
        """
    )
    assert (found.op, found.value, found.unit, found.for_s, found.severity) == (">", 0.5, "seconds", 600, "warning")
    assert (found.statistic, found.source) == ("p95", "promql")


def test_shortened_rule_takes_the_severity_of_its_heading() -> None:
    (found,) = thresholds("## Critical Alerts\n### PoolFull\n```yaml\nalert: PoolFull\nexpr: pool_active / pool_max > 0.9\n```\n")
    assert (found.line, found.value, found.unit, found.severity) == (5, 0.9, "ratio", "critical")


def test_datadog_monitor() -> None:
    (found,) = thresholds(
        """
        ```yaml
        - name: Shop errors
          query: avg(last_5m):avg:shop.error_rate{env:prod} > 5
          message: It is {{value}}% now
          tags:
            - severity:critical
        ```
        """
    )
    assert (found.line, found.op, found.value, found.unit, found.for_s, found.severity) == (3, ">", 5, "percent", 300, "critical")
    assert found.message == "It is {{value}}% now"


def test_the_message_of_a_monitor_is_kept_with_its_slots() -> None:
    datadog, other, prometheus = thresholds(
        """
        ```yaml
        - name: Shop errors
          query: avg(last_5m):avg:shop.error_rate{env:prod} > 5
          message: |
            {{value}}% of calls fail.

            Was something released? @pagerduty
          tags:
            - severity:critical
        - name: Shop disk
          query: max(last_5m):max:system.disk.used{*} > 5
        ```
        ```yaml
        - alert: ShopSlow
          expr: shop_seconds > 0.5
          annotations:
            summary: "Slow: {{ $value }} s on {{ $labels.instance }}"
        ```
        """
    )
    assert datadog.message == "{{value}}% of calls fail.\n\nWas something released? @pagerduty"
    assert other.message is None
    assert prometheus.message == "Slow: {{ $value }} s on {{ $labels.instance }}"


def test_cloudwatch_alarm() -> None:
    command = (
        "aws cloudwatch put-metric-alarm "
        "--alarm-name cpu-high --metric-name CPUUtilization --period 300 --evaluation-periods 2 \\\n"
        "  --threshold 80 --comparison-operator GreaterThanThreshold"
    )
    (found,) = thresholds(f"```bash\n{command}\n```\n")
    assert (found.op, found.value, found.unit, found.for_s, found.source) == (">", 80, "percent", 600, "cloudwatch")


def test_autoscaler_targets_are_objectives() -> None:
    (found,) = thresholds(
        "```yaml\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: shop\nspec:\n"
        "  metrics:\n  - resource:\n      name: cpu\n      target:\n"
        "        averageUtilization: 70\n```\n"
    )
    assert (found.line, found.role, found.value, found.metric) == (10, "objective", 70, "cpu_usage")


@pytest.mark.parametrize(
    ("expression", "op", "value", "unit"),
    [
        ('up{job="shop"} == 0', "==", 0, None),
        ("(free / size) * 100 < 15", "<", 15, "percent"),
        ("rate(errors_total[5m]) > 14.4 * 0.01", ">", 0.144, None),
        ("node_memory_bytes > 2^30", ">", 2**30, "bytes"),
        ("(cert_expiry_timestamp_seconds - time()) < 86400 * 7", "<", 604800, "seconds"),
        ("pg_connections_count > 450", ">", 450, "count"),
    ],
)
def test_expressions(expression: str, op: str, value: float, unit: str | None) -> None:
    (found,) = read_expression(expression)
    assert (found.op, found.unit) == (op, unit)
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize("expression", ["", "up", "a > ", "x > 9**9**9", "x > 2^999999", "x > (((((", "x > 1e999999"])
def test_odd_expressions_do_not_raise(expression: str) -> None:
    read_expression(expression)


@pytest.mark.parametrize("module", [promql, comparisons])
def test_examples_in_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
