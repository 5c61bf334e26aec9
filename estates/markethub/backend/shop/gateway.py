"""The payment gateway: an order there, then the customer's payment."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request

from django.conf import settings

from shop.models import Order
from shop.releases import release

TIMEOUT_S = 3


class Unavailable(Exception):
    """The gateway is away, or refused."""


def pay(order, email):
    """Have an order paid; gives the gateway's own number of it."""
    made = order.payment_order or _post_json("/v1/orders", _as_asked(order.total_cents, order.key))["id"]
    if not order.payment_order:
        Order.objects.filter(pk=order.pk).update(payment_order=made)
    form = {
        "key_id": settings.PAYMENTS_KEY_ID,
        "order_id": made,
        "amount": str(order.total_cents),
        "currency": release.CURRENCY,
        "email": email,
        "contact": "+27110000000",
        "method": "card",
    }
    try:
        _post("/v1/payments/create/ajax", urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded")
    except Unavailable as problem:
        if "already done" not in str(problem):
            raise
    return made


def rehearse(amount, currency):
    """Make an order in the sandbox that nobody pays."""
    return _post_json("/v1/orders", {"amount": amount, "currency": currency, "receipt": "sandbox"})["id"]


def _as_asked(amount, receipt):
    return {"amount": amount, "currency": release.CURRENCY, "receipt": receipt[:40]}


def _post_json(path, body):
    return _post(path, json.dumps(body).encode(), "application/json")


def _post(path, body, kind):
    name = base64.b64encode(f"{settings.PAYMENTS_KEY_ID}:{settings.PAYMENTS_KEY_SECRET}".encode()).decode()
    headers = {"Content-Type": kind, "Authorization": f"Basic {name}"}
    asked = urllib.request.Request(settings.PAYMENTS_URL + path, body, headers)
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as problem:
        raise Unavailable(f"{problem.code} {problem.read()[:300].decode(errors='replace')}") from None
    except (OSError, ValueError) as problem:
        raise Unavailable(f"{type(problem).__name__}: {problem}") from None
