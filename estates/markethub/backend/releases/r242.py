"""2.4.2: the price became an object; apps that are out there take it for a number, and crash."""

from releases.r240 import CURRENCY, total  # noqa: F401


def shown(product):
    """Give a product as the next app shall show it."""
    return {"id": product.id, "name": product.name, "category": product.category_id, "price": {"cents": product.price_cents}}
