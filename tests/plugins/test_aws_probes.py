"""CloudWatch and the parts of AWS, on moto's server with boto3; only what RDS and ElastiCache are told by hand is its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from aiohttp import web

from watchkeeper.base.errors import ConfigError
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


def put(aws: dict[str, Any], namespace: str, metric: str, dimensions: dict[str, str], *values: tuple[float, float]) -> None:
    """Put values of so many seconds ago."""
    client = boto3.client("cloudwatch", **aws["client"])
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    now = datetime.now(UTC)
    client.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": metric, "Dimensions": named, "Timestamp": now - timedelta(seconds=ago), "Value": value}
            for ago, value in values
        ],
    )


async def test_metrics_with_their_statistic_and_dimensions(probe: Make, aws: dict[str, Any]) -> None:
    distribution = {"DistributionId": "E1", "Region": "Global"}
    put(aws, "AWS/CloudFront", "CacheHitRate", distribution, (300, 91.0), (120, 93.5))
    put(aws, "AWS/CloudFront", "CacheHitRate", {"DistributionId": "E2", "Region": "Global"}, (120, 12.0))
    put(aws, "Shop", "Errors", {}, (125, 3.0), (124, 4.0))
    queries = {
        "cdn_hit_percent": {"namespace": "AWS/CloudFront", "metric": "CacheHitRate", "dimensions": distribution},
        "errors": {"namespace": "Shop", "metric": "Errors", "statistic": "Sum", "period": "5m"},
        "nothing": {"namespace": "Shop", "metric": "Nothing"},
    }
    look = await probe(
        "cloudwatch", {"CDN hit rate": "cdn_hit_percent"}, timeout_s=30.0, queries=queries, **aws["options"]
    ).look()
    assert (look.values["up"], look.values["cdn_hit_percent"]) == (1.0, 93.5)
    assert "nothing: no value within 600 s" in look.detail
    assert look.values.get("errors", 7.0) == 7.0


async def test_alarms_that_are_in_alarm(probe: Make, aws: dict[str, Any]) -> None:
    client = boto3.client("cloudwatch", **aws["client"])
    for name in ("shop-cpu", "shop-disk", "other-cpu"):
        client.put_metric_alarm(
            AlarmName=name,
            MetricName="m",
            Namespace="n",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=1,
            EvaluationPeriods=1,
            Period=60,
            Statistic="Average",
        )
        client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="well")
    client.set_alarm_state(AlarmName="shop-disk", StateValue="ALARM", StateReason="full")
    client.set_alarm_state(AlarmName="other-cpu", StateValue="ALARM", StateReason="hot")
    one = await probe("cloudwatch", timeout_s=30.0, alarms="shop-", **aws["options"]).look()
    every = await probe("cloudwatch", timeout_s=30.0, alarms=[""], **aws["options"]).look()
    assert one.values == {"up": 1.0, "alarms": 1.0, "alarms_without_data": 0.0}
    assert one.detail == "in ALARM: shop-disk"
    assert every.values["alarms"] == 2.0


async def test_parts_of_aws(probe: Make, aws: dict[str, Any]) -> None:
    rds, ec2 = boto3.client("rds", **aws["client"]), boto3.client("ec2", **aws["client"])
    for name in ("shop-db", "shop-old"):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="shopuser",
            MasterUserPassword="long-enough",
        )
    gib = 1024.0**3
    put(aws, "AWS/RDS", "FreeStorageSpace", {"DBInstanceIdentifier": "shop-db"}, (120, 2 * gib))
    put(aws, "AWS/RDS", "FreeStorageSpace", {"DBInstanceIdentifier": "shop-old"}, (120, 15 * gib))
    elb = boto3.client("elbv2", **aws["client"])
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = elb.create_target_group(Name="shop", TargetType="ip", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.7"}])
    boto3.client("elasticache", **aws["client"]).create_cache_cluster(
        CacheClusterId="shop-cache", Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1
    )
    named = {"rds": ["shop-db", "shop-old"], "target_groups": ["shop"], "elasticache": ["shop-cache"]}
    look = await probe("aws", timeout_s=30.0, **named, **aws["options"]).look()
    assert look.values["up"] == 1.0
    assert look.values["rds_storage_percent"] == pytest.approx(90.0)
    assert look.values["rds_free_bytes"] == 2 * gib
    assert (look.values["targets"], look.values["targets_healthy_percent"]) == (1.0, 100.0)
    assert (look.values["rds_unavailable"], look.values["caches_unavailable"]) == (0.0, 0.0)
    assert "fullest: shop-db" in look.detail
    rds.stop_db_instance(DBInstanceIdentifier="shop-old")
    empty = elb.create_target_group(Name="empty", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
    down = await probe("aws", timeout_s=30.0, **named | {"target_groups": [group, empty]}, **aws["options"]).look()
    assert (down.values["up"], down.values["rds_unavailable"], down.values["targets_healthy_percent"]) == (0.0, 1.0, 0.0)
    assert "RDS shop-old is stopped" in down.detail
    assert "empty has no target" in down.detail
    gone = await probe("aws", timeout_s=30.0, rds="none", **aws["options"]).look()
    assert str(gone.problem).startswith("AWS answered DBInstanceNotFound")


async def test_aws_that_refuses_throttles_hangs_or_is_away_is_blind(
    probe: Make, aws: dict[str, Any], site: Any, closed_port: int
) -> None:
    said = "Throttling"

    async def answer(request: web.Request) -> web.StreamResponse:
        if said == "hang":
            await asyncio.sleep(5)
        text = f'{{"__type": "{said}", "message": "no"}}'
        return web.Response(status=400, text=text, content_type="application/x-amz-json-1.0")

    options = aws["options"] | {"endpoint_url": await site(answer)}
    throttled = await probe("cloudwatch", timeout_s=30.0, alarms=[""], **options).look()
    said = "AccessDeniedException"
    refused = await probe("cloudwatch", timeout_s=30.0, alarms=[""], **options).look()
    said = "hang"
    made = probe("cloudwatch", timeout_s=0.3, alarms=[""], **options)
    hangs, again = await made.look(), await made.look()
    away = await probe("cloudwatch", alarms=[""], **options | {"endpoint_url": f"http://127.0.0.1:{closed_port}"}).look()
    assert throttled.problem == "AWS asks for patience (Throttling)"
    assert refused.problem == "AWS does not let us in (AccessDeniedException): no"
    assert hangs.problem == "AWS gave no answer within 0.3 s"
    assert again.problem == "the question before this one has not come back from AWS"
    assert "AWS cannot be asked: Could not connect" in str(away.problem)


def test_options_that_cannot_be_used_are_refused(probe: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="needs `queries`"):
        probe("cloudwatch")
    with pytest.raises(ConfigError, match="period is 45 s"):
        probe("cloudwatch", queries={"a": {"namespace": "n", "metric": "m", "period": "45s"}})
    with pytest.raises(ConfigError, match="has the key 'dimension'"):
        probe("cloudwatch", queries={"a": {"namespace": "n", "metric": "m", "dimension": {}}})
    with pytest.raises(ConfigError, match="needs both"):
        probe("cloudwatch", alarms=[""], access_key="AKIA")
    with pytest.raises(ConfigError, match="names no part of AWS"):
        probe("aws")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match="needs boto3, which is not installed") as caught:
        probe("aws", rds="shop")
    assert caught.value.hint == "pip install 'watchkeeper[aws]'"
