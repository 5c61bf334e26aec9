"""Counts what the workers of Celery say by themselves: tasks that succeeded, failed or were retried.

Listening blocks, so it is a thread's; it takes nothing from anybody, since every listener gets the events. A worker that was not
started with -E says nothing of its tasks, and so nothing is known until a first event came.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from celery import Celery  # type: ignore[import-untyped]

_KINDS = ("task-succeeded", "task-failed", "task-retried")


class Listener:
    """Listens from `start` until `stop`; starts again after the broker was away."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(_KINDS, 0)
        self._failed: str | None = None
        self._has_heard = False
        self._is_whole = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, unless that is being done already."""
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                self._is_whole = False
            self._thread = threading.Thread(target=self._listen, name="celery events", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stop.set()

    def take(self) -> tuple[dict[str, int], str | None] | None:
        """Give the events since the last call, and the task that failed last; None where not all of them can be known."""
        with self._lock:
            counts, failed = self._counts, self._failed
            self._counts, self._failed = dict.fromkeys(_KINDS, 0), None
            whole, self._is_whole = self._is_whole, self._thread is not None and self._thread.is_alive()
            return (counts, failed) if whole and self._has_heard else None

    def _listen(self) -> None:
        handlers: dict[str, Any] = dict.fromkeys(_KINDS, self._count) | {"task-received": self._remember}
        names: dict[str, str] = {}
        self._names = names
        try:
            with self._app.connection_for_read() as connection:
                receiver = self._app.events.Receiver(connection, handlers=handlers)
                while not self._stop.is_set():
                    try:
                        receiver.capture(limit=None, timeout=0.5, wakeup=False)
                    except TimeoutError:
                        continue
        except Exception:
            # the broker is away, which the look itself says; what came meanwhile is not known
            with self._lock:
                self._is_whole = False

    def _remember(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            self._has_heard = True
            if len(self._names) > 10_000:
                self._names.clear()
            self._names[str(event.get("uuid"))] = str(event.get("name"))[:100]

    def _count(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            self._has_heard = True
            self._counts[str(event["type"])] += 1
            name = self._names.pop(str(event.get("uuid")), None)
            if event["type"] == "task-failed":
                # the exception's own text may hold what is nobody's business
                self._failed = f"{name or 'a task'} ({str(event.get('exception')).split('(')[0][:60]})"
