#!/usr/bin/env python3
"""A small search engine that speaks Elasticsearch's API, where Elasticsearch itself is not to be had. Standard library alone.

    engine.py --port 9200 --name search-1 --data /var/lib/search/engine.db --peers http://search-2:9200

Known are indices, documents, _bulk, _search, _count, _delete_by_query, _cat, _cluster/health and _nodes/stats. Nodes of a cluster
share one file, so that any of them answers for all; with a peer away the cluster is yellow, as it is where copies are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from documents import Documents
from queries import Refused, compiled
from totals import totals

_VERSION = "8.15.0"


class Problem(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason = status, kind, reason


class Engine:
    """One node: its documents, its peers, and what it counted since it began."""

    def __init__(self, name: str, path: str, peers: list[str], cluster: str) -> None:
        self.name, self.peers, self.cluster, self.path = name, peers, cluster, path
        self.documents = Documents(path)
        self.began = time.time()
        self._lock = threading.Lock()
        self._counts = {"searches": 0, "search_ms": 0.0, "indexed": 0, "index_ms": 0.0}

    def counted(self, what: str, count: int, began: float) -> None:
        """Add to what was done and to the time it took."""
        figures = {"searches": "search_ms", "indexed": "index_ms"}
        with self._lock:
            self._counts[what] += count
            self._counts[figures[what]] += (time.perf_counter() - began) * 1000

    def homes(self, pattern: str, lenient: bool = False) -> list[str]:
        """Give the indices that are meant; one that is named and not there is a problem."""
        names = self.documents.names(pattern)
        if not names and not lenient and pattern not in ("_all", "*") and "*" not in pattern:
            raise Problem(404, "index_not_found_exception", f"no such index [{pattern}]")
        return names

    # the cluster

    def health(self) -> dict[str, Any]:
        """Say how the cluster is."""
        alive = 1 + sum(self._alive(peer) for peer in self.peers)
        missing = 1 + len(self.peers) - alive
        shards = len(self.documents.names())
        copies = shards if self.peers else 0
        lost = copies if missing and alive == 1 else 0
        return {
            "cluster_name": self.cluster,
            "status": "yellow" if missing else "green",
            "timed_out": False,
            "number_of_nodes": alive,
            "number_of_data_nodes": alive,
            "active_primary_shards": shards,
            "active_shards": shards + copies - lost,
            "relocating_shards": 0,
            "initializing_shards": 0,
            "unassigned_shards": lost,
            "delayed_unassigned_shards": 0,
            "number_of_pending_tasks": 0,
            "number_of_in_flight_fetch": 0,
            "task_max_waiting_in_queue_millis": 0,
            "active_shards_percent_as_number": 100.0 * (shards + copies - lost) / (shards + copies) if shards else 100.0,
        }

    def _alive(self, peer: str) -> bool:
        try:
            with urllib.request.urlopen(f"{peer}/", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stats(self) -> dict[str, Any]:
        """Give this node's figures as _nodes/stats has them."""
        disk = shutil.disk_usage(Path(self.path).parent)
        counts = self._counts
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        node = {
            "name": self.name,
            "jvm": {"mem": {"heap_used_percent": min(99, pages * os.sysconf("SC_PAGE_SIZE") * 100 // (256 << 20))}},
            "fs": {"total": {"total_in_bytes": disk.total, "free_in_bytes": disk.free, "available_in_bytes": disk.free}},
            "indices": {
                "search": {"query_total": counts["searches"], "query_time_in_millis": int(counts["search_ms"])},
                "indexing": {"index_total": counts["indexed"], "index_time_in_millis": int(counts["index_ms"])},
            },
            "thread_pool": {"search": {"rejected": 0}, "write": {"rejected": 0}},
        }
        return {"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": self.cluster, "nodes": {self.name: node}}

    # documents

    def search(self, pattern: str, body: Mapping[str, Any], lenient: bool) -> dict[str, Any]:
        """Answer a search."""
        began = time.perf_counter()
        homes = self.homes(pattern, lenient)
        found = list(self.documents.found(homes, compiled(body.get("query"))))
        for each in reversed(_listed(body.get("sort", []))):
            ((name, how),) = each.items() if isinstance(each, Mapping) else [(each, "asc")]
            order = how.get("order", "asc") if isinstance(how, Mapping) else how
            if name not in ("_score", "_doc"):
                found.sort(key=lambda hit: _sortable(hit[2], name), reverse=order == "desc")
        first, size = int(body.get("from", 0)), int(body.get("size", 10))
        hits = [
            {"_index": home, "_id": key, "_score": score, "_source": _picked(source, body.get("_source", True))}
            for home, key, source, score in found[first : first + size]
        ]
        answer: dict[str, Any] = {
            "took": int((time.perf_counter() - began) * 1000),
            "timed_out": False,
            "_shards": {"total": len(homes), "successful": len(homes), "skipped": 0, "failed": 0},
            "hits": {"total": {"value": len(found), "relation": "eq"}, "max_score": found[0][3] if found else None, "hits": hits},
        }
        asked = body.get("aggs", body.get("aggregations"))
        if asked:
            kept = {id(hit[2]): (hit[0], hit[1]) for hit in found}

            def finds(query: Mapping[str, Any], sources: Any) -> Any:
                keys = {hit[:2] for hit in self.documents.found(homes, compiled(query))}
                return [each for each in sources if kept[id(each)] in keys]

            answer["aggregations"] = totals(asked, [hit[2] for hit in found], finds)
        self.counted("searches", 1, began)
        return answer

    def bulk(self, home: str, lines: list[str]) -> dict[str, Any]:
        """Write, change and delete many documents; one that fails keeps no other from being done."""
        began = time.perf_counter()
        items: list[dict[str, Any]] = []
        writes: list[tuple[str, str | None, Mapping[str, Any], bool]] = []
        places: list[tuple[str, int]] = []
        at = 0
        while at < len(lines):
            ((act, meta),) = json.loads(lines[at]).items()
            at += 1
            where, key = meta.get("_index", home), meta.get("_id")
            if act == "delete":
                gone = self.documents.delete(where, key)
                items.append(
                    {
                        act: {
                            "_index": where,
                            "_id": key,
                            "status": 200 if gone else 404,
                            "result": "deleted" if gone else "not_found",
                        }
                    }
                )
                continue
            source = json.loads(lines[at])
            at += 1
            if act == "update":
                before = self.documents.get(where, key)
                source = {**(before[1] if before else {}), **source.get("doc", {})}
            places.append((act, len(items)))
            items.append({act: {"_index": where, "_id": key}})
            writes.append((where, key, source, act == "create"))
        errors = False
        for (act, place), done in zip(places, self.documents.put_all(writes), strict=True):
            told = items[place][act]
            if done is None:
                errors = True
                told.update(status=409, error={"type": "version_conflict_engine_exception", "reason": "document already exists"})
            else:
                told.update(
                    _id=done[0],
                    _version=done[1],
                    status=201 if done[1] == 1 else 200,
                    result="created" if done[1] == 1 else "updated",
                )
        self.counted("indexed", len(writes), began)
        return {"took": int((time.perf_counter() - began) * 1000), "errors": errors, "items": items}

    def write(self, home: str, key: str | None, source: Mapping[str, Any], new: bool) -> tuple[int, dict[str, Any]]:
        """Write one document."""
        began = time.perf_counter()
        done = self.documents.put(home, key, source, new)
        if done is None:
            raise Problem(409, "version_conflict_engine_exception", f"[{key}]: version conflict, document already exists")
        self.counted("indexed", 1, began)
        shards = {"total": 1, "successful": 1, "failed": 0}
        result = "created" if done[1] == 1 else "updated"
        return 201 if done[1] == 1 else 200, {
            "_index": home,
            "_id": done[0],
            "_version": done[1],
            "result": result,
            "_shards": shards,
        }


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _sortable(source: Mapping[str, Any], name: str) -> tuple[int, Any]:
    value: Any = source
    for part in name.removesuffix(".keyword").split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return (0, value) if isinstance(value, (int, float)) else (1, "" if value is None else str(value))


def _picked(source: Mapping[str, Any], wanted: Any) -> Mapping[str, Any]:
    if wanted is True:
        return source
    names = [] if wanted is False else _listed(wanted.get("includes", list(source)) if isinstance(wanted, Mapping) else wanted)
    return {name: source[name] for name in source if name in names}


Answer = tuple[int, Any]


def answered(engine: Engine, method: str, path: str, options: Mapping[str, str], body: str) -> Answer:
    """Answer one request: a status, and an object for JSON or a text."""
    parts = [unquote(part) for part in path.strip("/").split("/") if part]
    if not parts:
        version = {"number": _VERSION, "lucene_version": "9.11.1"}
        return 200, {"name": engine.name, "cluster_name": engine.cluster, "version": version, "tagline": "You Know, for Search"}
    if parts[0].startswith("_") and parts[0] not in ("_all", "_search", "_count", "_bulk", "_refresh"):
        return _about_cluster(engine, method, parts, options, body)
    home = "_all" if parts[0].startswith("_") else parts[0]
    rest = parts if parts[0].startswith("_") and parts[0] != "_all" else parts[1:]
    verb = rest[0] if rest else ""
    lenient = options.get("ignore_unavailable") == "true" or (options.get("allow_no_indices", "true") != "false" and "*" in home)
    match verb:
        case "_search":
            if not lenient and not engine.documents.names(home) and home != "_all":
                raise Problem(404, "index_not_found_exception", f"no such index [{home}]")
            return 200, engine.search(home, _asked(options, body), lenient)
        case "_count":
            homes = engine.homes(home, lenient)
            count = engine.documents.count(homes, compiled(_asked(options, body).get("query")))
            return 200, {"count": count, "_shards": {"total": len(homes), "successful": len(homes), "skipped": 0, "failed": 0}}
        case "_bulk":
            return 200, engine.bulk(home, [line for line in body.splitlines() if line.strip()])
        case "_refresh" | "_flush" | "_forcemerge":
            return 200, {"_shards": {"total": len(engine.homes(home, True)), "successful": 1, "failed": 0}}
        case "_delete_by_query":
            return 200, {
                "deleted": engine.documents.delete_found(engine.homes(home), compiled(json.loads(body).get("query"))),
                "failures": [],
            }
        case "_mapping" | "_settings":
            return 200, {
                name: {verb[1:] + "s" * (verb == "_mapping"): engine.documents.body(name).get(verb[1:], {})}
                for name in engine.homes(home)
            }
        case "":
            return _about_index(engine, method, home, body)
    return _about_document(engine, method, home, rest, body)


def _asked(options: Mapping[str, str], body: str) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(body) if body.strip() else {}
    if "q" in options:
        asked["query"] = {"query_string": {"query": options["q"]}}
    asked.update({name: int(options[name]) for name in ("size", "from") if name in options})
    if "sort" in options:
        name, _, order = options["sort"].partition(":")
        asked["sort"] = [{name: order or "asc"}]
    return asked


def _about_index(engine: Engine, method: str, home: str, body: str) -> Answer:
    if method == "PUT":
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", home):
            raise Problem(400, "invalid_index_name_exception", f"Invalid index name [{home}]")
        if not engine.documents.make(home, json.loads(body) if body.strip() else {}):
            raise Problem(400, "resource_already_exists_exception", f"index [{home}] already exists")
        return 200, {"acknowledged": True, "shards_acknowledged": True, "index": home}
    homes = engine.homes(home)
    if not homes:
        raise Problem(404, "index_not_found_exception", f"no such index [{home}]")
    if method == "DELETE":
        for name in homes:
            engine.documents.drop(name)
        return 200, {"acknowledged": True}
    return 200, {name: {"aliases": {}, "mappings": {}, "settings": {}} | engine.documents.body(name) for name in homes}


def _about_document(engine: Engine, method: str, home: str, rest: list[str], body: str) -> Answer:
    verb, key = rest[0], rest[1] if len(rest) > 1 else None
    if verb not in ("_doc", "_create", "_source", "_update"):
        raise Problem(400, "illegal_argument_exception", f"no handler found for [{method}] on [{home}/{'/'.join(rest)}]")
    if verb == "_update" and key:
        before = engine.documents.get(home, key)
        if before is None:
            raise Problem(404, "document_missing_exception", f"[{key}]: document missing")
        return engine.write(home, key, {**before[1], **json.loads(body).get("doc", {})}, False)
    if method in ("PUT", "POST"):
        return engine.write(home, key, json.loads(body), verb == "_create")
    found = engine.documents.get(home, key or "")
    if method == "DELETE":
        gone = engine.documents.delete(home, key or "")
        return 200 if gone else 404, {"_index": home, "_id": key, "result": "deleted" if gone else "not_found"}
    if verb == "_source" and found:
        return 200, found[1]
    about = {"_version": found[0], "_source": found[1]} if found else {}
    return 200 if found else 404, {"_index": home, "_id": key, "found": found is not None, **about}


def _about_cluster(engine: Engine, method: str, parts: list[str], options: Mapping[str, str], body: str) -> Answer:
    match parts:
        case ["_cluster", "health", *_]:
            return 200, engine.health()
        case ["_nodes", *_]:
            return 200, engine.stats()
        case ["_index_template" | "_template" | "_ilm" | "_ingest", *name] if method == "PUT":
            engine.documents.keep_template("/".join([parts[0], *name]), json.loads(body))
            return 200, {"acknowledged": True}
        case ["_cat", "indices", *names]:
            return 200, _table([_index_row(engine, name) for name in engine.homes(names[0] if names else "_all", True)], options)
        case ["_cat", "health"]:
            health = engine.health()
            return 200, _table(
                [{"cluster": engine.cluster, "status": health["status"], "node.total": str(health["number_of_nodes"])}], options
            )
        case ["_cat", "nodes"]:
            return 200, _table([{"name": engine.name, "master": "*"}], options)
        case ["_cat", "count", *names]:
            homes = engine.homes(names[0] if names else "_all", True)
            return 200, _table(
                [{"epoch": str(int(time.time())), "count": str(engine.documents.count(homes, compiled(None)))}], options
            )
    raise Problem(400, "illegal_argument_exception", f"no handler found for [{method}] on [/{'/'.join(parts)}]")


def _index_row(engine: Engine, name: str) -> dict[str, str]:
    count, size = engine.documents.sizes(name)
    status = "green" if not engine.peers else engine.health()["status"]
    copies = str(min(1, len(engine.peers)))
    return {
        "health": status,
        "status": "open",
        "index": name,
        "pri": "1",
        "rep": copies,
        "docs.count": str(count),
        "store.size": f"{size}b",
    }


def _table(rows: list[dict[str, str]], options: Mapping[str, str]) -> Any:
    """Lay rows out as _cat does: columns, or JSON where it is asked for."""
    wanted = options["h"].split(",") if "h" in options else list(rows[0]) if rows else []
    picked = [{name: row.get(name, "") for name in wanted} for row in rows]
    if options.get("format") == "json":
        return picked
    lines = [wanted, *([list(row.values()) for row in picked])] if "v" in options else [list(row.values()) for row in picked]
    widths = [max((len(line[at]) for line in lines), default=0) for at in range(len(wanted))]
    return "".join(
        " ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def handler(answer: Callable[[str, str, Mapping[str, str], str], Answer]) -> type[BaseHTTPRequestHandler]:
    """Make what takes requests over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            asked = urlsplit(self.path)
            options = {name: values[-1] for name, values in parse_qs(asked.query, keep_blank_values=True).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            try:
                status, told = answer("GET" if self.command == "HEAD" else self.command, asked.path, options, body)
            except Problem as problem:
                cause = {"type": problem.kind, "reason": problem.reason}
                status, told = problem.status, {"error": {"root_cause": [cause], **cause}, "status": problem.status}
            except (Refused, ValueError, KeyError, TypeError, AttributeError) as wrong:
                cause = {"type": "parsing_exception", "reason": str(wrong)}
                status, told = 400, {"error": {"root_cause": [cause], **cause}, "status": 400}
            text = (told if isinstance(told, str) else json.dumps(told)).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "text/plain; charset=UTF-8" if isinstance(told, str) else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _take

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing of a request that went well."""

    return Handler


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9200)
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--name", default="search-1")
    parser.add_argument("--cluster", default="search")
    parser.add_argument("--data", default="engine.db")
    parser.add_argument("--peers", default="", help="addresses of the other nodes, with commas between")
    told = parser.parse_args()
    engine = Engine(told.name, told.data, [peer for peer in told.peers.split(",") if peer], told.cluster)
    server = ThreadingHTTPServer((told.host, told.port), handler(lambda *asked: answered(engine, *asked)))
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
