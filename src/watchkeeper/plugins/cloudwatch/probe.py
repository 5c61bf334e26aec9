"""Reads CloudWatch: metrics with their statistic and dimensions (a CDN's hit rate is one), and which alarms are in ALARM."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.aws.clients import AWS_OPTIONS, Clients
from watchkeeper.plugins.hosted.asking import Unanswered
from watchkeeper.plugins.hosted.choosing import TAKE, TAKES, named, taken_of
from watchkeeper.watch.probe import Look

_MOST_QUERIES, _MOST_PAGES, _SHOWN = 100, 20, 3


class CloudWatchProbe:
    """One account and region of CloudWatch. It needs cloudwatch:GetMetricData and cloudwatch:DescribeAlarms."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where CloudWatch answered",
        "alarms": "with `alarms`: how many are in the state ALARM",
        "alarms_without_data": "with `alarms`: how many are in the state INSUFFICIENT_DATA",
        "*": "each of [signals.<name>.queries]: the newest value",
    }
    needs: ClassVar[Mapping[str, str]] = {"alarms": '[""]'}
    options: ClassVar[Mapping[str, str]] = {
        **AWS_OPTIONS,
        "queries": "table of reading = { namespace, metric, dimensions, statistic, period } or { expression, period }",
        "take": TAKE,
        "window": "how far back the newest value may lie (default 10 minutes)",
        "alarms": 'beginnings of alarm names ("" for all); those in ALARM are counted',
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        queries = options.table("queries")
        known = [name for name in self.readings if name != "*"]
        names = named(queries, known)
        self._queries = [_query(number, queries.table(name)) for number, name in enumerate(names)]
        self._names = {f"q{number}": name for number, name in enumerate(names)}
        self._periods = {each["Id"]: int(each.get("Period") or each["MetricStat"]["Period"]) for each in self._queries}
        self._prefixes = options.texts("alarms") if options.take("alarms") is not None else None
        if len(names) > _MOST_QUERIES or not (names or self._prefixes is not None):
            raise ConfigError(
                f"{options.name()} needs `queries` (at most {_MOST_QUERIES}) or `alarms`.",
                hint='For example alarms = [""], for all alarms.',
                code="WK132",
                where=options.where(),
            )
        check_readings(signal, estate, [*known, *names])
        self._take = options.choice("take", TAKES, "highest")
        self._window_s = options.duration("window", 600.0, 60.0)
        self._clients = Clients(options, signal.timeout_s)

    async def look(self) -> Look:
        """Ask for all metrics at once, and for the alarms."""
        return await self._clients.look(self._ask)

    async def close(self) -> None:
        """Nothing is held between looks that must be let go."""

    def _ask(self, now: datetime, notes: list[str]) -> dict[str, float]:
        values = {"up": 1.0}
        client = self._clients.of("cloudwatch")
        if self._queries:
            values |= self._metrics(client, now, notes)
        if self._prefixes is not None:
            values |= self._alarms(client, self._prefixes or ("",), notes)
        return values

    def _metrics(self, client: Any, now: datetime, notes: list[str]) -> dict[str, float]:
        longest = max(self._periods.values())
        asked: dict[str, Any] = {
            "MetricDataQueries": self._queries,
            "StartTime": now - timedelta(seconds=self._window_s + longest),
            "EndTime": now,
            "ScanBy": "TimestampDescending",
        }
        found: dict[str, dict[str, float]] = {}
        for _ in range(_MOST_PAGES):
            answer = client.get_metric_data(**asked)
            for message in answer.get("Messages", []):
                notes.append(f"{message.get('Code')}: {message.get('Value')}"[:200])
            for result in answer.get("MetricDataResults", []):
                if result.get("StatusCode") in ("Forbidden", "InternalError"):
                    raise Unanswered(f"CloudWatch gives no {self._names.get(result['Id'])}: {result['StatusCode']}")
                value = _newest(result, now - timedelta(seconds=self._periods[result["Id"]]))
                if value is not None:
                    found.setdefault(result["Id"], {}).setdefault(str(result.get("Label", result["Id"]))[:100], value)
            if not answer.get("NextToken"):
                break
            asked["NextToken"] = answer["NextToken"]
        values = {}
        for key, name in self._names.items():
            series = found.get(key, {})
            if not series:
                notes.append(f"{name}: no value within {self._window_s:g} s")
                continue
            values[name], label = taken_of(series, self._take)
            if len(series) > 1:
                notes.append(f"{name}: {self._take} of {len(series):,}, {label}")
        return values

    def _alarms(self, client: Any, prefixes: tuple[str, ...], notes: list[str]) -> dict[str, float]:
        counts = {"ALARM": 0, "INSUFFICIENT_DATA": 0}
        firing: list[str] = []
        for prefix in prefixes:
            for state in counts:
                asked: dict[str, Any] = {"StateValue": state, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
                asked |= {"AlarmNamePrefix": prefix} if prefix else {}
                for _ in range(_MOST_PAGES):
                    answer = client.describe_alarms(**asked)
                    found = [each for kind in ("MetricAlarms", "CompositeAlarms") for each in answer.get(kind, [])]
                    names = [each["AlarmName"] for each in found if each.get("StateValue") == state]
                    counts[state] += len(names)
                    firing += names if state == "ALARM" else []
                    if not answer.get("NextToken"):
                        break
                    asked["NextToken"] = answer["NextToken"]
        if firing:
            more = f" and {len(firing) - _SHOWN:,} more" if len(firing) > _SHOWN else ""
            notes.append(f"in ALARM: {', '.join(firing[:_SHOWN])}{more}")
        return {"alarms": float(counts["ALARM"]), "alarms_without_data": float(counts["INSUFFICIENT_DATA"])}


def _newest(result: Mapping[str, Any], before: datetime) -> float | None:
    """Give the value of the newest whole period: that of one that is going on would be too small."""
    pairs = zip(result.get("Timestamps", []), result.get("Values", []), strict=False)
    whole = [(at, value) for at, value in pairs if at <= before]
    return float(max(whole)[1]) if whole else None


def _query(number: int, table: Table) -> dict[str, Any]:
    """Make one of GetMetricData's queries of a table."""
    period = int(table.duration("period", 60.0, 1.0))
    if period < 60 and period not in (1, 5, 10, 20, 30):
        raise table.error("period", f"{table.name('period')} is {period} s.", "CloudWatch knows 1, 5, 10, 20, 30 s and minutes.")
    expression = table.maybe_text("expression")
    if expression is not None:
        table.finish()
        return {"Id": f"q{number}", "Expression": expression, "Period": period, "ReturnData": True}
    dimensions = table.table("dimensions")
    metric = {
        "Namespace": table.text("namespace"),
        "MetricName": table.text("metric"),
        "Dimensions": [{"Name": name, "Value": dimensions.text(name)} for name in dimensions.values],
    }
    statistic = table.text("statistic", "Average")
    table.finish()
    return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}, "ReturnData": True}
