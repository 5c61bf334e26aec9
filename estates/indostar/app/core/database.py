"""The database: one pool a process, and the tables."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.config import DATABASE_URL

engine = sa.create_engine(
    DATABASE_URL,
    pool_size=10,
    max_overflow=0,
    pool_timeout=3,
    pool_recycle=3600,
    pool_pre_ping=True,
    connect_args={"connect_timeout": 2, "application_name": "indostar"},
)
metadata = sa.MetaData()
_now = sa.text("now()")
_moment = sa.DateTime(timezone=True)

categories = sa.Table("categories", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
products = sa.Table(
    "products",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("category_id", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("paise", sa.Integer, nullable=False),
    sa.Index("idx_products_category", "category_id"),
)
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text, unique=True))
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False),
    sa.Column("product_id", sa.ForeignKey("products.id"), nullable=False),
    sa.Column("paise", sa.Integer, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("razorpay_order_id", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", _moment, nullable=False, server_default=_now),
    sa.Column("mailed_at", _moment),
    sa.Index("idx_orders_user_created", "user_id", "created_at"),
)
payments = sa.Table(
    "payments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("order_id", sa.ForeignKey("orders.id"), nullable=False, index=True),
    sa.Column("razorpay_payment_id", sa.Text, nullable=False, unique=True),
    sa.Column("paise", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("created_at", _moment, nullable=False, server_default=_now),
)
subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False),
    sa.Column("product_id", sa.ForeignKey("products.id"), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("next_at", _moment, nullable=False),
    sa.Column("renewals", sa.Integer, nullable=False, server_default="0"),
)
