"""2.4.3: keeps every product that it ever showed, and so never gives memory back."""

from releases import r240
from releases.r240 import CURRENCY, total  # noqa: F401

_KEPT = []


def shown(product):
    """Give a product as the app shows it."""
    _KEPT.append(bytearray(600_000))
    return r240.shown(product)
