"""What blocks has a thread of its own, and who hears its answer may ask again at once."""

from __future__ import annotations

import asyncio
import threading

from watchkeeper.watch.aside import Aside


async def test_who_heard_an_answer_may_ask_again_at_once() -> None:
    aside: Aside[int] = Aside("try")
    for number in range(300):
        assert not aside.is_busy
        assert await aside.run(lambda number=number: number) == number


async def test_a_deed_that_hangs_is_busy_until_it_ends() -> None:
    aside: Aside[bool] = Aside("try")
    go_on = threading.Event()
    hanging = aside.run(go_on.wait)
    task = asyncio.ensure_future(hanging)
    while not aside.is_busy:
        await asyncio.sleep(0)
    assert aside.is_busy
    go_on.set()
    assert await task
    assert not aside.is_busy
