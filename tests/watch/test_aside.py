"""What blocks has a thread of its own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from watchkeeper.watch.aside import Aside


async def test_what_comes_of_it_and_what_goes_wrong() -> None:
    aside: Aside[int] = Aside("test")
    assert await aside.run(lambda: 6 * 7) == 42
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0)


async def test_nobody_waits_for_what_hangs_and_it_is_still_known() -> None:
    aside: Aside[bool] = Aside("test")
    release = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aside.run(lambda: release.wait(20))
    assert aside.is_busy
    release.set()
    for _ in range(200):
        if not aside.is_busy:
            break
        await asyncio.sleep(0.01)
    assert not aside.is_busy
