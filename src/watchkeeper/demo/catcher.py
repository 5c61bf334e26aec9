"""Catches the notices that Watchkeeper sends in the demo, instead of a chat or a pager: one line of JSON each in a file.

It speaks what Apprise's `json://` posts. Whoever wants to see notices as they come passes a callback.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

BIGGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Notice:
    """One caught notice; `to` is the path it was posted to."""

    at: str
    to: str
    title: str
    body: str
    kind: str


class Catcher:
    """A notice catcher on loopback: `start`, read `notices`, `stop`."""

    def __init__(self, port: int, record: Path, on_notice: Callable[[Notice], None] | None = None) -> None:
        self._port = port
        self._record = record
        self._on_notice = on_notice
        self._lock = Lock()
        self._server: ThreadingHTTPServer | None = None
        self._caught: list[Notice] = []

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Give everything caught so far, oldest first."""
        with self._lock:
            return tuple(self._caught)

    def start(self) -> None:
        """Listen on loopback in a thread of our own."""
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), BIGGEST)
                taken = catcher.take(self.path, self.rfile.read(length))
                self.send_response(204 if taken else 400)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        Thread(target=self._server.serve_forever, args=(0.2,), name="catcher", daemon=True).start()

    def stop(self) -> None:
        """Stop listening; what was caught stays."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, path: str, body: bytes) -> bool:
        """Record one posted notice; False where it is not what Apprise posts."""
        try:
            posted = json.loads(body)
            notice = Notice(
                at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                to=path.strip("/"),
                title=str(posted.get("title") or ""),
                body=str(posted.get("message") or ""),
                kind=str(posted.get("type") or "info"),
            )
        except (ValueError, AttributeError):
            return False
        with self._lock:
            self._caught.append(notice)
            with self._record.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(notice), ensure_ascii=False) + "\n")
        if self._on_notice is not None:
            self._on_notice(notice)
        return True
