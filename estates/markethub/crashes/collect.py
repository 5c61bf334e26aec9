"""Takes what apps report of their sessions, and keeps it as the export of Crashlytics and Firebase sessions does: JSON lines."""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path("/var/lib/crashes")
_lock = threading.Lock()


def rows(said: dict[str, str]) -> list[tuple[str, dict[str, object]]]:
    """Give the rows of a session, and of its crash where it had one, each with its file."""
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    version = {"display_version": said["version"], "build_version": said["version"].replace(".", "")}
    common = {
        "event_timestamp": now,
        "application": version,
        "device": {"manufacturer": "estate", "model": said.get("device", "phone")},
        "operating_system": {"name": "Android", "display_version": said.get("system", "15")},
        "session_id": said["session"],
        "firebase_session_id": said["session"],
    }
    found = [("sessions.jsonl", {**common, "event_type": "SESSION_START"})]
    if said.get("crash"):
        issue = {
            "event_id": said["session"],
            "issue_id": said["crash"],
            "issue_title": said["crash"],
            "error_type": "FATAL",
            "is_fatal": True,
        }
        found.append(("crashes.jsonl", {**common, **issue}))
    return found


class Handler(BaseHTTPRequestHandler):
    """POST /sessions."""

    def do_POST(self) -> None:
        """Keep one session."""
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with _lock:
            for name, row in rows(said):
                with (FOLDER / name).open("a") as file:
                    file.write(json.dumps(row) + "\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in ("sessions.jsonl", "crashes.jsonl"):
        (FOLDER / name).touch()
    ThreadingHTTPServer(("0.0.0.0", 8300), Handler).serve_forever()
