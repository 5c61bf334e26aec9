"""Payments by Razorpay: an order there for each of ours, signatures, and asking about payments of which we were not told."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import httpx
import sqlalchemy as sa

from app.core.config import wanted
from app.core.database import engine, orders, payments


def _ask(method: str, path: str, said: dict[str, object] | None = None) -> dict[str, object]:
    key = (wanted("RAZORPAY_KEY_ID"), wanted("RAZORPAY_KEY_SECRET"))
    answer = httpx.request(method, f"{wanted('RAZORPAY_URL')}{path}", json=said, auth=key, timeout=5)
    answer.raise_for_status()
    found: dict[str, object] = answer.json()
    return found


def begin(paise: int, receipt: str) -> str:
    """Make an order at the gateway, and give its id."""
    return str(_ask("POST", "/v1/orders", {"amount": paise, "currency": "INR", "receipt": receipt})["id"])


def is_genuine(said: bytes, signature: str, secret: str) -> bool:
    """Tell whether a signature was made with our secret over exactly these bytes."""
    return hmac.compare_digest(hmac.new(secret.encode(), said, hashlib.sha256).hexdigest(), signature)


def note(connection: sa.Connection, razorpay_order_id: str, payment_id: str) -> int | None:
    """Write a payment down as pending, once; gives its order, or None where there is no such order."""
    order = connection.execute(sa.select(orders).where(orders.c.razorpay_order_id == razorpay_order_id)).one_or_none()
    if order is None:
        return None
    insert = sa.dialects.postgresql.insert(payments).values(
        order_id=order.id, razorpay_payment_id=payment_id, paise=order.paise, status="pending"
    )
    connection.execute(insert.on_conflict_do_nothing(index_elements=["razorpay_payment_id"]))
    return int(order.id)


def settle(connection: sa.Connection, payment_id: str, status: str) -> int | None:
    """Write down how a payment ended; gives its order where that is news."""
    changed = payments.update().where(payments.c.razorpay_payment_id == payment_id, payments.c.status == "pending")
    row = connection.execute(changed.values(status=status).returning(payments.c.order_id)).one_or_none()
    if row is None:
        return None
    if status == "captured":
        connection.execute(orders.update().where(orders.c.id == row.order_id).values(status="paid"))
    return int(row.order_id)


@dataclass(frozen=True)
class Found:
    """What the gateway says of a payment that is pending here, and what is to be done."""

    payment_id: str
    order_id: int
    there: str
    deed: str


def reconcile(since_s: int, older_s: int = 0, limit: int = 100, dry_run: bool = False) -> list[Found]:
    """Settle what was captured, capture what is only authorized, leave the rest. Doing it twice changes nothing."""
    age = sa.func.now() - payments.c.created_at
    within = age.between(sa.text(f"interval '{int(older_s)} seconds'"), sa.text(f"interval '{int(since_s)} seconds'"))
    with engine.connect() as connection:
        waiting = connection.execute(
            sa.select(payments).where(payments.c.status == "pending", within).order_by(payments.c.id).limit(limit)
        ).all()
    found = []
    for payment in waiting:
        there = _ask("GET", f"/v1/payments/{payment.razorpay_payment_id}")
        status = str(there["status"])
        deed = {"captured": "settle", "authorized": "capture", "failed": "settle as failed"}.get(status, "leave")
        found.append(Found(payment.razorpay_payment_id, payment.order_id, status, deed))
        if dry_run or deed == "leave":
            continue
        if deed == "capture":
            said = {"amount": there["amount"], "currency": there["currency"]}
            _ask("POST", f"/v1/payments/{payment.razorpay_payment_id}/capture", said)
        with engine.begin() as connection:
            settle(connection, payment.razorpay_payment_id, "failed" if status == "failed" else "captured")
    return found
