"""What the shop counts about itself for Prometheus; the probes' own requests are not counted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

REQUESTS = Counter("http_requests", "Requests answered", ["method", "route", "status"])
LATENCY = Histogram("http_request_duration_seconds", "Time to answer", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0))
ORDERS = Counter("shop_orders", "Orders taken")
PAYMENTS = Counter("shop_payments", "Payment notices received", ["status"])
RELEASE = Gauge("shop_release", "The release that runs", ["release"])
UNCOUNTED = frozenset({"/health", "/metrics"})


async def count(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Measure one request; an unhandled exception counts as status 500."""
    if request.url.path in UNCOUNTED:
        return await call_next(request)
    began = time.perf_counter()
    status = 500
    try:
        response = await call_next(request)
        status = response.status_code
        return response
    finally:
        LATENCY.observe(time.perf_counter() - began)
        route = request.scope.get("route")
        REQUESTS.labels(request.method, getattr(route, "path", "unknown"), str(status)).inc()


def exposition() -> Response:
    """Give all measures in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
