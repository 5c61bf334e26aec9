"""What a customer can do: look at products, fill a cart, order it and have it paid."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

import sqlalchemy as sa

from watchkeeper.demo.shop.pricing import price
from watchkeeper.demo.shop.schema import cart_items, carts, orders, payments, products


def catalogue(connection: sa.Connection, category: str | None, group: str) -> list[dict[str, object]]:
    """List the products of a category, or the first of all, at the customer's price."""
    query = sa.select(products).order_by(products.c.id).limit(20)
    if category:
        query = query.where(products.c.category == category)
    return [{"id": row.id, "name": row.name, "cents": price(row.cents, group)} for row in connection.execute(query)]


def product(connection: sa.Connection, product_id: int, group: str) -> dict[str, object] | None:
    """Describe one product; None where there is none of that number."""
    row = connection.execute(sa.select(products).where(products.c.id == product_id)).one_or_none()
    if row is None:
        return None
    return {"id": row.id, "name": row.name, "stock": row.stock, "cents": price(row.cents, group)}


def open_cart(connection: sa.Connection, email: str, group: str, items: dict[int, int]) -> dict[str, object]:
    """Put products into a new cart and say what it costs."""
    cart_id = connection.execute(carts.insert().values(email=email, customer_group=group).returning(carts.c.id)).scalar_one()
    connection.execute(cart_items.insert(), [{"cart_id": cart_id, "product_id": i, "quantity": n} for i, n in items.items()])
    return {"id": cart_id, "cents": total(connection, cart_id, group)}


def total(connection: sa.Connection, cart_id: int, group: str) -> int:
    """Add up a cart in cents."""
    query = (
        sa.select(products.c.cents, cart_items.c.quantity)
        .join(products, products.c.id == cart_items.c.product_id)
        .where(cart_items.c.cart_id == cart_id)
    )
    return sum(price(cents, group) * quantity for cents, quantity in connection.execute(query))


def place_order(connection: sa.Connection, cart_id: int) -> dict[str, object] | None:
    """Turn a cart into an order that waits for its payment; None where there is no such cart or it was ordered before."""
    cart = connection.execute(sa.select(carts).where(carts.c.id == cart_id)).one_or_none()
    if cart is None or connection.execute(sa.select(orders.c.id).where(orders.c.cart_id == cart_id)).first():
        return None
    cents = total(connection, cart_id, cart.customer_group)
    order_id = connection.execute(
        orders.insert().values(cart_id=cart_id, email=cart.email, cents=cents, status="pending").returning(orders.c.id)
    ).scalar_one()
    return {"id": order_id, "cents": cents, "status": "pending"}


def charge(connection: sa.Connection, order_id: int, cents: int, gateway_url: str, notify_url: str) -> str:
    """Ask the gateway to collect the money; it answers at once and sends its notice later."""
    body = json.dumps({"order": order_id, "cents": cents, "notify": notify_url}).encode()
    request = Request(f"{gateway_url}/payments", body, {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request, timeout=2) as response:  # noqa: S310
        payment_id = str(json.load(response)["id"])
    connection.execute(payments.insert().values(id=payment_id, order_id=order_id, status="pending"))
    return payment_id
