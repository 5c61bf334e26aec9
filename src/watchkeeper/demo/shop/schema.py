"""The shop's tables and the stock it opens with."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

products = sa.Table(
    "products",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False, index=True),
    sa.Column("cents", sa.Integer, nullable=False),
    sa.Column("stock", sa.Integer, nullable=False),
)

carts = sa.Table(
    "carts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("customer_group", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

cart_items = sa.Table(
    "cart_items",
    metadata,
    sa.Column("cart_id", sa.ForeignKey("carts.id"), primary_key=True),
    sa.Column("product_id", sa.ForeignKey("products.id"), primary_key=True),
    sa.Column("quantity", sa.Integer, nullable=False),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cart_id", sa.ForeignKey("carts.id"), nullable=False, unique=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("cents", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("mailed_at", sa.DateTime(timezone=True)),
)

payments = sa.Table(
    "payments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.ForeignKey("orders.id"), nullable=False, index=True),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

ADJECTIVES = ("Plain", "Striped", "Waxed", "Folding", "Brass", "Linen", "Heavy", "Travel")
THINGS = (("lamp", "home"), ("kettle", "kitchen"), ("rucksack", "outdoor"), ("blanket", "home"), ("knife", "kitchen"))


def opening_stock() -> list[dict[str, object]]:
    """Give the forty products with which the shop opens."""
    return [
        {"name": f"{adjective} {thing}", "category": category, "cents": 900 + 137 * (i * len(THINGS) + j), "stock": 1_000_000}
        for i, adjective in enumerate(ADJECTIVES)
        for j, (thing, category) in enumerate(THINGS)
    ]


def create(connection: sa.Connection) -> None:
    """Create the tables and fill the shelves of an empty database."""
    metadata.create_all(connection)
    connection.execute(products.insert(), opening_stock())
