"""A content delivery network: an edge that keeps what its origin lets it keep, and the APIs that purge it."""

from __future__ import annotations

import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from vendor import Answer, Refused, Request, Vendor

_AGE = re.compile(r"(?:s-maxage|max-age)=(\d+)")
_PASSED = ("authorization", "cookie", "content-type", "accept", "user-agent")


class Cdn(Vendor):
    """CloudFlare's purge and CloudFront's invalidation, of the one edge."""

    name, title = "cdn", "CDN"
    #: stale: true keeps what is in the edge whatever its age, and the purge alone ends it
    options: Mapping[str, Any] = {"stale": False}

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.kept: dict[str, tuple[float, int, dict[str, str], bytes]] = {}
        super().__init__(settings)

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        """What can be asked."""
        return [
            ("POST", r"/client/v4/zones/(\w+)/purge_cache", self.cloudflare),
            ("POST", r"/2020-05-31/distribution/(\w+)/invalidation", self.cloudfront),
        ]

    def cloudflare(self, request: Request, zone: str) -> Answer:
        """Purge everything, or some addresses."""
        if request.bearer() != self.settings["token"]:
            raise Refused(403, {"success": False, "errors": [{"code": 9109, "message": "Invalid access token"}], "result": None})
        asked = request.json()
        if asked.get("purge_everything") is not True and not asked.get("files"):
            said = {"code": 1012, "message": "Request must contain one of 'purge_everything' or 'files'"}
            raise Refused(400, {"success": False, "errors": [said], "result": None})
        gone = self.purge(["/*"] if asked.get("purge_everything") else [urlsplit(str(url)).path for url in asked["files"]])
        self.keep("purge", {"zone": zone, "gone": gone, **asked})
        return Answer({"success": True, "errors": [], "messages": [], "result": {"id": zone}})

    def cloudfront(self, request: Request, distribution: str) -> Answer:
        """Invalidate some paths; the aws client speaks XML here, with a signature that is not checked."""
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Refused(403, "<ErrorResponse><Error><Code>MissingAuthenticationToken</Code></Error></ErrorResponse>")
        try:
            root = ElementTree.fromstring(request.body)
        except ElementTree.ParseError as problem:
            raise Refused(400, "<ErrorResponse><Error><Code>MalformedXML</Code></Error></ErrorResponse>") from problem
        paths = [node.text or "" for node in root.iter() if node.tag.endswith("}Path") or node.tag == "Path"]
        if not paths or any(not path.startswith("/") for path in paths):
            raise Refused(400, "<ErrorResponse><Error><Code>InvalidArgument</Code></Error></ErrorResponse>")
        self.keep("purge", {"distribution": distribution, "paths": paths, "gone": self.purge(paths)})
        number = f"I{secrets.token_hex(6).upper()}"
        items = "".join(f"<Path>{path}</Path>" for path in paths)
        body = (
            f'<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>{number}</Id><Status>Completed</Status>'
            f"<CreateTime>{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}</CreateTime><InvalidationBatch><Paths><Quantity>"
            f"{len(paths)}</Quantity><Items>{items}</Items></Paths><CallerReference>{number}</CallerReference></InvalidationBatch></Invalidation>"
        )
        return Answer(body, 201, {"Content-Type": "text/xml", "Location": f"{request.path}/{number}"})

    def purge(self, patterns: list[str]) -> int:
        """Forget what fits the patterns, and say how many that were."""
        with self.lock:
            gone = [
                address for address in self.kept if any(fnmatchcase(address.partition("?")[0], pattern) for pattern in patterns)
            ]
            for address in gone:
                del self.kept[address]
        return len(gone)


class Edge(BaseHTTPRequestHandler):
    """One request to the edge."""

    cdn: Cdn
    origin: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer from what is kept, else from the origin."""
        cdn = self.cdn
        if cdn.mode in ("down", "cut"):
            self._give(502, {}, b"the edge is down", "Error")
            return
        with cdn.lock:
            kept = cdn.kept.get(self.path)
        if kept and (kept[0] > time.time() or cdn.set["stale"]):
            self._give(kept[1], kept[2], kept[3], "Hit")
            return
        self._fetch(None)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Pass on what is not a read."""
        self._fetch(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_PUT = do_PATCH = do_DELETE = do_POST

    def _fetch(self, body: bytes | None) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED}
        headers["X-Forwarded-For"] = self.client_address[0]
        asked = urllib.request.Request(self.origin + self.path, body, headers, method=self.command)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                status, found, said = answer.status, dict(answer.headers.items()), answer.read()
        except urllib.error.HTTPError as problem:
            status, found, said = problem.code, dict(problem.headers.items()), problem.read()
        except OSError:
            self._give(502, {}, b"the origin does not answer", "Error")
            return
        age = _AGE.search(found.get("Cache-Control", found.get("cache-control", "")))
        if self.command == "GET" and status == 200 and age and not {"Authorization", "Cookie"} & set(self.headers.keys()):
            with self.cdn.lock:
                self.cdn.kept[self.path] = (time.time() + int(age[1]), status, found, said)
        self._give(status, found, said, "Miss")

    def _give(self, status: int, headers: Mapping[str, str], body: bytes, how: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("X-Cache", f"{how} from cloudfront")
        self.send_header("CF-Cache-Status", how.upper())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing; what matters is kept."""
