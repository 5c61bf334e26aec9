"""The workers and their clock: mail and SMS about orders, subscriptions, reconciliation, figures for CloudWatch."""

from __future__ import annotations

import logging

import httpx
import sqlalchemy as sa
from celery import Celery

from app import errors, figures, messages, payments
from app.core.config import BROKER_URL
from app.core.database import engine, orders, subscriptions, users

log = logging.getLogger(__name__)
errors.begin("celery-worker")
app = celery = Celery("indostar", broker=BROKER_URL)
celery.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_send_task_events=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"visibility_timeout": 120, "socket_timeout": 5, "socket_connect_timeout": 2},
    beat_schedule={
        "subscriptions": {"task": "indostar.subscriptions", "schedule": 15.0},
        "reconcile": {"task": "indostar.reconcile", "schedule": 900.0},
        "unsent": {"task": "indostar.unsent", "schedule": 15.0},
        "figures": {"task": "indostar.figures", "schedule": 60.0},
    },
)
_AGAIN = {"autoretry_for": (httpx.HTTPError, sa.exc.OperationalError), "retry_backoff": 2, "max_retries": 8}


@celery.task(name="indostar.confirm", **_AGAIN)
def confirm(order_id: int) -> None:
    """Write to the customer of an order that was paid, by mail and SMS; twice at most when a worker dies between."""
    with engine.begin() as connection:
        found = sa.select(orders, users.c.email).join(users).where(orders.c.id == order_id)
        order = connection.execute(found).one()
        if order.mailed_at is not None:
            return
        messages.mail(order.email, f"Order {order.id} is paid", f"Thank you. We have received {order.paise / 100:.2f} INR.")
        messages.sms(order.phone, f"IndoStar: order {order.id} is paid.")
        connection.execute(orders.update().where(orders.c.id == order_id).values(mailed_at=sa.func.now()))


@celery.task(name="indostar.subscriptions")
def renew() -> int:
    """Renew the subscriptions that are due, and say how many that were."""
    due = subscriptions.c.next_at <= sa.func.now()
    with engine.begin() as connection:
        return connection.execute(
            subscriptions.update()
            .where(subscriptions.c.status == "active", due)
            .values(next_at=sa.func.now() + sa.text("interval '30 days'"), renewals=subscriptions.c.renewals + 1)
        ).rowcount


@celery.task(name="indostar.reconcile")
def reconcile() -> int:
    """Ask the gateway about payments that have been pending for a quarter of an hour."""
    return len(payments.reconcile(since_s=86_400, older_s=900, limit=100))


@celery.task(name="indostar.unsent")
def send_unsent() -> int:
    """Confirm what was paid while the queue could not be reached, and say how many orders that were."""
    late = orders.c.created_at.between(sa.text("now() - interval '1 day'"), sa.text("now() - interval '20 seconds'"))
    unsent = sa.select(orders.c.id).where(orders.c.status == "paid", orders.c.mailed_at.is_(None), late).limit(100)
    with engine.connect() as connection:
        found = connection.execute(unsent).scalars().all()
    for order_id in found:
        confirm.apply_async((order_id,), retry=False)
    return len(found)


@celery.task(name="indostar.figures")
def publish() -> None:
    """Put the figures of the last minute into CloudWatch."""
    figures.publish()
