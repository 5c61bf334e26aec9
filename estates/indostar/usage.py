"""What the node's pods take, in percent of what they may: python3 usage.py cpu|memory SOCKET PROJECT.

The processor is the busiest backend's, on average over some 15 seconds; what it said before is kept in state/usage.json.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

KEPT, OVER_S = Path("state/usage.json"), 15.0


class Docker(http.client.HTTPConnection):
    """The engine behind its socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker")
        self.path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(8)
        self.sock.connect(self.path)


def ask(path: str, where: str) -> Any:
    """Ask the engine; None of a pod that ended meanwhile."""
    engine = Docker(path)
    engine.request("GET", where)
    answer = engine.getresponse()
    said = json.load(answer)
    engine.close()
    return None if answer.status == 404 else said


def main() -> None:
    """Print one number."""
    what, path, project = sys.argv[1:4]
    wanted = {"label": [f"com.docker.compose.project={project}", "com.docker.compose.service=backend"]}
    listed = [each["Id"] for each in ask(path, f"/containers/json?filters={quote(json.dumps(wanted))}")]
    asked = {pod: ask(path, f"/v1.41/containers/{pod}/stats?stream=false&one-shot=true") for pod in listed}
    # one that is being taken away has no figures any more
    stats = {pod: said for pod, said in asked.items() if said and "memory_stats" in said and "cpu_stats" in said}
    if what == "memory":
        said = [each["memory_stats"] for each in stats.values() if each["memory_stats"].get("usage")]
        used = [100 * (each["usage"] - each["stats"]["total_inactive_file"]) / each["limit"] for each in said]
        print(f"{max(used, default=0):.1f}")
        return
    now = time.time()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else []
    kept = [each for each in kept if now - each[0] < 2 * OVER_S] + [
        (now, {pod: s["cpu_stats"]["cpu_usage"]["total_usage"] for pod, s in stats.items()})
    ]
    KEPT.write_text(json.dumps(kept))
    first = next((each for each in kept if now - each[0] <= OVER_S + 3), kept[-1])
    made = {pod: ask(path, f"/containers/{pod}/json") for pod in stats}
    may = {pod: (said["HostConfig"].get("NanoCpus") or 1e9) / 1e9 for pod, said in made.items() if said}
    took = [
        (kept[-1][1][pod] - first[1][pod]) / 1e9 / (now - first[0]) / may[pod]
        for pod in may
        if pod in first[1] and now - first[0] > 8
    ]
    print(f"{100 * max(took, default=0.0):.1f}")


if __name__ == "__main__":
    main()
