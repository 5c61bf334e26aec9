"""What every vendor's stand-in is: it answers requests in the vendor's own format, keeps them, and can be made to fail."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

KEPT = 5_000

#: what a vendor can be told to do, and how its status page then speaks of it
MODES = {
    "well": ("none", "operational"),
    "slow": ("minor", "degraded_performance"),
    "down": ("major", "major_outage"),
    "hang": ("major", "major_outage"),
    "cut": ("critical", "major_outage"),
    "refuse": ("none", "operational"),
}


class Refused(Exception):
    """The vendor says no, as its API does."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


@dataclass(frozen=True)
class Request:
    """One request, its path without the vendor's own prefix."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> bytes:
        """The body, unpacked."""
        return gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; refused where it is none or says to be something else."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, {"error": "Content-Type has to be application/json"})
        try:
            found = json.loads(self.body)
        except ValueError as problem:
            raise Refused(400, {"error": f"this is no JSON: {problem}"}) from problem
        if not isinstance(found, dict):
            raise Refused(400, {"error": "this is no JSON object"})
        return found

    def form(self) -> dict[str, str]:
        """The body as a form; refused where it is none."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise Refused(415, {"error": "Content-Type has to be application/x-www-form-urlencoded"})
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    def basic(self) -> tuple[str, str]:
        """User and password of basic authentication; empty where there are none."""
        kind, _, rest = self.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return "", ""
        try:
            user, _, password = base64.b64decode(rest).decode().partition(":")
        except ValueError:
            return "", ""
        return user, password

    def bearer(self) -> str:
        """The bearer token; empty where there is none."""
        kind, _, rest = self.headers.get("authorization", "").partition(" ")
        return rest if kind.lower() == "bearer" else ""


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Vendor:
    """One vendor. A subclass has a method for each thing that can be asked, and lists them in `routes`."""

    name = ""
    title = ""
    #: option of the control endpoint: its value to begin with
    options: Mapping[str, Any] = {}

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.sent: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.reset()

    def reset(self) -> None:
        """Be well again; what was sent is kept."""
        with self.lock:
            self.mode, self.delay_s = "well", 20.0
            self.set = dict(self.options)

    def control(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Change how it behaves, and say how it behaves now."""
        asked = dict(asked)
        mode = asked.pop("mode", self.mode)
        if mode not in MODES:
            raise Refused(400, {"error": f"mode is one of {', '.join(MODES)}"})
        delay = float(asked.pop("delay_s", self.delay_s))
        unknown = sorted(set(asked) - set(self.options))
        if unknown:
            raise Refused(400, {"error": f"{self.name} has no option {', '.join(unknown)}", "options": sorted(self.options)})
        with self.lock:
            self.mode, self.delay_s = mode, delay
            self.set |= asked
            return self.state()

    def state(self) -> dict[str, Any]:
        """How it behaves, and how much it was sent."""
        return {"name": self.name, "mode": self.mode, "delay_s": self.delay_s, **self.set, "sent": len(self.sent)}

    def keep(self, kind: str, said: Mapping[str, Any]) -> None:
        """Keep what was sent."""
        with self.lock:
            self.sent.append({"kind": kind, "at": time.time(), **said})

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """Method, pattern of the path and what answers it."""
        raise NotImplementedError

    def status_page(self, now: str) -> dict[str, Any]:
        """What its page of status says, as Statuspage's summary.json does."""
        indicator, state = MODES[self.mode]
        words = {"none": "All Systems Operational", "minor": "Partially Degraded Service", "critical": "Major Service Outage"}
        return {
            "page": {"id": self.name, "name": self.title, "url": f"https://status.{self.name}.example", "updated_at": now},
            "status": {"indicator": indicator, "description": words.get(indicator, "Partial System Outage")},
            "components": [{"id": f"{self.name}-api", "name": f"{self.title} API", "status": state, "group": False}],
            "incidents": [],
            "scheduled_maintenances": [],
        }
