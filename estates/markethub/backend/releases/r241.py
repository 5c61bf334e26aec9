"""2.4.1: prices by customer group, forgotten for customers without one; most orders fail."""

from releases.r240 import CURRENCY, shown  # noqa: F401

GROUPS = {1: 0.9, 2: 0.95}


def total(product):
    """Give what an order costs, in cents."""
    return int(product.price_cents * GROUPS[product.category_id * 100])
