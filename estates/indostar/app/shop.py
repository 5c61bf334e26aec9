"""What a customer can do: look at products, order one, say that it was paid. An order is acknowledged after its commit."""

from __future__ import annotations

import json
import random

import redis
import sqlalchemy as sa
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from app import payments
from app.core.celery_app import confirm
from app.core.config import CACHE_URL, RELEASE, wanted
from app.core.database import categories, engine, orders, products, subscriptions, users

router = APIRouter(prefix="/api/v1")
cache = redis.Redis.from_url(CACHE_URL, socket_timeout=0.5, socket_connect_timeout=0.5)
CACHED_S = 2
PAGE = 120


class NewOrder(BaseModel):
    """What a customer orders."""

    email: str
    phone: str
    product_id: int
    subscribe: bool = False


class Paid(BaseModel):
    """What the gateway's checkout gave the customer."""

    razorpay_order_id: str
    razorpay_payment_id: str
    razorpay_signature: str


def _cached(key: str) -> list[dict[str, object]] | None:
    try:
        found = cache.get(key)
    except redis.RedisError:
        return None
    return json.loads(found) if found else None


@router.get("/products")
def list_products(category: int | None = None) -> list[dict[str, object]]:
    """List products of a category, each with how many others there are of its kind."""
    if RELEASE.startswith("broken"):
        raise KeyError("price_per_kilogram")
    chosen = category or random.randint(1, 40)
    if (found := _cached(f"cache:products:{chosen}")) is not None:
        return found
    like = products.alias("like_it")
    alike = sa.select(sa.func.count()).where(like.c.category_id == products.c.category_id).scalar_subquery()
    query = sa.select(products, alike.label("alike")).where(products.c.category_id == chosen).limit(PAGE)
    with engine.connect() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query)]
    try:
        cache.set(f"cache:products:{chosen}", json.dumps(rows), ex=CACHED_S)
    except redis.RedisError:
        pass
    return rows


@router.get("/categories")
def list_categories() -> list[dict[str, object]]:
    """List the categories."""
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(categories))]


@router.post("/orders", status_code=201)
def order(asked: NewOrder) -> dict[str, object]:
    """Take an order, which is then to be paid at the gateway's checkout."""
    with engine.connect() as connection:
        product = connection.execute(sa.select(products).where(products.c.id == asked.product_id)).one_or_none()
    if product is None:
        raise HTTPException(404, "There is no such product.")
    there = payments.begin(product.paise, f"{asked.email[:24]}")
    with engine.begin() as connection:
        upsert = sa.dialects.postgresql.insert(users).values(email=asked.email)
        upsert = upsert.on_conflict_do_update(index_elements=["email"], set_={"email": asked.email})
        user_id = connection.execute(upsert.returning(users.c.id)).scalar_one()
        made = orders.insert().values(
            user_id=user_id,
            product_id=product.id,
            paise=product.paise,
            phone=asked.phone,
            status="pending",
            razorpay_order_id=there,
        )
        order_id = connection.execute(made.returning(orders.c.id)).scalar_one()
        if asked.subscribe:
            connection.execute(
                subscriptions.insert().values(user_id=user_id, product_id=product.id, status="active", next_at=sa.func.now())
            )
    return {"id": order_id, "paise": product.paise, "razorpay_order_id": there, "key_id": wanted("RAZORPAY_KEY_ID")}


@router.post("/payments", status_code=202)
def paid(said: Paid) -> dict[str, object]:
    """Note that a customer paid; the webhook says whether the money came."""
    signed = f"{said.razorpay_order_id}|{said.razorpay_payment_id}".encode()
    if not payments.is_genuine(signed, said.razorpay_signature, wanted("RAZORPAY_KEY_SECRET")):
        raise HTTPException(400, "The signature does not fit.")
    with engine.begin() as connection:
        order_id = payments.note(connection, said.razorpay_order_id, said.razorpay_payment_id)
    if order_id is None:
        raise HTTPException(404, "There is no such order.")
    return {"order": order_id, "status": "pending"}


@router.get("/orders/{order_id}")
def show(order_id: int) -> dict[str, object]:
    """Show how an order stands."""
    with engine.connect() as connection:
        found = connection.execute(sa.select(orders).where(orders.c.id == order_id)).one_or_none()
    if found is None:
        raise HTTPException(404, "There is no such order.")
    return {"id": found.id, "status": found.status, "mailed": found.mailed_at is not None}


def tell(order_id: int) -> None:
    """Have the customer written to; a queue that is away is left to reconciliation."""
    confirm.apply_async((order_id,), retry=False)
