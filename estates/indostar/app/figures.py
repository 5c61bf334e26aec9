"""Figures for CloudWatch: how many errors there were, and how long the load balancer waits for us."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import boto3
import httpx
import redis

from app.core.config import CACHE_URL

ERRORS = "figures:errors"


def count_error() -> None:
    """Count a request that failed; a cache that is away counts none."""
    try:
        redis.Redis.from_url(CACHE_URL, socket_timeout=0.5, socket_connect_timeout=0.5).incr(ERRORS)
    except redis.RedisError:
        pass


def publish() -> None:
    """Put what was counted since the last time, and one measured answer."""
    counted = redis.Redis.from_url(CACHE_URL, socket_timeout=1).getset(ERRORS, 0) or 0
    began = time.perf_counter()
    httpx.get(f"{os.environ['LB_URL']}/api/v1/products?category=1", timeout=10)
    took, now = time.perf_counter() - began, datetime.now(UTC)
    cloud = boto3.client("cloudwatch")
    cloud.put_metric_data(
        Namespace="IndoStar/Application",
        MetricData=[{"MetricName": "Errors", "Timestamp": now, "Value": float(counted), "Unit": "Count"}],
    )
    of = [{"Name": "LoadBalancer", "Value": os.environ["ALB_NAME"]}]
    measured = {"MetricName": "TargetResponseTime", "Dimensions": of, "Timestamp": now, "Value": took, "Unit": "Seconds"}
    cloud.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=[measured])
