"""What the celery probe reads of a real worker and its queues in a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import doctest
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery  # type: ignore[import-untyped]

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.celery import waiting
from watchkeeper.plugins.celery.waiting import Waiting
from watchkeeper.watch.probe import Look, Probe

Make = Callable[..., Probe]
TASKS = """
import os, time
from celery import Celery
app = Celery("jobs", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
app.conf.update(worker_prefetch_multiplier=1)

@app.task(name="jobs.fine")
def fine():
    pass

@app.task(name="jobs.broken")
def broken():
    raise ValueError("card 4111 of anna")

@app.task(name="jobs.slow")
def slow(seconds):
    time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def broker(redis_port: int) -> str:
    url = f"redis://127.0.0.1:{redis_port}/3"
    with redis.Redis.from_url(url) as server:
        server.flushdb()
    return url


@pytest.fixture(scope="module")
def sender(broker: str) -> Iterator[Celery]:
    app = Celery("sender", broker=broker, set_as_current=False)
    yield app
    app.close()


@contextlib.contextmanager
def worker(broker: str, home: Path) -> Iterator[None]:
    (home / "jobs.py").write_text(TASKS)
    options = ["--pool", "threads", "--concurrency", "1", "--without-gossip", "--without-mingle", "--hostname", "jobs@shop", "-E"]
    command = [sys.executable, "-m", "celery", "-A", "jobs", "worker", *options, "--loglevel", "error"]
    environment = {**os.environ, "BROKER": broker, "C_FORCE_ROOT": "1"}
    with subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            yield
        finally:
            running.terminate()
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                running.kill()


async def until(probe: Probe, told: Callable[[Look], bool], do: Callable[[], None] = lambda: None) -> Look:
    """Look until it is told; what is to be told of is done every five seconds, since nothing tells when a listener listens."""
    until_s = time.monotonic() + 30
    done_at = 0.0
    while time.monotonic() < until_s:
        if time.monotonic() - done_at > 5:
            do()
            done_at = time.monotonic()
        look = await probe.look()
        if told(look):
            return look
        await asyncio.sleep(0.05)
    raise AssertionError(f"{look.values} {look.detail} {look.problem}")


async def test_a_queue_that_nobody_takes_from_grows_older_and_loses_nothing(probe: Make, broker: str, sender: Celery) -> None:
    made = probe(
        "celery", {"age": "queue_late_age_seconds"}, broker=broker, queues=["late", "other"], reply_within="0.1s", workers=1
    )
    empty = await made.look()
    assert (empty.values["up"], empty.values["workers"], empty.values["workers_missing"]) == (0.0, 0.0, 1.0)
    assert (empty.values["queue_length"], empty.values["queue_age_seconds"]) == (0.0, 0.0)
    assert "no worker answered within 0.1 s" in empty.detail
    for number, priority in ((1, 0), (2, 0), (3, 9)):
        sender.send_task("jobs.slow", (number,), queue="late", priority=priority)
    with redis.Redis.from_url(broker) as server:
        before = server.lrange("late", 0, -1)
        seen = await made.look()
        waited = await made.look()
        assert server.lrange("late", 0, -1) == before
        assert (seen.values["queue_late"], seen.values["queue_other"], seen.values["queue_length"]) == (3.0, 0.0, 3.0)
        assert 0 < waited.values["queue_late_age_seconds"] < 60
        assert waited.values["queue_age_seconds"] == waited.values["queue_late_age_seconds"]
        # what was seen waiting is taken, and a younger one waits: its age is not that of the old
        sender.send_task("jobs.fine", queue="late")
        await made.look()
        for _ in range(2):
            server.rpop("late")
        server.delete("late\x06\x169")
        younger = await made.look()
        assert younger.values["queue_late"] == 1.0
        assert younger.values["queue_late_age_seconds"] < waited.values["queue_late_age_seconds"] + 1
        server.flushdb()
    fresh = probe("celery", broker=broker, queues=["late"], reply_within="0.1s")
    sender.send_task("jobs.fine", queue="late")
    first = await fresh.look()
    assert (first.values["queue_late"], "queue_late_age_seconds" in first.values) == (1.0, False)


async def test_a_worker_its_tasks_and_what_fails(probe: Make, broker: str, sender: Celery, tmp_path: Path) -> None:
    made = probe("celery", broker=broker, reply_within="0.5s", workers=2)
    with worker(broker, tmp_path):
        alive = await until(made, lambda look: look.values.get("workers") == 1)
        assert (alive.values["up"], alive.values["workers_missing"]) == (1.0, 1.0)
        assert (alive.values["active_tasks"], alive.values["reserved_tasks"]) == (0.0, 0.0)
        assert "failures_per_minute" not in alive.values

        def work() -> None:
            for task in ("jobs.fine", "jobs.broken", "jobs.fine"):
                sender.send_task(task)

        failed = await until(made, lambda look: look.values.get("failures_per_minute", 0) > 0, work)
        assert "failed last: jobs.broken (ValueError)" in failed.detail
        assert "4111" not in failed.detail
        assert 0 < failed.values["failure_percent"] <= 100
        sender.send_task("jobs.slow", (2,))
        busy = await until(made, lambda look: look.values.get("active_tasks") == 1)
        assert busy.values["unacknowledged"] >= 0
        well = await made.look()
        assert well.values["failures_per_minute"] == 0.0


async def test_a_broker_that_is_away_hangs_or_does_not_let_us_in(probe: Make, closed_port: int, peer: Any) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4_096):
            writer.write(b"-NOAUTH Authentication required.\r\n" * 3)
            await writer.drain()

    away = await probe("celery", broker=f"redis://127.0.0.1:{closed_port}/0", events=False).look()
    assert (away.values, away.problem) == ({"up": 0.0}, None)
    began = time.monotonic()
    waits = await probe("celery", timeout_s=2.0, broker=f"redis://127.0.0.1:{await peer(hang)}/0", events=False).look()
    assert waits.values["up"] == 0.0
    assert time.monotonic() - began < 30
    blind = await probe("celery", broker=f"redis://127.0.0.1:{await peer(refuse)}/0", events=False).look()
    assert blind.values == {}
    assert "does not let us in" in (blind.problem or "")


def test_the_age_of_a_queue_that_moves() -> None:
    assert doctest.testmod(waiting).failed == 0
    queue = Waiting()
    for second in range(1_000):
        queue.age_s(float(second), 1)
        queue.note(float(second), b"%d" % second)
    assert queue.age_s(1_000.0, 1) == 1_000.0
    assert queue.oldest is not None
    queue.forget_oldest()
    assert 800 < (queue.age_s(1_000.0, 1) or 0) < 1_000
    assert queue.age_s(1_001.0, 0) == 0.0
    assert queue.oldest is None


@pytest.mark.parametrize(
    ("metrics", "options"),
    [
        ({}, {"broker": "localhost"}),
        ({}, {}),
        ({}, {"broker": "redis://x", "timeout_s": 1.0}),
        ({"x": "queue_mail"}, {"broker": "redis://x", "queues": ["other"]}),
    ],
)
def test_options_that_cannot_be_used_are_refused(probe: Make, metrics: dict[str, str], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        probe("celery", metrics, **options)
    assert caught.value.where
