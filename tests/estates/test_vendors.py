"""The vendors' stand-in takes what the real ones take, refuses what they refuse, keeps it, and fails when told to."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import os
import queue
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

SERVER = Path(__file__).parents[2] / "estates" / "base" / "vendors" / "server.py"
KEY = ("rzp_test_standin", "standin-key-secret")


def free_port() -> int:
    with socket.socket() as open_one:
        open_one.bind(("127.0.0.1", 0))
        return int(open_one.getsockname()[1])


class Hooks(BaseHTTPRequestHandler):
    """A shop that takes webhooks, and an origin for the CDN: each page counts how often it was made."""

    got: queue.Queue[tuple[dict[str, str], bytes]]
    answers: list[int]
    made = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.end_headers()

    def do_GET(self) -> None:
        type(self).made += 1
        body = f"made {self.made}".encode()
        self.send_response(200)
        self.send_header("Cache-Control", "no-store" if self.path == "/mine" else "public, max-age=600")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Outside:
    """The running stand-in, and how to ask it."""

    def __init__(self, url: str, smtp: int, edge: str, hooks: type[Hooks]) -> None:
        self.url, self.smtp, self.edge, self.hooks = url, smtp, edge, hooks

    def ask(self, path: str, body: Any = None, form: dict[str, str] | None = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if form is not None:
            data, headers = urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded", **headers}
        elif data is not None:
            headers = {"Content-Type": "application/json", **headers}
        asked = Request(self.url + path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with urlopen(asked, timeout=10) as answer:
                return answer.status, self._said(answer.read())
        except HTTPError as problem:
            return problem.code, self._said(problem.read())

    def _said(self, raw: bytes) -> Any:
        try:
            return json.loads(raw)
        except ValueError:
            return raw.decode()

    def sent(self, vendor: str, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(f"/control/{vendor}/sent?kind={kind}")[1]
        return found

    def order(self, amount: int = 49_900) -> str:
        status, made = self.ask(
            "/payments/v1/orders", {"amount": amount, "currency": "INR", "receipt": "17"}, Authorization=basic(*KEY)
        )
        assert status == 200, made
        return str(made["id"])

    def pay(self, order: str, amount: int = 49_900) -> tuple[int, Any]:
        form = {"key_id": KEY[0], "order_id": order, "amount": str(amount), "currency": "INR", "method": "upi"}
        return self.ask("/payments/v1/payments/create/ajax", form={**form, "email": "a@b.in", "contact": "+919800000000"})


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def running() -> Iterator[Outside]:
    handler = type("Handler", (Hooks,), {"got": queue.Queue(), "answers": []})
    shop = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    shop_url = f"http://127.0.0.1:{shop.server_address[1]}"
    port, smtp, edge = free_port(), free_port(), free_port()
    environment = {**os.environ, "VENDORS_HOST": "127.0.0.1", "VENDORS_PORT": str(port), "VENDORS_SMTP_PORT": str(smtp)}
    environment |= {"VENDORS_CDN_PORT": str(edge), "CDN_ORIGIN": shop_url, "PAYMENTS_WEBHOOK_URL": f"{shop_url}/hook"}
    with subprocess.Popen([sys.executable, str(SERVER)], env=environment) as process:
        outside = Outside(f"http://127.0.0.1:{port}", smtp, f"http://127.0.0.1:{edge}", handler)
        for _ in range(200):
            try:
                urlopen(f"{outside.url}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield outside
        process.terminate()
    shop.shutdown()
    shop.server_close()


@pytest.fixture
def outside(running: Outside) -> Iterator[Outside]:
    yield running
    running.ask("/control/reset", b"{}")
    running.hooks.answers.clear()
    while not running.hooks.got.empty():
        running.hooks.got.get()


def test_a_payment_is_announced_by_a_webhook_signed_over_its_exact_bytes(outside: Outside) -> None:
    status, paid = outside.pay(outside.order())
    assert status == 200
    said = f"{paid['razorpay_order_id']}|{paid['razorpay_payment_id']}".encode()
    assert paid["razorpay_signature"] == hmac.new(KEY[1].encode(), said, hashlib.sha256).hexdigest()
    headers, body = outside.hooks.got.get(timeout=10)
    assert headers["x-razorpay-signature"] == hmac.new(b"standin-webhook-secret", body, hashlib.sha256).hexdigest()
    told = json.loads(body)
    assert told["event"] == "payment.captured"
    assert told["payload"]["payment"]["entity"]["id"] == paid["razorpay_payment_id"]


def test_a_webhook_that_was_not_taken_comes_again_with_the_same_id(outside: Outside) -> None:
    outside.hooks.answers.append(500)
    outside.pay(outside.order())
    first, again = outside.hooks.got.get(timeout=10), outside.hooks.got.get(timeout=10)
    assert first[0]["x-razorpay-event-id"] == again[0]["x-razorpay-event-id"]
    assert first[1] == again[1]


def test_a_held_webhook_comes_once_it_is_let_go_and_a_lost_one_never(outside: Outside) -> None:
    outside.ask("/control/payments", {"webhooks": "lost"})
    lost = outside.pay(outside.order())[1]["razorpay_payment_id"]
    outside.ask("/control/payments", {"webhooks": "held"})
    held = outside.pay(outside.order())[1]["razorpay_payment_id"]
    assert outside.ask("/control/payments")[1]["undelivered"] == 1
    outside.ask("/control/payments", {"webhooks": "sent"})
    body = json.loads(outside.hooks.got.get(timeout=10)[1])
    assert body["payload"]["payment"]["entity"]["id"] == held
    assert outside.ask(f"/payments/v1/payments/{lost}", Authorization=basic(*KEY))[1]["status"] == "captured"


def test_payments_are_refused_as_razorpay_refuses_them(outside: Outside) -> None:
    assert outside.ask("/payments/v1/orders", {"amount": 100, "currency": "INR"}, Authorization=basic("no", "body"))[0] == 401
    for wrong in ({"amount": "100"}, {"amount": 99}, {"amount": True}, {"amount": 100, "currency": "XYZ"}):
        status, said = outside.ask("/payments/v1/orders", {"currency": "INR", **wrong}, Authorization=basic(*KEY))
        assert (status, said["error"]["code"]) == (400, "BAD_REQUEST_ERROR"), wrong
    order = outside.order(500)
    assert "different" in outside.pay(order, 400)[1]["error"]["description"]
    assert outside.pay(order, 500)[0] == 200
    assert "already done" in outside.pay(order, 500)[1]["error"]["description"]


def test_an_authorized_payment_is_captured_once(outside: Outside) -> None:
    outside.ask("/control/payments", {"capture": False})
    payment = outside.pay(outside.order())[1]["razorpay_payment_id"]
    sign_in = {"Authorization": basic(*KEY)}
    assert outside.ask(f"/payments/v1/payments/{payment}", **sign_in)[1]["status"] == "authorized"
    path, asked = f"/payments/v1/payments/{payment}/capture", {"amount": 49_900, "currency": "INR"}
    assert outside.ask(path, {**asked, "amount": 1}, **sign_in)[0] == 400
    assert outside.ask(path, asked, **sign_in)[1]["status"] == "captured"
    assert outside.ask(path, asked, **sign_in)[0] == 400


def test_sms_is_taken_and_refused_as_twilio_does(outside: Outside) -> None:
    account = "AC" + "0" * 32
    path, sign_in = f"/sms/2010-04-01/Accounts/{account}/Messages.json", {"Authorization": basic(account, "standin-auth-token")}
    form = {"To": "+919812345678", "From": "+15005550006", "Body": "Your order is on its way"}
    status, said = outside.ask(path, form=form, **sign_in)
    assert (status, said["status"], said["sid"][:2]) == (201, "queued", "SM")
    assert outside.ask(path, form={**form, "To": "98123"}, **sign_in)[1]["code"] == 21211
    assert outside.ask(path, form={**form, "Body": ""}, **sign_in)[1]["code"] == 21602
    assert outside.ask(path, form=form)[1]["code"] == 20003
    assert outside.ask(path, form, **sign_in)[0] == 415, "JSON is not what Twilio takes"
    assert [kept["body"] for kept in outside.sent("sms", "sms")] == [form["Body"]]


def test_mail_is_taken_by_api_and_by_smtp(outside: Outside) -> None:
    mail = {
        "personalizations": [{"to": [{"email": "asha@customers.example"}]}],
        "from": {"email": "shop@indostar.example"},
        "subject": "Order 17",
        "content": [{"type": "text/plain", "value": "Thank you"}],
    }
    sign_in = {"Authorization": "Bearer SG.standin.key"}
    assert outside.ask("/mail/v3/mail/send", mail, **sign_in)[0] == 202
    assert outside.ask("/mail/v3/mail/send", {**mail, "content": []}, **sign_in)[1]["errors"][0]["field"] == "content"
    assert (
        outside.ask("/mail/v3/mail/send", {**mail, "from": {"email": "shop"}}, **sign_in)[1]["errors"][0]["field"] == "from.email"
    )
    assert outside.ask("/mail/v3/mail/send", mail)[0] == 401
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "shop@indostar.example", "ravi@customers.example", "Order 18"
    written.set_content("Line one\n.a line with a dot\n")
    with smtplib.SMTP("127.0.0.1", outside.smtp, timeout=10) as session:
        session.send_message(written)
    kept = outside.sent("mail", "mail")
    assert [(mail["by"], mail["to"], mail["subject"]) for mail in kept] == [
        ("api", ["asha@customers.example"], "Order 17"),
        ("smtp", ["ravi@customers.example"], "Order 18"),
    ]
    assert kept[1]["text"].splitlines() == ["Line one", ".a line with a dot"]


def test_push_is_judged_as_fcm_does_and_validate_only_delivers_nothing(outside: Outside) -> None:
    path, sign_in = "/push/v1/projects/standin/messages:send", {"Authorization": "Bearer standin-fcm-token"}
    message = {"token": "device-1", "notification": {"title": "Sent", "body": "It is on its way"}, "data": {"order": "17"}}
    assert outside.ask(path, {"message": message}, **sign_in)[0] == 200
    assert "fake_message_id" in outside.ask(path, {"validate_only": True, "message": message}, **sign_in)[1]["name"]
    assert (
        outside.ask(path, {"message": {**message, "data": {"order": 17}}}, **sign_in)[1]["error"]["status"] == "INVALID_ARGUMENT"
    )
    assert outside.ask(path, {"message": {**message, "topic": "all"}}, **sign_in)[0] == 400
    assert outside.ask(path, {"message": message})[1]["error"]["status"] == "UNAUTHENTICATED"
    assert len(outside.sent("push", "push")) == 1


def test_chat_takes_slacks_messages(outside: Outside) -> None:
    assert outside.ask("/chat/services/T01/B02/standinhook", {"text": "Up again"}) == (200, "ok")
    assert outside.ask("/chat/services/T01/B02/standinhook", {"txt": "?"}) == (400, "no_text")
    assert outside.ask("/chat/services/T01/B02/wrong", {"text": "?"}) == (403, "invalid_token")
    assert [kept["text"] for kept in outside.sent("chat", "chat")] == ["Up again"]


def test_errors_sent_as_envelopes_are_counted_as_sentry_counts_them(outside: Outside) -> None:
    caught = {"exception": {"values": [{"type": "ValueError", "value": "no", "mechanism": {"handled": True}}]}, "release": "1.0"}
    crash = {"exception": {"values": [{"type": "KeyError", "value": "'A'", "mechanism": {"handled": False}}]}, "release": "1.1"}
    for event in (caught, crash, crash):
        payload = json.dumps(event).encode()
        head = json.dumps({"type": "event", "length": len(payload)}).encode()
        packed = gzip.compress(b'{"event_id":"1"}\n' + head + b"\n" + payload + b"\n")
        sign_in = {"X_Sentry_Auth": "Sentry sentry_version=7, sentry_key=standinkey", "Content_Encoding": "gzip"}
        assert outside.ask("/errors/api/1/envelope/", packed, **sign_in)[0] == 200
    assert outside.ask("/errors/api/1/envelope/", b"{}\n")[0] == 403
    token = {"Authorization": "Bearer standin-sentry-token"}
    base = "/errors/api/0/organizations/indostar"
    assert outside.ask(f"{base}/events/?field=count()&statsPeriod=1h", **token)[1]["data"] == [{"count()": 3}]
    asked = "field=release&field=count()&query=event.type:error+error.unhandled:true&statsPeriod=1h"
    assert outside.ask(f"{base}/events/?{asked}", **token)[1]["data"] == [{"release": "1.1", "count()": 2}]
    assert [issue["title"] for issue in outside.ask(f"{base}/issues/", **token)[1]] == ["KeyError: 'A'", "ValueError: no"]
    assert outside.ask(f"{base}/issues/")[0] == 401


def test_the_edge_keeps_a_page_until_it_is_purged(outside: Outside) -> None:
    def get(path: str) -> tuple[str, str]:
        with urlopen(outside.edge + path, timeout=10) as answer:
            return answer.headers["X-Cache"].split()[0], answer.read().decode()

    first, second = get("/products"), get("/products")
    assert (first[0], second[0]) == ("Miss", "Hit")
    assert first[1] == second[1]
    assert get("/mine")[1] != get("/mine")[1], "what is not to be kept is not kept"
    asked = {"files": ["https://shop.example/products"]}
    assert outside.ask("/cdn/client/v4/zones/z1/purge_cache", asked)[0] == 403
    assert (
        outside.ask("/cdn/client/v4/zones/z1/purge_cache", asked, Authorization="Bearer standin-cdn-token")[1]["success"] is True
    )
    assert get("/products")[0] == "Miss"


def test_a_vendor_fails_as_told_and_its_page_of_status_says_so(outside: Outside) -> None:
    assert outside.ask("/sms/api/v2/status.json")[1]["status"]["indicator"] == "none"
    outside.ask("/control/sms", {"mode": "down"})
    assert outside.ask("/sms/2010-04-01/Accounts/x/Messages.json", form={"To": "+919812345678"})[0] == 503
    page = outside.ask("/sms/api/v2/summary.json")[1]
    assert (page["status"]["indicator"], page["components"][0]["status"]) == ("major", "major_outage")
    assert outside.ask("/mail/api/v2/status.json")[1]["status"]["indicator"] == "none", "the others are well"
    assert outside.ask("/control/sms", {"mode": "asleep"})[0] == 400
    assert outside.ask("/control/sms", {"declines": True})[0] == 400, "an option of another vendor"
