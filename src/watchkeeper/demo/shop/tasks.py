"""The shop's background work: order mail, and asking the gateway about payments whose notice never came."""

from __future__ import annotations

import json
import logging
from urllib.request import urlopen

import sqlalchemy as sa
from celery import Celery  # type: ignore[import-untyped]

from watchkeeper.demo.shop.config import from_environment
from watchkeeper.demo.shop.schema import orders, payments

log = logging.getLogger(__name__)
config = from_environment()
engine = sa.create_engine(config.database_url, poolclass=sa.NullPool, connect_args={"application_name": "shop-worker"})

worker = Celery("storefront", broker=config.redis_url)
worker.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_connect_timeout": 1, "socket_timeout": 5, "visibility_timeout": 600},
    worker_hijack_root_logger=False,
    beat_schedule={"reconcile payments": {"task": "storefront.reconcile", "schedule": 20.0}},
)


@worker.task(  # type: ignore[untyped-decorator]
    name="storefront.mail", autoretry_for=(sa.exc.OperationalError,), retry_backoff=2, max_retries=8
)
def mail(order_id: int, subject: str) -> None:
    """Write the customer of an order; the mailbox file stands in for a mail server."""
    with engine.begin() as connection:
        order = connection.execute(sa.select(orders).where(orders.c.id == order_id)).one()
        with config.mailbox.open("a", encoding="utf-8") as box:
            box.write(f"From shop\nTo: {order.email}\nSubject: {subject} (order {order.id})\n\n{order.cents} cents\n\n")
        connection.execute(orders.update().where(orders.c.id == order_id).values(mailed_at=sa.func.now()))


@worker.task(name="storefront.reconcile")  # type: ignore[untyped-decorator]
def reconcile() -> int:
    """Ask the gateway about every payment that has been pending for 15 s; return how many were settled."""
    late = sa.func.now() - sa.text("interval '15 seconds'")
    settled = 0
    with engine.begin() as connection:
        waiting = connection.execute(
            sa.select(payments.c.id, payments.c.order_id)
            .where(payments.c.status == "pending", payments.c.created_at < late)
            .limit(100)
        ).all()
        for payment_id, order_id in waiting:
            with urlopen(f"{config.gateway_url}/payments/{payment_id}", timeout=2) as response:  # noqa: S310
                status = str(json.load(response)["status"])
            if status != "pending":
                settle(connection, payment_id, order_id, status)
                settled += 1
    if settled:
        log.info("Settled %s payments whose notice never came.", settled)
    return settled


def settle(connection: sa.Connection, payment_id: str, order_id: int, status: str) -> bool:
    """Write down how a payment ended; False where it was already known."""
    changed = connection.execute(
        payments.update().where(payments.c.id == payment_id, payments.c.status == "pending").values(status=status)
    ).rowcount
    if changed:
        paid = "paid" if status == "captured" else "cancelled"
        connection.execute(orders.update().where(orders.c.id == order_id).values(status=paid))
    return bool(changed)
