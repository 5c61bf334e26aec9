"""Queries over stored logs: what KQL becomes, what it counts, and what is refused or blind."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plugins.search_engine import SearchEngine, matches

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.log_query.kql import KqlError, to_query
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
DOCUMENTS: list[dict[str, Any]] = [
    {"level": "ERROR", "message": "payment failed: no answer", "status": 502, "kubernetes": {"container": {"name": "backend"}}},
    {"level": "ERROR", "message": "cart is gone", "status": 500, "user": {"name": "bob"}},
    {"level": "INFO", "message": "payment taken", "status": 200, "path": "/api/v1/cart"},
    {"level": "WARN", "message": "answer came late, no harm", "status": 404, "service": "search-eu"},
]
for _document in DOCUMENTS:
    _document["@timestamp"] = 1
#: a query, and which of the documents it finds
QUERIES = [
    ("level: error", [0, 1]),
    ("level:ERROR and message: payment", [0]),
    ("LEVEL_x: 1", []),
    ("level: (error or warn)", [0, 1, 3]),
    ("level: (error and not warn)", [0, 1]),
    ("not level: error", [2, 3]),
    ("level: error and not message: payment", [1]),
    ("level: info or level: error and status >= 502", [0, 2]),
    ("(level: info OR level: error) AND status < 502", [1, 2]),
    ('message: "no answer"', [0]),
    ("message: no answer", [0, 3]),
    ('"no answer"', [0]),
    ("payment", [0, 2]),
    ("status >= 500", [0, 1]),
    ("status > 404 and status <= 500", [1]),
    ("user.name: *", [1]),
    ("not user.name: *", [0, 2, 3]),
    ("service: search*", [3]),
    ('kubernetes.container.name: "backend"', [0]),
    ("*", [0, 1, 2, 3]),
    ("", [0, 1, 2, 3]),
]


@pytest.mark.parametrize(("text", "found"), QUERIES, ids=[text for text, _ in QUERIES])
def test_what_a_query_of_kibana_finds(text: str, found: list[int]) -> None:
    query = to_query(text)
    assert [index for index, document in enumerate(DOCUMENTS) if matches(document, query)] == found


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("level: error service: x", "no `and` or `or` before"),
        ("user: { name: bob }", "nested fields in braces"),
        ("log.*: error", "has a \\* in its name"),
        ("level: (error or warn", "a bracket is not closed"),
        ("level:", "there is no value for level"),
        ("and level: error", "there is nothing before 'and'"),
        ("level: error and", "it ends where"),
        ("status >=", "there is no value after"),
        ('message: "open', "cannot be read from"),
        ("level: (a or b and c)", "mixes"),
        ("(" * 100 + "a" + ")" * 100, "nested more than 40"),
        ("not " * 100 + "a", "nested more than 40"),
        ("a" * 5_000, "more than 4,000"),
    ],
)
def test_what_cannot_be_translated_is_refused_with_a_sentence(text: str, because: str) -> None:
    with pytest.raises(KqlError, match=because):
        to_query(text)


def test_signs_of_a_value_are_meant_as_they_stand() -> None:
    assert to_query(r"path: \/api\:v1") == {"match": {"path": "/api:v1"}}
    wild = {"query_string": {"query": r"\/api\/*", "fields": ["path"], "lenient": True}}
    assert to_query("path: /api/*") == wild
    assert to_query(r"a: b\*c") == {"match": {"a": "b*c"}}
    assert to_query(r'a: "x\"} , {"') == {"match_phrase": {"a": 'x"} , {'}}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.sampled_from('ab:*()<>="\\ {}é\n') | st.characters(), max_size=40))
def test_any_text_becomes_a_query_or_a_sentence(text: str) -> None:
    try:
        json.dumps(to_query(text))
    except KqlError as problem:
        said = str(problem)
    else:
        said = "a query"
    assert said


async def test_counts_of_a_window_and_rates(probe: Make, site: Any) -> None:
    engine = SearchEngine(*DOCUMENTS)
    queries = {"errors_per_minute": "level: error", "payments": "message: payment", "lucene_free": "*"}
    options = {"url": await site(engine.answer), "index": "shop-logs-*", "api_key": "a2V5OnNlY3JldA==", "window": "10m"}
    look = await probe("log_query", {"errors": "errors_per_minute"}, queries=queries, **options).look()
    assert look.values == {"up": 1.0, "errors_per_minute": 0.2, "payments": 2.0, "lucene_free": 4.0}
    asked = engine.asked[0]
    assert (asked["size"], asked["track_total_hits"]) == (0, True)
    assert asked["query"]["bool"]["filter"][1] == {"range": {"@timestamp": {"gte": "now-600s", "lte": "now"}}}
    assert engine.headers[0]["Authorization"] == "ApiKey a2V5OnNlY3JldA=="
    assert engine.paths[0] == "/shop-logs-*/_search"


async def test_a_query_of_the_book_as_json_keeps_its_own_time(probe: Make, site: Any) -> None:
    engine = SearchEngine(*DOCUMENTS)
    query = """{"query": {"bool": {"must": [
      {"match": {"kubernetes.container.name": "backend"}}, {"match": {"level": "ERROR"}},
      {"range": {"@timestamp": {"gte": "now-1h"}}}
    ]}}}"""
    options = {"url": await site(engine.answer), "index": "shop", "username": "reader", "password": "long-enough"}
    look = await probe("log_query", queries={"errors": query}, **options).look()
    assert look.values["errors"] == 1.0
    assert engine.asked[0]["query"] == json.loads(query)["query"]
    assert engine.headers[0]["Authorization"] == "Basic " + base64.b64encode(b"reader:long-enough").decode()


async def test_a_part_of_a_count_an_index_that_is_not_there_and_a_refusal_are_blind(probe: Make, site: Any) -> None:
    engine = SearchEngine(*DOCUMENTS)
    url = await site(engine.answer)
    made = probe("log_query", url=url, index="shop", queries={"errors": "level: error"})
    engine.more = {"timed_out": True}
    assert (await made.look()).problem == "the search counted a part alone (it ran out of time)"
    engine.more = {"_shards": {"failed": 2}}
    assert (await made.look()).problem == "the search counted a part alone (2 shards failed)"
    engine.more = {"hits": {"total": {"value": 10_000, "relation": "gte"}}}
    assert (await made.look()).problem == "the search gave no exact total"
    engine.more = {"hits": {"total": 7}}
    assert (await made.look()).values["errors"] == 7.0
    for odd in ({"hits": []}, {"hits": {"total": "many"}}):
        engine.more = odd
        assert (await made.look()).problem == "the answer of the search has no total"
    none = await probe("log_query", url=url, index="none", queries={"errors": "level: error"}).look()
    assert none.problem == "the search answered 404 Not Found: no such index [none]"


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (401, {}, b'{"error":{"reason":"missing authentication credentials"}}', "does not let us in: 401 missing authentication"),
        (429, {"Retry-After": "30"}, b"{}", "asks for patience (429); it is asked again in 30 s"),
        (503, {}, b"<html>no</html>", "answered 503 Service Unavailable"),
        (302, {"Location": "http://127.0.0.1:1/"}, b"", "answered 302 Found"),
        (200, {}, b"not json", "is not JSON"),
        (200, {}, b"[" * 100_000, "is not JSON"),
    ],
)
async def test_answers_that_are_none(
    probe: Make, site: Any, status: int, headers: dict[str, str], body: bytes, said: str
) -> None:
    asked = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=status, headers=headers, body=body)

    made = probe("log_query", url=await site(answer), index="shop", queries={"errors": "level: error"})
    look = await made.look()
    assert (look.values, said in str(look.problem)) == ({}, True), look.problem
    again = await made.look()
    assert again.values == {}
    # whoever asks for patience is left alone
    assert asked == (1 if status == 429 else 2)


async def test_a_flood_and_a_trickle_end(probe: Make, site: Any) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while "flood" in request.path or "drip" in request.path:
            await response.write(b"x" * (1_000_000 if "flood" in request.path else 1))
            await asyncio.sleep(0 if "flood" in request.path else 0.05)
        return response

    url = await site(answer)
    flood = await probe("log_query", url=url, index="flood", queries={"errors": "a: b"}).look()
    drip = await probe("log_query", timeout_s=0.3, url=url, index="drip", queries={"errors": "a: b"}).look()
    assert flood.problem == "the answer of the search is larger than 8,000,000 bytes"
    assert drip.problem == "the search gave no answer within 0.3 s"


async def test_a_search_that_is_away_was_not_looked_at(probe: Make, closed_port: int) -> None:
    look = await probe("log_query", url=f"http://127.0.0.1:{closed_port}", index="a", queries={"errors": "a: b"}).look()
    assert look.problem == "the search cannot be asked: connection refused"


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match="needs one of `url` and `log_group`"):
        probe("log_query", queries={"a": "b"})
    with pytest.raises(ConfigError, match="cannot be asked: nested fields"):
        probe("log_query", url="http://localhost", index="a", queries={"a": "b: { c: d }"})
    with pytest.raises(ConfigError, match="is not asked of a server from here"):
        probe("log_query", url="http://localhost", index="a", queries={"a": '{"script": {"script": "1"}}'})
    with pytest.raises(ConfigError, match="is not the name of an index"):
        probe("log_query", url="http://localhost", index="a/_delete_by_query?", queries={"a": "b"})
    with pytest.raises(ConfigError, match="is not the address of a service"):
        probe("log_query", url="localhost:9200", index="a", queries={"a": "b"})
    with pytest.raises(ConfigError, match="cannot be the name of a reading"):
        probe("log_query", url="http://localhost", index="a", queries={"up": "b"})


async def test_cloudwatch_logs_on_motos_server(probe: Make, aws: dict[str, Any]) -> None:
    import boto3

    client = boto3.client("logs", **aws["client"])
    client.create_log_group(logGroupName="/shop/app")
    client.create_log_stream(logGroupName="/shop/app", logStreamName="one")
    now = int(time.time() * 1_000)
    events = [{"timestamp": now - 3_600_000, "message": "ERROR long ago"}]
    events += [{"timestamp": now - 2_000 + n, "message": f"{'ERROR' if n % 3 else 'INFO'} {n}"} for n in range(30)]
    client.put_log_events(logGroupName="/shop/app", logStreamName="one", logEvents=events)
    queries = {"errors": "ERROR", "errors_per_minute": "ERROR", "fatal": "FATAL"}
    look = await probe("log_query", timeout_s=30.0, log_group="/shop/app", queries=queries, **aws["options"]).look()
    none = await probe("log_query", timeout_s=30.0, log_group="/none", queries=queries, **aws["options"]).look()
    assert look.values == {"up": 1.0, "errors": 20.0, "errors_per_minute": 4.0, "fatal": 0.0}
    assert str(none.problem).startswith("AWS answered ResourceNotFoundException")
