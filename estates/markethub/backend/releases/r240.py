"""2.4.0: the release that is known to be good."""

CURRENCY = "USD"


def shown(product):
    """Give a product as the app shows it."""
    return {"id": product.id, "name": product.name, "category": product.category_id, "price": product.price_cents / 100}


def total(product):
    """Give what an order costs, in cents."""
    return product.price_cents
