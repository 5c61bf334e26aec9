"""The shop over HTTP. Every request opens its own database connection and closes it again."""

from __future__ import annotations

import json
import logging
from typing import Annotated

import redis
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from watchkeeper.demo.shop import health, measures, sales
from watchkeeper.demo.shop.config import from_environment
from watchkeeper.demo.shop.signature import HEADER, is_genuine
from watchkeeper.demo.shop.tasks import mail, settle

log = logging.getLogger(__name__)
config = from_environment()
engine = sa.create_engine(
    config.database_url, poolclass=sa.NullPool, connect_args={"application_name": "shop", "connect_timeout": 2}
)
broker = redis.Redis.from_url(config.redis_url, socket_connect_timeout=1, socket_timeout=1)
checks = health.Health(
    {
        "database": lambda: health.database(engine),
        "redis": lambda: health.broker(broker),
        "gateway": lambda: health.gateway(config.gateway_url),
    }
)
measures.RELEASE.labels(config.release).set(1)

app = FastAPI(title="shop", docs_url=None, redoc_url=None)
app.middleware("http")(measures.count)
Group = Annotated[str, Header(alias="X-Customer-Group")]


class Basket(BaseModel):
    """What a customer puts into a new cart: product number to quantity."""

    email: str
    items: dict[int, int]


class Checkout(BaseModel):
    """The cart to be ordered."""

    cart_id: int


@app.get("/health")
def show_health() -> JSONResponse:
    """Say of each dependency whether it is up; 503 when one is not."""
    status, body = checks.report()
    return JSONResponse({**body, "release": config.release}, status)


@app.get("/metrics")
async def show_metrics() -> Response:
    """Give the measures for Prometheus."""
    return measures.exposition()


@app.get("/products")
def list_products(category: str | None = None, group: Group = "guest") -> list[dict[str, object]]:
    """List products."""
    with engine.connect() as connection:
        return sales.catalogue(connection, category, group)


@app.get("/products/{product_id}")
def show_product(product_id: int, group: Group = "guest") -> dict[str, object]:
    """Show one product."""
    with engine.connect() as connection:
        found = sales.product(connection, product_id, group)
    if found is None:
        raise HTTPException(404, "There is no such product.")
    return found


@app.post("/carts", status_code=201)
def create_cart(basket: Basket, group: Group = "guest") -> dict[str, object]:
    """Fill a new cart."""
    with engine.begin() as connection:
        return sales.open_cart(connection, basket.email, group, basket.items)


@app.post("/orders", status_code=201)
def create_order(checkout: Checkout) -> dict[str, object]:
    """Order a cart, have it charged and tell the customer."""
    with engine.begin() as connection:
        order = sales.place_order(connection, checkout.cart_id)
        if order is None:
            raise HTTPException(409, "This cart does not exist or was ordered before.")
        notify = f"{config.shop_url}/payments/notices"
        payment = sales.charge(connection, int(str(order["id"])), int(str(order["cents"])), config.gateway_url, notify)
    mail.apply_async((order["id"], "We have your order"), retry=False)
    measures.ORDERS.inc()
    return {**order, "payment": payment}


async def genuine_notice(request: Request) -> dict[str, str]:
    """Read a notice and refuse it unless its signature is right."""
    body = await request.body()
    if not is_genuine(body, request.headers.get(HEADER, ""), config.webhook_secret):
        raise HTTPException(401, "The signature does not fit.")
    notice: dict[str, str] = json.loads(body)
    return notice


@app.post("/payments/notices", status_code=204)
def take_notice(notice: Annotated[dict[str, str], Depends(genuine_notice)]) -> Response:
    """Write down how a payment ended and tell the customer that the money came."""
    payment_id, order_id, status = notice["id"], int(notice["order"]), notice["status"]
    with engine.begin() as connection:
        news = settle(connection, payment_id, order_id, status)
    measures.PAYMENTS.labels(status).inc()
    if news and status == "captured":
        mail.apply_async((order_id, "Your payment arrived"), retry=False)
    return Response(status_code=204)
