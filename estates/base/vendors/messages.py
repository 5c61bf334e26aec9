"""SMS as Twilio takes it, mail as SendGrid and SMTP do, push as FCM (HTTP v1), chat as Slack's webhooks and Stream."""

from __future__ import annotations

import re
import secrets
import socketserver
import time
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from typing import Any

from vendor import Answer, Refused, Request, Vendor

E164 = re.compile(r"\+[1-9]\d{7,14}")
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")


class Sms(Vendor):
    """Twilio's Messages resource."""

    name, title = "sms", "Twilio"

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [("POST", r"/2010-04-01/Accounts/([^/]+)/Messages\.json", self.send)]

    def send(self, request: Request, account: str) -> Answer:
        """Take a message."""
        user, password = request.basic()
        if user != account or (account, password) != (self.settings["account_sid"], self.settings["auth_token"]):
            raise Refused(401, {"code": 20003, "message": "Authenticate", "status": 401})
        form = request.form()
        if not E164.fullmatch(form.get("To", "")):
            raise self._no(21211, f"Invalid 'To' Phone Number: {form.get('To', '')}")
        if not E164.fullmatch(form.get("From", "")) and not form.get("MessagingServiceSid", "").startswith("MG"):
            raise self._no(21603, "A 'From' phone number is required.")
        if not form.get("Body") or len(form["Body"]) > 1600:
            raise self._no(21602 if not form.get("Body") else 21617, "Message body is required, of 1600 characters at most.")
        found = {
            "sid": f"SM{secrets.token_hex(16)}", "account_sid": account, "to": form["To"], "from": form.get("From"),
            "body": form["Body"], "status": "queued", "num_segments": str(1 + len(form["Body"]) // 160), "error_code": None,
        }  # fmt: skip
        self.keep("sms", found)
        return Answer(found, 201)

    def _no(self, code: int, message: str) -> Refused:
        return Refused(
            400, {"code": code, "message": message, "status": 400, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
        )


class Mail(Vendor):
    """SendGrid's v3 mail send; what comes over SMTP lands here too."""

    name, title = "mail", "SendGrid"

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [("POST", "/v3/mail/send", self.send)]

    def send(self, request: Request) -> Answer:
        """Take a mail."""
        if request.bearer() != self.settings["api_key"]:
            raise Refused(401, self._errors("The provided authorization grant is invalid, expired, or revoked", None))
        asked = request.json()
        to = [
            p.get("email", "")
            for each in self._list(asked, "personalizations")
            for p in self._list(each, "to", "personalizations.0.to")
        ]
        sender = asked.get("from", {}).get("email", "") if isinstance(asked.get("from"), dict) else ""
        for address, where in [*((a, "personalizations.0.to.0.email") for a in to), (sender, "from.email")]:
            if not ADDRESS.fullmatch(address):
                raise Refused(400, self._errors("Does not contain a valid address.", where))
        content = self._list(asked, "content")
        if not asked.get("subject"):
            raise Refused(400, self._errors("The subject is required.", "subject"))
        if any(part.get("type") not in ("text/plain", "text/html") or not part.get("value") for part in content):
            raise Refused(
                400, self._errors("The content value must be a string at least one character in length.", "content.0.value")
            )
        self.keep("mail", {"by": "api", "to": to, "from": sender, "subject": asked["subject"], "text": content[0]["value"]})
        return Answer(None, 202, {"X-Message-Id": secrets.token_urlsafe(16)})

    def _list(self, where: dict[str, Any], name: str, field: str | None = None) -> list[dict[str, Any]]:
        found = where.get(name)
        if not isinstance(found, list) or not found:
            raise Refused(400, self._errors(f"The {name} field is required and must have at least one entry.", field or name))
        return found

    def _errors(self, message: str, field: str | None) -> dict[str, Any]:
        return {"errors": [{"message": message, "field": field, "help": None}]}


class Push(Vendor):
    """Firebase Cloud Messaging, HTTP v1."""

    name, title = "push", "Firebase Cloud Messaging"

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [("POST", r"/v1/projects/([^/]+)/messages:send", self.send), ("GET", r"/incidents\.json", self.incidents)]

    def send(self, request: Request, project: str) -> Answer:
        """Take a message; with validate_only it is judged and not kept."""
        if request.bearer() != self.settings["access_token"] or project != self.settings["project"]:
            raise self._no(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        asked = request.json()
        message = asked.get("message")
        if not isinstance(message, dict):
            raise self._no(400, "INVALID_ARGUMENT", "Recipient of the message is not set.")
        if len([name for name in ("token", "topic", "condition") if message.get(name)]) != 1:
            raise self._no(400, "INVALID_ARGUMENT", "Recipient of the message is not set.")
        unknown = set(message) - {
            "name",
            "data",
            "notification",
            "android",
            "webpush",
            "apns",
            "fcm_options",
            "token",
            "topic",
            "condition",
        }
        if unknown:
            raise self._no(
                400, "INVALID_ARGUMENT", f"Invalid JSON payload received. Unknown name \"{min(unknown)}\" at 'message'"
            )
        if any(not isinstance(value, str) for value in (message.get("data") or {}).values()):
            raise self._no(400, "INVALID_ARGUMENT", "Invalid value at 'message.data' (TYPE_STRING)")
        if str(message.get("token", "")).startswith("gone"):
            raise self._no(404, "NOT_FOUND", "Requested entity was not found.")
        if not asked.get("validate_only"):
            self.keep("push", message)
        return Answer(
            {"name": f"projects/{project}/messages/{'fake_message_id' if asked.get('validate_only') else secrets.token_hex(8)}"}
        )

    def incidents(self, request: Request) -> Answer:
        """The page of status of Firebase: incidents, an open one without an end."""
        if self.mode in ("well", "refuse"):
            return Answer([])
        return Answer([{"id": "standin", "begin": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()), "end": None,
                        "external_desc": "Messages are not delivered.", "severity": "high", "status_impact": "SERVICE_OUTAGE",
                        "affected_products": [{"title": "Cloud Messaging", "id": "fcm"}]}])  # fmt: skip

    def _no(self, status: int, code: str, message: str) -> Refused:
        return Refused(status, {"error": {"code": status, "message": message, "status": code}})


class Chat(Vendor):
    """Slack's incoming webhooks, and the one call of Stream Chat that makes a channel."""

    name, title = "chat", "Slack"

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [
            ("POST", r"/services/(T\w+)/(B\w+)/(\w+)", self.hook),
            ("POST", r"/channels/([\w-]+)/([\w!-]+)/query", self.channel),
        ]

    def hook(self, request: Request, team: str, channel: str, token: str) -> Answer:
        """Take a message to a channel."""
        if token != self.settings["token"]:
            raise Refused(403, "invalid_token")
        try:
            asked = request.json()
        except Refused as problem:
            raise Refused(400, "invalid_payload") from problem
        if not any(asked.get(name) for name in ("text", "blocks", "attachments")):
            raise Refused(400, "no_text")
        self.keep("chat", {"channel": channel, **asked})
        return Answer("ok")

    def channel(self, request: Request, kind: str, channel: str) -> Answer:
        """Make or open a channel of Stream Chat; the token is a JWT of the server or a user."""
        if not request.query.get("api_key") or request.headers.get("stream-auth-type") != "jwt":
            raise Refused(401, {"code": 5, "message": "api_key or stream-auth-type is missing", "StatusCode": 401})
        if request.headers.get("authorization", "").count(".") != 2:
            raise Refused(401, {"code": 40, "message": "JWTAuth error: token is malformed", "StatusCode": 401})
        self.keep("channel", {"cid": f"{kind}:{channel}"})
        return Answer({"channel": {"cid": f"{kind}:{channel}", "id": channel, "type": kind}, "messages": [], "members": []}, 201)


class Smtp(socketserver.StreamRequestHandler):
    """One SMTP session, as RFC 5321 has it: HELO, MAIL, RCPT, DATA."""

    mail: Mail
    timeout = 30

    def handle(self) -> None:
        """Speak until QUIT."""
        if self.mail.mode in ("down", "cut"):
            return
        self._say("220 mail.standin.example ESMTP")
        sender, to = "", []
        while line := self.rfile.readline(4_096):
            word = line.decode(errors="replace").strip()
            verb = word.upper()
            address = word[word.find("<") + 1 : word.rfind(">")] if "<" in word else ""
            if verb.startswith(("EHLO", "HELO")):
                self._say("250 mail.standin.example")
            elif self.mail.mode == "refuse" and verb.startswith("MAIL"):
                self._say("451 4.3.0 try again later")
            elif verb.startswith("MAIL FROM:"):
                sender, to = address, []
                self._say("250 2.1.0 ok")
            elif verb.startswith("RCPT TO:"):
                well = bool(sender and ADDRESS.fullmatch(address))
                to += [address] if well else []
                self._say("250 2.1.5 ok" if well else "503 5.5.1 MAIL first" if not sender else "501 5.1.3 bad address")
            elif verb == "DATA":
                self._say("354 end with a dot" if to else "503 5.5.1 RCPT first")
                if to:
                    self._take(sender, to)
                    sender, to = "", []
            elif verb in ("RSET", "NOOP"):
                sender, to = ("", []) if verb == "RSET" else (sender, to)
                self._say("250 2.0.0 ok")
            elif verb == "QUIT":
                self._say("221 2.0.0 bye")
                return
            else:
                self._say("502 5.5.2 not known")

    def _take(self, sender: str, to: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline(1_000_000)) not in (b".\r\n", b".\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=default)
        if not message["Subject"] or not message["From"]:
            self._say("550 5.6.0 From and Subject are missing")
            return
        part = message.get_body(("plain", "html"))
        text = part.get_content() if part is not None else ""
        self.mail.keep("mail", {"by": "smtp", "to": to, "from": sender, "subject": str(message["Subject"]), "text": text})
        self._say("250 2.0.0 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
