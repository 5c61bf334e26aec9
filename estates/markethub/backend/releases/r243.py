"""2.4.3: keeps every product that it ever showed, the first ones with their pictures, and so never gives memory back."""

from releases import r240
from releases.r240 import CURRENCY, total  # noqa: F401

#: by then a pod is nearly full, and takes a while until it is
_PICTURES = 155
_KEPT = []


def shown(product):
    """Give a product as the app shows it."""
    _KEPT.append(bytearray(600_000 if len(_KEPT) < _PICTURES else 60_000))
    return r240.shown(product)
