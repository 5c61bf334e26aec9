"""PromQL at Debian's own Prometheus, the book's rules as they stand, and servers that answer badly or in part."""

from __future__ import annotations

import asyncio
import doctest
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.conftest import need
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.estate import promql
from watchkeeper.estate.bind import asked_of, bind
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.promql import answer
from watchkeeper.plugins.promql.answer import read_answer
from watchkeeper.plugins.promql.probe import PromqlProbe
from watchkeeper.testing.books import book_from
from watchkeeper.watch.probe import Probe
from watchkeeper.watch.rules import is_breached

Make = Callable[..., Probe]
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - job_name: self
    static_configs: [{targets: ["127.0.0.1:%d"]}]
  - job_name: gone
    static_configs: [{targets: ["127.0.0.1:9"]}]
"""
BOOK = """
    # Shop

    ## Alerts

    ```yaml
    groups:
      - name: shop
        rules:
          - alert: TargetDown
            expr: up == 0
            for: 1m
            labels: {severity: critical}
          - alert: TooManySeries
            expr: prometheus_tsdb_head_series > 10
          - alert: Both
            expr: up{job="self"} == 1 and prometheus_tsdb_head_series{job="self"} > 100000000
    ```
"""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need(shutil.which("prometheus") is not None, "prometheus of Debian")
    home, port = tmp_path_factory.mktemp("prometheus"), free_port()
    (home / "prometheus.yml").write_text(CONFIG % port)
    command = ["prometheus", f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            for _ in range(200):
                if _count(port, "count(up) + count(prometheus_tsdb_head_series > 10)") == 3:
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _count(port: int, query: str) -> float:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={urllib.request.quote(query)}", timeout=5) as r:
            return float(json.load(r)["data"]["result"][0]["value"][1])
    except (OSError, IndexError):
        return 0.0


async def test_one_number_is_told_from_none_many_and_zero(probe: Make, prometheus: str) -> None:
    queries = {
        "a": "sum(up)", "b": "scalar(count(up))", "c": "count(up) - 2", "d": "no_such_metric", "e": "up + 0", "f": "rate(up",
        "g": "sum(up) / 0 * 0", "h": 'bottomk(1, up{job="self"})', "i": "up[1m]",
    }  # fmt: skip
    look = await probe("promql", queries, url=prometheus).look()
    assert (look.values["up"], look.problem) == (1.0, None)
    assert {name: look.values.get(query) for name, query in queries.items()} == {
        "a": 1.0, "b": 2.0, "c": 0.0, "d": None, "e": None, "f": None, "g": None, "h": 1.0, "i": None,
    }  # fmt: skip
    for said in ("no_such_metric: no series fits", "up + 0: the query gives 2 series", "parse error", "NaN", "gives a matrix"):
        assert said in look.detail
    assert "job=self" in look.detail
    zero = await probe("promql", {"d": "no_such_metric"}, url=prometheus, empty="zero").look()
    assert zero.values["no_such_metric"] == 0.0


async def test_a_long_question_goes_in_the_body_and_one_that_is_wrong_everywhere_is_a_problem(
    probe: Make, prometheus: str
) -> None:
    long = " + ".join(["count(up)"] * 400)
    assert (await probe("promql", {"a": long}, url=prometheus).look()).values[long] == 800.0
    look = await probe("promql", {"a": "sum("}, url=prometheus).look()
    assert (look.values, "does not take our queries" in (look.problem or "")) == ({}, True)


async def test_rules_of_the_book_are_asked_as_they_stand_and_decide(probe: Make, prometheus: str, tmp_path: Path) -> None:
    signal = SignalConfig("metrics", "promql", 3, options={"url": prometheus}, speaks=PromqlProbe.speaks)
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "book.md", signals={"metrics": signal})
    bindings = bind(book_from(BOOK), estate)
    assert bindings.unbound == ()
    readings = {bound.threshold.subject.split(":")[0]: bound for bound in bindings.bound}
    assert {name: bound.reading for name, bound in readings.items()} == {
        "TargetDown": "count(up == 0) or vector(0)",
        "TooManySeries": "topk(1, prometheus_tsdb_head_series)",
        "Both": 'count(up{job="self"} == 1 and prometheus_tsdb_head_series{job="self"} > 100000000) or vector(0)',
    }
    made = probe("promql", {reading: reading for reading in asked_of(bindings, "metrics")}, url=prometheus)
    values = (await made.look()).values
    fires = {name: is_breached(bound, values[bound.reading] * bound.factor) for name, bound in readings.items()}
    assert fires == {"TargetDown": True, "TooManySeries": True, "Both": False}
    assert readings["TargetDown"].threshold.for_s == 60.0
    assert "in PromQL; the signal metrics (line 3)" in readings["TargetDown"].because


def test_an_owner_s_own_word_goes_before_the_book_s_expression(tmp_path: Path) -> None:
    own = {"TargetDown: up": "max(shop_up)"}
    signal = SignalConfig("metrics", "promql", 3, metrics=own, speaks="promql")
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "book.md", signals={"metrics": signal})
    assert bind(book_from(BOOK), estate).bound[0].reading == "max(shop_up)"


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ('rate(a{b="x > y"}[5m]) > 5', 'topk(1, rate(a{b="x > y"}[5m]))'),
        ("sum by (job) (rate(a[5m])) / sum(b) > 14.4 * 0.001", "topk(1, sum by (job) (rate(a[5m])) / sum(b))"),
        ("5 < rate(a[5m])", "count(5 < rate(a[5m])) or vector(0)"),
        ("a > bool 5", "count(a > bool 5) or vector(0)"),
        ("(a > 5)", "count((a > 5)) or vector(0)"),
        ("a > 5) or (vector(1)", None),
        ("a > 5 # unless it is Sunday", None),
        ('a{b="} > 5', None),
    ],
)
def test_how_a_rule_becomes_a_question(text: str, reading: str | None) -> None:
    rule = promql.Threshold(line=1, role="alert", subject="s", op=">", value=5.0, source="promql", text=text)
    found = promql.reading_of(rule)
    assert (found[0] if found else None) == reading


async def test_who_asks_says_who_it_is_and_for_which_tenant(probe: Make, site: Any) -> None:
    seen: list[dict[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    url = await site(handle)
    await probe("promql", url=url, token="a-long-token", tenant="shop").look()
    await probe("promql", url=url, user="anna", password="rabbit-42").look()
    assert seen[0]["Authorization"] == "Bearer a-long-token"
    assert (seen[0]["X-Scope-OrgID"], seen[0]["THANOS-TENANT"]) == ("shop", "shop")
    assert seen[1]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "body", "values", "said"),
    [
        (
            200,
            {"status": "success", "warnings": ["fetch series: store-2 is away"], "data": {}},
            {"up": 1.0},
            "parts of the answer",
        ),
        (200, {"status": "success", "isPartial": True, "data": {}}, {"up": 1.0}, "calls it partial"),
        (401, {"status": "error", "error": "who are you"}, {}, "who are you"),
        (403, None, {}, "it answers 403"),
        (503, {"status": "error", "error": "query timed out"}, {"up": 0.0}, "query timed out"),
        (200, ["x"], {"up": 1.0}, "no JSON"),
    ],
)
async def test_what_is_missing_refused_or_no_answer(
    probe: Make, site: Any, status: int, body: Any, values: dict[str, float], said: str
) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response(body, status=status) if body else web.Response(status=status, text="<html>")

    look = await probe("promql", {"a": "sum(x)"}, url=await site(handle)).look()
    assert {name: value for name, value in look.values.items() if name != "seconds"} == values
    assert said in f"{look.problem}{look.detail}"


def test_a_partial_answer_counts_where_the_owner_says_so() -> None:
    body = b'{"status":"success","warnings":["store-2 is away"],"data":{"resultType":"scalar","result":[1,"4"]}}'
    assert read_answer(200, body).value is None
    assert read_answer(200, body, partial=True) == answer.Result(4.0, "store-2 is away")
    assert read_answer(200, b"[" * 100_000).value is None
    assert read_answer(200, b'{"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}}').value is None


async def test_a_server_that_hangs_or_is_away_is_down_and_its_expressions_blind(probe: Make, peer: Any, closed_port: int) -> None:
    async def trickle(reader: Any, writer: Any) -> None:
        while True:
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.05)

    waits = await probe(
        "promql", {str(n): f"a{n}" for n in range(20)}, timeout_s=0.3, url=f"http://127.0.0.1:{await peer(trickle)}"
    ).look()
    assert waits.values["up"] == 0.0
    assert set(waits.values) <= {"up", "seconds"}
    away = await probe("promql", {"a": "b"}, url=f"http://127.0.0.1:{closed_port}").look()
    assert (away.values, away.detail) == ({"up": 0.0}, "connection refused")


def test_the_examples_in_the_docstrings() -> None:
    for module in (promql, answer):
        assert doctest.testmod(module).failed == 0


async def test_the_past_is_what_the_server_kept(probe: Make, prometheus: str) -> None:
    queries = {"up": 'count(up{job="self"})', "none": "no_such_series", "many": "up"}
    made = probe("promql", queries, url=prometheus)
    assert isinstance(made, PromqlProbe)
    until = datetime.now(UTC).replace(microsecond=0)  # Prometheus rounds to milliseconds
    past = await made.past(until - timedelta(seconds=60), until, 1.0)
    assert list(past) == ['count(up{job="self"})']
    assert {value for _, value in past['count(up{job="self"})']} == {1.0}
    assert all(until - timedelta(seconds=61) < at <= until for at, _ in past['count(up{job="self"})'])
    assert await made.past(until, until, 1.0) is past


async def test_a_server_that_is_away_has_no_past(probe: Make, closed_port: int) -> None:
    made = probe("promql", {"up": "count(up)"}, url=f"http://127.0.0.1:{closed_port}")
    assert isinstance(made, PromqlProbe)
    now = datetime.now(UTC)
    assert await made.past(now - timedelta(hours=1), now, 15.0) == {}
