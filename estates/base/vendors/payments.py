"""Payment gateway in Razorpay's format: orders, a checkout, payments, and webhooks that are signed and tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from vendor import Answer, Refused, Request, Vendor

FIRST_AFTER_S = 0.3
#: how long after a failed delivery the next is tried; the real one goes on for a day
AGAIN_AFTER_S = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
CURRENCIES = ("INR", "USD", "EUR")


def signature(secret: str, said: bytes) -> str:
    """Sign as Razorpay does: HMAC-SHA256 over the exact bytes, in hexadecimal."""
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def _id(kind: str) -> str:
    """Make an id such as order_PXa1b2c3d4e5f6."""
    return f"{kind}_{secrets.token_hex(7)}"


def _no(description: str, status: int = 400, code: str = "BAD_REQUEST_ERROR") -> Refused:
    """Refuse in the words of its API."""
    return Refused(status, {"error": {"code": code, "description": description, "source": "business", "step": "NA"}})


class Payments(Vendor):
    """Orders and payments in memory."""

    name, title = "payments", "Razorpay"
    #: webhooks: sent | held (not sent until it is `sent` again) | lost; secret: what webhooks are signed with, where not the
    #: one of the settings; declines: payments fail; capture: false leaves payments authorized
    options: Mapping[str, Any] = {"webhooks": "sent", "secret": "", "declines": False, "capture": True}

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.deliveries: dict[str, dict[str, Any]] = {}
        super().__init__(settings)
        threading.Thread(target=self._deliver_forever, name="webhooks", daemon=True).start()

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [
            ("POST", "/v1/orders", self.create_order),
            ("GET", "/v1/orders/([^/]+)", self.order),
            ("GET", "/v1/orders/([^/]+)/payments", self.payments_of),
            ("POST", "/v1/payments/create/ajax", self.pay),
            ("GET", "/v1/payments/([^/]+)", self.payment),
            ("POST", "/v1/payments/([^/]+)/capture", self.capture),
            ("POST", "/v1/payments/([^/]+)/refund", self.refund),
            ("GET", "/v1/webhooks", self.webhooks),
        ]

    def state(self) -> dict[str, Any]:
        """How it behaves, and which webhooks are on their way."""
        waiting = [d for d in self.deliveries.values() if not d["delivered"]]
        return {**super().state(), "orders": len(self.orders), "payments": len(self.payments), "undelivered": len(waiting)}

    def _sign_in(self, request: Request) -> None:
        if request.basic() != (self.settings["key_id"], self.settings["key_secret"]):
            raise _no("The api key provided is invalid", 401)

    def create_order(self, request: Request) -> Answer:
        """Take an order that is to be paid."""
        self._sign_in(request)
        asked = request.json()
        amount = asked.get("amount")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 100:
            raise _no("The amount must be at least INR 1.00")
        if asked.get("currency") not in CURRENCIES:
            raise _no("Currency is not supported")
        receipt = str(asked.get("receipt", ""))
        if len(receipt) > 40:
            raise _no("The receipt may not be greater than 40 characters.")
        order = {
            "id": _id("order"), "entity": "order", "amount": amount, "amount_paid": 0, "amount_due": amount,
            "currency": asked["currency"], "receipt": receipt, "status": "created", "attempts": 0,
            "notes": asked.get("notes") or [], "created_at": int(time.time()),
        }  # fmt: skip
        with self.lock:
            self.orders[order["id"]] = order
        self.keep("order", order)
        return Answer(order)

    def order(self, request: Request, order_id: str) -> Answer:
        """Show an order."""
        self._sign_in(request)
        return Answer(self._known(self.orders, order_id))

    def payments_of(self, request: Request, order_id: str) -> Answer:
        """Show the payments of an order."""
        self._sign_in(request)
        self._known(self.orders, order_id)
        items = [p for p in self.payments.values() if p["order_id"] == order_id]
        return Answer({"entity": "collection", "count": len(items), "items": items})

    def pay(self, request: Request) -> Answer:
        """Let a customer pay in the checkout, who has the public key alone."""
        form = request.form()
        if form.get("key_id") != self.settings["key_id"]:
            raise _no("The api key provided is invalid", 401)
        order = self._known(self.orders, form.get("order_id", ""))
        for needed in ("amount", "currency", "email", "contact", "method"):
            if not form.get(needed):
                raise _no(f"The {needed} field is required.")
        if form["amount"] != str(order["amount"]):
            raise _no("Your payment amount is different from your order amount.")
        if order["status"] == "paid":
            raise _no("Payment already done for this order.")
        fails, capture = bool(self.set["declines"]), bool(self.set["capture"])
        payment = {
            "id": _id("pay"), "entity": "payment", "amount": order["amount"], "currency": order["currency"],
            "status": "failed" if fails else "captured" if capture else "authorized", "order_id": order["id"],
            "method": form["method"], "captured": capture and not fails, "email": form["email"], "contact": form["contact"],
            "error_code": "BAD_REQUEST_ERROR" if fails else None, "notes": order["notes"], "created_at": int(time.time()),
        }  # fmt: skip
        with self.lock:
            order["attempts"] += 1
            self.payments[payment["id"]] = payment
            if payment["captured"]:
                self._paid(order)
        self.keep("payment", payment)
        self._announce(f"payment.{payment['status']}", payment)
        if fails:
            raise Refused(400, {"error": {"code": "BAD_REQUEST_ERROR", "description": "Your bank declined the payment.",
                                          "metadata": {"payment_id": payment["id"], "order_id": order["id"]}}})  # fmt: skip
        signed = signature(self.settings["key_secret"], f"{order['id']}|{payment['id']}".encode())
        return Answer({"razorpay_payment_id": payment["id"], "razorpay_order_id": order["id"], "razorpay_signature": signed})

    def payment(self, request: Request, payment_id: str) -> Answer:
        """Show a payment."""
        self._sign_in(request)
        return Answer(self._known(self.payments, payment_id))

    def capture(self, request: Request, payment_id: str) -> Answer:
        """Take the money of an authorized payment."""
        self._sign_in(request)
        payment, asked = self._known(self.payments, payment_id), request.json()
        if asked.get("amount") != payment["amount"] or asked.get("currency") != payment["currency"]:
            raise _no("Capture amount must be equal to the amount authorized")
        if payment["status"] != "authorized":
            raise _no("This payment has already been captured")
        with self.lock:
            payment |= {"status": "captured", "captured": True}
            self._paid(self.orders[payment["order_id"]])
        self._announce("payment.captured", payment)
        return Answer(payment)

    def refund(self, request: Request, payment_id: str) -> Answer:
        """Give the money back."""
        self._sign_in(request)
        payment = self._known(self.payments, payment_id)
        if payment["status"] != "captured":
            raise _no("The payment status should be captured for action to be taken")
        with self.lock:
            payment["status"] = "refunded"
        found = {
            "id": _id("rfnd"),
            "entity": "refund",
            "amount": payment["amount"],
            "payment_id": payment_id,
            "status": "processed",
        }
        self.keep("refund", found)
        return Answer(found)

    def webhooks(self, request: Request) -> Answer:
        """Show where webhooks go."""
        self._sign_in(request)
        items = [{"id": "hook_1", "url": self.settings["webhook_url"], "active": True, "secret_exists": True}]
        return Answer({"entity": "collection", "count": 1, "items": items})

    def _known(self, kept: Mapping[str, dict[str, Any]], wanted: str) -> dict[str, Any]:
        if wanted not in kept:
            raise _no("The id provided does not exist")
        return kept[wanted]

    def _paid(self, order: dict[str, Any]) -> None:
        order |= {"status": "paid", "amount_paid": order["amount"], "amount_due": 0}

    def _announce(self, event: str, payment: Mapping[str, Any]) -> None:
        """Put a webhook on its way."""
        if not self.settings["webhook_url"] or self.set["webhooks"] == "lost":
            return
        said = {
            "entity": "event", "account_id": "acc_standin", "event": event, "contains": ["payment"],
            "payload": {"payment": {"entity": dict(payment)}}, "created_at": int(time.time()),
        }  # fmt: skip
        number = _id("evt")
        with self.lock:
            self.deliveries[number] = {
                "id": number, "body": json.dumps(said).encode(), "due": time.monotonic() + FIRST_AFTER_S,
                "tries": 0, "answers": [], "delivered": False, "event": event, "payment_id": payment["id"],
            }  # fmt: skip

    def _deliver_forever(self) -> None:
        """Send what is due; what is not taken is tried again, until the last try is over."""
        while True:
            time.sleep(0.1)
            if self.set["webhooks"] == "held" or self.mode in ("down", "hang", "cut"):
                continue
            now = time.monotonic()
            with self.lock:
                due = [d for d in self.deliveries.values() if not d["delivered"] and d["due"] <= now]
            for delivery in due:
                self._deliver(delivery)

    def _deliver(self, delivery: dict[str, Any]) -> None:
        secret = self.set["secret"] or self.settings["webhook_secret"]
        headers = {
            "Content-Type": "application/json",
            "X-Razorpay-Event-Id": delivery["id"],
            "X-Razorpay-Signature": signature(secret, delivery["body"]),
        }
        asked = urllib.request.Request(self.settings["webhook_url"], delivery["body"], headers)
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                said = str(answer.status)
                delivery["delivered"] = True
        except urllib.error.HTTPError as problem:
            said = str(problem.code)
        except OSError as problem:
            said = f"{type(problem).__name__}"
        tries = delivery["tries"]
        delivery["answers"].append(said)
        delivery["tries"] = tries + 1
        delivery["due"] = time.monotonic() + AGAIN_AFTER_S[tries] if tries < len(AGAIN_AFTER_S) else float("inf")
        self.keep("webhook", {"event": delivery["event"], "payment_id": delivery["payment_id"], "answer": said})
