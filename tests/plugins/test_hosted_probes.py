"""Datadog, New Relic and Sentry: what is asked, in their own formats, on local servers that answer as they document it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate import plugins
from watchkeeper.estate.bind import asked_of, bind
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.datadog.probe import DatadogProbe
from watchkeeper.plugins.hosted.asking import wait_of
from watchkeeper.testing.books import book_from
from watchkeeper.watch.probe import Probe
from watchkeeper.watch.rules import is_breached

Make = Callable[..., Probe]
DATADOG = {"api_key": "0123456789abcdef0123456789abcdef", "app_key": "fedcba9876543210fedcba9876543210fedcba98"}
SENTRY = {"token": "sntrys_0123456789abcdef", "organization": "indostar"}


def series(scope: str, *values: float | None) -> dict[str, Any]:
    points = [[1_700_000_000_000.0 + 20_000 * n, value] for n, value in enumerate(values)]
    return {"metric": "api.error_rate", "scope": scope, "pointlist": points, "length": len(points), "unit": None, "tag_set": []}


class Hosted:
    """Answers by path, and remembers what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[web.Request] = []
        self.bodies: list[Any] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.json() if request.can_read_body else None)
        found = self.answers[request.path.rstrip("/").rsplit("/", 1)[-1]]
        found = found(request) if callable(found) else found
        return found if isinstance(found, web.StreamResponse) else web.json_response(found)


async def test_metrics_of_datadog_as_graphs_and_monitors_have_them(probe: Make, site: Any) -> None:
    answers = {
        "avg:api.error_rate{env:production}": [series("env:production", 2.0, None, 31.0, None)],
        "avg:postgresql.percent_usage_connections{env:production} * 100": [series("env:production", 60.0, 90.0)],
        "avg:system.cpu.user{*} by {host}": [series("host:a", 10.0), series("host:b", 92.5), series("host:c", None)],
        "avg:nothing{*}": [],
    }
    hosted = Hosted(query=lambda request: {"status": "ok", "series": answers[request.query["query"]], "res_type": "time_series"})
    queries = {
        "error_percent": "avg:api.error_rate{env:production}",
        "pool_percent": "avg(last_3m):avg:postgresql.percent_usage_connections{env:production} * 100 > 80",
        "cpu_percent": "avg:system.cpu.user{*} by {host}",
        "nothing": "avg:nothing{*}",
    }
    made = probe("datadog", {"High API Error Rate": "error_percent"}, url=await site(hosted.answer), queries=queries, **DATADOG)
    look = await made.look()
    assert look.values == {"up": 1.0, "error_percent": 31.0, "pool_percent": 75.0, "cpu_percent": 92.5}
    assert "cpu_percent: highest of 2, host:b" in look.detail
    assert "nothing: no value within 300 s" in look.detail
    asked = hosted.asked[1]
    assert int(asked.query["to"]) - int(asked.query["from"]) == 180
    assert asked.headers["DD-API-KEY"] == DATADOG["api_key"]
    assert asked.headers["DD-APPLICATION-KEY"] == DATADOG["app_key"]


async def test_monitors_of_datadog_by_their_tags(probe: Make, site: Any) -> None:
    def monitor(request: web.Request) -> Any:
        assert request.query["monitor_tags"] == "team:backend,severity:critical"
        states = ["Alert", "OK", "No Data", "Alert", "Warn", "Ignored"]
        return [{"id": n, "name": f"monitor {n}", "overall_state": state, "tags": []} for n, state in enumerate(states)]

    hosted = Hosted(monitor=monitor)
    made = probe("datadog", url=await site(hosted.answer), monitor_tags=["team:backend", "severity:critical"], **DATADOG)
    look = await made.look()
    wanted = {"up": 1.0, "monitors": 6.0, "monitors_alerting": 2.0, "monitors_warning": 1.0, "monitors_without_data": 1.0}
    assert look.values == wanted
    assert "Alert: monitor 0, monitor 3" in look.detail
    hosted.answers["monitor"] = []
    # tags that no monitor has would look well for ever
    assert "Datadog has no monitor with the tags" in str((await made.look()).problem)


BOOK = """# Shop

## Alerts

```yaml
monitors:
  - name: High API Error Rate
    query: avg(last_5m):avg:api.error_rate{env:production} > 5
    message: "{{value}}% of requests fail"
  - name: High API Error Rate, a warning
    query: avg(last_5m):avg:api.error_rate{env:production} > 2
    message: "{{value}}% of requests fail"
  - name: Little room
    query: min(last_2m):avg:system.disk.free{*} by {host} < 10
  - name: Broken
    query: avg(last_1m):avg:broken{*} > 1
```
"""


async def test_monitors_of_the_book_are_asked_as_they_stand_and_decide(probe: Make, site: Any, tmp_path: Path) -> None:
    answers: dict[str, Any] = {
        "avg:api.error_rate{env:production}": [series("env:production", 1.0, 5.0, 3.0)],
        "avg:system.disk.free{*} by {host}": [series("host:a", 80.0, 70.0), series("host:b", 30.0, 4.0, 20.0)],
    }

    def query(request: web.Request) -> Any:
        known = answers.get(request.query["query"])
        return {"status": "ok", "series": known} if known else {"status": "error", "error": "no such metric"}

    hosted = Hosted(query=query)
    options = {"url": await site(hosted.answer), **DATADOG}
    signal = SignalConfig("dd", "datadog", 3, options=options, speaks=DatadogProbe.speaks)
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "book.md", signals={"dd": signal})
    bindings = bind(book_from(BOOK), estate)
    assert bindings.unbound == ()
    readings = {bound.threshold.subject.split(":")[0]: bound for bound in bindings.bound}
    assert readings["Little room"].reading == "min(last_2m):avg:system.disk.free{*} by {host} < 10"
    assert readings["Little room"].because.startswith("The book states 'Little room: avg:system.disk.free by ' in a query of")
    assert {bound.threshold.for_s for bound in bindings.bound} == {None}, "the window is the query's own"
    made = plugins.load(plugins.SIGNALS, "datadog")(replace(signal, asked=asked_of(bindings, "dd")), estate)
    look = await made.look()
    await made.close()
    fires = {
        name: is_breached(bound, look.values[bound.reading]) for name, bound in readings.items() if bound.reading in look.values
    }
    # 3.0 on average; of the hosts the one with least room, which had 4 within two minutes
    assert fires == {"High API Error Rate": False, "High API Error Rate, a warning": True, "Little room": True}
    assert "Datadog does not take the query avg(last_1m):avg:broken{*} > 1: no such metric" in look.detail
    windows = {int(each.query["to"]) - int(each.query["from"]) for each in hosted.asked}
    assert windows == {60, 120, 300}


async def test_what_datadog_refuses_is_blind(probe: Make, site: Any) -> None:
    hosted = Hosted(query={"status": "error", "error": "Rule 'avg(' is not valid"})
    made = probe("datadog", url=await site(hosted.answer), queries={"a": "avg("}, **DATADOG)
    assert (await made.look()).problem == "Datadog does not take the query a: Rule 'avg(' is not valid"
    hosted.answers["query"] = web.json_response({"errors": ["Forbidden"]}, status=403)
    refused = await made.look()
    assert refused.problem == "Datadog does not let us in: 403 Forbidden"
    hosted.answers["query"] = lambda _: web.json_response({"errors": []}, status=429, headers={"X-RateLimit-Reset": "12"})
    assert "it is asked again in 12 s" in str((await made.look()).problem)
    count = len(hosted.asked)
    assert "asked for patience (429)" in str((await made.look()).problem)
    assert len(hosted.asked) == count


async def test_series_of_datadog_that_are_none(probe: Make, site: Any) -> None:
    odd: list[Any] = [
        None,
        {"pointlist": "x"},
        {"pointlist": [[1], [1, "NaN"], [1, True]]},
        {"pointlist": [[1, "7"]], "scope": 3},
    ]
    hosted = Hosted(query={"status": "ok", "series": odd})
    look = await probe("datadog", url=await site(hosted.answer), queries={"a": "x"}, **DATADOG).look()
    assert look.values == {"up": 1.0, "a": 7.0}


async def test_numbers_of_new_relic(probe: Make, site: Any) -> None:
    results = {
        "SELECT average(duration) FROM Transaction": [{"average.duration": 0.25}],
        "SELECT percentile(duration, 95) FROM Transaction": [{"percentile.duration": {"95": 1.75}}],
        "SELECT count(*) FROM TransactionError FACET appName": [{"facet": "a", "count": 3}, {"facet": "b", "count": 7}],
        "SELECT latest(x) FROM Nothing": [{"latest.x": None}],
    }

    def graphql(request: web.Request) -> Any:
        nrql = hosted.bodies[-1]["variables"]["nrql"]
        if nrql not in results:
            return {"data": {"actor": {"account": {"nrql": None}}}, "errors": [{"message": "NRQL Syntax Error: unexpected 'X'"}]}
        return {"data": {"actor": {"account": {"nrql": {"results": results[nrql]}}}}}

    hosted = Hosted(graphql=graphql)
    queries = dict(zip(["mean_seconds", "p95_seconds", "errors", "nothing"], results, strict=True))
    options = {"url": await site(hosted.answer), "api_key": "NRAK-0123456789", "account": 1234}
    look = await probe("newrelic", queries=queries, **options).look()
    assert look.values == {"up": 1.0, "mean_seconds": 0.25, "p95_seconds": 1.75, "errors": 7.0}
    assert "errors: highest of 2, b" in look.detail
    assert "nothing: the query gave no number" in look.detail
    assert hosted.asked[0].headers["API-Key"] == "NRAK-0123456789"
    assert hosted.bodies[0]["variables"]["account"] == 1234
    bad = await probe("newrelic", queries={"a": "X"}, **options).look()
    assert bad.problem == "New Relic does not take the query a: NRQL Syntax Error: unexpected 'X'"


def session_group(release: str, sessions: int, free: float | None) -> dict[str, Any]:
    return {"by": {"release": release}, "totals": {"sum(session)": sessions, "crash_free_rate(session)": free}, "series": {}}


async def test_sessions_events_and_issues_of_sentry(probe: Make, site: Any) -> None:
    def events(request: web.Request) -> Any:
        fields = request.query.getall("field")
        if fields == ["count()"]:
            unhandled = "error.unhandled:true" in request.query["query"]
            return {"data": [{"count()": 40 if unhandled else 120}], "meta": {}}
        rows = {
            "release": [{"release": "shop@2.1", "count()": 30}, {"release": "shop@2.0", "count()": 10}],
            "device.family": [{"device.family": "Pixel 7", "count()": 36}, {"device.family": None, "count()": 4}],
            "os": [{"os": "Android 14", "count()": 20}],
        }
        return {"data": rows[fields[0]], "meta": {}}

    groups = [session_group("shop@2.0", 900, 0.999), session_group("shop@2.1", 100, 0.9), session_group("shop@3.0-rc", 1, 0.0)]
    hosted = Hosted(
        events=events,
        sessions={"groups": [*groups, session_group("quiet", 0, None)], "intervals": [], "query": ""},
        issues=[{"id": "1", "title": "TypeError: total of undefined"}],
    )
    read = ["errors", "crashes", "issues", "sessions"]
    options = {"projects": [4501], "environment": "production", "window": "2h", **SENTRY}
    look = await probe("sentry", url=await site(hosted.answer), read=read, **options).look()
    assert (look.values["errors_per_hour"], look.values["crashes_per_hour"], look.values["new_issues"]) == (60.0, 20.0, 1.0)
    assert (look.values["top_device_percent"], look.values["top_system_percent"]) == (90.0, 50.0)
    assert (look.values["top_release_percent"], look.values["sessions"]) == (75.0, 1001.0)
    assert look.values["crash_percent"] == pytest.approx(100 * (0.9 + 10 + 1) / 1001)
    assert look.values["worst_release_crash_percent"] == pytest.approx(10.0)
    assert "the release that crashes most is shop@2.1, 10 % of its sessions" in look.detail
    asked = hosted.asked[0]
    assert asked.headers["Authorization"] == f"Bearer {SENTRY['token']}"
    assert (asked.query["project"], asked.query["environment"], asked.query["statsPeriod"]) == ("4501", "production", "2h")
    assert [request.path for request in hosted.asked][-1] == "/api/0/organizations/indostar/sessions/"


async def test_sentry_without_sessions_and_with_odd_answers(probe: Make, site: Any) -> None:
    hosted = Hosted(events={"data": [{"count()": 0}]}, sessions={"groups": []})
    made = probe("sentry", url=await site(hosted.answer), **SENTRY)
    quiet = await made.look()
    assert quiet.values == {"up": 1.0, "errors_per_hour": 0.0, "sessions": 0.0}
    assert "no session within 1 h" in quiet.detail
    for odd in ([], {"groups": None}, {"groups": {}}):
        hosted.answers["sessions"] = odd
        assert (await made.look()).problem == "Sentry's answer about sessions has no groups"
    hosted.answers["events"] = {"data": [{"count()": "many"}]}
    assert (await made.look()).problem == "Sentry's answer about events has no count"


def test_how_long_a_service_asks_to_be_left_alone() -> None:
    now = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
    assert wait_of({"Retry-After": "Sat, 14 Mar 2026 12:01:30 GMT"}, now) == 90.0
    assert wait_of({"X-Sentry-Rate-Limit-Reset": str(int(now.timestamp()) + 45)}, now) == 45.0
    assert wait_of({"Retry-After": "1e308"}, now) == 3_600.0
    assert wait_of({"Retry-After": "-5"}, now) == 1.0
    assert wait_of({"Retry-After": "nan"}, now) == wait_of({"Retry-After": "soon"}, now) == 60.0


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match="has neither `queries` nor `monitor_tags`"):
        probe("datadog", **DATADOG)
    with pytest.raises(ConfigError, match="has no 'api_key'"):
        probe("datadog", queries={"a": "b"})
    with pytest.raises(ConfigError, match="has no `queries`"):
        probe("newrelic", api_key="x" * 20, account=1)
    with pytest.raises(ConfigError, match="is not a slug"):
        probe("sentry", token="x" * 20, organization="../other")
    with pytest.raises(ConfigError, match="names 'everything'"):
        probe("sentry", read=["everything"], **SENTRY)
    with pytest.raises(ConfigError, match="is not a list of numbers"):
        probe("sentry", projects=["shop"], **SENTRY)


def test_a_key_is_shown_nowhere(probe: Make) -> None:
    made = probe("datadog", queries={"a": "b"}, **DATADOG)
    assert DATADOG["api_key"] not in json.dumps(made.__dict__, default=repr)
