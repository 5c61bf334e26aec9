"""All vendors in one small server, each below a path of its own: /payments /sms /mail /push /chat /cdn /errors /stores.

    GET  /NAME/api/v2/summary.json   the vendor's page of status, as Statuspage has it; it answers while the vendor is down
    GET  /control                    how each behaves, and how much it was sent
    POST /control/NAME               {"mode": "well | slow | down | hang | cut | refuse", …}: make it fail; its options besides
    GET  /control/NAME/sent          what it was sent; ?kind=… and ?since=… narrow it down
    POST /control/reset              all are well again

Settings are environment variables, with defaults that fit together; VENDORS_PORT 0 leaves a listener out.
"""

from __future__ import annotations

import json
import os
import re
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cdn import Cdn, Edge
from messages import Chat, Mail, Push, Sms, Smtp
from payments import Payments
from reports import Errors, Stores
from vendor import Answer, Refused, Request, Vendor

#: setting of a vendor: its environment variable and what it is where that is not set
SETTINGS = {
    Payments: {
        "key_id": ("RAZORPAY_KEY_ID", "rzp_test_standin"),
        "key_secret": ("RAZORPAY_KEY_SECRET", "standin-key-secret"),
        "webhook_secret": ("RAZORPAY_WEBHOOK_SECRET", "standin-webhook-secret"),
        "webhook_url": ("PAYMENTS_WEBHOOK_URL", ""),
    },
    Sms: {"account_sid": ("TWILIO_ACCOUNT_SID", "AC" + "0" * 32), "auth_token": ("TWILIO_AUTH_TOKEN", "standin-auth-token")},
    Mail: {"api_key": ("SENDGRID_API_KEY", "SG.standin.key")},
    Push: {"project": ("FCM_PROJECT", "standin"), "access_token": ("FCM_ACCESS_TOKEN", "standin-fcm-token")},
    Chat: {"token": ("SLACK_HOOK_TOKEN", "standinhook")},
    Cdn: {"token": ("CDN_TOKEN", "standin-cdn-token")},
    Errors: {"key": ("SENTRY_KEY", "standinkey"), "token": ("SENTRY_TOKEN", "standin-sentry-token")},
    Stores: {"token": ("STORES_TOKEN", "standin-stores-token")},
}


def made() -> dict[str, Vendor]:
    """Make every vendor with its settings."""
    found = [kind({name: os.environ.get(*told) for name, told in settings.items()}) for kind, settings in SETTINGS.items()]
    return {vendor.name: vendor for vendor in found}


def answer(vendors: dict[str, Vendor], request: Request) -> Answer | None:
    """Answer a request; None where the vendor cuts the line."""
    _, name, rest = (request.path + "/").split("/", 2)
    rest = "/" + rest.strip("/")
    if name in ("", "health"):
        return Answer({"status": "ok"})
    if name == "control":
        return _control(vendors, request, rest)
    vendor = vendors.get(name)
    if vendor is None:
        raise Refused(404, {"error": f"there is no {name}; there are {', '.join(vendors)}"})
    if rest in ("/api/v2/status.json", "/api/v2/summary.json", "/api/v2/components.json"):
        page = vendor.status_page(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        wanted = {"status": ("page", "status"), "components": ("page", "components")}.get(
            rest[8:].removesuffix(".json"), tuple(page)
        )
        return Answer({part: page[part] for part in wanted})
    if vendor.mode == "cut":
        return None
    if vendor.mode in ("hang", "slow"):
        time.sleep(vendor.delay_s)
    if vendor.mode in ("hang", "down"):
        raise Refused(503, {"error": {"code": "SERVER_ERROR", "description": f"{vendor.title} is not available."}})
    if vendor.mode == "refuse":
        raise Refused(401, {"error": {"code": "BAD_REQUEST_ERROR", "description": "Authentication failed"}})
    return _asked(vendor, request, rest)


def _asked(vendor: Vendor, request: Request, path: str) -> Answer:
    """Let the vendor's own route answer."""
    for method, pattern, do in vendor.routes():
        found = re.fullmatch(pattern, path) or re.fullmatch(pattern, path + "/")
        if found and method == request.method:
            return do(request, *found.groups())
    raise Refused(404, {"error": f"{vendor.title} has no {request.method} {path}"})


def _control(vendors: dict[str, Vendor], request: Request, path: str) -> Answer:
    """Show and change how vendors behave."""
    words = [word for word in path.split("/") if word]
    if not words:
        return Answer({name: vendor.state() for name, vendor in vendors.items()})
    if words == ["reset"] and request.method == "POST":
        for vendor in vendors.values():
            vendor.reset()
        return Answer({name: vendor.state() for name, vendor in vendors.items()})
    vendor = vendors.get(words[0])
    if vendor is None:
        raise Refused(404, {"error": f"there is no {words[0]}; there are {', '.join(vendors)}"})
    if words[1:] == ["sent"]:
        if request.method == "DELETE":
            vendor.sent.clear()
        kinds, since = request.query.get("kind"), float(request.query.get("since", ["0"])[0])
        with vendor.lock:
            return Answer([kept for kept in vendor.sent if kept["at"] >= since and (not kinds or kept["kind"] in kinds)])
    return Answer(vendor.control(json.loads(request.raw or b"{}")) if request.method == "POST" else vendor.state())


class Face(BaseHTTPRequestHandler):
    """HTTP in front of the vendors."""

    vendors: dict[str, Vendor]
    protocol_version = "HTTP/1.1"
    timeout = 60

    def _do(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, unquote(parts.path), parse_qs(parts.query), headers, raw)
        try:
            given = answer(self.vendors, request)
        except Refused as no:
            given = Answer(no.body, no.status)
        except ValueError as problem:
            given = Answer({"error": str(problem)}, 400)
        if given is None:
            self.close_connection = True
            return
        self._give(given)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do

    def _give(self, given: Answer) -> None:
        text = isinstance(given.body, str)
        body = b"" if given.body is None else given.body.encode() if text else json.dumps(given.body).encode()
        self.send_response(given.status)
        for name, value in {"Content-Type": "text/plain" if text else "application/json", **given.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing; what matters is kept."""


class SmtpServer(socketserver.ThreadingTCPServer):
    """Takes mail, one thread a session."""

    allow_reuse_address = daemon_threads = True


def listeners(vendors: dict[str, Vendor], host: str) -> list[socketserver.TCPServer]:
    """Open the ports: the APIs, SMTP, and the CDN's edge where it has an origin."""
    found: list[socketserver.TCPServer] = [
        ThreadingHTTPServer((host, int(os.environ.get("VENDORS_PORT", "8900"))), type("Face", (Face,), {"vendors": vendors}))
    ]
    if smtp := int(os.environ.get("VENDORS_SMTP_PORT", "0")):
        found.append(SmtpServer((host, smtp), type("Session", (Smtp,), {"mail": vendors["mail"]})))
    if edge := int(os.environ.get("VENDORS_CDN_PORT", "0")):
        origin = os.environ["CDN_ORIGIN"].rstrip("/")
        found.append(ThreadingHTTPServer((host, edge), type("At", (Edge,), {"cdn": vendors["cdn"], "origin": origin})))
    return found


def main() -> None:
    """Serve until ended."""
    for server in listeners(made(), os.environ.get("VENDORS_HOST", "0.0.0.0")):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
