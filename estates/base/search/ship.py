#!/usr/bin/env python3
"""Ships log lines into a search engine: follows files, makes a document of each line, and sends them by _bulk.

    ship.py --to http://search-1:9200 --index shop-logs nginx=/var/log/nginx/*.log app=/var/log/app/*.log

A line that is a JSON object is taken as it is; any other becomes its `message`. Where a file has been read to is kept in --state,
so that a shipper that was away goes on where it stopped, and a line is sent again rather than lost.
"""

from __future__ import annotations

import argparse
import datetime as dt
import glob
import json
import re
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

_LEVELS = re.compile(r"\b(critical|error|warning|warn|notice|info|debug)\b", re.IGNORECASE)
_MOST_BYTES = 1_000_000


def document(service: str, line: str, now: dt.datetime) -> dict[str, Any]:
    """Make a document of a line.

    >>> document("app", "ERROR no database", dt.datetime(2026, 1, 2, tzinfo=dt.UTC))["level"]
    'error'
    """
    about: dict[str, Any] = {"@timestamp": now.isoformat(), "service": service}
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return about | found
    level = _LEVELS.search(line)
    return about | {"level": level[1].lower() if level else "info", "message": line}


class Follower:
    """One pattern of files, with how far each has been read."""

    def __init__(self, service: str, pattern: str, places: dict[str, list[int]]) -> None:
        self.service, self._pattern, self._places = service, pattern, places

    def lines(self) -> list[str]:
        """Give the whole lines that came since the last time."""
        found: list[str] = []
        for path in sorted(glob.glob(self._pattern)):
            try:
                found += self._more(path)
            except OSError as wrong:
                print(f"{path} cannot be read: {wrong}", file=sys.stderr)
        return found

    def _more(self, path: str) -> list[str]:
        with open(path, "rb") as file:
            node, size = Path(path).stat().st_ino, file.seek(0, 2)
            before = self._places.get(path)
            start = before[1] if before and before[0] == node and before[1] <= size else 0
            file.seek(start)
            taken, _, _ = file.read(_MOST_BYTES).rpartition(b"\n")
            if not taken:
                return []
            self._places[path] = [node, start + len(taken) + 1]
            return [line for line in taken.decode(errors="replace").split("\n") if line.strip()]


def send(to: str, index: str, documents: list[dict[str, Any]]) -> None:
    """Write documents into the index of the day."""
    lines: list[str] = []
    for each in documents:
        day = str(each["@timestamp"])[:10].replace("-", ".")
        lines += [json.dumps({"create": {"_index": f"{index}-{day}"}}), json.dumps(each)]
    body = ("\n".join(lines) + "\n").encode()
    request = urllib.request.Request(f"{to}/_bulk", body, {"Content-Type": "application/x-ndjson"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def main() -> None:
    """Follow and send until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", required=True)
    parser.add_argument("--index", required=True)
    parser.add_argument("--state", default="shipped.json")
    parser.add_argument("--every", type=float, default=2.0)
    parser.add_argument("files", nargs="+", metavar="SERVICE=PATTERN")
    told = parser.parse_args()
    state = Path(told.state)
    places: dict[str, list[int]] = json.loads(state.read_text()) if state.exists() else {}
    followers = [Follower(*each.split("=", 1), places) for each in told.files]
    waiting: list[dict[str, Any]] = []
    while True:
        if len(waiting) < 5000:
            waiting += [document(each.service, line, dt.datetime.now(dt.UTC)) for each in followers for line in each.lines()]
        if waiting:
            try:
                send(told.to, told.index, waiting)
            except OSError as wrong:
                print(f"The search engine did not take {len(waiting)} lines: {wrong}", file=sys.stderr)
            else:
                waiting = []
                state.write_text(json.dumps(places))
        time.sleep(told.every)


if __name__ == "__main__":
    main()
