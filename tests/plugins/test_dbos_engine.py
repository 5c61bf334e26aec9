"""The engine's contract, on DBOS: drives until told to stop, goes on after a predecessor, loses nothing on closing."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from watchkeeper.base.errors import Conflict
from watchkeeper.plugins.dbos.engine import DbosEngine

URL = os.environ.get("WATCHKEEPER_TEST_DATABASE_URL", "")


class Work:
    """Stands for the interpreter: so many steps a run, noted as they are done."""

    def __init__(self, steps: int = 3, slow_s: float = 0.0) -> None:
        self.left = steps
        self.slow_s = slow_s
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.done = asyncio.Event()

    async def advance(self, run_id: str) -> bool:
        self.threads.add(threading.get_ident())
        self.calls.append(run_id)
        await asyncio.sleep(self.slow_s)
        self.left -= 1
        if self.left <= 0:
            self.done.set()
        return self.left > 0


@pytest.fixture
def run_id() -> str:
    """Give a run that no earlier test had, since a server keeps what they left."""
    return uuid4().hex


@pytest.fixture
async def open_engine(tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    opened: list[DbosEngine] = []

    async def make(work: Work) -> DbosEngine:
        engine = DbosEngine(tmp_path, URL)
        await engine.open(work.advance)
        opened.append(engine)
        return engine

    yield make
    for engine in opened:
        await engine.close(0.1)


async def test_it_drives_at_once_and_on_our_own_loop(open_engine: Callable[..., object], run_id: str) -> None:
    work = Work()
    engine = await open_engine(work)  # type: ignore[misc]
    began = time.perf_counter()
    await engine.drive(run_id, 1)
    async with asyncio.timeout(5):
        await work.done.wait()
    assert time.perf_counter() - began < 0.5
    assert work.calls == [run_id] * 3
    assert work.threads == {threading.get_ident()}


async def test_the_same_turn_again_changes_nothing_a_new_one_drives(open_engine: Callable[..., object], run_id: str) -> None:
    work = Work(steps=1)
    engine = await open_engine(work)  # type: ignore[misc]
    for turn in (1, 1, 2):
        await engine.drive(run_id, turn)
        await work.done.wait()
        await asyncio.sleep(0.05)
    assert work.calls == [run_id, run_id]


async def test_a_successor_takes_up_what_was_left(tmp_path: Path, run_id: str) -> None:
    first = Work(steps=100, slow_s=0.02)
    engine = DbosEngine(tmp_path, URL)
    await engine.open(first.advance)
    await engine.drive(run_id, 1)
    while len(first.calls) < 3:
        await asyncio.sleep(0.01)
    began = time.perf_counter()
    await engine.close()
    assert time.perf_counter() - began < 3
    done = len(first.calls)
    await asyncio.sleep(0.1)
    assert len(first.calls) == done

    second = Work(steps=2)
    engine = DbosEngine(tmp_path, URL)
    await engine.open(second.advance)
    try:
        async with asyncio.timeout(10):
            await second.done.wait()
    finally:
        await engine.close()
    assert second.calls == [run_id] * 2


async def test_a_second_process_on_the_same_state_is_refused(open_engine: Callable[..., object], tmp_path: Path) -> None:
    await open_engine(Work())  # type: ignore[misc]
    with pytest.raises(Conflict, match="Another Watchkeeper runs on"):
        await DbosEngine(tmp_path, URL).open(Work().advance)
