"""The search engine that stands in for Elasticsearch in the estates, and the shipper that feeds it, as real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.conftest import free_port
from tests.plugins.test_log_query_probe import DOCUMENTS, QUERIES

from watchkeeper.plugins.log_query.kql import to_query
from watchkeeper.watch.probe import Probe

SEARCH = Path(__file__).parents[2] / "estates" / "base" / "search"
Make = Callable[..., Probe]


class Engine:
    """One process of the stand-in."""

    def __init__(self, data: Path, port: int, name: str = "search-1", peers: str = "") -> None:
        self.url = f"http://127.0.0.1:{port}"
        words = ["--port", str(port), "--host", "127.0.0.1", "--data", str(data), "--name", name, "--peers", peers]
        self.process = subprocess.Popen([sys.executable, str(SEARCH / "engine.py"), *words])
        until = time.monotonic() + 20
        while True:
            try:
                assert self.ask("GET", "/")["tagline"]
            except urllib.error.URLError:
                assert self.process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            else:
                return

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            text = answer.read().decode()
            return json.loads(text) if answer.headers["Content-Type"] == "application/json" else text

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("search") / "engine.db", free_port())
    lines = []
    for number, document in enumerate(DOCUMENTS):
        lines += [{"index": {"_index": "kept", "_id": str(number)}}, document]
    assert not engine.ask("POST", "/_bulk", "\n".join(map(json.dumps, lines)) + "\n")["errors"]
    yield engine
    engine.end()


@pytest.mark.parametrize(("text", "found"), QUERIES, ids=[text for text, _ in QUERIES])
def test_what_a_query_of_kibana_finds(engine: Engine, text: str, found: list[int]) -> None:
    hits = engine.ask("POST", "/kept/_search", {"query": to_query(text)})["hits"]["hits"]
    assert sorted(int(hit["_id"]) for hit in hits) == found


def test_documents_are_written_changed_and_deleted(engine: Engine) -> None:
    assert engine.ask("PUT", "/articles", {"mappings": {}})["acknowledged"]
    assert engine.ask("PUT", "/articles/_doc/1", {"title": "Red wool carpet", "price": 120})["result"] == "created"
    assert engine.ask("POST", "/articles/_update/1", {"doc": {"price": 90}})["_version"] == 2
    assert engine.ask("GET", "/articles/_doc/1")["_source"] == {"title": "Red wool carpet", "price": 90}
    assert engine.ask("POST", "/articles/_count", {"query": {"range": {"price": {"lt": 100}}}})["count"] == 1
    assert "articles 1   0   1 " in engine.ask("GET", "/_cat/indices?v")
    assert engine.ask("GET", "/_cat/indices/art*?format=json")[0]["docs.count"] == "1"
    assert engine.ask("POST", "/articles/_delete_by_query", {"query": {"match": {"title": "wool"}}})["deleted"] == 1
    assert engine.ask("DELETE", "/articles")["acknowledged"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        engine.ask("POST", "/articles/_search", {})


def test_figures_of_what_was_found(engine: Engine) -> None:
    asked = {
        "size": 0,
        "aggs": {"levels": {"terms": {"field": "level.keyword"}, "aggs": {"worst": {"max": {"field": "status"}}}}},
    }
    buckets = engine.ask("POST", "/kept/_search", asked)["aggregations"]["levels"]["buckets"]
    assert buckets[0] == {"key": "ERROR", "doc_count": 2, "worst": {"value": 502.0}}


def test_what_it_does_not_know_is_refused(engine: Engine) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        engine.ask("POST", "/kept/_search", {"query": {"fuzzy": {"level": "x"}}})
    assert json.loads(refused.value.read())["error"]["reason"] == "unknown query [fuzzy]"


async def test_a_node_of_two_that_dies_makes_the_cluster_yellow(probe: Make, tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    one = Engine(tmp_path / "engine.db", first, "search-1", f"http://127.0.0.1:{second}")
    two = Engine(tmp_path / "engine.db", second, "search-2", one.url)
    try:
        two.ask("PUT", "/articles/_doc/1", {"title": "carpet"})
        assert one.ask("GET", "/articles/_count")["count"] == 1
        look = await probe("elasticsearch", url=one.url, nodes=2).look()
        assert (look.values["status"], look.values["nodes"], look.values["nodes_missing"]) == (0, 2, 0)
        two.process.kill()
        two.process.wait(10)
        look = await probe("elasticsearch", url=one.url, nodes=2).look()
        assert (look.values["status"], look.values["nodes"], look.values["nodes_missing"]) == (1, 1, 1)
        assert look.values["unassigned_shards"] == 1
    finally:
        one.end()
        two.end()


async def test_lines_are_shipped_once_and_found_by_the_probe(engine: Engine, probe: Make, tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text('{"level": "error", "message": "no database"}\nGET /health 200\nhalf a li')
    words = ["--to", engine.url, "--index", "shop-logs", "--state", str(tmp_path / "state"), "--every", "0.05", f"shop={log}"]
    shipper = subprocess.Popen([sys.executable, str(SEARCH / "ship.py"), *words])
    try:
        until = time.monotonic() + 20
        while not (tmp_path / "state").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        with log.open("a") as file:
            file.write("ne ERROR again\n")
        while engine.ask("GET", "/shop-logs-*/_count?q=again")["count"] != 1:
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        shipper.terminate()
        shipper.wait(10)
    queries = {"errors": "level: error and service: shop", "all": "*"}
    look = await probe("log_query", url=engine.url, index="shop-logs-*", queries=queries).look()
    assert look.values == {"up": 1, "errors": 2, "all": 3}
