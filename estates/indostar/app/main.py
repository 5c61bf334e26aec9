"""The API of IndoStar Naturals."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import kombu.exceptions
import sqlalchemy as sa
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from app import errors, faults, figures, payments, shop
from app.core.config import RELEASE, wanted
from app.core.database import engine

log = logging.getLogger("indostar")
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
logging.getLogger("httpx").setLevel(logging.WARNING)
LOCK = Path(os.environ.get("LOCK_FILE", "/tmp/indostar-backend.lock"))
if LOCK.exists():
    sys.exit(f"ERROR {LOCK} says that another instance runs here; it was left by one that was killed.")

errors.begin("backend")
REQUESTS = Counter("http_requests", "Requests answered", ["method", "route", "status"])
LATENCY = Histogram("http_request_duration_seconds", "Time to answer", buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0))
WEBHOOKS = Counter("payment_webhooks", "Webhooks by what became of them", ["outcome"])
app = FastAPI(title="IndoStar Naturals", docs_url=None, redoc_url=None)
app.include_router(shop.router)
if os.environ.get("FAULTS"):
    app.include_router(faults.router)


@app.middleware("http")
async def count(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Measure a request, and say in the log what failed."""
    began, status = time.perf_counter(), 500
    try:
        response = await call_next(request)
        status = response.status_code
        return response
    except Exception as problem:
        log.error("ERROR %s %s: %s: %s", request.method, request.url.path, type(problem).__name__, str(problem)[:300])
        raise
    finally:
        LATENCY.observe(time.perf_counter() - began)
        REQUESTS.labels(request.method, getattr(request.scope.get("route"), "path", "unknown"), str(status)).inc()
        if status >= 500:
            figures.count_error()


@app.get("/health")
def health() -> JSONResponse:
    """Say whether the database answers, in a second at most."""
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("select 1"))
    except sa.exc.SQLAlchemyError as problem:
        log.error("ERROR the database cannot be reached: %s", type(problem).__name__)
        return JSONResponse({"status": "failing", "database": type(problem).__name__, "release": RELEASE}, 503)
    return JSONResponse({"status": "ok", "database": "up", "release": RELEASE})


@app.get("/live")
async def live() -> dict[str, str]:
    """Say that this process answers; it asks nobody else."""
    return {"status": "ok"}


@app.get("/metrics")
async def metrics() -> Response:
    """Give the measures of this process for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.post("/api/v1/webhooks/razorpay")
async def webhook(request: Request) -> dict[str, str]:
    """Take what the gateway says of a payment, once; the same event again changes nothing."""
    body = await request.body()
    if not payments.is_genuine(body, request.headers.get("x-razorpay-signature", ""), wanted("RAZORPAY_WEBHOOK_SECRET")):
        WEBHOOKS.labels("bad_signature").inc()
        log.warning("webhook refused: its signature does not verify")
        raise HTTPException(401, "The signature does not verify.")
    said = await request.json()
    entity = said["payload"]["payment"]["entity"]
    status = "failed" if said["event"] == "payment.failed" else "captured"
    with engine.begin() as connection:
        known = payments.note(connection, entity["order_id"], entity["id"])
        order_id = payments.settle(connection, entity["id"], status) if known else None
    if order_id and status == "captured":
        try:
            shop.tell(order_id)
        except kombu.exceptions.OperationalError as problem:
            log.error("ERROR the queue cannot be reached, order %s is not confirmed: %s", order_id, problem)
    WEBHOOKS.labels("taken").inc()
    log.info("webhook %s of %s taken", said["event"], entity["id"])
    return {"status": "ok"}
