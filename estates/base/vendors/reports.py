"""Error tracker in Sentry's format (envelopes in, events, issues and sessions out), and the app stores' figures of crashes."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from vendor import Answer, Refused, Request, Vendor

_FIELDS = {"release": ("release",), "device.family": ("contexts", "device", "family"), "os": ("contexts", "os", "name")}
_KEY = re.compile(r"sentry_key=(\w+)")


def _of(event: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """The value at a path of an event; empty where there is none."""
    found: Any = event
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return str(found or "")


def _unhandled(event: Mapping[str, Any]) -> bool:
    """Whether nothing caught the exception of an event."""
    values = (event.get("exception") or {}).get("values") or []
    return any((value.get("mechanism") or {}).get("handled") is False for value in values)


def _title(event: Mapping[str, Any]) -> str:
    """What an issue is called: its last exception, or its message."""
    values = (event.get("exception") or {}).get("values") or []
    if values:
        return f"{values[-1].get('type')}: {values[-1].get('value')}"[:200]
    entry = event.get("logentry") or {}
    return str(event.get("message") or entry.get("formatted") or entry.get("message") or "<unlabeled event>")[:200]


class Errors(Vendor):
    """One organisation of Sentry with any number of projects."""

    name, title = "errors", "Sentry"
    #: sessions that apps had in the last hour, by release: {"2.4.1": [1000, 75]} is 75 crashed of 1000
    options: Mapping[str, Any] = {"sessions": {}}

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [
            ("POST", r"/api/(\d+)/envelope/?", self.envelope),
            ("GET", r"/api/0/organizations/([\w.-]+)/events/", self.events),
            ("GET", r"/api/0/organizations/([\w.-]+)/issues/", self.issues),
            ("GET", r"/api/0/organizations/([\w.-]+)/sessions/", self.sessions),
        ]

    def envelope(self, request: Request, project: str) -> Answer:
        """Take an envelope: a line of headers, then each item's header and its payload."""
        given = _KEY.search(request.headers.get("x-sentry-auth", "")) or _KEY.search(
            "&".join(f"{k}={v[0]}" for k, v in request.query.items())
        )
        if given is None or given[1] != self.settings["key"]:
            raise Refused(403, {"detail": "with_reason: ProjectId", "causes": ["unknown public key"]})
        head, _, rest = request.body.partition(b"\n")
        try:
            header = json.loads(head)
            while rest:
                line, _, rest = rest.partition(b"\n")
                if not line:
                    continue
                item = json.loads(line)
                length = item.get("length")
                payload, rest = (
                    (rest[:length], rest[length + 1 :])
                    if length is not None
                    else (rest.partition(b"\n")[0], rest.partition(b"\n")[2])
                )
                if item.get("type") == "event":
                    self.keep("event", {"project": project, "event": json.loads(payload)})
        except (ValueError, AttributeError) as problem:
            raise Refused(400, {"detail": "invalid envelope", "causes": [str(problem)]}) from problem
        return Answer({"id": header.get("event_id", "")})

    def events(self, request: Request, organization: str) -> Answer:
        """Count events, by the fields that are asked for."""
        fields = request.query.get("field", [])
        counted = self._events(request)
        if "error.unhandled:true" in "".join(request.query.get("query", [])):
            counted = [event for event in counted if _unhandled(event)]
        by = [name for name in fields if name in _FIELDS]
        groups = Counter(tuple(_of(event, _FIELDS[name]) for name in by) for event in counted)
        if not by:
            groups = Counter({(): len(counted)})
        rows = [{**dict(zip(by, key, strict=True)), "count()": count} for key, count in groups.most_common(50)]
        return Answer({"data": rows, "meta": {"fields": {"count()": "integer"}}})

    def issues(self, request: Request, organization: str) -> Answer:
        """List what is open, newest first."""
        groups: dict[str, int] = Counter(_title(event) for event in self._events(request))
        return Answer([{"id": str(n), "title": title, "count": str(count), "status": "unresolved", "level": "error"}
                       for n, (title, count) in enumerate(groups.items(), 1)][::-1][:100])  # fmt: skip

    def sessions(self, request: Request, organization: str) -> Answer:
        """Say how many sessions there were, and what share of them did not crash."""
        self._allowed(request)
        groups = [
            {
                "by": {"release": release},
                "totals": {"sum(session)": total, "crash_free_rate(session)": 1 - crashed / total if total else None},
            }
            for release, (total, crashed) in self.set["sessions"].items()
        ]
        return Answer({"groups": groups, "intervals": [], "query": ""})

    def _allowed(self, request: Request) -> None:
        if request.bearer() != self.settings["token"]:
            raise Refused(401, {"detail": "Invalid token"})

    def _events(self, request: Request) -> list[dict[str, Any]]:
        self._allowed(request)
        period = re.fullmatch(r"(\d+)([hdm])", (request.query.get("statsPeriod") or ["1h"])[0])
        if period is None:
            raise Refused(400, {"detail": "Invalid statsPeriod"})
        since = time.time() - int(period[1]) * {"m": 60, "h": 3_600, "d": 86_400}[period[2]]
        with self.lock:
            return [kept["event"] for kept in self.sent if kept["kind"] == "event" and kept["at"] >= since]


class Stores(Vendor):
    """What the app stores say of crashes: Google's Play Developer Reporting API, and App Store Connect's metrics."""

    name, title = "stores", "App stores"
    #: share of users (Google) or of sessions (Apple) with a crash, in percent, by version of the app
    options: Mapping[str, Any] = {"crash_percent": {"1.0.0": 0.4}}

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [
            ("POST", r"/v1beta1/apps/([\w.]+)/crashRateMetricSet:query", self.google),
            ("GET", r"/v1/apps/(\w+)/perfPowerMetrics", self.apple),
        ]

    def google(self, request: Request, package: str) -> Answer:
        """Give the rate of crashes by version."""
        self._allowed(request)
        asked = request.json()
        metrics = asked.get("metrics")
        if not metrics or set(metrics) - {"crashRate", "crashRate7dUserWeighted", "distinctUsers"}:
            raise Refused(400, {"error": {"code": 400, "message": "metrics: unknown or missing", "status": "INVALID_ARGUMENT"}})
        if (asked.get("timelineSpec") or {}).get("aggregationPeriod") not in ("HOURLY", "DAILY"):
            raise Refused(
                400,
                {"error": {"code": 400, "message": "timelineSpec.aggregationPeriod is required", "status": "INVALID_ARGUMENT"}},
            )
        rows = [
            {
                "aggregationPeriod": asked["timelineSpec"]["aggregationPeriod"],
                "dimensions": [{"dimension": "versionCode", "stringValue": version}],
                "metrics": [{"metric": "crashRate", "decimalValue": {"value": f"{percent / 100:.6f}"}}],
            }
            for version, percent in self.set["crash_percent"].items()
        ]
        return Answer({"rows": rows})

    def apple(self, request: Request, app: str) -> Answer:
        """Give the terminations by version."""
        self._allowed(request)
        points = [{"version": version, "value": percent} for version, percent in self.set["crash_percent"].items()]
        metric = {"identifier": "terminationsOnScreen", "unit": {"identifier": "percent"}, "datasets": [{"points": points}]}
        return Answer({"version": "1.0", "productData": [{"platform": "iOS", "metricCategories": [
            {"identifier": "TERMINATION", "metrics": [metric]}]}]})  # fmt: skip

    def _allowed(self, request: Request) -> None:
        if request.bearer() != self.settings["token"]:
            raise Refused(
                401,
                {
                    "error": {
                        "code": 401,
                        "message": "Request had invalid authentication credentials.",
                        "status": "UNAUTHENTICATED",
                    }
                },
            )
