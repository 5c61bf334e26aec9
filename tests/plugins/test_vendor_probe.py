"""Status pages in the formats that vendors publish, served over HTTP; and a vendor that is red explains what needs it."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from watchkeeper.alert.graph import graph_of
from watchkeeper.alert.model import Alert
from watchkeeper.alert.rules import Scene, group
from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.bind import bind, with_needs
from watchkeeper.estate.config import load_estate
from watchkeeper.plugins.vendor import pages
from watchkeeper.plugins.vendor.model import PageError
from watchkeeper.plugins.vendor.pages import read_page
from watchkeeper.testing.books import book_from
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def summary(indicator: str = "none", **parts: str) -> dict[str, Any]:
    return {
        "page": {"id": "x", "name": "Payments Inc", "updated_at": "2026-03-14T11:00:00Z"},
        "status": {"indicator": indicator, "description": "…"},
        "components": [{"name": name.replace("_", " "), "status": status, "group": False} for name, status in parts.items()],
        "incidents": [],
        "scheduled_maintenances": [{"name": "Upgrade", "status": "in_progress", "impact": "maintenance"}],
    }


def incident(name: str, impact: str, *parts: str, status: str = "investigating") -> dict[str, Any]:
    return {"name": name, "impact": impact, "status": status, "components": [{"name": part} for part in parts]}


GOOGLE = [
    {
        "id": "1", "begin": "2026-03-14T10:00:00+00:00", "end": "", "external_desc": "FCM messages are late",
        "severity": "medium",
        "status_impact": "SERVICE_DISRUPTION", "service_name": "Cloud Messaging",
        "affected_products": [{"title": "Cloud Messaging"}],
        "most_recent_update": {"status": "SERVICE_DISRUPTION"},
    },
    {"id": "2", "begin": "2026-03-01T10:00:00+00:00", "end": "2026-03-01T11:00:00+00:00", "status_impact": "SERVICE_OUTAGE"},
    {"id": "3", "begin": "2026-03-14T01:00:00+00:00", "status_impact": "SERVICE_OUTAGE",
     "most_recent_update": {"status": "AVAILABLE"}},
]  # fmt: skip


def rss(*items: tuple[str, str, str]) -> bytes:
    item = "<item><title>{}</title><description>{}</description><pubDate>{}</pubDate></item>"
    body = "".join(item.format(*each) for each in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Status</title>{body}</channel></rss>'.encode()


def atom(*items: tuple[str, str, str]) -> bytes:
    body = "".join(
        f"<entry><title>{t}</title><content type='html'>{c}</content><updated>{at}</updated></entry>" for t, c, at in items
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{body}</feed>'.encode()


async def serve(site: Any, body: Any, status: int = 200) -> str:
    async def handle(request: web.Request) -> web.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(body=raw, status=status)

    address: str = await site(handle)
    return address


async def test_a_statuspage_and_the_parts_that_matter(probe: Make, site: Any) -> None:
    page = summary("major", API="operational", Payouts="major_outage", Test_mode="degraded_performance")
    page["incidents"] = [incident("Payouts are late", "major", "Payouts"), incident("Old", "critical", status="resolved")]
    url = await serve(site, page)
    whole = await probe("vendor", url=url).look()
    assert whole.values == {"up": 0.0, "level": 2.0, "incidents": 1.0, "maintenance": 1.0}
    assert whole.detail == "major; Payouts are late"
    ours = await probe("vendor", url=url, parts=["API", "test-mode"]).look()
    assert ours.values == {
        "up": 1.0, "level": 1.0, "incidents": 0.0, "maintenance": 1.0, "part_API": 0.0, "part_test-mode": 1.0,
    }  # fmt: skip
    assert (await probe("vendor", url=url, parts=["test mode"], down_from="minor").look()).values["up"] == 0.0
    gone = await probe("vendor", url=url, parts=["Refunds"]).look()
    assert gone.problem == "the page has no part 'Refunds'; it has API, Payouts, Test mode"
    parts = await probe("vendor", url=await serve(site, {"components": page["components"]})).look()
    assert parts.values["level"] == 3.0


async def test_an_incident_counts_by_its_parts_as_they_are_now(probe: Make, site: Any) -> None:
    page = summary("critical", API="operational")
    page["incidents"] = [incident("API is back and watched", "critical", "API", status="monitoring")]
    look = await probe("vendor", url=await serve(site, page), parts=["API"]).look()
    assert (look.values["up"], look.values["incidents"]) == (1.0, 1.0)


async def test_the_list_of_incidents_of_google_and_firebase(probe: Make, site: Any) -> None:
    url = await serve(site, GOOGLE)
    look = await probe("vendor", url=url).look()
    assert (look.values["up"], look.values["level"], look.values["incidents"]) == (0.0, 2.0, 1.0)
    assert "FCM messages are late" in look.detail
    assert (await probe("vendor", url=url, parts=["Hosting"]).look()).values["up"] == 1.0
    assert (await probe("vendor", url=url, parts=["Cloud messaging"]).look()).values["part_Cloud messaging"] == 2.0
    assert (await probe("vendor", url=await serve(site, [])).look()).values["up"] == 1.0


@pytest.mark.parametrize(
    ("body", "level"),
    [
        (rss(("Service disruption: increased errors", "We see failures", "Sat, 14 Mar 2026 10:00:00 GMT")), 2),
        (
            rss(
                ("Service is operating normally: [RESOLVED] SMS errors", "It recovered", "Sat, 14 Mar 2026 11:00:00 GMT"),
                ("Service disruption: SMS errors", "We see failures", "Sat, 14 Mar 2026 10:00:00 GMT"),
            ),
            0,
        ),
        (rss(("Major outage of mail", "Nothing goes out", "Sat, 14 Mar 2026 10:00:00 GMT")), 3),
        (rss(("Delays", "Mail is slow", "Sat, 14 Mar 2026 10:00:00 GMT")), 1),
        (rss(("Outage", "long ago", "Sat, 07 Mar 2026 10:00:00 GMT")), 0),
        (rss(("Outage", "of no time", ""), ("Delays", "Mail is slow", "Sat, 14 Mar 2026 10:00:00 GMT")), 1),
        (rss(), 0),
        (atom(("Chat is down", "&lt;strong&gt;Investigating&lt;/strong&gt; - no messages", "2026-03-14T11:59:00Z")), 2),
        (atom(("Chat is down", "&lt;strong&gt;Resolved&lt;/strong&gt; - fixed", "2026-03-14T11:59:00Z")), 0),
        (atom(("Database upgrade", "THIS IS A SCHEDULED EVENT", "2026-03-14T11:59:00Z")), 0),
    ],
)
def test_what_feeds_say(body: bytes, level: int) -> None:
    assert read_page(body, NOW).level == level


BOMB = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]><rss><channel>&b;</channel></rss>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1",
        b"{}",
        b"[" * 100_000,
        b"<html></html>",
        b"<rss",
        BOMB,
        b'{"status": {"indicator": "purple"}}',
        b'[{"a": 1}]',
        b"7",
    ],
)
def test_what_is_no_page_of_status(body: bytes) -> None:
    with pytest.raises(PageError):
        read_page(body, NOW)


async def test_a_page_that_is_away_or_endless_says_nothing_of_the_vendor(probe: Make, site: Any, closed_port: int) -> None:
    for url, said in (
        (f"http://127.0.0.1:{closed_port}/", "the status page: connection refused"),
        (await serve(site, b"x", 503), "the status page: 503"),
        (await serve(site, b"x" * 4_100_000), "longer than 4,000,000 bytes"),
    ):
        look = await probe("vendor", url=url).look()
        assert look.values == {}
        assert said in (look.problem or "")
    with pytest.raises(ConfigError, match="down_from"):
        probe("vendor", url="http://x/", down_from="well")


BOOK = """
    # Shop

    ## Alerts

    ### Checkout failing
    - **Alert**: Payment failures > 5 %
    - **Alert**: Razorpay is down
"""
CONFIG = """
[service]
name = "shop"
runbook = "runbook.md"
[signals.razorpay]
kind = "vendor"
url = "http://127.0.0.1:1/api/v2/summary.json"
component = "Razorpay"
needed_by = ["Checkout"]
[signals.shop]
kind = "prometheus"
url = "http://127.0.0.1:1/metrics"
component = "Checkout"
[signals.shop.metrics]
"Payment failures" = "percent(failed, paid)"
"""


def test_a_vendor_that_is_red_is_named_as_the_cause(tmp_path: Path) -> None:
    (tmp_path / "watchkeeper.toml").write_text(CONFIG)
    estate = load_estate(tmp_path / "watchkeeper.toml", {})
    book = with_needs(book_from(BOOK), estate)
    bindings = bind(book, estate)
    assert {(b.signal, b.reading) for b in bindings.bound} == {("razorpay", "up"), ("shop", "percent(failed, paid)")}
    alerts = [
        Alert(
            id=bound.signal, key=bound.key, subject=bound.threshold.subject, component=bound.component, severity=None,
            breached_at=NOW - timedelta(seconds=30 - n), fired_at=NOW - timedelta(seconds=20 - n), ended_at=None,
            value=1.0, sentence="",
        )
        for n, bound in enumerate(bindings.bound)
    ]  # fmt: skip
    found = {g.alert_id: g for g in group(Scene(alerts, alerts, [], {}, bindings, graph_of(book), NOW, 1.0))}
    assert (found["razorpay"].move, found["shop"].move) == ("open", "join")
    assert found["shop"].explained_by == "Razorpay"
    (tmp_path / "watchkeeper.toml").write_text(CONFIG.replace('component = "Razorpay"\n', ""))
    with pytest.raises(ConfigError, match="which component it is"):
        load_estate(tmp_path / "watchkeeper.toml", {})


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(pages).failed == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_feed_with_definitions_is_refused_in_every_encoding(encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8" else "utf-16"
    text = f'<?xml version="1.0" encoding="{declared}"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss>&b;</rss>'
    with pytest.raises(PageError):
        read_page(text.encode(encoding), NOW)


@pytest.mark.parametrize("body", [{"status": {}}, {"status": "ok"}, {"components": []}, {"status": {"indicator": None}}])
def test_a_page_that_says_nothing_of_how_things_are_is_not_well(body: Any) -> None:
    with pytest.raises(PageError, match="says neither"):
        read_page(json.dumps(body).encode(), NOW)


def test_a_feed_of_which_no_date_can_be_read_is_not_well() -> None:
    with pytest.raises(PageError, match="no entry of the feed has a date"):
        read_page(rss(("Outage of payments", "All payments fail.", "some day")), NOW)


def test_markup_that_never_ends_is_read_in_passing() -> None:
    read = pages._MARKUP.sub(" ", "<" * 20_000)
    assert len(read) == 20_000
    assert pages._MARKUP.sub(" ", "a<b>c") == "a c"
    assert pages._MARKUP.pattern == r"<[^<>]{0,500}>"  # no `<` inside: else each one is tried against all that follow
