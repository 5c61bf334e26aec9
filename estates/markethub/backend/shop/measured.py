"""Counts and times each request, for StatsD and for /metrics."""

import logging
import socket
import threading
import time
from collections import Counter

from django.conf import settings

log = logging.getLogger("shop")

_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
_lock = threading.Lock()
#: requests by status class, and their seconds; what /metrics shows
requests: Counter[str] = Counter()
seconds: Counter[str] = Counter()


def send(name: str, value: float, kind: str, **tags: str) -> None:
    """Send a metric in DogStatsD's format; nobody waits for it and nobody is told when it is lost."""
    if not settings.STATSD_ADDRESS:
        return
    host, _, port = settings.STATSD_ADDRESS.partition(":")
    said = f"|#{','.join(f'{key}:{each}' for key, each in tags.items())}" if tags else ""
    try:
        _socket.sendto(f"{name}:{value:g}|{kind}{said}".encode(), (host, int(port)))
    except OSError:
        return


class Measured:
    """Django's middleware for it; what a view raises is a 500 and a line of the log."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, request):
        began = time.monotonic()
        response = self.answer(request)
        took = time.monotonic() - began
        endpoint = request.path.strip("/").split("/")[1 if request.path.startswith("/api/") else 0] or "root"
        with _lock:
            requests[f"{response.status_code // 100}xx"] += 1
            seconds[endpoint] += took
        if request.path.startswith("/api/"):
            send("api.response_time", took, "h", endpoint=endpoint)
        return response

    def process_exception(self, request, problem):
        """Say what broke, in one line."""
        log.error("%s %s failed: %s: %s", request.method, request.path, type(problem).__name__, " ".join(str(problem).split()))
