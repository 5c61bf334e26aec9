"""Looks at the workers and queues of Celery. Workers are asked by Celery's own `inspect`, whose questions are messages to them;
a queue's list at a Redis broker is read and nothing is taken out of it.

Celery blocks, so everything runs in a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import redis
from celery import Celery  # type: ignore[import-untyped]
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.retry import Retry

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.celery.events import Listener
from watchkeeper.plugins.celery.waiting import Waiting
from watchkeeper.watch.aside import Aside
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look

_REDIS = ("redis://", "rediss://")
#: what kombu puts between a queue's name and a priority, and the priorities that have a list of their own
_SEPARATOR, _STEPS = "\x06\x16", (3, 6, 9)
_MOST_MESSAGE = 64_000
#: how far from its oldest end a list is searched for a message
_MOST_SEARCHED = 20_000
_MOST_GONE = 100
#: kombu ends a question only when a wait of a second for its answer is over
_LEAST_S = 2.0


class CeleryProbe:
    """The workers and queues of one broker. Failures are counted where workers send task events (`celery worker -E`).

    Lengths and ages of queues need a Redis broker. An age is known from our own looks on: Celery writes no time into a message.
    """

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the broker answers and at least one worker does, else 0",
        "seconds": "time until everything was read, in seconds",
        "workers": "workers that answered",
        "workers_missing": "how many fewer than the option `workers` says",
        "active_tasks": "tasks that workers carry out now",
        "reserved_tasks": "tasks that workers have taken and not begun",
        "queue_length": "messages that wait, in all queues",
        "queue_age_seconds": "for how long the oldest of them has waited at least, in seconds",
        "unacknowledged": "messages that workers have taken and not finished (Redis)",
        "failures_per_minute": "tasks that failed, a minute",
        "retries_per_minute": "tasks that are tried again, a minute",
        "successes_per_minute": "tasks that succeeded, a minute",
        "failure_percent": "share of the tasks ended since the last look that failed, in percent",
        "*": "queue_<name> and queue_<name>_age_seconds: the same of one queue",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "queue_length": ("queue_length",),
    }
    options: ClassVar[Mapping[str, str]] = {
        "broker": "address of the broker, such as redis://host:6379/0",
        "queues": 'names of queues (default ["celery"])',
        "workers": "how many workers there are to be; gives the reading workers_missing",
        "reply_within": "how long workers are waited for at most (default 1s, and never more than a quarter of the timeout)",
        "key_prefix": "what the application's global_keyprefix is, where it has one",
        "events": "false: do not listen to task events (default true)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._url = options.text("broker")
        self._queues = options.texts("queues") or ("celery",)
        named = [f"queue_{name}{end}" for name in self._queues for end in ("", "_age_seconds")]
        check_readings(signal, estate, [*(name for name in self.readings if name != "*"), *named])
        self._wanted = int(options.number("workers", 0, 0, 10_000)) if "workers" in signal.options else None
        self._timeout_s = signal.timeout_s
        if signal.timeout_s < _LEAST_S:
            said = f"The signal {signal.name} has a timeout of {signal.timeout_s:g} s, and asking workers takes longer."
            raise options.error("timeout", said, f'Write timeout = "{_LEAST_S:g}s" or more.')
        self._reply_s = min(options.duration("reply_within", 1.0, 0.05), signal.timeout_s / 4)
        self._prefix = options.text("key_prefix", "")
        self._waiting = {name: {key: Waiting() for key in self._keys(name)} for name in self._queues}
        self._took_s: float | None = None
        self._aside: Aside[Look] = Aside(f"celery {signal.name}")
        self._app = self._make_app(options)
        self._listener = Listener(self._app) if options.flag("events", True) else None

    async def look(self) -> Look:
        """Look once."""
        if self._aside.is_busy:
            return Look(problem="an earlier look is still waiting for the broker")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._aside.run(self._look)
        except TimeoutError:
            return Look({"up": 0.0, "seconds": self._timeout_s}, detail=f"no answer within {self._timeout_s:g} s")

    async def close(self) -> None:
        """Stop listening, and let go of connections."""
        if self._listener is not None:
            self._listener.stop()
        await asyncio.to_thread(self._app.close)

    def _look(self) -> Look:
        found = Found(time.monotonic())
        try:
            if self._url.startswith(_REDIS):
                self._read_queues(found)
            else:
                found.notes.append("lengths and ages of queues are read from a Redis broker only")
            if self._listener is not None:
                self._listener.start()
                self._read_events(self._listener, found)
            self._read_workers(found)
        except (AuthenticationError, NoPermissionError) as problem:
            return Look(problem=f"the broker does not let us in: {_words(problem)}")
        except (RedisError, KombuError, OSError) as problem:
            said = _words(problem)
            if any(word in said for word in ("NOAUTH", "WRONGPASS", "NOPERM", "ACCESS_REFUSED")):
                return Look(problem=f"the broker does not let us in: {said}")
            return Look({"up": 0.0}, detail=f"the broker gives no answer: {said}")
        found.put(seconds=time.monotonic() - found.now_s)
        return Look(found.values, detail="; ".join(found.notes))

    def _read_workers(self, found: Found) -> None:
        answers = self._inspect("ping")
        found.put(up=bool(answers), workers=len(answers))
        if self._wanted is not None:
            found.put(workers_missing=max(0, self._wanted - len(answers)))
        if not answers:
            found.notes.insert(0, f"no worker answered within {self._reply_s:g} s")
            return
        for reading, question in (("active_tasks", "active"), ("reserved_tasks", "reserved")):
            if time.monotonic() - found.now_s > self._timeout_s / 2:
                found.notes.append(f"{reading}: not asked for want of time")
                continue
            told = self._inspect(question, destination=sorted(answers), limit=len(answers))
            if len(told) < len(answers):
                found.notes.append(f"{reading}: only {len(told)} of {len(answers)} workers said")
            else:
                found.values[reading] = float(sum(len(tasks) for tasks in told.values()))

    def _inspect(self, question: str, **whom: Any) -> dict[str, Any]:
        """Ask the workers one question, on a connection of its own: kombu's wait for an answer outlives a question on a shared
        one, and takes the next question's answer with it."""
        with self._app.connection_for_write() as connection:
            inspect = self._app.control.inspect(timeout=self._reply_s, connection=connection, **whom)
            return getattr(inspect, question)() or {}

    def _read_events(self, listener: Listener, found: Found) -> None:
        taken, before, self._took_s = listener.take(), self._took_s, found.now_s
        if taken is None or before is None or found.now_s <= before:
            found.notes.append("nothing is known of failures until a worker sends task events (celery worker -E)")
            return
        counts, failed = taken
        per_minute = 60.0 / (found.now_s - before)
        bad, good = counts["task-failed"], counts["task-succeeded"]
        found.put(failures_per_minute=bad * per_minute, successes_per_minute=good * per_minute)
        found.put(retries_per_minute=counts["task-retried"] * per_minute)
        found.put(failure_percent=100.0 * bad / (bad + good) if bad + good else None)
        if failed is not None:
            found.notes.append(f"failed last: {failed}")

    def _read_queues(self, found: Found) -> None:
        limits = {"socket_timeout": self._timeout_s, "socket_connect_timeout": self._timeout_s}
        with redis.Redis.from_url(self._url, single_connection_client=True, retry=Retry(NoBackoff(), 0), **limits) as server:
            lengths, ages = [], []
            for name in self._queues:
                length, age = self._read_queue(server, name, found)
                lengths.append(length)
                ages.append(age)
            if None not in lengths:
                found.values["queue_length"] = float(sum(length or 0 for length in lengths))
                if None not in ages:
                    found.values["queue_age_seconds"] = max(age or 0.0 for age in ages)
            found.put(unacknowledged=int(server.hlen(f"{self._prefix}unacked")))

    def _read_queue(self, server: redis.Redis, name: str, found: Found) -> tuple[int | None, float | None]:
        total, ages = 0, []
        for key, waiting in self._waiting[name].items():
            try:
                length = int(server.llen(key))
                ages.append(_age(server, key, length, waiting, found.now_s))
            except NoPermissionError:
                raise
            except ResponseError as problem:
                found.notes.append(f"{name}: {_words(problem)}")
                return None, None
            total += length
        known = [age for age in ages if age is not None]
        age = max(known) if len(known) == len(ages) else None
        found.values[f"queue_{name}"] = float(total)
        if age is not None:
            found.values[f"queue_{name}_age_seconds"] = age
        return total, age

    def _keys(self, name: str) -> list[str]:
        """Give the lists of a queue: its own, and one for each lower priority."""
        return [f"{self._prefix}{name}", *(f"{self._prefix}{name}{_SEPARATOR}{step}" for step in _STEPS)]

    def _make_app(self, options: Any) -> Celery:
        if "://" not in self._url:
            raise ConfigError(
                f"{options.name('broker')} is not an address of a broker.",
                hint='Write broker = "redis://host:6379/0".',
                code="WK132",
                where=options.where("broker"),
            )
        app = Celery("watchkeeper", broker=self._url, set_as_current=False)
        patience = {"socket_timeout": self._timeout_s, "socket_connect_timeout": self._timeout_s}
        app.conf.update(
            broker_connection_timeout=self._timeout_s,
            broker_connection_retry=False,
            broker_connection_max_retries=0,
            broker_transport_options={**patience, "max_retries": 0, "global_keyprefix": self._prefix},
        )
        return app


def _age(server: redis.Redis, key: str, length: int, waiting: Waiting, now_s: float) -> float | None:
    """Find the oldest mark whose message still waits, and set one at the newest message."""
    for _ in range(_MOST_GONE):
        mark = waiting.oldest
        if mark is None or not length:
            break
        place = server.lpos(key, cast(str, mark.message), rank=-1, maxlen=_MOST_SEARCHED)
        if place is not None or length > _MOST_SEARCHED:
            break
        waiting.forget_oldest()
    age = waiting.age_s(now_s, length)
    newest = server.lindex(key, 0) if length else None
    if isinstance(newest, bytes) and len(newest) <= _MOST_MESSAGE:
        waiting.note(now_s, newest)
    return age


def _words(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:200] or type(problem).__name__
