"""Reads what AWS says of its own parts: RDS instances, targets of load balancers, ElastiCache clusters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.aws.clients import AWS_OPTIONS, Clients
from watchkeeper.watch.probe import Look

#: states in which an RDS instance serves
_SERVES = frozenset({"available", "backing-up", "storage-optimization", "storage-config-upgrade", "modifying"})
_SERVES_WHILE = ("configuring-",)
_CACHE_SERVES = frozenset({"available", "snapshotting", "modifying"})
_GIB = 1024.0**3


class AwsProbe:
    """Some parts of one account and region. It needs the Describe… permissions of what it names, and cloudwatch:GetMetricData."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where each of them serves, else 0",
        "rds_unavailable": "RDS instances that do not serve",
        "rds_storage_percent": "storage in use of the fullest RDS instance, in percent",
        "rds_free_bytes": "free storage of the RDS instance that has least, in bytes",
        "targets": "targets of all the groups",
        "targets_unhealthy": "targets that are not healthy",
        "targets_healthy_percent": "share of targets that are healthy, of the group that has the lowest, in percent",
        "caches_unavailable": "ElastiCache clusters that do not serve",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "disk_usage": ("rds_storage_percent",),
        "disk_usage:low": ("rds_free_bytes",),
    }
    needs: ClassVar[Mapping[str, str]] = {"rds": '["app-db"]'}
    options: ClassVar[Mapping[str, str]] = {
        **AWS_OPTIONS,
        "rds": "identifiers of RDS instances",
        "target_groups": "names or ARNs of target groups of load balancers",
        "elasticache": "identifiers of ElastiCache clusters",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        check_readings(signal, estate, list(self.readings))
        self._rds, self._groups = options.texts("rds"), options.texts("target_groups")
        self._caches = options.texts("elasticache")
        if not (self._rds or self._groups or self._caches):
            raise ConfigError(
                f"{options.name()} names no part of AWS.",
                hint='For example rds = ["shop-db"].',
                code="WK132",
                where=options.where(),
            )
        self._clients = Clients(options, signal.timeout_s)

    async def look(self) -> Look:
        """Ask about each part."""
        return await self._clients.look(self._ask)

    async def close(self) -> None:
        """Nothing is held between looks that must be let go."""

    def _ask(self, now: datetime, notes: list[str]) -> dict[str, float]:
        values: dict[str, float] = {}
        if self._rds:
            values |= self._instances(now, notes)
        if self._groups:
            values |= self._targets(notes)
        if self._caches:
            values |= self._clusters(notes)
        bad = values.get("rds_unavailable", 0.0) + values.get("caches_unavailable", 0.0)
        return {"up": 0.0 if bad or values.get("targets_healthy_percent") == 0.0 else 1.0, **values}

    def _instances(self, now: datetime, notes: list[str]) -> dict[str, float]:
        client = self._clients.of("rds")
        bad = 0
        size: dict[str, float] = {}
        for name in self._rds:
            instance = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
            state = str(instance.get("DBInstanceStatus"))
            if state not in _SERVES and not state.startswith(_SERVES_WHILE):
                bad += 1
                notes.append(f"RDS {name} is {state}")
            # Aurora's storage grows by itself and has no size
            if instance.get("AllocatedStorage", 0) > 1:
                size[name] = instance["AllocatedStorage"] * _GIB
        values = {"rds_unavailable": float(bad)}
        free = self._free(list(size), now)
        if missing := [name for name in size if name not in free]:
            notes.append(f"CloudWatch has no free storage of {', '.join(missing[:3])}")
        if free:
            fullest = min(free, key=lambda name: free[name] / size[name])
            values["rds_storage_percent"] = 100.0 * max(0.0, 1.0 - free[fullest] / size[fullest])
            values["rds_free_bytes"] = min(free.values())
            notes.append(f"fullest: {fullest}")
        return values

    def _free(self, names: list[str], now: datetime) -> dict[str, float]:
        queries = [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/RDS",
                        "MetricName": "FreeStorageSpace",
                        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": name}],
                    },
                    "Period": 60,
                    "Stat": "Average",
                },
            }
            for number, name in enumerate(names)
        ]
        if not queries:
            return {}
        answer = self._clients.of("cloudwatch").get_metric_data(
            MetricDataQueries=queries, StartTime=now - timedelta(minutes=15), EndTime=now, ScanBy="TimestampDescending"
        )
        found = {result["Id"]: result for result in answer.get("MetricDataResults", []) if result.get("Values")}
        newest = {key: max(zip(each["Timestamps"], each["Values"], strict=True))[1] for key, each in found.items()}
        return {name: float(newest[f"q{number}"]) for number, name in enumerate(names) if f"q{number}" in newest}

    def _targets(self, notes: list[str]) -> dict[str, float]:
        client = self._clients.of("elbv2")
        total = bad = 0
        lowest = 100.0
        for group in self._groups:
            arn, name = group, group.split("/")[-2] if group.startswith("arn:") and group.count("/") >= 2 else group
            if not group.startswith("arn:"):
                arn = client.describe_target_groups(Names=[group])["TargetGroups"][0]["TargetGroupArn"]
            targets = client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            ill = [each for each in targets if each.get("TargetHealth", {}).get("State") not in ("healthy", "draining")]
            total += len(targets)
            bad += len(ill)
            lowest = min(lowest, 100.0 * (1.0 - len(ill) / len(targets)) if targets else 0.0)
            if not targets:
                notes.append(f"{name} has no target")
            notes += [f"{name}: {_target_words(each)}" for each in ill[:3]]
        return {"targets": float(total), "targets_unhealthy": float(bad), "targets_healthy_percent": lowest}

    def _clusters(self, notes: list[str]) -> dict[str, float]:
        client = self._clients.of("elasticache")
        bad = 0
        for name in self._caches:
            cluster = client.describe_cache_clusters(CacheClusterId=name)["CacheClusters"][0]
            state = str(cluster.get("CacheClusterStatus"))
            if state not in _CACHE_SERVES:
                bad += 1
                notes.append(f"ElastiCache {name} is {state}")
        return {"caches_unavailable": float(bad)}


def _target_words(described: Mapping[str, Any]) -> str:
    health = described.get("TargetHealth", {})
    reason = f" ({health['Reason']})" if health.get("Reason") else ""
    return f"{described.get('Target', {}).get('Id')} is {health.get('State')}{reason}"
